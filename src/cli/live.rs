//! Reading the live cluster once, for `audit` and `check --with-cluster`, and saying what of it is not known.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context as _;
use kube::Client;
use tokio::time::{Instant, interval_at};

use crate::cluster::connect::connect;
use crate::cluster::policies::ListError;
use crate::cluster::snapshot::{self, Cause, Gap, Progress, Scope};
use crate::cluster::{installed, policies};
use crate::graph::{Graph, Kinds};
use crate::kinds;
use crate::policy::resource::{EXCEPTIONS, KINDS, POLICIES};
use crate::runtime::policies::{OwnObjects, kinds_of_cluster};

/// Threads that read: the lists are few, and parsing them takes less time than getting them.
const THREADS: usize = 2;

/// Which cluster is meant.
#[derive(Debug, clap::Args)]
pub struct Cluster {
    /// Kubeconfig file of the cluster; else $KUBECONFIG, ~/.kube/config, or the pod's own account
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
}

impl Cluster {
    /// A client of it.
    ///
    /// # Errors
    /// None is configured, or it cannot be used.
    pub async fn client(&self) -> anyhow::Result<Client> {
        let client = connect(self.kubeconfig.as_deref(), self.context.as_deref()).await?;
        client.context("no cluster is configured: name a kubeconfig with --kubeconfig or $KUBECONFIG")
    }
}

/// What was read of a cluster besides its objects.
#[derive(Debug)]
pub struct Live {
    /// What could not be read.
    pub gaps: Vec<Gap>,
    /// The policies and exceptions that it holds; `None` where nobody asked, or it does not have policies.
    pub policies: Option<OwnObjects>,
}

/// Whose policies count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policies {
    /// Those of the cluster, if it has their kind.
    OfCluster,
    /// Those that were named.
    Named,
}

/// The kinds of workloads that the cluster declares, as JSON, and a note where they may not be read.
///
/// # Errors
/// No cluster is configured, or it cannot be read.
fn declared(cluster: &Cluster) -> anyhow::Result<(Vec<String>, Option<String>)> {
    runtime()?.block_on(async {
        let client = cluster.client().await?;
        match policies::list(&KINDS, &client).await {
            Ok(kinds) => Ok((kinds.unwrap_or_default(), None)),
            Err(ListError::Forbidden(resource)) => {
                let note = format!(
                    "no permission to list {}: kinds that the cluster declares are not judged",
                    resource.name()
                );
                Ok((Vec::new(), Some(note)))
            }
            Err(error) => Err(error.into()),
        }
    })
}

/// All kinds that play a part: those that the cluster declares too, which give way to files; and a note where it may not
/// be asked.
///
/// # Errors
/// Declarations that are not valid, or a cluster that cannot be read.
pub fn kinds(cluster: &Cluster, files: &[PathBuf]) -> anyhow::Result<(&'static Kinds, Option<String>)> {
    // Before anything is asked: mistakes in files show at once.
    let from_files = kinds::with(Vec::new(), files)?;
    let (declared, note) = declared(cluster)?;
    let kinds = if declared.is_empty() {
        from_files
    } else {
        kinds::with(kinds_of_cluster(&declared)?, files)?
    };
    Ok((kinds, note))
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

/// Fills an empty graph from the cluster, telling on standard error how far it has come.
///
/// # Errors
/// No cluster is configured, or it cannot be read. A kind that may not be listed is a gap.
pub fn read(cluster: &Cluster, graph: &Arc<Graph>, scope: &Scope, policies: Policies) -> anyhow::Result<Live> {
    runtime()?.block_on(async {
        let client = cluster.client().await?;
        let policies = match policies {
            Policies::OfCluster => match policies::list(&POLICIES, &client).await? {
                Some(policies) => Some(OwnObjects {
                    policies,
                    exceptions: policies::list(&EXCEPTIONS, &client).await?.unwrap_or_default(),
                    default: installed::default_policy(&client).await,
                }),
                None => None,
            },
            Policies::Named => None,
        };
        let progress = Arc::new(Progress::default());
        let telling = tokio::spawn(tell(progress.clone(), graph.facts().kinds.iter().len()));
        let gaps = snapshot::take(&client, graph, scope, &progress).await;
        telling.abort();
        // What it told must not be written over by what comes next.
        let _ = telling.await;
        if io::stderr().is_terminal() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
        Ok(Live { gaps: gaps?, policies })
    })
}

/// What is said of a gap.
#[must_use]
pub fn note(gap: &Gap) -> String {
    let kind = gap.kind;
    match gap.cause {
        Cause::Forbidden => {
            let group = kind.group();
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

/// Tells how far reading `total` kinds has come: on a terminal several times a second in one line, elsewhere every few seconds.
async fn tell(progress: Arc<Progress>, total: usize) {
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
        let line = format!("reading the cluster: {objects} objects, {kinds} of {total} kinds done");
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
            gap(Kind::STATEFUL_SET, Cause::Forbidden),
            "no permission to list statefulsets of the API group apps: every StatefulSet is unknown"
        );
        assert_eq!(
            gap(Kind::VOLUME, Cause::Forbidden),
            "no permission to list persistentvolumes: every PersistentVolume is unknown"
        );
        assert_eq!(
            gap(Kind::SERVICE, Cause::Unreadable(1)),
            "one Service cannot be read and is unknown"
        );
    }
}
