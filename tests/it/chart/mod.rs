//! The Helm chart: its files follow from the program, its objects are those of `stateward manifests`, and real Helm
//! installs, changes and removes it.

/// What it shows in a browser.
mod dashboard;
/// What of it is generated.
mod files;
/// Real Helm.
pub mod helm;
/// With a real API server.
mod release;
/// The same objects as `stateward manifests`.
mod same;
/// Values, their schema and their page.
mod values;

use serde_json::Value;

use crate::install::{objects, stateward};

/// The objects that `stateward manifests` prints.
fn manifests(arguments: &[&str]) -> Vec<Value> {
    let output = stateward(&[&["manifests"], arguments].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    objects(&output.stdout)
}
