//! `stateward audit`: the live cluster, once.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::time::{Instant, interval_at};

use super::reporting::{self, Defaults};
use crate::audit::{Nowhere, Report, entries};
use crate::cluster::connect::connect;
use crate::cluster::snapshot::{self, Cause, Gap, Progress, Scope};
use crate::graph::store::locked;
use crate::graph::{Facts, Graph, Knowledge, ObjectKind, Overlay};
use crate::judge::{World, inspect};
use crate::policy::Policies;
use crate::rules::RULES;

/// Threads that read: the lists are few, and parsing them takes less time than getting them.
const THREADS: usize = 2;

const EXAMPLES: &str = "\
Examples:
  stateward audit
  stateward audit -n shop -v
  stateward audit --policy strict --output json=audit.json
  stateward audit --write-known known.json   (then: --known known.json)

Exit codes:
  0  nothing at or above --fail-on
  1  findings at or above --fail-on
  2  bad usage, or the cluster could not be read

It needs the permission to list workloads, claims, Services, autoscalers, Namespaces, Nodes, PersistentVolumes,
StorageClasses and CSIDrivers. A kind that it may not list is unknown: the report names it.";

/// Judge what runs in a cluster now.
///
/// Lists every kind once, through the kubeconfig, and judges every workload by the rules of the webhook. Nothing is
/// written or watched.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Kubeconfig file of the cluster; else $KUBECONFIG, ~/.kube/config, or the pod's own account
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// Judge one namespace only
    #[arg(short, long, value_name = "NAME", value_parser = super::manifests::namespace)]
    namespace: Option<String>,
    #[command(flatten)]
    reporting: reporting::Args,
}

impl Args {
    /// Reads the cluster, judges it, writes the reports.
    ///
    /// # Errors
    /// Bad policies, a cluster that cannot be read, a file that cannot be written.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let nothing = Defaults::default();
        let policies = self.reporting.policies(&nothing)?;
        let graph = Arc::new(Graph::new(Facts::new(Knowledge::Unavailable)));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .enable_all()
            .build()
            .context("cannot start the runtime")?;
        let gaps = runtime.block_on(self.read(&graph))?;
        let report = judged(&graph, &policies, &gaps);
        self.reporting.report(report, &nothing)
    }

    async fn read(&self, graph: &Arc<Graph>) -> anyhow::Result<Vec<Gap>> {
        let client = connect(self.kubeconfig.as_deref(), self.context.as_deref()).await?;
        let Some(client) = client else {
            bail!("no cluster is configured: name a kubeconfig with --kubeconfig or $KUBECONFIG");
        };
        let scope = self
            .namespace
            .as_deref()
            .map_or(Scope::Cluster, |name| Scope::Namespace(name.into()));
        let progress = Arc::new(Progress::default());
        let telling = tokio::spawn(tell(progress.clone()));
        let gaps = snapshot::take(&client, graph, &scope, &progress).await;
        telling.abort();
        // What it told must not be written over by what comes next.
        let _ = telling.await;
        if io::stderr().is_terminal() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
        let gaps = gaps?;
        if let Some(first) = unreadable(&gaps) {
            bail!("no workload can be listed: {first}");
        }
        Ok(gaps)
    }
}

/// Judges every workload of every namespace.
fn judged(graph: &Graph, policies: &Policies, gaps: &[Gap]) -> Report {
    let facts = graph.facts();
    let mut report = Report {
        objects: graph.counts().into_iter().sum(),
        notes: gaps.iter().map(note).collect(),
        ..Report::default()
    };
    for namespace in graph.namespaces() {
        let shard = graph.shard(&namespace);
        let inspection = inspect(&World {
            shard: &locked(&shard),
            facts: &facts,
            fetched: &Overlay::default(),
            policies,
            rules: RULES,
        });
        report.workloads += inspection.workloads;
        report.entries.extend(entries(inspection, &namespace, &Nowhere));
    }
    report.sort();
    report
}

/// What is said of a gap.
fn note(gap: &Gap) -> String {
    let kind = gap.kind;
    match gap.cause {
        Cause::Forbidden => {
            let group = kind.api_version().rsplit_once('/').map_or("", |(group, _)| group);
            let of = if group.is_empty() {
                String::new()
            } else {
                format!(" of the API group {group}")
            };
            let resource = kind.resource();
            format!("no permission to list {resource}{of}: every {kind} is unknown")
        }
        Cause::NoSuchKind => format!("the API server has no {}: every {kind} is unknown", kind.resource()),
        Cause::Unreadable(1) => format!("one {kind} cannot be read and is unknown"),
        Cause::Unreadable(count) => format!("{count} objects of the kind {kind} cannot be read and are unknown"),
    }
}

/// Says why nothing can be judged, where no kind of workload is known.
fn unreadable(gaps: &[Gap]) -> Option<String> {
    let refused = |kind: &ObjectKind| {
        gaps.iter()
            .find(|gap| gap.kind == *kind && !matches!(gap.cause, Cause::Unreadable(_)))
    };
    let workloads = ObjectKind::ALL
        .iter()
        .filter(|kind| matches!(kind, ObjectKind::Workload(_)));
    let refused: Option<Vec<&Gap>> = workloads.map(refused).collect();
    refused?.first().map(|gap| note(gap))
}

/// Tells how far reading has come: on a terminal several times a second in one line, elsewhere every few seconds.
async fn tell(progress: Arc<Progress>) {
    let terminal = io::stderr().is_terminal();
    let every = if terminal {
        Duration::from_millis(250)
    } else {
        Duration::from_secs(5)
    };
    let mut ticks = interval_at(Instant::now() + every, every);
    loop {
        ticks.tick().await;
        let objects = progress.objects.load(Ordering::Relaxed);
        let kinds = progress.kinds.load(Ordering::Relaxed);
        let line = format!(
            "reading the cluster: {objects} objects, {kinds} of {} kinds done",
            ObjectKind::ALL.len()
        );
        // A closed standard error leaves nobody to tell.
        let _ = if terminal {
            write!(io::stderr(), "\r\x1b[K{line}")
        } else {
            writeln!(io::stderr(), "{line}")
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Kind;

    #[test]
    fn a_gap_names_what_is_missing() {
        let gap = |kind, cause| note(&Gap { kind, cause });
        assert_eq!(
            gap(ObjectKind::Workload(Kind::StatefulSet), Cause::Forbidden),
            "no permission to list statefulsets of the API group apps: every StatefulSet is unknown"
        );
        assert_eq!(
            gap(ObjectKind::Volume, Cause::Forbidden),
            "no permission to list persistentvolumes: every PersistentVolume is unknown"
        );
        assert_eq!(
            gap(ObjectKind::Service, Cause::Unreadable(1)),
            "one Service cannot be read and is unknown"
        );
    }

    #[test]
    fn only_where_no_workload_is_known_nothing_can_be_judged() {
        let gaps = |kinds: &[ObjectKind]| -> Vec<Gap> {
            let cause = Cause::Forbidden;
            kinds.iter().map(|kind| Gap { kind: *kind, cause }).collect()
        };
        let all = gaps(&ObjectKind::ALL);
        assert!(unreadable(&all).is_some_and(|why| why.contains("cronjobs")));
        assert_eq!(unreadable(&all[..all.len() - 1]), None);
        assert_eq!(unreadable(&[]), None);
    }
}
