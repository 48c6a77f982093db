//! Input that is made to hurt ends in an error; time and memory stay bounded by the limits.

use super::{ProblemKind, json, problem, read, root};
use crate::limits::{ALIAS_LIMIT, DEPTH_LIMIT, NODE_LIMIT, PROBLEM_LIMIT, RESTART_LIMIT, SCALAR_LIMIT, TEXT_LIMIT};

/// Reads the text with a good document behind it, which must survive.
fn kind_of(text: &str) -> ProblemKind {
    let reading = read(format!("{text}\n---\nok: 1\n"));
    assert_eq!(json(&reading), [r#"{"ok":1}"#]);
    problem(&reading).kind
}

#[test]
fn billion_laughs() {
    let mut text = "a0: &a0 [lol, lol]\n".to_owned();
    for level in 1..40 {
        text += &format!("a{level}: &a{level} [*a{0}, *a{0}, *a{0}, *a{0}]\n", level - 1);
    }
    assert_eq!(kind_of(&text), ProblemKind::TooLarge);
    let mut text = "m0: &m0 {x: 1, y: 2}\n".to_owned();
    for level in 1..40 {
        text += &format!(
            "m{level}: &m{level} {{<<: [*m{0}, *m{0}], k{level}: *m{0}}}\n",
            level - 1
        );
    }
    assert_eq!(kind_of(&text), ProblemKind::TooLarge);
}

#[test]
fn a_long_string_with_many_aliases() {
    let text = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), "*a, ".repeat(10_000));
    assert_eq!(kind_of(&text), ProblemKind::TooLarge);
}

#[test]
fn moderate_use_of_aliases_is_fine() {
    const { assert!(10_000 * 6 < ALIAS_LIMIT) };
    let text = format!("a: &a {{b: [1, 2, 3]}}\nc: [{}]\n", "*a, ".repeat(10_000));
    let reading = read(text);
    assert_eq!(reading.problems(), []);
    assert_eq!(root(&reading, 0).locate("/c/9999/b/2").node.to_json(), 3);
}

#[test]
fn aliases_do_not_nest_deeper_than_brackets_may() {
    let nest = |inner: &str| format!("{}{inner}{}", "[".repeat(60), "]".repeat(60));
    let text = format!("a: &a {}\nb: &b {}\nc: {}\n", nest("x"), nest("*a"), nest("*b"));
    assert_eq!(kind_of(&text), ProblemKind::TooLarge);
    let text = format!("a: &a {}\nb: {}\n", nest("x"), nest("*a"));
    assert_eq!(read(text).problems(), []);
}

#[test]
fn an_anchor_in_itself() {
    assert_eq!(kind_of("a: &a [*a]"), ProblemKind::Syntax);
    assert_eq!(kind_of("&a b: {<<: *a}\nc: &c {<<: *c}"), ProblemKind::Syntax);
}

#[test]
fn brackets_without_end() {
    kind_of(&"[".repeat(100_000));
    kind_of(&"{a: ".repeat(100_000));
    kind_of(&"- ".repeat(100_000));
    kind_of(&"? ".repeat(100_000));
    kind_of(&"[{".repeat(50_000));
    kind_of(&"a: \"".repeat(10_000));
}

#[test]
fn deep_blocks() {
    let block = |depth: usize| {
        (0..depth)
            .map(|level| format!("{}k:\n", " ".repeat(level)))
            .collect::<String>()
    };
    kind_of(&block(5_000));
    kind_of(&block(DEPTH_LIMIT + 1));
    assert_eq!(read(block(DEPTH_LIMIT - 1)).problems(), []);
    let reading = read(format!("{}{}", "[".repeat(DEPTH_LIMIT), "]".repeat(DEPTH_LIMIT)));
    assert_eq!(reading.problems(), []);
    assert_eq!(root(&reading, 0).to_json().to_string().len(), 2 * DEPTH_LIMIT);
}

#[test]
fn gigantic_scalars() {
    for text in ["a: ", "a: \"", "a: |\n  ", "a: \"\\t"] {
        let end = if text.contains('"') { "\"" } else { "" };
        let text = format!("{text}{}{end}", "x".repeat(SCALAR_LIMIT + 1));
        assert_eq!(kind_of(&text), ProblemKind::TooLarge);
    }
    kind_of(&format!("{}: 1", "k".repeat(SCALAR_LIMIT + 1)));
    kind_of(&format!("a: &{} x\nb: *nope", "k".repeat(SCALAR_LIMIT)));
}

#[test]
fn too_much_text() {
    let reading = read(vec![b'#'; TEXT_LIMIT + 1]);
    assert_eq!(
        (problem(&reading).kind, json(&reading).len()),
        (ProblemKind::TooLarge, 0)
    );
}

#[test]
fn too_many_nodes() {
    assert_eq!(
        kind_of(&format!("[{}]", "1,".repeat(NODE_LIMIT))),
        ProblemKind::TooLarge
    );
}

#[test]
fn too_many_problems() {
    let reading = read("---\n[\n".repeat(2 * PROBLEM_LIMIT));
    assert_eq!(reading.problems().len(), PROBLEM_LIMIT + 1);
    assert!(
        reading
            .problems()
            .last()
            .unwrap()
            .message
            .contains("the rest of the text is not read")
    );
    let reading = read(format!("{{{}}}", "a: 1, ".repeat(2 * PROBLEM_LIMIT)));
    assert_eq!(reading.problems().len(), PROBLEM_LIMIT);
}

#[test]
fn many_small_documents() {
    let reading = read("--- a\n".repeat(100_000));
    assert_eq!((reading.documents().count(), reading.problems().len()), (100_000, 0));
}

#[test]
fn many_json_objects() {
    let reading = read("{}".repeat(RESTART_LIMIT + 1));
    assert_eq!(
        (reading.documents().count(), reading.problems().len()),
        (RESTART_LIMIT + 1, 0)
    );
    let reading = read(format!("{}\n---\nok: 1\n", "{} ".repeat(RESTART_LIMIT + 3)));
    assert_eq!(
        (reading.documents().count(), problem(&reading).kind),
        (RESTART_LIMIT + 2, ProblemKind::Syntax)
    );
}

#[test]
fn no_bytes_make_it_panic() {
    use proptest::prelude::*;
    let bit = prop_oneof![
        Just("---\n"),
        Just("a: "),
        Just("\n"),
        Just("  "),
        Just("- "),
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just("\""),
        Just("'"),
        Just("&x "),
        Just("*x"),
        Just("<<: "),
        Just("{{ .Values.a }}"),
        Just("{{"),
        Just("# c\n"),
        Just("\u{feff}"),
        Just("é"),
        Just("|\n"),
        Just("? "),
        Just(": "),
        Just(","),
        Just("!!int "),
        Just("1_0"),
        Just("kind: List\nitems:\n"),
        Just("\r\n"),
        Just("...\n"),
        Just("%YAML 1.2\n"),
        Just("\t"),
        Just("\0"),
    ];
    let bytes = prop_oneof![
        8 => prop::collection::vec(bit, 0..24).prop_map(|bits| bits.concat().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..64),
    ];
    proptest!(ProptestConfig::with_cases(2000), |(bytes in bytes)| {
        let reading = read(bytes);
        for document in reading.documents() {
            let root = document.root();
            let json = root.to_json();
            prop_assert!(!json.is_null());
            prop_assert_eq!(root.to::<serde_json::Value>().unwrap(), json);
            prop_assert!(reading.text().get(root.span()).is_some());
            prop_assert_eq!(reading.document_of(root.id()).map(|found| found.root().id()), Some(root.id()));
            prop_assert!(document.comments().all(|comment| comment.starts_with('#')));
        }
        for problem in reading.problems() {
            prop_assert!(problem.position.offset as usize <= reading.text().len());
        }
    });
}
