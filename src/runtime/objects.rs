//! Where the objects come from: a cluster, files, or the built-in example.

use std::path::PathBuf;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use kube::Client;
use tracing::{info, warn};

use super::error::StartError;
use super::example;
use super::parts::{End, Parts};
use crate::admission::{Answer, LiveReads};
use crate::cluster::changes::Changes;
use crate::cluster::connect::connect;
use crate::cluster::live::{LiveReader, Read};
use crate::cluster::watch::{Watched, Watches};
use crate::graph::{Facts, Graph, Kinds, Knowledge, Lookup, Name, Node, ObjectRef, Service};
use crate::manifests::load::{Loaded, load};
use crate::manifests::{self, files};
use crate::server::admin::Gate;

/// Where the objects come from.
#[derive(Clone, Debug)]
pub enum ObjectSource {
    /// The cluster of a kubeconfig, else of `$KUBECONFIG`, `~/.kube/config` or the pod's own account; the built-in
    /// example where there is none.
    Cluster {
        kubeconfig: Option<PathBuf>,
        context: Option<String>,
        /// The kinds that are watched.
        kinds: &'static Kinds,
    },
    /// The built-in example.
    Example,
    /// Files or directories; what is not in them is unknown.
    Manifests {
        paths: Vec<PathBuf>,
        /// The kinds of which objects are read.
        kinds: &'static Kinds,
        /// What cannot be read is told and left out.
        skip_unreadable: bool,
    },
}

/// The graph, and whom to ask for what it lacks.
pub(super) struct Objects {
    pub(super) graph: Arc<Graph>,
    pub(super) live: Option<Arc<dyn LiveReads>>,
    pub(super) cluster: Option<Cluster>,
    /// The built-in example is served.
    pub(super) example: bool,
}

/// A cluster that is watched.
#[derive(Clone)]
pub(super) struct Cluster {
    pub(super) client: Client,
    /// The end of the first sync.
    pub(super) synced: Shared<BoxFuture<'static, ()>>,
    pub(super) changes: Arc<Changes>,
    pub(super) watched: Watched,
    /// The kinds that the process was started with.
    pub(super) kinds: &'static Kinds,
}

/// Reads the objects, or begins to; readiness waits until they are known.
pub(super) async fn start(source: ObjectSource, parts: &mut Parts) -> Result<Objects, StartError> {
    let gate = parts.readiness.gate("sync", "first lists under way");
    let objects = match source {
        ObjectSource::Cluster {
            kubeconfig,
            context,
            kinds,
        } => match connect(kubeconfig.as_deref(), context.as_deref()).await? {
            Some(client) => return Ok(of_cluster(client, kinds, gate, parts)),
            None => {
                info!("No cluster found");
                built_in()
            }
        },
        ObjectSource::Example => built_in(),
        ObjectSource::Manifests {
            paths,
            kinds,
            skip_unreadable,
        } => from_files(&paths, kinds, skip_unreadable)?,
    };
    gate.open();
    Ok(objects)
}

/// The objects of a cluster, now and from now on.
fn of_cluster(client: Client, kinds: &'static Kinds, gate: Gate, parts: &mut Parts) -> Objects {
    let graph = Arc::new(Graph::new(Facts::of(kinds, Knowledge::Unavailable)));
    let watches = Watches::start(&client, &graph, &parts.metrics);
    let live = LiveReader::new(client.clone(), graph.clone(), parts.metrics.clone());
    let (synced, changes) = (watches.synced().boxed().shared(), watches.changes());
    let watched = watches.watched();
    let first_sync = synced.clone();
    let told = async move {
        synced.await;
        gate.open();
        info!("First sync done");
    };
    parts.start("sync", End::Cut, async {
        tokio::join!(told, watches.attend());
    });
    Objects {
        graph,
        live: Some(Arc::new(FromCluster(live))),
        cluster: Some(Cluster {
            client,
            synced: first_sync,
            changes,
            watched,
            kinds,
        }),
        example: false,
    }
}

fn built_in() -> Objects {
    let graph = Graph::new(Facts::new(Knowledge::Partial));
    insert(&graph, "the built-in example", example::WORLD.as_bytes().to_vec());
    info!("Serving the built-in example");
    Objects {
        example: true,
        ..fixed(graph)
    }
}

/// The objects of files; everything that is not in them is unknown. So is what cannot be read, where that may be skipped.
fn from_files(paths: &[PathBuf], kinds: &'static Kinds, skip_unreadable: bool) -> Result<Objects, StartError> {
    let graph = Graph::new(Facts::of(kinds, Knowledge::Partial));
    let mut read = Inserted::default();
    for path in paths {
        let (found, errors) = files::find(path);
        if let Some(error) = errors.into_iter().next() {
            return Err(StartError::Manifests(error));
        }
        for file in found {
            let text = files::load(&file).map_err(StartError::Manifests)?;
            let more = insert(&graph, &file.display().to_string(), text);
            read.objects += more.objects;
            read.unreadable += more.unreadable;
        }
    }
    if read.unreadable > 0 && !skip_unreadable {
        return Err(StartError::Unreadable(read.unreadable));
    }
    let Inserted { objects, unreadable } = read;
    info!(
        objects,
        unreadable, "Manifests read; everything that is not in them is unknown"
    );
    Ok(fixed(graph))
}

/// A graph that stays as it is, with nobody to ask for more.
fn fixed(graph: Graph) -> Objects {
    Objects {
        graph: Arc::new(graph),
        live: None,
        cluster: None,
        example: false,
    }
}

/// What became of the objects of a text.
#[derive(Default)]
struct Inserted {
    /// Those that play a part.
    objects: usize,
    /// Objects, or whole documents.
    unreadable: usize,
}

/// Puts the objects of a text into the graph, and tells of what cannot be read.
fn insert(graph: &Graph, file: &str, text: Vec<u8>) -> Inserted {
    let manifests = manifests::read(text);
    let mut inserted = Inserted::default();
    for problem in manifests.problems() {
        inserted.unreadable += usize::from(!problem.is_warning());
        warn!(
            at = format!("{file}:{}", problem.position),
            problem = problem.message,
            "Manifest has a problem"
        );
    }
    for manifest in manifests.iter() {
        match load(graph, manifest, &"default".into()) {
            Loaded::Inserted(_) => inserted.objects += 1,
            Loaded::Skipped => {}
            Loaded::Unreadable(error) => {
                inserted.unreadable += 1;
                warn!(at = format!("{file}:{}", error.position()), %error, "Object cannot be read");
            }
        }
    }
    inserted
}

/// What admission may ask of the cluster.
struct FromCluster(LiveReader);

impl LiveReads for FromCluster {
    fn object<'a>(&'a self, namespace: &'a Name, object: &'a ObjectRef) -> Answer<'a, Lookup<Node>> {
        Box::pin(self.0.object(namespace, object).map(told))
    }

    fn missing<'a>(&'a self, namespace: &'a Name, object: &'a ObjectRef) -> Answer<'a, Lookup<Node>> {
        Box::pin(self.0.missing(namespace, object).map(told))
    }

    fn services<'a>(&'a self, namespace: &'a Name) -> Answer<'a, Option<Vec<Service>>> {
        Box::pin(self.0.services(namespace))
    }
}

fn told(read: Read) -> Lookup<Node> {
    match read {
        Read::Found(object) => Lookup::Known(object),
        Read::Absent => Lookup::Absent,
        Read::Unknown => Lookup::Unknown,
    }
}
