//! What `plain` reads it reads as the parser does: the same documents, values, places and problems.

use std::fmt::Write as _;
use std::sync::Arc;

use proptest::prelude::*;

use crate::builder::Builder;
use crate::node::{Node, Value};
use crate::plain;
use crate::reading::{Reader, Reading};

/// Everything that is read without the parser.
const SAMPLE: &str = r#"# Source: chart/templates/web.yaml
apiVersion: apps/v1
kind: Deployment # of the shop
metadata:
  name: web
  annotations: {}
  labels:
    {}
  "helm.sh/hook": test
spec:
  replicas: 3
  paused:
  template:
    spec:
      containers:
      - name: main
        image: "registry.example.com:5000/web:1.2"
        command: [sh, "-c", 'sleep 1']
        args:
          - --verbose
          -
          - |
            # not a comment
              deeper

            last

        env: []
        ports:
          - containerPort: 8080
            name: http   # a port
      -   name: side
          note: |-
            x: y
      volumes:
      - - nested
        - lists
"#;

/// Writes down all that can be asked of a reading.
fn dump(reading: &Reading) -> String {
    let mut out = String::new();
    for document in reading.documents() {
        let comments: Vec<_> = document.comments().collect();
        let _ = writeln!(
            out,
            "--- {:?} {comments:?} {:?}",
            document.position(),
            document.leftover()
        );
        dump_node(document.root(), &mut out);
    }
    let _ = writeln!(out, "{:#?}", reading.problems());
    out
}

fn dump_node(node: Node<'_>, out: &mut String) {
    let _ = write!(out, "{:?} ", node.span());
    match node.value() {
        Value::Mapping(entries) => {
            out.push_str("{\n");
            for entry in entries {
                let _ = write!(out, "{:?} {:?}: ", entry.name.span(), entry.key());
                dump_node(entry.value, out);
            }
            out.push_str("}\n");
        }
        Value::Sequence(items) => {
            out.push_str("[\n");
            items.for_each(|item| dump_node(item, out));
            out.push_str("]\n");
        }
        other => {
            let _ = writeln!(out, "{other:?}");
        }
    }
}

/// The text as it is read, and as the parser alone reads it.
fn both(text: String) -> [String; 2] {
    let text = Arc::new(text);
    [true, false].map(|may_be_plain| dump(&Reader::new(Arc::clone(&text), may_be_plain).read(&text).0))
}

#[test]
fn an_ordinary_manifest_is_plain() {
    let mut builder = Builder::new(Arc::new(SAMPLE.to_owned()));
    let plain = plain::read(&mut builder, SAMPLE, 0).unwrap();
    assert_eq!(plain.span.end, SAMPLE.len());
    let [read, parsed] = both(SAMPLE.to_owned());
    assert_eq!(read, parsed);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn what_is_plain_is_read_as_the_parser_reads_it(bits in prop::collection::vec(bit(), 0..40)) {
        let [read, parsed] = both(bits.concat());
        prop_assert_eq!(read, parsed);
    }

    #[test]
    fn nearly_plain_manifests_are_too(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..6, bit()), 1..4),
        is_twice in any::<bool>(),
    ) {
        let mut text = SAMPLE.to_owned();
        if is_twice {
            text.push_str("---\n");
            text.push_str(SAMPLE);
        }
        for (at, removed, inserted) in edits {
            // Of what was inserted before, not every byte begins a character.
            let at = text.floor_char_boundary(at.index(text.len()));
            let end = text.floor_char_boundary((at + removed).min(text.len()));
            text.replace_range(at..end, inserted);
        }
        let [read, parsed] = both(text);
        prop_assert_eq!(read, parsed);
    }
}

/// What nearly plain texts are made of.
fn bit() -> impl Strategy<Value = &'static str> {
    let lines = [
        "\n", "\n", "\n  ", "\n    ", "\n- ", "\n  - ", "\n---\n", "a: ", "b: ", "c:", "- ", " ", "  ",
    ];
    let values = [
        "x",
        "-1",
        "1.5",
        "true",
        "~",
        "a/b.c",
        "\"q\"",
        "'s'",
        "\"k\": ",
        "'l': ",
        "[]",
        "{}",
        "\n  {}",
        "\n    []",
        "[a, 'b']",
        "[ c ]",
        "[d, ]",
        "{ }",
        "|",
        "|-",
        "# n",
        " # n",
        "http://x:80",
        "-",
    ];
    let others = [
        "# Source: t.yaml\n",
        "\n...\n",
        "%",
        "é",
        "\t",
        "\r\n",
        "\"",
        "'",
        "\\",
        "]",
        "{",
        ",",
        ":",
        "?",
        "? ",
        "&x ",
        "*x",
        "!!int ",
        "<<: ",
        "|+",
        ">",
        "{{ .Values.a }}",
        "\"{{ .Values.a }}\"",
        "apiVersion: v1\nkind: X\n",
        "a: 1\na: 2\n",
        "@",
        "`",
        "=",
        "---",
        "--- x",
        "\n ",
        "   ",
        "x #y",
        "#y",
        "1e3",
        "0x1f",
        "null",
    ];
    prop_oneof![
        8 => prop::sample::select(lines.to_vec()),
        2 => prop::sample::select(values.to_vec()),
        1 => prop::sample::select(others.to_vec()),
    ]
}
