//! `stateward audit`: the live cluster, once.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::bail;
use serde_json::Value;

use super::live::{self, Cluster, note};
use super::reporting::{self, Chosen, Defaults};
use super::seen::add_surroundings;
use super::{compare, exceptions};
use crate::audit::{Reach, Report, by_namespace, defaulted, entries};
use crate::cluster::snapshot::{Cause, Gap, Scope};
use crate::graph::{Facts, Graph, Kinds, Knowledge};
use crate::judge::inspect;
use crate::output::html::Surroundings;
use crate::parallel;
use crate::policy::Policies;
use crate::time::Time;
use crate::yaml;

const EXAMPLES: &str = "\
Examples:
  stateward audit
  stateward audit -n shop -v
  stateward audit --policy strict --output json=audit.json
  stateward audit --output html=audit.html
  stateward audit --write-known known.json   (then: --known known.json)
  stateward audit --policy strict --compare baseline
  stateward audit --defaulted   (before you leave: docs/leaving.md)
  stateward audit --policy strict --write-exceptions DIR --expires 60d --owner shop

Exit codes:
  0  nothing at or above --fail-on
  1  findings at or above --fail-on
  2  bad usage, or the cluster could not be read

Without --policy the policies of the cluster count, where it has their kind (`stateward crds`), else baseline.

It needs the permission to list workloads, claims, Services, autoscalers, Namespaces, Nodes, PersistentVolumes,
StorageClasses and CSIDrivers. A kind that it may not list is unknown: the report names it.";

/// Judge what runs in a cluster now.
///
/// Lists every kind once, through the kubeconfig, and judges every workload by the rules of the webhook. Nothing is
/// written or watched.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    cluster: Cluster,
    /// Judge one namespace only
    #[arg(short, long, value_name = "NAME", value_parser = super::manifests::namespace)]
    namespace: Option<String>,
    /// Judge all namespaces, which it does anyway
    #[arg(short = 'A', long, conflicts_with = "namespace", hide = true)]
    all_namespaces: bool,
    /// Declarations of further kinds of workloads (WorkloadKind): files or directories; docs/workload-kinds.md tells of them
    #[arg(long, value_name = "PATH")]
    workload_kinds: Vec<PathBuf>,
    /// Instead of the report, print the immutable fields that were injected: the lines that manifests lack
    #[arg(long, conflicts_with_all = ["format", "output", "known", "write_known", "compare", "write_exceptions"])]
    defaulted: bool,
    #[command(flatten)]
    reporting: reporting::Args,
    #[command(flatten)]
    exceptions: exceptions::Args,
    #[command(flatten)]
    compare: compare::Args,
}

impl Args {
    /// Reads the cluster, judges it, writes the reports.
    ///
    /// # Errors
    /// Bad policies, a cluster that cannot be read, a file that cannot be written.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let nothing = Defaults::default();
        // Before anything is read: mistakes in files show at once.
        let mut chosen = self.reporting.policies(&nothing)?;
        let others = self.compare.policies()?;
        let (kinds, note) = live::kinds(&self.cluster, &self.workload_kinds)?;
        let graph = Arc::new(Graph::new(Facts::of(kinds, Knowledge::Unavailable)));
        let scope = self
            .namespace
            .as_deref()
            .map_or(Scope::Cluster, |name| Scope::Namespace(name.into()));
        let live = live::read(&self.cluster, &graph, &scope, self.reporting.whose(&nothing))?;
        if let Some(first) = unreadable(&live.gaps) {
            bail!("no workload can be listed: {first}");
        }
        if self.defaulted {
            return print(&defaulted(&graph));
        }
        if let Some(objects) = &live.policies {
            chosen = Chosen::of_cluster(objects)?;
        }
        let time = self.reporting.time();
        let mut report = Report {
            policies: chosen.in_force,
            ..judged(&graph, &chosen.policies, time, &live.gaps)
        };
        report.notes.extend(note);
        if self
            .exceptions
            .write(&report, graph.facts().kinds, self.reporting.least(), time)?
        {
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(others) = others {
            let without = judged(&graph, &others, time, &live.gaps);
            return self.compare.write(&report, &without, &[&*graph], &self.reporting);
        }
        let mut surroundings = Surroundings::default();
        if self.reporting.shows_surroundings() {
            add_surroundings(&mut surroundings, &graph, &chosen.policies, time);
        }
        self.reporting.report(report, &surroundings, &nothing)
    }
}

/// Prints what was injected, as one would write it.
fn print(objects: &[Value]) -> anyhow::Result<ExitCode> {
    let heading = if objects.is_empty() {
        "# No object rests on an immutable field that stateward injected.\n"
    } else {
        "# Immutable fields that stateward injected: write these lines into the manifests.\n"
    };
    super::print(yaml::stream(heading, objects)?.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Judges every workload of every namespace.
fn judged(graph: &Graph, policies: &Policies, time: Time, gaps: &[Gap]) -> Report {
    let threads = parallel::all_cores();
    let found = by_namespace(graph, policies, time, threads, |namespace, world| {
        let mut inspection = inspect(world);
        let reach = Reach::of(&mut inspection);
        (inspection.workloads, reach, entries(inspection, namespace))
    });
    let mut report = Report {
        objects: graph.counts().into_iter().map(|(_, count)| count).sum(),
        notes: gaps.iter().map(note).collect(),
        ..Report::default()
    };
    let mut reach = Reach::default();
    for (workloads, here, entries) in found {
        report.workloads += workloads;
        reach.add(here);
        report.entries.extend(entries);
    }
    report.notes.extend(reach.notes());
    report.sort();
    report
}

/// Says why nothing can be judged, where no kind of workload is known.
fn unreadable(gaps: &[Gap]) -> Option<String> {
    let refused = |kind| {
        gaps.iter()
            .find(|gap| gap.kind == kind && !matches!(gap.cause, Cause::Unreadable(_)))
    };
    let workloads = Kinds::builtin().iter().filter(|kind| kind.is_workload());
    let refused: Option<Vec<&Gap>> = workloads.map(refused).collect();
    refused?.into_iter().min_by_key(|gap| gap.kind).map(note)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Kind;

    #[test]
    fn only_where_no_workload_is_known_nothing_can_be_judged() {
        let cause = Cause::Forbidden;
        let gaps = Kinds::builtin().iter().map(|kind| Gap { kind, cause });
        let all: Vec<Gap> = gaps.collect();
        assert!(unreadable(&all).is_some_and(|why| why.contains("cronjobs")));
        let but_jobs: Vec<Gap> = all.into_iter().filter(|gap| gap.kind != Kind::JOB).collect();
        assert_eq!(unreadable(&but_jobs), None);
        assert_eq!(unreadable(&[]), None);
    }
}
