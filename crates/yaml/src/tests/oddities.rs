//! What real manifests, charts and concatenated files look like.

use super::{ProblemKind, at, json, only, problem, read, root};
use crate::{Document, Node, Position, Problem};

#[test]
fn documents_are_split_as_people_write_them() {
    let text = "# licence\n\n--- # first\na: 1\n---   \n# nothing here\n---\t\nb: 2\n...\n# after the end\n---\n---\n~\n--- {c: 3}\n";
    let reading = read(text);
    assert_eq!(json(&reading), [r#"{"a":1}"#, r#"{"b":2}"#, r#"{"c":3}"#]);
    assert_eq!(reading.problems(), []);
    let places: Vec<_> = reading
        .documents()
        .map(|document| document.position().to_string())
        .collect();
    assert_eq!(places, ["4:1", "8:1", "14:5"]);
}

#[test]
fn crlf_and_byte_order_mark_change_nothing() {
    let reading = read("\u{feff}a: é # x\r\nb:\r\n- c: |\r\n    one\r\n    two\r\n---\r\nd: e\r\n");
    assert_eq!(
        json(&reading),
        ["{\"a\":\"é\",\"b\":[{\"c\":\"one\\ntwo\\n\"}]}", r#"{"d":"e"}"#]
    );
    let first = root(&reading, 0);
    assert_eq!((at(first, "/a"), at(first, "/b/0")), ("1:4".into(), "3:3".into()));
    assert_eq!(&reading.text()[first.locate("/a").node.span()], "é");
}

#[test]
fn files_put_one_behind_the_other_may_each_have_a_byte_order_mark() {
    let reading = read("a: 1\n---\n\u{feff}b: 2\n---\nc: 3\n");
    assert_eq!(json(&reading), [r#"{"a":1}"#, r#"{"b":2}"#, r#"{"c":3}"#]);
    assert_eq!(reading.problems(), []);
    assert_eq!(
        root(&reading, 1).position(),
        Position {
            line: 3,
            column: 1,
            offset: 12
        }
    );
}

#[test]
fn columns_count_characters() {
    let reading = read("{ä: \"ö\", b: x}");
    let document = only(&reading);
    assert_eq!(at(document, "/ä"), "1:5");
    assert_eq!(at(document, "/b"), "1:13");
    assert_eq!(document.locate("/b").node.span(), 14..15);
}

#[test]
fn an_absent_value_is_where_its_nearest_parent_is() {
    let reading = read("spec:\n  template:\n    a/b: [x, y]\n  empty:\n");
    let document = only(&reading);
    assert_eq!(at(document, "/spec/template/a~1b/1"), "3:14");
    assert!(document.locate("/spec/template/a~1b/1").exact);
    for pointer in ["/spec/template/strategy/type", "/spec/template/missing"] {
        assert_eq!(at(document, pointer), "3:5");
        assert!(!document.locate(pointer).exact);
    }
    assert_eq!(at(document, "/spec/template/a~1b/7"), "3:10");
    assert_eq!(at(document, "/spec/empty/x"), "4:8");
    assert_eq!(at(document, ""), "1:1");
}

#[test]
fn spans_end_with_the_last_value() {
    let reading = read("a:\n  - b: 1\n  - 'c d' # note\n\n# end\nd: [1, {e: f} ]\n");
    let document = only(&reading);
    let span = |pointer: &str| &reading.text()[document.locate(pointer).node.span()];
    assert_eq!(span("/a"), "- b: 1\n  - 'c d'");
    assert_eq!(span("/a/1"), "'c d'");
    assert_eq!(span("/d"), "[1, {e: f} ]");
    assert_eq!(span("/d/1"), "{e: f}");
    let entry = document.entry("d").unwrap();
    assert_eq!(
        (entry.name.position().to_string(), entry.name.span()),
        ("6:1".into(), 36..37)
    );
}

#[test]
fn a_long_licence_header_is_no_obstacle() {
    let reading = read(format!("{0}a:\n{0}- b\n{0}", "# line\n".repeat(2000)));
    assert_eq!(only(&reading).to_json().to_string(), r#"{"a":["b"]}"#);
}

#[test]
fn json_is_yaml_too() {
    let text = "{\n\t\"kind\": \"X\",\n\t\"a\": [\n\t\t1.0,\n\t\t{\"b\": \"\\/\\u00e9\\uD834\\uDD1E\"}\n\t]\n}\n";
    let reading = read(text);
    let document = only(&reading);
    assert_eq!(
        document.to_json().to_string(),
        "{\"a\":[1,{\"b\":\"/é𝄞\"}],\"kind\":\"X\"}"
    );
    assert_eq!(at(document, "/a/1/b"), "5:9");
}

#[test]
fn json_objects_may_follow_one_another() {
    let reading = read("{\"a\": 1}\n {\"b\": 2}{\"c\":\n3}\n---\nd: 4\n");
    assert_eq!(json(&reading), [r#"{"a":1}"#, r#"{"b":2}"#, r#"{"c":3}"#, r#"{"d":4}"#]);
    assert_eq!(reading.problems(), []);
    let places: Vec<_> = reading.documents().map(|document| at(document.root(), "/c")).collect();
    assert_eq!(places, ["1:1", "2:2", "3:1", "5:1"]);
    assert_eq!(at(root(&reading, 1), "/b"), "2:8");
}

#[test]
fn kyaml_is_read() {
    let text = "---\n{\n  # why\n  apiVersion: \"v1\",\n  kind: \"Pod\",\n  metadata: {\n    name: \"my-pod\",\n    \
                labels: {\n      \"no\": \"1\",\n    },\n  },\n  text: \"a\\n\\\n     \\ b\",\n  items: [{\n    a: 1,\n  }, {\n    b: 2,\n  }],\n}\n";
    let reading = read(text);
    let document = only(&reading);
    assert_eq!(document.get("kind").and_then(Node::as_str), Some("Pod"));
    assert_eq!(document.locate("/text").node.as_str(), Some("a\n b"));
    assert_eq!(at(document, "/metadata/labels/no"), "9:13");
    assert_eq!(at(document, "/items/1/b"), "17:8");
}

#[test]
fn anchors_and_merge_keys_are_followed() {
    let text = "base: &base {x: 1, z: [2]}\nuse:\n  <<: *base\n  x: 3\nlist: *base\n";
    let reading = read(text);
    let document = only(&reading);
    assert_eq!(document.locate("/use").node.to_json().to_string(), r#"{"x":3,"z":[2]}"#);
    assert_eq!(at(document, "/use/z/0"), "1:24");
    assert_eq!(at(document, "/use/x"), "4:6");
    // The alias itself stands where it is used, what is in it where it is written.
    assert_eq!(at(document, "/list"), "5:7");
    assert_eq!(at(document, "/list/x"), "1:17");
    assert_eq!(&text[document.locate("/list").node.span()], "*base");
}

#[test]
fn anchors_end_with_their_document() {
    let reading = read("a: &x 1\n---\nb: *x\n---\nc: 1\n");
    assert_eq!(json(&reading), [r#"{"a":1}"#, r#"{"c":1}"#]);
    assert_eq!(problem(&reading).position.to_string(), "3:4");
}

#[test]
fn duplicate_keys_are_a_warning_and_the_last_one_counts() {
    let reading = read("spec:\n  replicas: 1\n  x: {a: 1, b: 2, \"a\": 3}\n  replicas: 2\n  yes: 1\n  'true': 2\n");
    assert_eq!(
        json(&reading),
        [r#"{"spec":{"replicas":2,"true":2,"x":{"a":3,"b":2}}}"#]
    );
    let found: Vec<_> = reading
        .problems()
        .iter()
        .map(|problem| (problem.kind, problem.to_string()))
        .collect();
    let first = |line, column, offset| ProblemKind::DuplicateKey {
        first: Position { line, column, offset },
    };
    assert_eq!(
        found,
        [
            (
                first(3, 7, 26),
                "3:19: key `a` is already given on line 3; the last one counts".to_owned()
            ),
            (
                first(2, 3, 8),
                "4:3: key `replicas` is already given on line 2; the last one counts".to_owned()
            ),
            (
                first(5, 3, 62),
                "6:3: key `true` is already given on line 5; the last one counts".to_owned()
            ),
        ]
    );
    assert!(reading.problems().iter().all(Problem::is_warning));
    assert_eq!(at(root(&reading, 0), "/spec/replicas"), "4:13");
}

#[test]
fn problems_are_in_the_order_of_the_text() {
    let reading = read("a: 1\na:\n  b: 1\n  b: 2\n---\nc: [\n---\nd: 1\nd: 2\n");
    let lines: Vec<_> = reading.problems().iter().map(|problem| problem.position.line).collect();
    assert_eq!(lines, [2, 4, 6, 9]);
}

#[test]
fn duplicate_keys_are_found_in_large_mappings_too() {
    let many: String = (0..100).map(|key| format!("k{}: {key}\n", key % 99)).collect();
    let reading = read(many);
    assert_eq!(problem(&reading).position.line, 100);
    assert_eq!(root(&reading, 0).locate("/k0").node.to_json(), 99);
}

#[test]
fn a_broken_document_hides_no_other() {
    let text = "a: 1\n---\nb: [1, 2\n---\nc: \"open\n---\nd: 4\nd: 5\n x: 6\n---\nt:\n\tu: 1\n---\ne: 5\n";
    let reading = read(text);
    assert_eq!(json(&reading), [r#"{"a":1}"#, r#"{"e":5}"#]);
    let lines: Vec<_> = reading
        .problems()
        .iter()
        .map(|problem| (problem.kind, problem.position.line))
        .collect();
    assert!(lines.iter().all(|(kind, _)| *kind == ProblemKind::Syntax), "{lines:?}");
    assert_eq!(lines.iter().map(|(_, line)| *line).collect::<Vec<_>>(), [3, 6, 9, 12]);
}

#[test]
fn what_has_no_json_form_is_an_error_at_its_place() {
    let position = |text: &str| problem(&read(text)).to_string();
    assert_eq!(
        position("a: 1\nb: .inf\n"),
        "2:4: `.inf` has no JSON form: quote it if a string is meant"
    );
    assert_eq!(
        position("a: 1\n? [x]\n: b\n"),
        "2:3: a key must be a string, not a mapping or a list"
    );
    assert_eq!(position("~: b\n"), "1:1: a key must be a string, not null");
    assert_eq!(position("a: !!int many\n"), "1:10: `many` cannot be read as !!int");
    assert_eq!(
        position("a: 1\n<<: [x]\n"),
        "2:5: `<<` can merge only a mapping or a list of mappings"
    );
}

#[test]
fn shell_variables_are_ordinary_strings() {
    let reading = read("name: $NAME\nimage: ${REPO}/web:$(TAG)\nreplicas: ${REPLICAS}\n\"$KEY\": x\n");
    assert_eq!(
        only(&reading).to_json().to_string(),
        r#"{"$KEY":"x","image":"${REPO}/web:$(TAG)","name":"$NAME","replicas":"${REPLICAS}"}"#
    );
}

#[test]
fn braces_that_belong_to_others_are_ordinary_strings() {
    let reading = read(
        "alert: \"{{ $labels.pod }} is down\"\nlegend: '{{pod}}'\nstep: x-{{inputs.parameters.y}}\nrule: |\n  {{ .Values.x }}\n# {{ .Values.y }}\n",
    );
    assert_eq!(only(&reading).locate("/legend").node.as_str(), Some("{{pod}}"));
    // A slip elsewhere is not blamed on them.
    let reading = read("alert: \"{{ $labels.pod }}\"\nb: [1\nc: 2\n---\na: \"{{ $x }}\" y\n");
    let kinds: Vec<_> = reading.problems().iter().map(|problem| problem.kind).collect();
    assert_eq!(kinds, [ProblemKind::Syntax, ProblemKind::Syntax]);
}

#[test]
fn bytes_that_are_not_utf8_spoil_only_their_document() {
    let reading = read(b"a: 1\n---\nb: \xc3\xa9 \xff\n# x\n---\nc: 3\n---\n# \xfe\nd: 4\n---\ne: 5\n".to_vec());
    assert_eq!(json(&reading), [r#"{"a":1}"#, r#"{"c":3}"#, r#"{"e":5}"#]);
    let found: Vec<_> = reading.problems().iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        ["3:6: a byte that is not UTF-8", "8:3: a byte that is not UTF-8"]
    );
    assert_eq!(problem(&read(b"\xff\xfea\0".to_vec())).kind, ProblemKind::Encoding);
}

#[test]
fn texts_without_objects_are_empty() {
    for text in [
        "",
        "\n",
        "---\n",
        "# only\n",
        "---\n---\n...\n",
        "null\n",
        "\u{feff}",
        "--- # x",
    ] {
        let reading = read(text);
        assert_eq!((json(&reading).len(), reading.problems().len()), (0, 0), "{text:?}");
    }
    assert_eq!(
        json(&read("- a\n- b\n---\nplain text\n")),
        [r#"["a","b"]"#, r#""plain text""#]
    );
}

#[test]
fn directives_are_accepted() {
    let reading = read("%YAML 1.1\n---\na: yes\n...\n%TAG !k! tag:yaml.org,2002:\n---\nb: !k!str 1\n");
    assert_eq!(json(&reading), [r#"{"a":true}"#, r#"{"b":"1"}"#]);
}

#[test]
fn template_leftovers_are_named() {
    let cases = [
        (
            "kind: A\nmetadata:\n  name: {{ .Values.name }}\n",
            "3:9",
            "{{ .Values.name }}",
        ),
        (
            "kind: A\nspec:\n  {{- if .Values.x }}\n  a: b\n  {{- end }}\n",
            "3:3",
            "{{- if .Values.x }}",
        ),
        ("{{ if .Values.x }}\nkind: A\n{{ end }}\n", "1:1", "{{ if .Values.x }}"),
        ("{{- range .Values.x -}}\nkind: A\n", "1:1", "{{- range .Values.x -}}"),
        ("a: x-{{ .Release.Name }}\n", "1:4", "{{ .Release.Name }}"),
        ("a: \"{{ include \\\"x.y\\\" . }}\"\n", "1:4", "{{ include \"x.y\" . }}"),
        ("a: {{ .Values.a }}:{{ .Values.b }}\n", "1:4", "{{ .Values.a }}"),
        (
            "a:\n  {{- toYaml .Values.b | nindent 2 }}\n",
            "2:3",
            "{{- toYaml .Values.b | nindent 2 }}",
        ),
        (
            "# {{ ok }}\na: '{{ ok }}'\nb: {{ $x | quote }}\n",
            "3:4",
            "{{ $x | quote }}",
        ),
    ];
    for (text, place, action) in cases {
        let reading = read(format!("{text}---\nok: 1\n"));
        assert_eq!(json(&reading).last().map(String::as_str), Some(r#"{"ok":1}"#), "{text}");
        // In a string it may be meant for somebody else.
        let leftover = || reading.document(0).and_then(Document::leftover);
        let problem = reading.problems().first().cloned().or_else(leftover).expect("found");
        assert_eq!(
            (problem.kind, problem.position.to_string()),
            (ProblemKind::Template, place.into()),
            "{text}"
        );
        let message = format!("a Go template (`{action}`): render it first, for example with `helm template`");
        assert_eq!(problem.message, message, "{text}");
    }
}

#[test]
fn a_mistake_behind_a_template_is_the_templates_most_likely() {
    let text = "a: 'http://{{ .Release.Name }}'\nb: 1\nb: 2\n";
    let reading = read(text);
    let leftover = reading.document(0).and_then(Document::leftover);
    assert_eq!(
        leftover.map(|problem| problem.position.to_string()),
        Some("1:4".to_owned())
    );
    assert_eq!(problem(&read(format!("{text}  x: [1"))).kind, ProblemKind::Template);
    assert_eq!(
        problem(&read("a: '{{ .Release.Name }}'\n...\n}")).kind,
        ProblemKind::Syntax
    );
}

#[test]
fn comments_above_a_document_are_its_own() {
    let text = "---\n# one\n# more\na: 1 # x\n# y\n---\nb: 2\n---\r\n  # three \r\nc: 3\n---\n# empty\n---\nd: 4\n--- # on\n- 5\n";
    let comments = |text: &str| -> Vec<Vec<String>> {
        let reading = read(text);
        let of = |document: Document<'_>| document.comments().map(str::to_owned).collect();
        reading.documents().map(of).collect()
    };
    let none: [&str; 0] = [];
    let expected = [&["# one", "# more"][..], &none, &["# three"], &none, &["# on"]];
    assert_eq!(comments(text), expected);
    // The parser, which a tag makes it, sees the same.
    assert_eq!(
        comments(&text.replace("\na: 1", "\na: !!int 1").replace("- 5", "- !!int 5")),
        expected
    );
    assert_eq!(comments("# a\n\n--- # b\n# c\nd: 1\n"), [["# a", "# b", "# c"]]);
    assert_eq!(comments("\u{feff}# a\n{b: 1}\n# c\n{d: 2}\n"), [["# a"], ["# c"]]);
    assert_eq!(comments("a: [\n# b\n---\n# c\nd: 1\n"), [["# c"]]);
}
