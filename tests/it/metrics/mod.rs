//! The metrics pack in `deploy/metrics`: what its rules and its dashboard ask for exists, and Prometheus' own tool takes it.

/// The dashboard, and what is wrong with one.
mod dashboard;
/// What the Prometheus Operator is to scrape is what an installation has.
mod monitor;
/// What is drawn, as data.
mod panels;
/// The metrics and labels that an expression names.
pub mod promql;
/// Prometheus' `promtool`.
pub mod promtool;
/// The rules, and what follows from them.
mod rules;
/// A page on which every metric is told.
pub mod scrape;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

/// A file of the repository.
fn text(file: &str) -> String {
    fs::read_to_string(path(file)).expect(file)
}

/// The documents of a YAML file of the repository.
fn documents(file: &str) -> Vec<Value> {
    let text = text(file);
    let documents = text.split("\n---\n");
    documents
        .map(|document| serde_saphyr::from_str(document).expect(file))
        .collect()
}

/// The items of a list.
fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

/// A text.
fn word(value: &Value) -> &str {
    value.as_str().expect("a text")
}
