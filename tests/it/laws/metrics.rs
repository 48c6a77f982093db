//! The page about metrics names those that there are.

use std::collections::BTreeSet;

use super::{assert_none, root, sources};

const PAGE: &str = "docs/metrics.md";

/// What the encoder appends to the name of a counter, and of an info.
const SUFFIXES: [&str; 3] = ["", "_total", "_info"];

#[test]
fn the_page_about_metrics_names_every_metric_and_no_other() {
    let page = std::fs::read_to_string(root().join(PAGE)).expect(PAGE);
    let rows: BTreeSet<&str> = page
        .lines()
        .filter_map(|line| names(line.strip_prefix("| `")?).next())
        .collect();
    let registered = registered();
    assert!(registered.len() > 20, "{registered:?}");
    let told = |name: &str| SUFFIXES.iter().any(|suffix| rows.contains(&*format!("{name}{suffix}")));
    let missing: Vec<String> = registered.iter().filter(|name| !told(name)).cloned().collect();
    assert_none(&missing, &format!("give these metrics a row in {PAGE}:"));
    let exists = |name: &&&str| {
        let without = |suffix: &&str| name.strip_suffix(suffix).is_some_and(|name| registered.contains(name));
        !SUFFIXES.iter().any(without)
    };
    let unknown: Vec<String> = rows.iter().filter(exists).map(|name| (*name).to_owned()).collect();
    assert_none(&unknown, &format!("{PAGE} has rows for metrics that there are not:"));
    // Alerts and other pages ask for such as well.
    let parts = SUFFIXES.iter().chain(&["_bucket", "_count", "_sum"]);
    let series: BTreeSet<String> = registered
        .iter()
        .flat_map(|name| parts.clone().map(move |part| format!("{name}{part}")))
        .collect();
    let mut unknown = Vec::new();
    for document in sources(&["docs", "README.md", "ARCHITECTURE.md", "deploy"], "md") {
        for (number, line) in document.text.lines().enumerate() {
            let strange = names(line).filter(|name| !series.contains(*name));
            unknown.extend(strange.map(|name| format!("{}:{}: {name}", document.path, number + 1)));
        }
    }
    assert_none(&unknown, "these documents name metrics that there are not:");
}

/// The names that are registered: every literal of that form in the code, tests aside.
fn registered() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in sources(&["src/metrics"], "rs") {
        let code = file.text.split("#[cfg(test)]").next().unwrap_or_default();
        for (at, _) in code.match_indices("\"stateward_") {
            let literal = code[at + 1..].split('"').next().unwrap_or_default();
            if names(literal).next() == Some(literal) {
                found.insert(literal.to_owned());
            }
        }
    }
    found
}

/// The names of metrics in a text.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let part = |c: char| c.is_ascii_lowercase() || c == '_';
    let words = text.split(move |c: char| !part(c));
    words.filter(|word| word.starts_with("stateward_"))
}
