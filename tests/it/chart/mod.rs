//! The Helm chart: its files follow from the program, its objects are those of `stateward manifests`, and real Helm
//! installs, changes and removes it.

/// What of it is generated.
mod files;
/// Real Helm.
mod helm;
/// With a real API server.
mod release;
/// The same objects as `stateward manifests`.
mod same;
/// Values, their schema and their page.
mod values;

use std::process::Command;

use serde_json::Value;

/// The objects that `stateward manifests` prints.
fn manifests(arguments: &[&str]) -> Vec<Value> {
    let output = Command::new(env!("CARGO_BIN_EXE_stateward"))
        .arg("manifests")
        .args(arguments)
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.split("\n---\n")
        .skip(1)
        .map(|document| serde_saphyr::from_str(document).expect("YAML"))
        .collect()
}
