//! What every source file has in common: a purpose, a bound, a place in the module tree, lints with reasons.

use std::collections::BTreeSet;

use super::{Source, assert_none, root, sources};

const CODE: &[&str] = &["src", "crates", "tests", "benches", "fuzz/fuzz_targets"];

#[test]
fn every_file_says_what_it_is_for() {
    let silent = |file: &Source| !file.text.starts_with("//! ");
    let breaches: Vec<_> = sources(CODE, "rs")
        .into_iter()
        .filter(silent)
        .map(|file| file.path)
        .collect();
    assert_none(
        &breaches,
        "begin these files with a `//!` sentence that says what they are for:",
    );
}

#[test]
fn no_file_is_longer_than_500_lines() {
    let breaches: Vec<_> = sources(CODE, "rs")
        .iter()
        .filter(|file| file.text.lines().count() > 500)
        .map(|file| format!("{}: {} lines", file.path, file.text.lines().count()))
        .collect();
    assert_none(
        &breaches,
        "split these files by concept, one a file, at most 500 lines each:",
    );
}

/// A file that no `mod` declares is compiled by nobody, however often it is edited.
#[test]
fn every_file_is_part_of_a_crate() {
    let files = sources(&["src", "crates", "tests"], "rs");
    let mut reached = BTreeSet::new();
    let mut pending: Vec<String> = [
        "src/lib.rs",
        "src/main.rs",
        "crates/core/src/lib.rs",
        "crates/nearest/src/lib.rs",
        "crates/yaml/src/lib.rs",
        "tests/it/main.rs",
        "tests/node/main.rs",
    ]
    .map(str::to_owned)
    .to_vec();
    while let Some(path) = pending.pop() {
        let Some(file) = files.iter().find(|file| file.path == path) else {
            continue;
        };
        let (directory, name) = path.rsplit_once('/').expect("a directory");
        let below = match name {
            "lib.rs" | "main.rs" | "mod.rs" => directory.to_owned(),
            _ => path.trim_end_matches(".rs").to_owned(),
        };
        for module in file.code().filter_map(|(_, line)| module_name(line)) {
            pending.push(format!("{below}/{module}.rs"));
            pending.push(format!("{below}/{module}/mod.rs"));
        }
        reached.insert(path);
    }
    let breaches: Vec<_> = files
        .into_iter()
        .map(|file| file.path)
        .filter(|path| !reached.contains(path))
        .collect();
    assert_none(&breaches, "declare these files with a `mod` line, or delete them:");
}

#[test]
fn every_allowed_lint_has_a_reason_and_no_test_is_ignored() {
    let mut breaches = Vec::new();
    for file in sources(CODE, "rs") {
        for (number, line) in file.code() {
            let line = line.trim_start();
            if line.starts_with("#[allow(") || line.starts_with("#![allow(") || line.starts_with("#[ignore") {
                breaches.push(format!("{}:{number}: {line}", file.path));
            }
        }
    }
    assert_none(
        &breaches,
        "write #[expect(LINT, reason = \"…\")] instead of allow, and mend ignored tests:",
    );
}

#[test]
fn error_messages_are_lower_case_and_without_a_period() {
    let mut breaches = Vec::new();
    for file in sources(&["src", "crates"], "rs") {
        for (index, line) in file.text.lines().enumerate() {
            let Some(rest) = line.trim_start().strip_prefix("#[error(\"") else {
                continue;
            };
            let message = rest.strip_suffix("\")]").unwrap_or(rest);
            // An abbreviation or a name (PEM, JSON, WorkloadPolicy) may begin a message, a sentence may not.
            let mut letters = message.chars();
            let sentence = letters.next().is_some_and(char::is_uppercase)
                && message
                    .split(' ')
                    .next()
                    .is_some_and(|word| word.chars().skip(1).all(char::is_lowercase));
            if sentence || message.ends_with('.') {
                breaches.push(format!("{}:{}: {message}", file.path, index + 1));
            }
        }
    }
    assert_none(
        &breaches,
        "error messages begin in lower case and end without a period:",
    );
}

#[test]
fn one_tls_provider_and_no_openssl() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock");
    let banned = ["aws-lc-rs", "aws-lc-sys", "native-tls", "openssl-sys"];
    let breaches: Vec<_> = banned
        .into_iter()
        .filter(|name| lock.contains(&format!("name = \"{name}\"\n")))
        .map(str::to_owned)
        .collect();
    assert_none(
        &breaches,
        "ring is the only provider: find who needs these with `cargo tree -i NAME -e features`:",
    );
}

fn module_name(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = line
        .strip_prefix("pub ")
        .or_else(|| line.strip_prefix("pub(crate) "))
        .unwrap_or(line);
    let line = line.strip_prefix("pub(super) ").unwrap_or(line);
    line.strip_prefix("mod ")?.trim_end().strip_suffix(';')
}
