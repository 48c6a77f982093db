//! What is known when something is converted: the objects of files, or of a namespace of a cluster.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::cli::live::Cluster;
use crate::cli::tell;
use crate::cluster::objects;
use crate::convert::{Object, Scope};
use crate::graph::Name;
use crate::kinds;
use crate::manifests::corpus::{Corpus, Inputs as Files};
use crate::manifests::{self, files};
use crate::parallel;

/// Objects, and where they are from.
pub(super) struct Inputs {
    pub(super) objects: Vec<Object>,
    pub(super) scope: Scope,
    /// `None` where they are from a cluster.
    pub(super) corpus: Option<Corpus>,
}

impl Inputs {
    /// Reads files.
    pub(super) fn of_files(paths: &[PathBuf], namespace: &str) -> anyhow::Result<Self> {
        let name: Name = namespace.into();
        let corpus = Corpus::read(Files {
            paths,
            namespace: &name,
            kinds: kinds::with(Vec::new(), &[])?,
            excluded: &|_| false,
            threads: parallel::all_cores(),
        });
        if let Some((file, broken)) = corpus.files.iter().find_map(|file| Some((file, file.broken.first()?))) {
            match broken.position {
                Some(position) => bail!("{}:{position}: {}", file.name, broken.message),
                None => bail!("{}: {}", file.name, broken.message),
            }
        }
        let manifests = corpus.files.iter().flat_map(|file| file.manifests.iter());
        let objects = manifests.map(|manifest| Object {
            namespace: manifest.metadata("namespace").unwrap_or(namespace).to_owned(),
            json: manifest.to_json(),
        });
        Ok(Self {
            objects: objects.collect(),
            scope: Scope::Files,
            corpus: Some(corpus),
        })
    }

    /// Reads a namespace of a cluster.
    pub(super) fn of_cluster(cluster: &Cluster, namespace: &str) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the runtime")?;
        let found = runtime.block_on(async {
            let client = cluster.client().await?;
            let found = objects::list(&client, namespace).await;
            found.with_context(|| format!("cannot read the namespace {namespace}"))
        })?;
        if found.forbidden.contains(&"persistentvolumeclaims") {
            bail!("no permission to list persistentvolumeclaims in {namespace}, and without them nothing is certain");
        }
        if !found.forbidden.is_empty() {
            tell(&format!(
                "no permission to list {}: what of them refers to it is unknown",
                found.forbidden.join(", ")
            ));
        }
        let objects = found.objects.into_iter().map(|json| Object {
            namespace: namespace.to_owned(),
            json,
        });
        Ok(Self {
            objects: objects.collect(),
            scope: Scope::Namespace,
            corpus: None,
        })
    }
}

/// Reads the one StatefulSet of a file.
pub(super) fn wanted(path: &Path) -> anyhow::Result<Value> {
    let name = path.display();
    let text = files::load(path).with_context(|| format!("--wanted {name}"))?;
    let manifests = manifests::read(text);
    if let Some(problem) = manifests.problems().iter().find(|problem| !problem.is_warning()) {
        bail!("--wanted {name}:{problem}");
    }
    let statefulsets = manifests
        .iter()
        .filter(|manifest| manifest.kind() == Some("StatefulSet"));
    match &statefulsets.collect::<Vec<_>>()[..] {
        [one] => Ok(one.to_json()),
        several => bail!(
            "--wanted {name}: it has {} StatefulSets, and one is needed",
            several.len()
        ),
    }
}

impl std::fmt::Debug for Inputs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inputs")
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}
