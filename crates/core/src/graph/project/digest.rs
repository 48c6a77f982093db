//! Numbers by which values compare that no rule reads.

use std::fmt::Write as _;

use crate::cursor::{Cursor, Form, Scalar};
use crate::fnv::Fnv;

/// Kubernetes stores nothing that is nested deeper, and nobody may make us go down for ever.
const DEPTH: usize = 32;

/// A number for the value here: the same for equal values, in whatever order their members stand; 0 for what is null
/// or empty, which means what it does to leave it out. `but` are JSON pointers to what does not count.
pub(super) fn digest<'a, C: Cursor<'a>>(cursor: &mut C, but: &[&str]) -> u32 {
    let digest = value(cursor, but, DEPTH);
    // Good against accidents, and half the room.
    (digest >> 32) as u32 ^ digest as u32
}

fn value<'a, C: Cursor<'a>>(cursor: &mut C, but: &[&str], depth: usize) -> u64 {
    match cursor.form() {
        Form::Object if depth > 0 => object(cursor, but, depth - 1),
        Form::List if depth > 0 => list(cursor, depth - 1),
        Form::Scalar => match cursor.scalar() {
            Some(Scalar::Text(text)) => Fnv::default().text("text").text(&text).number(),
            Some(Scalar::Number(number)) => {
                let mut fnv = Fnv::default();
                // To a hash it is never refused.
                let _ = write!(fnv, "{number}");
                fnv.number()
            }
            None => 0,
        },
        Form::Boolean => match cursor.boolean() {
            Some(true) => 1,
            Some(false) => 2,
            None => 0,
        },
        Form::Null | Form::Object | Form::List => {
            cursor.pass();
            0
        }
    }
}

fn object<'a, C: Cursor<'a>>(cursor: &mut C, but: &[&str], depth: usize) -> u64 {
    let Some(mut members) = cursor.object() else {
        return 0;
    };
    let mut sum = 0_u64;
    while let Some(name) = cursor.entry(&mut members) {
        let below = but
            .iter()
            .filter_map(|pointer| pointer.strip_prefix('/')?.strip_prefix(&*name));
        let below: Vec<&str> = below.collect();
        let value = if below.contains(&"") {
            cursor.pass();
            0
        } else {
            value(cursor, &below, depth)
        };
        if value != 0 {
            sum = sum.wrapping_add(Fnv::default().text(&name).with(value).number());
        }
    }
    sum
}

fn list<'a, C: Cursor<'a>>(cursor: &mut C, depth: usize) -> u64 {
    let Some(mut elements) = cursor.array() else {
        return 0;
    };
    let (mut fnv, mut any) = (Fnv::default(), false);
    while cursor.element(&mut elements) {
        fnv = fnv.with(value(cursor, &[], depth));
        any = true;
    }
    if any { fnv.number() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Reader;

    fn of(json: &str) -> u32 {
        digest(&mut Reader::new(json), &["/accessModes", "/resources/requests/storage"])
    }

    #[test]
    fn equal_values_have_one_number_and_others_have_others() {
        let full = r#"{"a":{"b":[1,"x",true],"c":"1"}}"#;
        assert_eq!(
            of(full),
            of(r#"{ "n": null, "a": {"c": "1", "e": {}, "b": [1, "x", true], "l": []} }"#)
        );
        for other in [
            r#"{"a":{"b":["x",1,true],"c":"1"}}"#,
            r#"{"a":{"b":[1,"x",false],"c":"1"}}"#,
            r#"{"a":{"b":[1,"x",true],"c":1}}"#,
            r#"{"a":{"b":[1,"x",true],"d":"1"}}"#,
            r#"{"c":"1","a":{"b":[1,"x",true]}}"#,
        ] {
            assert_ne!(of(full), of(other), "{other}");
        }
        assert_eq!([of("{}"), of("null"), of("[]")], [0; 3]);
    }

    #[test]
    fn what_does_not_count_may_differ() {
        let one = of(r#"{"accessModes":["a"],"resources":{"requests":{"storage":"1Gi"},"limits":{"storage":"2Gi"}}}"#);
        assert_eq!(
            one,
            of(r#"{"resources":{"limits":{"storage":"2Gi"},"requests":{"storage":"9Gi"}}}"#)
        );
        assert_ne!(one, of(r#"{"resources":{"limits":{"storage":"3Gi"}}}"#));
        assert_eq!(
            of(r#"{"accessModes":["a"],"resources":{"requests":{"storage":"1Gi"}}}"#),
            0
        );
    }

    #[test]
    fn whatever_is_nested_ends() {
        let deep = format!(
            "{}{}",
            r#"{"a":"#.repeat(100_000),
            "1".to_owned() + &"}".repeat(100_000)
        );
        assert_eq!(of(&deep), 0);
    }
}
