//! Prometheus' own `promtool`, which CI installs; elsewhere the tests that need it are skipped where it is missing.

use std::env;
use std::io::{Write as _, stderr};
use std::process::{Command, Stdio};

/// What to check a page of metrics with.
pub const CHECK_METRICS: [&str; 2] = ["check", "metrics"];

/// Runs it in the root of the repository and fails with what it says unless it is content; gives it `input` to read.
pub fn promtool(arguments: &[&str], input: &str) {
    let mut command = Command::new("promtool");
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR"));
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let Ok(mut process) = command.spawn() else {
        assert!(
            env::var_os("CI").is_none(),
            "no promtool on PATH: .ci/run should have put it there"
        );
        let _ = writeln!(
            stderr(),
            "\nstateward tests: no promtool on PATH, skipped: promtool {}",
            arguments.join(" ")
        );
        return;
    };
    // It reads to the end before it answers; where it does not read at all, its exit code tells.
    let _ = process.stdin.take().expect("a pipe").write_all(input.as_bytes());
    let output = process.wait_with_output().expect("it ends");
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8_lossy(&told);
    assert!(
        output.status.success(),
        "promtool {}: {told}\n{input}",
        arguments.join(" ")
    );
}
