//! What files are read as, and what is there besides them: for all commands that read files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::config::Config;
use super::kustomize;
use crate::cli::live::{self, Cluster, Live, Policies};
use crate::cluster::snapshot::Scope;
use crate::graph::{Facts, Graph, Kind, Kinds, Knowledge, Name, Version};
use crate::kinds;
use crate::manifests::corpus::{self, Corpus};
use crate::manifests::files::STDIN;
use crate::manifests::worlds::{Base, namespaces};
use crate::parallel;

/// How files are read, and what is known beside them.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Inputs {
    /// Labels of the namespaces of which the files hold no Namespace; policies may select by them
    #[arg(long, value_name = "KEY=VALUE", value_delimiter = ',', value_parser = label)]
    pub namespace_labels: Vec<(String, String)>,
    /// Declarations of further kinds of workloads (WorkloadKind): files or directories; docs/workload-kinds.md tells of them
    #[arg(long, value_name = "PATH")]
    pub workload_kinds: Vec<PathBuf>,
    /// Take the files for the whole world: what is not in them does not exist
    #[arg(long)]
    pub assume_complete: bool,
    /// Judge as for this version of Kubernetes, such as 1.37; else that of the cluster, if one is looked up
    #[arg(long, value_name = "VERSION")]
    pub kubernetes_version: Option<Version>,
    /// Look up what is not in the files in the live cluster, as if the files were applied to it
    #[arg(long, conflicts_with = "assume_complete")]
    pub with_cluster: bool,
    #[command(flatten)]
    pub cluster: Cluster,
    /// Judge what kustomize makes of each PATH, a directory; runs kustomize, or kubectl kustomize
    #[arg(long)]
    pub kustomize: bool,
}

impl Inputs {
    /// The kinds that play a part, with those that the cluster declares if it is looked up; and a note where it may not be
    /// asked for them.
    ///
    /// # Errors
    /// Declarations that cannot be read or are not valid.
    pub fn kinds(&self, with_cluster: bool) -> anyhow::Result<(&'static Kinds, Option<String>)> {
        if with_cluster {
            return live::kinds(&self.cluster, &self.workload_kinds);
        }
        Ok((kinds::with(Vec::new(), &self.workload_kinds)?, None))
    }

    /// Reads files.
    ///
    /// # Errors
    /// What kustomize cannot build.
    pub fn corpus(
        &self,
        paths: &[PathBuf],
        namespace: &Name,
        kinds: &'static Kinds,
        config: &Config,
    ) -> anyhow::Result<Corpus> {
        if self.kustomize {
            return Ok(Corpus::of_texts(kustomize::build(paths)?, namespace, kinds));
        }
        Ok(Corpus::read(corpus::Inputs {
            paths,
            namespace,
            kinds,
            excluded: &|path| config.excluded.matches(path),
            threads: parallel::all_cores(),
        }))
    }

    /// Reads what the cluster has in the namespaces of files.
    ///
    /// # Errors
    /// A cluster that cannot be read.
    pub fn live(&self, corpus: &Corpus, whose: Policies) -> anyhow::Result<(Arc<Graph>, Live)> {
        let graph = Arc::new(Graph::new(Facts::of(corpus.kinds, Knowledge::Unavailable)));
        let scope = Scope::Namespaces(namespaces(corpus.objects()));
        let live = live::read(&self.cluster, &graph, &scope, whose)?;
        for gap in &live.gaps {
            // What the files hold is known all the same; but a part of the nodes tells nothing.
            if gap.kind != Kind::NODE {
                graph.set_knowledge(gap.kind, Knowledge::Partial);
            }
        }
        Ok((graph, live))
    }

    /// What is there besides the files.
    #[must_use]
    pub fn base<'a>(&self, live: Option<&'a Graph>) -> Base<'a> {
        match live {
            Some(graph) => Base::Live(graph),
            None if self.assume_complete => Base::Nothing(Knowledge::Complete),
            None => Base::Nothing(Knowledge::Partial),
        }
    }
}

/// Whether standard input is among the paths.
#[must_use]
pub fn has_stdin(paths: &[PathBuf]) -> bool {
    paths.iter().any(|path| path == Path::new(STDIN))
}

fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE, several with commas")?;
    Ok((key.to_owned(), value.to_owned()))
}
