//! The reader beside `serde_json`, and at the edges of its blocks.

use std::borrow::Cow;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::cursor::{Cursor, Scalar, list, members};

/// Reads a whole text into a value of any type, through the cursor alone.
fn read(text: &str) -> Result<Value, Error> {
    whole(text, value)
}

fn value(reader: &mut Reader<'_>) -> Value {
    match reader.peek() {
        Some(b'{') => {
            let mut object = serde_json::Map::new();
            let mut members = reader.object().unwrap();
            while let Some(name) = reader.entry(&mut members) {
                object.insert(name.into_owned(), value(reader));
            }
            object.into()
        }
        Some(b'[') => list(reader, value).unwrap().into(),
        Some(b't' | b'f') => reader.boolean().into(),
        _ => match reader.scalar() {
            Some(Scalar::Number(number)) => number.into(),
            Some(Scalar::Text(text)) => text.into(),
            None => Value::Null,
        },
    }
}

#[test]
fn reads_what_is_asked_for_and_skips_the_rest() {
    let text = r#" { "x" : [ "]\"", { "}" : -1.5e3 } ] , "name":"a","count":null,"raw": {"k":[1, 2]} , "y":true } "#;
    let (mut name, mut count, mut raw) = (None, Some(1), None);
    let there = whole(text, |reader| {
        members!(reader, {
            "count" => count = reader.integer(),
            "name" => name = reader.text(),
            "raw" => raw = reader.raw(),
        })
    });
    assert!(there.unwrap());
    assert!(matches!(name, Some(Cow::Borrowed("a"))));
    assert_eq!((count, raw), (None, Some(r#"{"k":[1, 2]}"#)));
}

#[test]
fn a_member_that_is_read_stands_once() {
    let twice = |text| {
        let (mut a, mut b) = (None, None);
        let read = whole(
            text,
            |reader| members!(reader, { "a" => a = reader.integer(), "b" => b = reader.text() }),
        );
        read.map(|there| (there, a, b.map(Cow::into_owned)))
            .map_err(|error| error.to_string())
    };
    assert_eq!(
        twice(r#"{"c":1,"a":1,"c":2,"b":"\u0062"}"#),
        Ok((true, Some(1), Some("b".to_owned())))
    );
    assert_eq!(twice("null"), Ok((false, None, None)));
    assert_eq!(
        twice(r#"{"a":1,"\u0061":2}"#).unwrap_err(),
        "a field stands twice at line 1 column 17"
    );
}

#[test]
fn skips_over_every_edge_of_a_block() {
    for before in 0..200 {
        for inner in [
            r#""\"}""#,
            r#""\\""#,
            r#"{"a":"\\\\\"]"}"#,
            "[[],{}]",
            "1",
            r#""é\u0000""#,
        ] {
            let value = format!(r#"["{}",{inner}]"#, "x".repeat(before));
            let text = format!("{value}]]");
            assert_eq!(Reader::new(&text).raw(), Some(&*value), "{before} {inner}");
        }
    }
}

#[test]
fn nonsense_that_nobody_reads_is_passed() {
    for nonsense in [
        "01",
        "-",
        "1.e",
        "nul",
        "True",
        "\"\\x\"",
        "\"a\nb\"",
        "\"\\\"\u{1}\"",
        "[\"\u{0}\",-]",
        "{1:}",
    ] {
        let text = format!(r#"{{"a":{nonsense},"b":1}}"#);
        let mut b = None;
        whole(&text, |reader| members!(reader, { "b" => b = reader.integer() })).unwrap();
        assert_eq!(b, Some(1), "{nonsense}");
    }
    for nothing in ["{\"a\":,\"b\":1}", "{\"a\":}"] {
        let mut b = None;
        let failure = whole(nothing, |reader| members!(reader, { "b" => b = reader.integer() })).unwrap_err();
        assert!(failure.to_string().starts_with("expected a value"), "{failure}");
    }
}

#[test]
fn says_what_is_wrong_and_where() {
    let why = |text: &str| read(text).unwrap_err().to_string();
    assert_eq!(why("{\n \"a\" 1}"), "expected a colon at line 2 column 6");
    assert_eq!(why("[1,]"), "expected a value at line 1 column 4");
    assert_eq!(why("[1 2]"), "expected a comma or the end at line 1 column 4");
    assert_eq!(why("[1] 2"), "trailing characters at line 1 column 5");
    assert_eq!(why(""), "EOF while parsing a value at line 1 column 1");
    assert_eq!(why("?"), "expected a value at line 1 column 1");
    assert_eq!(why("01"), "invalid number at line 1 column 3");
    assert_eq!(why(r#""\x""#), "invalid escape at line 1 column 5");
    assert_eq!(why("\"a\nb\""), "control character within a string at line 1 column 3");
    let why = Reader::from_slice(b"[1,\n\"\xff\"]").unwrap_err().to_string();
    assert_eq!(why, "invalid UTF-8 at line 2 column 2");
    for open in ["[[", "{\"a\":[", "\"", "\"\\", "\"\\\"", "[\"]"] {
        let failure = whole(open, |reader| reader.raw().is_some()).unwrap_err();
        assert!(failure.to_string().starts_with("EOF"), "{open}");
    }
}

#[test]
fn tells_of_a_value_its_type_alone() {
    let why = |text: &str, read: fn(&mut Reader<'_>) -> bool| whole(text, read).unwrap_err().to_string();
    for (text, read, told) in [
        (
            "[1]",
            integer as fn(&mut Reader<'_>) -> bool,
            "a list, expected an integer",
        ),
        (" \"x\"", integer, "a string, expected an integer"),
        ("1.5", integer, "a number, expected an integer"),
        ("18446744073709551615", integer, "a number, expected an integer"),
        ("true", |reader| reader.text().is_some(), "a boolean, expected a string"),
        ("{}", |reader| reader.array().is_some(), "an object, expected a list"),
        ("1", |reader| reader.object().is_some(), "a number, expected an object"),
        ("nil", |reader| reader.boolean().is_some(), "null, expected a boolean"),
    ] {
        let column = 1 + text.len() - text.trim_start().len();
        assert_eq!(
            why(text, read),
            format!("invalid type: {told} at line 1 column {column}")
        );
    }
}

fn integer(reader: &mut Reader<'_>) -> bool {
    reader.integer().is_some()
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z\"\\\\{}\\[\\]:,]{0,20}",
        "\\PC{0,8}",
        "[\u{0}-\u{7f}]{0,8}",
        "[a-z/.]{20,90}"
    ]
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e9..1e9).prop_map(Value::from),
        texts().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((texts(), inner), 0..6).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reads_as_serde_json_does(value in values(), pretty in any::<bool>()) {
        let text = if pretty { format!("{value:#}") } else { value.to_string() };
        prop_assert_eq!(read(&text).unwrap(), serde_json::from_str::<Value>(&text).unwrap());
    }

    #[test]
    fn skips_exactly_one_value(value in values(), after in "[ ,\\]}\"a]{0,3}") {
        // Only strings and containers have an end of their own.
        let has_end = value.is_string() || value.is_array() || value.is_object();
        prop_assume!(has_end || after.is_empty() || after.starts_with([' ', ',', ']', '}']));
        let text = json!([value]).to_string();
        let body = format!("{}{after}", &text[1..text.len() - 1]);
        let skipped = Reader::new(&body).raw();
        prop_assert_eq!(skipped.unwrap_or("null"), &text[1..text.len() - 1]);
    }

    #[test]
    fn takes_no_text_that_serde_json_refuses(text in "[\\[\\]{}\":,0-9a-z\\\\ .-]{0,12}") {
        // An integer to us and to Go, a float to them.
        prop_assume!(!text.contains("-0"));
        let theirs = serde_json::from_str::<Value>(&text).ok();
        prop_assert_eq!(read(&text).ok(), theirs);
    }

    #[test]
    fn no_text_ends_in_a_panic(text in "\\PC{0,80}") {
        Reader::new(&text).raw();
        let _ = read(&text);
    }
}
