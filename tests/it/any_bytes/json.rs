//! The JSON reader beside `serde_json`: what one of them reads the other reads too, as the same value.

use serde_json::{Map, Value};
use stateward::cursor::{Cursor as _, Scalar};
use stateward::json::{Reader, whole};

/// How many arrays and objects may be in one another: as many as `serde_json` takes.
const DEPTH: usize = 127;

/// Reads bytes with both.
///
/// # Panics
/// They differ.
pub fn check(bytes: &[u8]) {
    let theirs = serde_json::from_slice(bytes).map(ordinary).ok();
    let Ok(mut reader) = Reader::from_slice(bytes) else {
        assert_eq!(theirs, None, "{}", bytes.escape_ascii());
        return;
    };
    let read = value(&mut reader, DEPTH);
    let ours = reader.end().ok().and(read).map(ordinary);
    assert_eq!(ours, theirs, "{}", bytes.escape_ascii());

    let text = String::from_utf8_lossy(bytes);
    let passes = whole(&text, |reader| reader.pass()).is_ok();
    assert!(passes || ours.is_none(), "reads but does not pass {text}");
}

/// A value of any type, by the functions that projections have; `None` where it is too deep.
fn value(reader: &mut Reader<'_>, depth: usize) -> Option<Value> {
    let text = reader.clone().raw().unwrap_or_default();
    Some(match text.bytes().next() {
        Some(b'{') => {
            let depth = depth.checked_sub(1)?;
            let mut object = Map::new();
            let mut members = reader.object()?;
            while let Some(name) = reader.entry(&mut members) {
                object.insert(name.into_owned(), value(reader, depth)?);
            }
            object.into()
        }
        Some(b'[') => {
            let depth = depth.checked_sub(1)?;
            let mut array = Vec::new();
            let mut elements = reader.array()?;
            while reader.element(&mut elements) {
                array.push(value(reader, depth)?);
            }
            array.into()
        }
        Some(b't' | b'f') => reader.boolean().into(),
        Some(_) => match reader.scalar()? {
            Scalar::Number(number) => number.into(),
            Scalar::Text(text) => text.into(),
        },
        None => {
            reader.pass();
            Value::Null
        }
    })
}

/// The value with one zero: `-0` is an integer to us, as to Go, and a float to `serde_json`.
fn ordinary(value: Value) -> Value {
    match value {
        Value::Number(number) if number.as_f64() == Some(0.0) => 0.into(),
        Value::Array(items) => items.into_iter().map(ordinary).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, ordinary(value)))
            .collect(),
        other => other,
    }
}
