//! `--compare`: what a set of policies would deny or warn about beyond another, before anybody switches it on.

use std::process::ExitCode;

use anyhow::bail;

use super::reporting;
use crate::audit::Report;
use crate::audit::comparison::Comparison;
use crate::audit::report::Object;
use crate::graph::store::locked;
use crate::graph::{Graph, ObjectRef};
use crate::output::compared;
use crate::policy::Policies;
use crate::runtime::policies::{self, PolicySource};

/// The label of an owner, where nobody names another.
pub const OWNER: &str = "team";

/// What to compare with.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    /// Instead of the report, show what --policy would newly deny or warn about compared with these policies; repeatable
    #[arg(long, value_name = "PATH", value_parser = PolicySource::parse, conflicts_with_all = ["known", "write_known"])]
    compare: Vec<PolicySource>,
    /// The label, of a workload or else of its Namespace, that names whom to talk to [default: team]
    #[arg(long, value_name = "KEY", requires = "compare")]
    owner_label: Option<String>,
}

impl Args {
    /// The policies to compare with, if any.
    ///
    /// # Errors
    /// Policies that cannot be read or are not valid.
    pub fn policies(&self) -> anyhow::Result<Option<Policies>> {
        if self.compare.is_empty() {
            return Ok(None);
        }
        Ok(Some(policies::load(&self.compare)?))
    }

    /// Writes what is new, and answers with the exit code; the first of the graphs that says whom an object belongs to is
    /// heard.
    ///
    /// # Errors
    /// A format that has no table, or a file that cannot be written.
    pub fn write(
        &self,
        with: &Report,
        without: &Report,
        graphs: &[&Graph],
        reporting: &reporting::Args,
    ) -> anyhow::Result<ExitCode> {
        let label = self.owner_label.as_deref().unwrap_or(OWNER);
        let owner = |object: &Object| graphs.iter().find_map(|graph| owner(graph, label, object));
        let comparison = Comparison::of(with, without, owner);
        reporting.write(with, |format, _| match compared(&comparison, format) {
            Some(text) => Ok(text),
            None => bail!("--compare has a table for human and json only"),
        })?;
        Ok(reporting.code(with, |level| comparison.reaches(level)))
    }
}

/// Whom an object belongs to: what a label of it says, else the same label of its Namespace.
fn owner(graph: &Graph, label: &str, object: &Object) -> Option<String> {
    let kind = graph.facts().kinds.of(&object.api_version, &object.kind)?;
    let shard = graph.existing_shard(&object.namespace)?;
    let shard = locked(&shard);
    let workload = shard.workload(&ObjectRef::new(kind, object.name.clone()));
    shard.label(workload, label).map(str::to_owned)
}
