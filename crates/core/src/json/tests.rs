//! The reader beside `serde_json`, and at the edges of its blocks.

use std::borrow::Cow;

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use super::*;

#[test]
fn reads_what_is_asked_for_and_skips_the_rest() {
    #[derive(Deserialize)]
    struct Part<'a> {
        #[serde(borrow)]
        name: Cow<'a, str>,
        count: Option<i64>,
        #[serde(borrow)]
        raw: Raw<'a>,
    }
    let text = r#" { "x" : [ "]\"", { "}" : -1.5e3 } ] , "name":"a","count":null,"raw": {"k":[1, 2]} , "y":true } "#;
    let part: Part<'_> = from_str(text).unwrap();
    assert!(matches!(part.name, Cow::Borrowed("a")));
    assert_eq!(part.count, None);
    assert_eq!(part.raw.0, r#"{"k":[1, 2]}"#);
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
            assert_eq!(Reader::new(&text).raw().unwrap(), Some(&*value), "{before} {inner}");
        }
    }
}

#[test]
fn says_what_is_wrong_and_where() {
    let why = |text: &str| from_str::<Value>(text).unwrap_err().to_string();
    assert_eq!(why("{\n \"a\" 1}"), "expected a colon at line 2 column 6");
    assert_eq!(why("[1,]"), "trailing comma at line 1 column 4");
    assert_eq!(why("[1 2]"), "expected a comma or the end at line 1 column 4");
    assert_eq!(why("[1] 2"), "trailing characters at line 1 column 5");
    assert_eq!(why(""), "EOF while parsing a value at line 1 column 1");
    assert_eq!(why("nul"), "expected a value at line 1 column 1");
    assert_eq!(why("01"), "invalid number at line 1 column 3");
    assert_eq!(why(r#""\x""#), "invalid escape at line 1 column 5");
    assert_eq!(why("\"a\nb\""), "control character within a string at line 1 column 3");
    assert_eq!(
        from_str::<Vec<u32>>("[1,\"x\"]").unwrap_err().to_string(),
        "invalid type: string \"x\", expected u32 at line 1 column 7"
    );
    let why = from_slice::<Value>(b"[1,\n\"\xff\"]").unwrap_err().to_string();
    assert_eq!(why, "invalid UTF-8 at line 2 column 2");
    for open in ["[[", "{\"a\":[", "\"", "\"\\", "\"\\\"", "[\"]"] {
        assert!(
            Reader::new(open).raw().unwrap_err().to_string().starts_with("EOF"),
            "{open}"
        );
    }
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
        prop_assert_eq!(from_str::<Value>(&text).unwrap(), serde_json::from_str::<Value>(&text).unwrap());
    }

    #[test]
    fn skips_exactly_one_value(value in values(), after in "[ ,\\]}\"a]{0,3}") {
        // A number has no end of its own.
        prop_assume!(!value.is_number() || after.is_empty() || after.starts_with([' ', ',', ']', '}']));
        let text = json!([value]).to_string();
        let body = format!("{}{after}", &text[1..text.len() - 1]);
        let skipped = Reader::new(&body).raw().unwrap();
        prop_assert_eq!(skipped.unwrap_or("null"), &text[1..text.len() - 1]);
    }

    #[test]
    fn takes_no_text_that_serde_json_refuses(text in "[\\[\\]{}\":,0-9a-z\\\\ .-]{0,12}") {
        // An integer to us and to Go, a float to them.
        prop_assume!(!text.contains("-0"));
        let theirs = serde_json::from_str::<Value>(&text).ok();
        prop_assert_eq!(from_str::<Value>(&text).ok(), theirs);
    }

    #[test]
    fn no_text_ends_in_a_panic(text in "\\PC{0,80}") {
        let _ = Reader::new(&text).raw();
        let _ = from_str::<Value>(&text);
    }
}
