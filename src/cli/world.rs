//! Which world to judge against: a cluster, files, or the built-in example.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use kube::Client;
use tracing::{info, warn};

use super::example;
use crate::admission::{Answer, LiveReads};
use crate::cluster::connect::connect;
use crate::cluster::live::{LiveReader, Read};
use crate::cluster::watch::Watches;
use crate::graph::{Facts, Graph, Knowledge, Name, Node, ObjectRef, Service};
use crate::manifests::load::{Loaded, load};
use crate::manifests::{self, files};
use crate::metrics::Metrics;
use crate::server::admin::Gate;

/// Where the objects come from.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    /// Kubeconfig file of the cluster; else $KUBECONFIG, ~/.kube/config, or the pod's own account
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// Look for no cluster: serve the built-in example, or --manifests
    #[arg(long, conflicts_with_all = ["kubeconfig", "context"])]
    no_cluster: bool,
    /// Files or directories with the objects that are known; repeatable
    #[arg(long, value_name = "PATH", conflicts_with_all = ["kubeconfig", "context"])]
    manifests: Vec<PathBuf>,
}

/// The graph, and who keeps it true.
pub struct World {
    pub graph: Arc<Graph>,
    pub live: Option<Arc<dyn LiveReads>>,
    pub client: Option<Client>,
    /// The built-in example is served.
    pub example: bool,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World")
            .field("example", &self.example)
            .finish_non_exhaustive()
    }
}

impl Args {
    /// Opens the world; `gate` opens once it is known.
    ///
    /// # Errors
    /// Files that cannot be read, or a cluster that is configured and cannot be reached.
    pub async fn open(self, metrics: &Arc<Metrics>, gate: Gate) -> anyhow::Result<World> {
        if !self.manifests.is_empty() || self.no_cluster {
            return self.offline(&gate);
        }
        let Some(client) = connect(self.kubeconfig.as_deref(), self.context.as_deref()).await? else {
            info!("No cluster found");
            return self.offline(&gate);
        };
        let graph = Arc::new(Graph::new(Facts::new(Knowledge::Unavailable)));
        let watches = Watches::start(&client, &graph, metrics);
        let live = LiveReader::new(client.clone(), graph.clone(), metrics.clone());
        tokio::spawn(async move {
            watches.synced().await;
            gate.open();
            info!("First sync done");
            // The watches end with their owner, which is this task: for ever.
            std::future::pending::<()>().await;
            drop(watches);
        });
        Ok(World {
            graph,
            live: Some(Arc::new(FromCluster(live))),
            client: Some(client),
            example: false,
        })
    }

    fn offline(&self, gate: &Gate) -> anyhow::Result<World> {
        let graph = Arc::new(Graph::new(Facts::new(Knowledge::Partial)));
        let example = self.manifests.is_empty();
        if example {
            insert(&graph, "the built-in example", example::WORLD.as_bytes().to_vec());
            info!("Serving the built-in example");
        } else {
            from_files(&graph, &self.manifests)?;
        }
        gate.open();
        Ok(World {
            graph,
            live: None,
            client: None,
            example,
        })
    }
}

/// What admission may ask of the cluster; what nobody could tell in time is as good as not found.
struct FromCluster(LiveReader);

impl LiveReads for FromCluster {
    fn object<'a>(&'a self, namespace: &'a Name, object: &'a ObjectRef) -> Answer<'a, Option<Node>> {
        Box::pin(async move {
            match self.0.object(namespace, object).await {
                Read::Found(object) => Some(object),
                Read::Absent | Read::Unknown => None,
            }
        })
    }

    fn services<'a>(&'a self, namespace: &'a Name) -> Answer<'a, Option<Vec<Service>>> {
        Box::pin(self.0.services(namespace))
    }
}

/// Puts the objects of files into the graph. What cannot be read is told and left out: it is unknown, as is
/// everything that is not in the files.
fn from_files(graph: &Graph, paths: &[PathBuf]) -> anyhow::Result<()> {
    let mut objects = 0;
    for path in paths {
        let (found, errors) = files::find(path);
        if let Some(error) = errors.into_iter().next() {
            return Err(anyhow::Error::from(error).context("--manifests"));
        }
        for file in found {
            let text = files::load(&file).context("--manifests")?;
            objects += insert(graph, &file.display().to_string(), text);
        }
    }
    info!(objects, "Manifests read; everything that is not in them is unknown");
    Ok(())
}

/// Returns how many objects of a text play a part.
fn insert(graph: &Graph, file: &str, text: Vec<u8>) -> usize {
    let manifests = manifests::read(text);
    for problem in manifests.problems() {
        warn!(
            at = format!("{file}:{}", problem.position),
            problem = problem.message,
            "Manifest has a problem"
        );
    }
    let mut objects = 0;
    for manifest in manifests.iter() {
        match load(graph, manifest, &"default".into()) {
            Loaded::Inserted(_) => objects += 1,
            Loaded::Skipped => {}
            Loaded::Unreadable(error) => {
                warn!(at = format!("{file}:{}", error.position()), %error, "Object cannot be read; it counts as unknown");
            }
        }
    }
    objects
}
