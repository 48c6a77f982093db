//! The documents name only what exists: subcommands, recipes and paths.

use clap::CommandFactory as _;
use stateward::cli::Cli;

use super::{Source, assert_none, root, sources};

#[test]
fn commands_in_documents_exist() {
    let command = Cli::command();
    let known = |name: &str| command.get_subcommands().any(|it| it.get_name() == name) || name == "help";
    let mut breaches = Vec::new();
    for document in documents() {
        for (number, line) in shell_lines(&document) {
            for part in line.split(['|', ';', '&', '$', '(']) {
                let mut words = part
                    .split_whitespace()
                    .skip_while(|word| *word == "sudo" || word.contains('='));
                let program = words.next().unwrap_or_default();
                let first = words.next().unwrap_or_default();
                if program.rsplit('/').next() == Some("stateward") && !first.starts_with('-') && !known(first) {
                    breaches.push(format!("{}:{number}: stateward {first}", document.path));
                }
                if program == "just" && !first.is_empty() && !recipes().iter().any(|recipe| recipe == first) {
                    breaches.push(format!("{}:{number}: just {first}", document.path));
                }
            }
        }
    }
    assert_none(&breaches, "these documents show commands that do not exist:");
}

#[test]
fn paths_in_documents_exist() {
    let folders = [
        "src/",
        "crates/",
        "tests/",
        "benches/",
        "certs/",
        "deploy/",
        "docs/",
        "policies/",
        ".ci/",
        ".github/",
    ];
    let mut breaches = Vec::new();
    for document in documents() {
        for (index, line) in document.text.lines().enumerate() {
            for token in line.split('`').skip(1).step_by(2) {
                let path = token.split_whitespace().next().unwrap_or_default();
                let pattern = path.contains(['<', '*', '{', '…', '$', ':']);
                if folders.iter().any(|folder| path.starts_with(folder)) && !pattern && !root().join(path).exists() {
                    breaches.push(format!("{}:{}: {path}", document.path, index + 1));
                }
            }
        }
    }
    assert_none(&breaches, "these documents name files that do not exist:");
}

#[test]
fn links_and_pictures_in_documents_exist() {
    let mut breaches = Vec::new();
    for document in documents() {
        let (directory, _) = document.path.rsplit_once('/').unwrap_or_default();
        for (index, line) in document.text.lines().enumerate() {
            for rest in line.split("](").skip(1) {
                let target = rest.split([')', '#']).next().unwrap_or_default();
                let elsewhere = target.is_empty() || target.contains("://");
                if !elsewhere && !root().join(directory).join(target).exists() {
                    breaches.push(format!("{}:{}: {target}", document.path, index + 1));
                }
            }
        }
    }
    assert_none(&breaches, "these documents link to files that do not exist:");
}

#[test]
fn the_justfile_stays_small_and_explained() {
    let text = std::fs::read_to_string(root().join("justfile")).expect("justfile");
    let lines: Vec<_> = text.lines().collect();
    let bare = |recipe: &&String| {
        let at = lines
            .iter()
            .position(|line| line.split([':', ' ']).next() == Some(recipe.as_str()));
        !at.is_some_and(|at| at > 0 && lines[at - 1].starts_with("# "))
    };
    let recipes = recipes();
    let breaches: Vec<_> = recipes.iter().filter(bare).cloned().collect();
    assert_none(
        &breaches,
        "give each recipe of the justfile a line of comment above it:",
    );
    assert!(
        recipes.len() <= 12,
        "the justfile has {} recipes; 12 are enough",
        recipes.len()
    );
}

/// The Markdown files that people read: at the root, in `docs` and in `certs`.
fn documents() -> Vec<Source> {
    let mut found: Vec<_> = ["docs", "certs"].into_iter().flat_map(existing).collect();
    let files = std::fs::read_dir(root())
        .expect("the root")
        .map(|entry| entry.expect("an entry").path());
    for path in files.filter(|path| path.extension().is_some_and(|it| it == "md")) {
        found.extend(existing(
            path.file_name().and_then(|name| name.to_str()).expect("UTF-8"),
        ));
    }
    found
}

fn existing(path: &str) -> Vec<Source> {
    if root().join(path).exists() {
        sources(&[path], "md")
    } else {
        Vec::new()
    }
}

/// The lines of fenced `sh` blocks that are commands, numbered from 1.
fn shell_lines(document: &Source) -> Vec<(usize, &str)> {
    let mut language = None;
    let mut found = Vec::new();
    for (index, line) in document.text.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), language) {
            (Some(name), None) => language = Some(name.trim()),
            (Some(_), Some(_)) => language = None,
            (None, Some("sh" | "console")) => {
                found.push((index + 1, line.trim_start().trim_start_matches("$ ")));
            }
            (None, _) => {}
        }
    }
    found.retain(|(_, line)| !line.starts_with('#'));
    found
}

fn recipes() -> Vec<String> {
    let text = std::fs::read_to_string(root().join("justfile")).unwrap_or_default();
    let name = |line: &str| {
        let (head, rest) = line.split_once(':')?;
        let plain = !line.starts_with([' ', '\t', '#', '@']) && !rest.starts_with('=');
        plain.then(|| head.split(' ').next().unwrap_or(head).to_owned())
    };
    text.lines().filter_map(name).collect()
}
