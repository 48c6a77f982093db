//! `stateward crds`: the kinds that policies in a cluster are of.

use std::process::ExitCode;

use crate::policy::resource::definitions;
use crate::rules::RULES;
use crate::yaml;

/// Print the CustomResourceDefinitions of stateward's own kinds.
///
/// `stateward manifests` prints them too; applied before it, kubectl knows the kind of the policy in it.
#[derive(Debug, clap::Args)]
pub struct Args {}

impl Args {
    /// Prints the definitions.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let yaml = yaml::stream("# Printed by `stateward crds`.\n", &definitions(RULES))?;
        super::print(yaml.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}
