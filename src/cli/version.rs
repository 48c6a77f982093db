//! `stateward version`: what this program was built from.

use std::env::consts::{ARCH, OS};
use std::process::ExitCode;

use crate::rules::RULES;

/// Print the version and what it was built from.
#[derive(Debug, clap::Args)]
pub struct Args {}

impl Args {
    /// Prints one fact a line.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        super::print(facts().as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}

fn facts() -> String {
    // `deploy/image.sh` says it; nobody else has to have git.
    let commit = option_env!("STATEWARD_COMMIT").unwrap_or("unknown");
    let libc = if cfg!(target_env = "musl") { ", static" } else { "" };
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    format!(
        "version: {}\ncommit: {commit}\nplatform: {OS}/{ARCH}{libc}\nbuild: {build}\nrules: {}\n",
        env!("CARGO_PKG_VERSION"),
        RULES.len(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_is_a_line() {
        let facts = facts();
        let names: Vec<&str> = facts
            .lines()
            .filter_map(|line| Some(line.split_once(": ")?.0))
            .collect();
        assert_eq!(names, ["version", "commit", "platform", "build", "rules"]);
        assert_eq!(facts.lines().count(), names.len());
    }
}
