//! The laws of the house: what every change must keep true. Each failure says how to mend it.

/// The documents name only what exists.
mod documents;
/// What every source file has in common.
mod files;
/// Which module may import which.
mod imports;
/// The page about metrics names those that there are.
mod metrics;
/// Rules: files, slice and index agree.
mod rules;

use std::path::{Path, PathBuf};

/// A source file of this repository.
struct Source {
    /// From the repository's root, with `/`.
    path: String,
    text: String,
}

impl Source {
    /// Its lines of code, numbered from 1: comments are left out.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let code = |line: &'_ str| line.split_once("//").map_or(line.len(), |(code, _)| code.len());
        let lines = self.text.lines().map(move |line| &line[..code(line)]);
        lines.enumerate().map(|(index, line)| (index + 1, line))
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below `directories` with one of the extensions, sorted.
fn sources(directories: &[&str], extension: &str) -> Vec<Source> {
    let mut pending: Vec<PathBuf> = directories.iter().map(|directory| root().join(directory)).collect();
    let mut found = Vec::new();
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).expect("a readable directory");
            pending.extend(entries.map(|entry| entry.expect("a readable entry").path()));
        } else if path.extension().is_some_and(|it| it == extension) {
            let text = std::fs::read_to_string(&path).expect("a UTF-8 file");
            let path = path
                .strip_prefix(root())
                .expect("below the root")
                .to_str()
                .expect("UTF-8")
                .replace('\\', "/");
            found.push(Source { path, text });
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Fails with all breaches at once, and with the way to mend them.
fn assert_none(breaches: &[String], mend: &str) {
    assert!(breaches.is_empty(), "{mend}\n  {}", breaches.join("\n  "));
}

/// Whether `text` holds `word` with no letter, digit or `_` beside it.
fn has_word(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back().is_some_and(part);
        let after = word.ends_with(part) && text[at + word.len()..].chars().next().is_some_and(part);
        !before && !after
    })
}
