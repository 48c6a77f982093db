//! Real texts with bytes of them changed, read by everything that reads what others wrote.
//!
//! What is checked of a text stands in a file of its own, for the fuzzers in `fuzz/` run it too, and for longer.

mod json;
mod policy;
pub mod review;
mod yaml;

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;

use crate::policies::validator;
use crate::properties::answers;
use crate::support::dice::Dice;
use crate::support::webhook;
use crate::support::worlds::entropy;

/// Where something changes, how many bytes are taken there, and what takes their place.
type Edit = (Index, usize, Vec<u8>);

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    // What structure is made of, in JSON and in YAML, and values of the wrong type or size.
    let bits = prop::sample::select(
        [
            "",
            "{",
            "}",
            "[",
            "]",
            "\"",
            ",",
            ":",
            ": ",
            "\\",
            "\\u0061",
            "\\ud800",
            "null",
            "true",
            "-0",
            "01",
            "1e400",
            "18446744073709551616",
            "\n",
            "\n  ",
            "\n- ",
            "\n---\n",
            "# ",
            "'",
            "|\n",
            "&a ",
            "*a",
            "? ",
            "!!str ",
            "~",
            "\t",
            "\u{0}",
            "\u{7f}",
            "\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}",
            "é",
            "\u{feff}",
        ]
        .map(|bit| bit.as_bytes().to_vec())
        .to_vec(),
    );
    let bytes = prop::collection::vec(any::<u8>(), 1..4);
    let inserted = prop_oneof![6 => bits, 1 => bytes];
    prop::collection::vec((any::<Index>(), 0_usize..12, inserted), 1..3)
}

fn edited(text: &str, edits: &[Edit]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for (at, removed, inserted) in edits {
        let at = at.index(bytes.len() + 1);
        let end = (at + removed).min(bytes.len());
        bytes.splice(at..end, inserted.iter().copied());
    }
    bytes
}

/// The YAML files of a directory of this repository, which must not be empty.
fn files(directory: &str) -> Vec<String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let entries = std::fs::read_dir(&directory).expect("the directory");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{directory:?} is empty");
    paths
        .iter()
        .map(|path| std::fs::read_to_string(path).expect("UTF-8"))
        .collect()
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

#[test]
fn json_is_read_as_serde_json_reads_it() {
    proptest!(cases(2000), |(request in entropy(), edits in edits())| {
        let text = answers::review(&mut Dice::new(&request)).to_string();
        json::check(text.as_bytes());
        json::check(&edited(&text, &edits));
    });
}

#[test]
fn reviews_are_answered_or_refused() {
    proptest!(cases(500), |(request in entropy(), edits in edits())| {
        let text = answers::review(&mut Dice::new(&request)).to_string();
        review::check(&edited(&text, &edits));
    });
}

#[test]
fn yaml_is_read_as_serde_saphyr_reads_it() {
    let files = files("tests/it/check/right");
    files.iter().for_each(|file| yaml::check(file.as_bytes()));
    // Whole files hold many documents, which the other reader takes one by one.
    let documents: Vec<&str> = files.iter().flat_map(|file| file.split("---\n")).collect();
    proptest!(cases(1000), |(number in any::<Index>(), edits in edits())| {
        yaml::check(&edited(documents[number.index(documents.len())], &edits));
    });
}

#[test]
fn policies_are_taken_or_every_mistake_has_a_place() {
    let mut texts = files("policies");
    texts.extend(crate::policies::agreement::GOOD.iter().map(|spec| {
        format!("apiVersion: stateward.dev/v1alpha1\nkind: WorkloadPolicy\nmetadata: {{name: a}}\nspec: {spec}\n")
    }));
    texts.extend(crate::policies::agreement::GOOD_EXCEPTIONS.iter().map(|spec| {
        format!(
            "apiVersion: stateward.dev/v1alpha1\nkind: WorkloadPolicyException\n\
             metadata: {{name: a, namespace: b}}\nspec: {spec}\n"
        )
    }));
    texts.iter().for_each(|text| policy::check(text.as_bytes()));
    proptest!(cases(1000), |(number in any::<Index>(), edits in edits())| {
        policy::check(&edited(&texts[number.index(texts.len())], &edits));
    });
}
