//! Edits in every style that manifests are written in.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{EditError, Rewritten, rewrite};
use crate::{Reading, read};

/// Adds a value at a JSON pointer of the first document.
fn add(reading: &Reading, pointer: &str, value: Json) -> Result<String, EditError> {
    add_to(reading, "", 0, pointer, value)
}

/// Adds a value at a JSON pointer of a part of a document.
fn add_to(reading: &Reading, part: &str, index: usize, pointer: &str, value: Json) -> Result<String, EditError> {
    let root = reading.document(index).expect("a document").root();
    let node = root.locate(part).node;
    let mut json = node.to_json();
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    match json.pointer_mut(parent).expect("a parent") {
        Json::Object(members) => drop(members.insert(key.to_owned(), value)),
        Json::Array(items) => items.push(value),
        other => panic!("{other} holds nothing"),
    }
    match rewrite(reading, &[(node.id(), &json)]) {
        Rewritten { text, left } if left.is_empty() => Ok(text.unwrap_or_else(|| reading.text().to_owned())),
        Rewritten { text, mut left } => {
            assert_eq!((text, left.len()), (None, 1));
            Err(left.remove(0))
        }
    }
}

#[test]
fn all_documents_are_changed_but_those_that_cannot_be() {
    let text = (0..9).map(|number| match number {
        2 => "s: {a: &x 1, b: *x}\n---\n".to_owned(),
        6 => "s:\n  ? a\n  : x\n---\n".to_owned(),
        _ => format!("s:\n  a: {number} # kept\n---\n"),
    });
    let reading = read(text.collect::<String>());
    let new: Vec<Json> = (0..9).map(|number| json!({"s": {"a": "x", "b": number}})).collect();
    let ids = reading.documents().map(|document| document.root().id());
    let wanted: Vec<_> = ids
        .zip(&new)
        .enumerate()
        .filter(|(index, _)| *index != 4)
        .map(|(_, one)| one)
        .collect();
    let Rewritten { text, left } = rewrite(&reading, &wanted);
    let after = read(text.expect("some can be changed"));
    let left: Vec<String> = left.iter().map(ToString::to_string).collect();
    assert_eq!(
        left,
        [
            "7:17: what is to be changed stands behind an alias",
            "18:1: the document is written in a way that cannot be edited safely"
        ]
    );
    for (index, document) in after.documents().enumerate() {
        let is_kept = [2, 4, 6].contains(&index);
        let expected = if is_kept {
            reading.document(index).unwrap().root().to_json()
        } else {
            new[index].clone()
        };
        assert_eq!(document.root().to_json(), expected);
    }
}

/// The text after `value` was added at `pointer`.
fn added(text: &str, pointer: &str, value: Json) -> String {
    let edited = add(&read(text), pointer, value.clone()).unwrap_or_else(|error| panic!("{error}: {text}"));
    let again = add(&read(edited.clone()), pointer, value);
    if !pointer.ends_with('-') {
        assert_eq!(again.as_ref(), Ok(&edited), "twice is once");
    }
    edited
}

fn refused(text: &str, pointer: &str, value: Json) -> String {
    add(&read(text), pointer, value).expect_err("refused").to_string()
}

#[test]
fn an_entry_goes_where_the_alphabet_has_it() {
    let before = "spec:\n  # Three, for the quorum.\n  replicas: 3 # odd\n  selector: {a: b}\n    # of the pods\n\n  # The pods.\n  template: {}\n";
    assert_eq!(
        added(before, "/spec/serviceName", "db".into()),
        "spec:\n  # Three, for the quorum.\n  replicas: 3 # odd\n  selector: {a: b}\n    # of the pods\n  serviceName: db\n\n  \
         # The pods.\n  template: {}\n"
    );
    assert_eq!(
        added(before, "/spec/a", 1.into()),
        "spec:\n  a: 1\n  # Three, for the quorum.\n  replicas: 3 # odd\n  selector: {a: b}\n    # of the pods\n\n  # The pods.\n  template: {}\n"
    );
    assert_eq!(
        added("spec:\n  a: |\n    # text\n\n    end\n", "/spec/b", 1.into()),
        "spec:\n  a: |\n    # text\n\n    end\n  b: 1\n"
    );
    assert_eq!(
        added("spec:\n  a:\n  - |-\n    x\n---\nb: 1\n", "/spec/b", 1.into()),
        "spec:\n  a:\n  - |-\n    x\n  b: 1\n---\nb: 1\n"
    );
}

#[test]
fn line_ends_indentation_and_a_missing_last_one_are_kept() {
    assert_eq!(
        added("spec:\r\n    replicas: 3\r\n", "/spec/serviceName", "db".into()),
        "spec:\r\n    replicas: 3\r\n    serviceName: db\r\n"
    );
    assert_eq!(
        added("spec:\n    replicas: 3", "/spec/strategy", json!({"type": "Recreate"})),
        "spec:\n    replicas: 3\n    strategy:\n        type: Recreate"
    );
    assert_eq!(
        added("\u{feff}spec:\n  replicas: 3\n", "/spec/serviceName", "db".into()),
        "\u{feff}spec:\n  replicas: 3\n  serviceName: db\n"
    );
}

#[test]
fn entries_of_items_are_edited_behind_their_dash() {
    let before = "templates:\n- metadata:\n    name: data # the disk\n  # later\n- metadata: {name: b}\n  spec: {}\n";
    assert_eq!(
        added(before, "/templates/0/spec", json!({"accessModes": ["ReadWriteOnce"]})),
        before.replace("  # later", "  spec:\n    accessModes: [ReadWriteOnce]\n  # later")
    );
    assert_eq!(
        added(before, "/templates/1/spec/accessModes", json!(["ReadWriteOnce"])),
        before.replace("spec: {}", "spec: {accessModes: [ReadWriteOnce]}")
    );
    assert_eq!(
        added(before, "/templates/0/a", 1.into()),
        before.replace("- metadata:\n    name: data", "- a: 1\n  metadata:\n    name: data")
    );
    assert_eq!(
        added(
            "l:\n  - a: 1\n    b: x\nz: 1\n",
            "/l/-",
            json!({"c": {"d": 2}, "e": [1]})
        ),
        "l:\n  - a: 1\n    b: x\n  - c:\n      d: 2\n    e: [1]\nz: 1\n"
    );
}

#[test]
fn what_is_there_keeps_its_quotes() {
    for (before, after) in [
        ("s: \"\" # none\n", "s: \"db\" # none\n"),
        ("s: ''\n", "s: 'db'\n"),
        ("s: x\n", "s: db\n"),
        ("s:\n", "s: db\n"),
        ("s: # none\n", "s: db # none\n"),
        ("s: null\n", "s: db\n"),
        ("s: [1, 2]\n", "s: db\n"),
        ("{\"s\": null}", "{\"s\": \"db\"}"),
    ] {
        assert_eq!(added(before, "/s", "db".into()), after);
    }
    assert_eq!(added("s: 1\n", "/s", "yes".into()), "s: \"yes\"\n");
    assert_eq!(added("s: 1\n", "/s", "a: b".into()), "s: \"a: b\"\n");
}

#[test]
fn a_block_is_changed_line_by_line() {
    let recreate = || json!({"type": "Recreate"});
    assert_eq!(
        added(
            "strategy:\n  # In order.\n  rollingUpdate: # slowly\n    maxSurge: 1\n    # never 0\n  # Why.\n  type: RollingUpdate # x\nz: 1\n",
            "/strategy",
            recreate()
        ),
        "strategy:\n  # In order.\n  # Why.\n  type: Recreate # x\nz: 1\n"
    );
    assert_eq!(
        added("strategy: # how\n# why\nz: 1\n", "/strategy", recreate()),
        "strategy: # how\n  type: Recreate\n# why\nz: 1\n"
    );
    assert_eq!(
        added(
            "strategy: {rollingUpdate: {maxSurge: 1}, type: RollingUpdate, x: 1}\n",
            "/strategy",
            recreate()
        ),
        "strategy: {type: Recreate}\n"
    );
    assert_eq!(
        added("strategy: {}\n", "/strategy", recreate()),
        "strategy: {type: Recreate}\n"
    );
}

#[test]
fn json_stays_json() {
    assert_eq!(
        added(
            "{\"spec\":{\"replicas\":3},\"z\":1}",
            "/spec/strategy",
            json!({"type": "Recreate"})
        ),
        "{\"spec\":{\"replicas\":3,\"strategy\":{\"type\":\"Recreate\"}},\"z\":1}"
    );
    let pretty = "{\n  \"spec\": {\n    \"replicas\": 3,\n    \"template\": {}\n  }\n}\n";
    assert_eq!(
        added(pretty, "/spec/serviceName", "db".into()),
        "{\n  \"spec\": {\n    \"replicas\": 3,\n    \"serviceName\": \"db\",\n    \"template\": {}\n  }\n}\n"
    );
    assert_eq!(
        added(pretty, "/spec/z", json!(["a"])),
        "{\n  \"spec\": {\n    \"replicas\": 3,\n    \"template\": {},\n    \"z\": [\"a\"]\n  }\n}\n"
    );
    assert_eq!(
        added(pretty, "/spec/a", 1.into()),
        "{\n  \"spec\": {\n    \"a\": 1,\n    \"replicas\": 3,\n    \"template\": {}\n  }\n}\n"
    );
    assert_eq!(
        added(pretty, "/spec/template/a", 1.into()),
        pretty.replace("{}", "{\"a\": 1}")
    );
}

#[test]
fn kyaml_keeps_its_commas_and_quotes() {
    let before = "---\n{\n  spec: {\n    replicas: 3, # odd\n    # last\n    template: {},\n  },\n}\n";
    assert_eq!(
        added(before, "/spec/serviceName", "db".into()),
        before.replace("# odd\n", "# odd\n    serviceName: \"db\",\n")
    );
    assert_eq!(
        added(before, "/spec/z", 1.into()),
        before.replace("template: {},\n", "template: {},\n    z: 1,\n")
    );
    assert_eq!(added("{a: 1, b: 2,}\n", "/c", 1.into()), "{a: 1, b: 2, c: 1,}\n");
    assert_eq!(added("{b: [x]}\n", "/b/-", "y".into()), "{b: [x, \"y\"]}\n");
}

#[test]
fn one_document_of_many_is_edited_or_a_part_of_it() {
    let text = "# first\na: 1\n--- # second\nkind: List\nitems:\n- a: 1\n- a: 2\n...\n---\n{\"a\": 3}\n";
    let reading = read(text);
    let edited = |index, part| add_to(&reading, part, index, "/b", 1.into()).unwrap();
    assert_eq!(edited(0, ""), text.replace("a: 1\n---", "a: 1\nb: 1\n---"));
    assert_eq!(edited(1, "/items/1"), text.replace("- a: 2\n", "- a: 2\n  b: 1\n"));
    assert_eq!(edited(2, ""), text.replace("{\"a\": 3}", "{\"a\": 3, \"b\": 1}"));
}

#[test]
fn what_cannot_be_edited_safely_is_left_alone() {
    let behind = "what is to be changed stands behind an alias";
    assert_eq!(
        refused("a: &x {b: 1}\nc: *x\n", "/c/d", 1.into()),
        format!("2:4: {behind}")
    );
    let merged = "what is to be changed is merged from elsewhere";
    assert_eq!(
        refused("a: &x {b: 1}\nc:\n  <<: *x\n", "/c/d", 1.into()),
        format!("3:3: {merged}")
    );
    // The anchored value would change in both places.
    assert!(refused("a: &x\n  b: 1\nc: *x\n", "/a/d", 1.into()).contains("cannot be edited safely"));
    assert!(refused("a: |\n  text\n", "/a", 1.into()).contains("cannot be edited safely"));
    assert!(refused("a:\n  b: 1\n", "/a", 1.into()).contains("cannot be edited safely"));
    assert!(refused("a:\n- b: 1\n", "/a", json!([])).contains("cannot be edited safely"));
}

/// A mapping in block style, with comments in all places.
fn block(depth: u32) -> BoxedStrategy<Vec<String>> {
    let comment = prop_oneof![3 => Just(String::new()), 1 => Just(" # why".to_owned())];
    let above = prop_oneof![3 => Just(vec![]), 1 => Just(vec!["# above".to_owned()]), 1 => Just(vec![String::new()])];
    let scalar = prop_oneof![
        Just("1".to_owned()),
        Just("\"x: y\"".to_owned()),
        Just("'it''s'".to_owned()),
        Just(String::new()),
        Just("[a, {b: c}]".to_owned()),
        Just("{}".to_owned()),
        Just("plain text".to_owned()),
    ];
    let lines = |key: &'static str| {
        (above.clone(), scalar.clone(), comment.clone()).prop_map(move |(mut lines, value, comment)| {
            lines.push(format!("{key}: {value}{comment}").trim_end().to_owned());
            lines
        })
    };
    let nested = |key: &'static str| {
        if depth == 0 {
            return lines(key).boxed();
        }
        let inner = (above.clone(), block(depth - 1), any::<bool>(), comment.clone());
        inner
            .prop_map(move |(mut lines, inner, item, comment)| {
                lines.push(format!("{key}:{comment}"));
                lines.extend(
                    inner
                        .into_iter()
                        .enumerate()
                        .map(|(number, line)| match (line.as_str(), item) {
                            ("", _) => line,
                            (_, true) if number == 0 && !line.starts_with('#') => format!("- {line}"),
                            _ => format!("  {line}"),
                        }),
                );
                lines
            })
            .boxed()
    };
    let entries = (lines("b"), nested("d"), lines("f"), nested("h"));
    (entries, 0_u8..16)
        .prop_map(|((b, d, f, h), mask)| {
            let chosen = [b, d, f, h]
                .into_iter()
                .enumerate()
                .filter(|(at, _)| mask & (1 << at) != 0);
            let lines: Vec<String> = chosen.flat_map(|(_, lines)| lines).collect();
            if lines.is_empty() {
                vec!["b: 1".to_owned()]
            } else {
                lines
            }
        })
        .boxed()
}

/// All pointers to mappings.
fn mappings(json: &Json, pointer: &str, found: &mut Vec<String>) {
    match json {
        Json::Object(members) => {
            found.push(pointer.to_owned());
            members
                .iter()
                .for_each(|(key, value)| mappings(value, &format!("{pointer}/{key}"), found));
        }
        Json::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(at, value)| mappings(value, &format!("{pointer}/{at}"), found)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is added anywhere: the text stays what it was around one insertion, line ends and comments included.
    #[test]
    fn an_addition_is_one_insertion(
        lines in block(2), key in prop::sample::select(vec!["a", "c", "e", "g", "i"]), which: prop::sample::Index,
        value in prop::sample::select(vec![json!("db"), json!({"type": "Recreate"}), json!(["x"]), json!([{"a": {"b": 1}}])]),
        crlf: bool, ends: bool,
    ) {
        let newline = if crlf { "\r\n" } else { "\n" };
        let mut text = lines.join(newline);
        if ends {
            text.push_str(newline);
        }
        let reading = read(text.clone());
        prop_assume!(reading.problems().is_empty() && reading.documents().count() == 1);
        let json = reading.documents().next().expect("a document").root().to_json();
        let mut pointers = Vec::new();
        mappings(&json, "", &mut pointers);
        let pointer = format!("{}/{key}", which.get(&pointers));
        let edited = add(&reading, &pointer, value.clone());
        let edited = edited.map_err(|error| TestCaseError::fail(format!("{error}: {pointer} in\n{text}")))?;
        let same_at_start = text.bytes().zip(edited.bytes()).take_while(|(a, b)| a == b).count();
        let rest = &text.as_bytes()[same_at_start..];
        prop_assert!(edited.as_bytes().ends_with(rest), "{pointer} in\n{text}\nis\n{edited}");
        prop_assert_eq!(text.matches('#').count(), edited.matches('#').count());
        if text.contains('\n') {
            let crlf_lines = |text: &str| text.matches("\r\n").count();
            prop_assert_eq!(crlf_lines(&edited), if crlf { edited.matches('\n').count() } else { 0 });
        }
        prop_assert_eq!(add(&read(edited.clone()), &pointer, value), Ok(edited));
    }
}

#[test]
fn items_are_taken_out_with_their_lines() {
    let without_b = |text: &str| {
        let reading = read(text);
        let root = reading.document(0).expect("a document").root();
        let mut json = root.to_json();
        let items = json["a"].as_array_mut().expect("items");
        items.retain(|item| item["name"] != "b");
        let rewritten = rewrite(&reading, &[(root.id(), &json)]);
        assert_eq!(rewritten.left, []);
        rewritten.text.expect("it changes")
    };
    for (before, after) in [
        (
            "a:\n  # one\n  - name: x # x\n    y: 1\n  - name: b\n    # of b\n    y: 1\n  - name: z\nb: 1\n",
            "a:\n  # one\n  - name: x # x\n    y: 1\n  - name: z\nb: 1\n",
        ),
        (
            "a: # all\n# of b\n- name: b\n# of x\n- name: x\n",
            "a: # all\n# of x\n- name: x\n",
        ),
        ("a:\n- name: x\n-   name: b\n    y: |\n      text\n", "a:\n- name: x\n"),
        ("a: [{name: b}, {name: x}, {name: b, y: 1}]\n", "a: [{name: x}]\n"),
        ("a:\n- {name: x}\n- {name: b} # b\nb: 1\n", "a:\n- {name: x}\nb: 1\n"),
        ("a: [{name: b}]\n", "a: []\n"),
    ] {
        assert_eq!(without_b(before), after);
    }
}

#[test]
fn documents_are_taken_out() {
    let without = |text: &str, number| super::without(&read(text), &[number]);
    let text = "# file\na: 1\n---\n# b\nb: 1\n# after\n---\nc: 1\n";
    assert_eq!(without(text, 1), "# file\na: 1\n---\nc: 1\n");
    assert_eq!(read(without(text, 0)).documents().count(), 2);
    assert_eq!(read(without(text, 2)).documents().count(), 2);
}
