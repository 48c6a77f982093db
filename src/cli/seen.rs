//! What `graph` and `explain` look at: files, a cluster, or files laid over a cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};

use super::check::config::Config;
use super::check::inputs::Inputs;
use super::check::judge::{Judge, failures};
use super::check::{exceptions, inputs};
use super::compare::OWNER;
use super::live::{self, note};
use super::reporting::{Chosen, Judging};
use crate::audit::by_namespace;
use crate::audit::report::Failure;
use crate::cluster::snapshot::Scope;
use crate::explain::picture;
use crate::graph::{Facts, Graph, Kind, Knowledge, Name, ObjectRef, Overlay};
use crate::judge::Basis;
use crate::manifests::worlds::{World, namespaces, worlds};
use crate::output::html::{Beside, Surroundings};
use crate::parallel;
use crate::picture::{Picture, around};
use crate::policy::Policies;
use crate::time::Time;

/// How everything is read and judged.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    pub inputs: &'a Inputs,
    pub judging: &'a Judging,
    /// Only this namespace; in files that of objects that name none.
    pub namespace: Option<&'a str>,
}

/// What was read.
#[derive(Debug)]
pub struct Seen {
    pub graphs: Vec<Placed>,
    pub policies: Policies,
    /// What the policies are, and where they are from.
    pub in_force: crate::audit::InForce,
    pub time: Time,
    /// What could not be read.
    pub failures: Vec<Failure>,
    /// What the reader should know of how it came about.
    pub notes: Vec<String>,
    /// Only these namespaces.
    pub only: Option<BTreeSet<Name>>,
    /// What was there before and is not any more, by namespace.
    pub gone: BTreeMap<Name, Overlay>,
}

/// Objects that are there at the same time.
#[derive(Debug)]
pub struct Placed {
    pub graph: Arc<Graph>,
    /// The directory that they stand in, where there is another one.
    pub directory: Option<PathBuf>,
}

impl Reading<'_> {
    /// Reads files, laid over the cluster where that is asked for.
    ///
    /// # Errors
    /// Bad policies or configuration, or a cluster that cannot be read. A file that cannot be read is a failure.
    pub fn files(&self, paths: &[PathBuf]) -> anyhow::Result<Seen> {
        Ok(self.files_and_cluster(paths, self.inputs.with_cluster)?.1)
    }

    /// Reads the cluster as it is, in the namespaces of files, and as it is once they are applied.
    ///
    /// # Errors
    /// As [`Reading::files`].
    pub fn applied(&self, paths: &[PathBuf]) -> anyhow::Result<(Seen, Seen)> {
        let (before, after) = self.files_and_cluster(paths, true)?;
        Ok((before.context("invariant: the cluster was read")?, after))
    }

    /// Reads the cluster.
    ///
    /// # Errors
    /// Bad policies, or a cluster that cannot be read.
    pub fn cluster(&self) -> anyhow::Result<Seen> {
        let config = Config::default();
        let chosen = self.judging.policies(&config.defaults)?;
        let (kinds, no_kinds) = self.inputs.kinds(true)?;
        let graph = Arc::new(Graph::new(Facts::of(kinds, Knowledge::Unavailable)));
        let scope = self
            .namespace
            .map_or(Scope::Cluster, |name| Scope::Namespace(name.into()));
        let whose = self.judging.whose(&config.defaults);
        let live = live::read(&self.inputs.cluster, &graph, &scope, whose)?;
        let chosen = match &live.policies {
            Some(objects) => Chosen::of_cluster(objects)?,
            None => chosen,
        };
        let notes = live.gaps.iter().map(note).chain(no_kinds).collect();
        Ok(self.seen(vec![(graph, None)], chosen, notes))
    }

    fn files_and_cluster(&self, paths: &[PathBuf], with_cluster: bool) -> anyhow::Result<(Option<Seen>, Seen)> {
        let directory = std::env::current_dir().context("the working directory is gone")?;
        let config = Config::find(&directory)?;
        // Before anything is read: mistakes in files show at once.
        let named = self.judging.policies(&config.defaults)?;
        let namespace: Name = self.namespace.unwrap_or("default").into();
        let (kinds, no_kinds) = self.inputs.kinds(with_cluster)?;
        let mut corpus = self.inputs.corpus(paths, &namespace, kinds, &config)?;
        let whose = self.judging.whose(&config.defaults);
        let live = if with_cluster {
            Some(self.inputs.live(&corpus, whose)?)
        } else {
            None
        };
        let objects = live.as_ref().and_then(|(_, live)| live.policies.as_ref());
        let chosen = || match objects {
            Some(objects) => Chosen::of_cluster(objects),
            None => self.judging.policies(&config.defaults),
        };
        let before = match &live {
            Some((graph, _)) => {
                let mut seen = self.seen(vec![(graph.clone(), None)], chosen()?, Vec::new());
                seen.only.get_or_insert_with(|| namespaces(corpus.objects()));
                Some(seen)
            }
            None => None,
        };
        let mut chosen = if objects.is_some() { chosen()? } else { named };
        let gaps = live.iter().flat_map(|(_, live)| &live.gaps);
        let notes: Vec<String> = gaps.map(note).chain(no_kinds).collect();
        let excepted = exceptions::take(&mut corpus, &namespace);
        chosen.policies = chosen.policies.with_exceptions(excepted).denying_in_doubt();
        let judge = Judge {
            policies: &chosen.policies,
            base: self.inputs.base(live.as_ref().map(|(graph, _)| &**graph)),
            namespace: &namespace,
            time: self.judging.time(),
            namespace_labels: &self.inputs.namespace_labels,
            version: self.inputs.kubernetes_version,
            threads: parallel::all_cores(),
        };
        let (worlds, note) = worlds(&corpus);
        let graphs = worlds.iter().map(|world| {
            let graph = Arc::new(judge.graph(world, judge.threads));
            (graph, directory_of(world).filter(|_| worlds.len() > 1))
        });
        let graphs = graphs.collect();
        let failures = corpus.files.iter().flat_map(failures).collect();
        let notes = notes.into_iter().chain(note).collect();
        let after = Seen {
            failures,
            ..self.seen(graphs, chosen, notes)
        };
        Ok((before, after))
    }

    fn seen(&self, graphs: Vec<(Arc<Graph>, Option<PathBuf>)>, chosen: Chosen, notes: Vec<String>) -> Seen {
        let graphs = graphs.into_iter();
        Seen {
            graphs: graphs.map(|(graph, directory)| Placed { graph, directory }).collect(),
            policies: chosen.policies,
            in_force: chosen.in_force,
            time: self.judging.time(),
            failures: Vec::new(),
            notes,
            only: self.namespace.map(|name| BTreeSet::from([name.into()])),
            gone: BTreeMap::new(),
        }
    }
}

impl Seen {
    /// Looks at every namespace of every graph, in order; returns what `look` makes of those that it makes something of.
    pub fn each<T: Send + Sync>(&self, look: impl Fn(&Name, &Basis<'_>, &Placed) -> Option<T> + Sync) -> Vec<T> {
        let threads = parallel::all_cores();
        let is_meant = |namespace: &Name| self.only.as_ref().is_none_or(|only| only.contains(namespace));
        let each = self.graphs.iter().flat_map(|placed| {
            by_namespace(&placed.graph, &self.policies, self.time, threads, |namespace, basis| {
                is_meant(namespace).then(|| look(namespace, basis, placed)).flatten()
            })
        });
        each.flatten().collect()
    }

    /// Takes what the former had and these have not for gone: what neither has may be elsewhere, and is unknown.
    pub fn replace(&mut self, former: &Self) {
        for (before, after) in former.graphs.iter().zip(&self.graphs) {
            before.graph.each_shard(|before| {
                let after = after.graph.namespace(&before.namespace);
                let mut gone = Overlay::default();
                let workloads = before.workloads().map(|one| &one.id);
                for id in workloads.filter(|id| after.workload(id).is_none()) {
                    gone.lay(id.clone(), None);
                }
                for claim in before.claims().filter(|claim| after.claim(&claim.name).is_none()) {
                    gone.lay(ObjectRef::new(Kind::CLAIM, claim.name.clone()), None);
                }
                for service in before.services().filter(|one| after.service(&one.name).is_none()) {
                    gone.lay(ObjectRef::new(Kind::SERVICE, service.name.clone()), None);
                }
                self.gone.insert(before.namespace.clone(), gone);
            });
        }
    }

    /// The picture of every namespace that has any objects.
    #[must_use]
    pub fn pictures(&self) -> Vec<Picture> {
        self.each(|namespace, basis, placed| {
            let fetched = self.gone.get(namespace).unwrap_or(basis.fetched);
            let mut picture = picture(namespace, &Basis { fetched, ..*basis });
            if let Some(directory) = &placed.directory {
                picture.title = format!("{} in {}", picture.title, directory.display());
            }
            (!picture.nodes.is_empty()).then_some(picture)
        })
    }

    /// Names on standard error what could not be read, and what else should be known.
    pub fn tell(&self) {
        super::reporting::tell_failures(&self.failures);
        for note in &self.notes {
            super::tell(&format!("note: {note}"));
        }
    }
}

/// The neighbourhood of everything on which something is found, and whom it belongs to; what is known already stays.
pub fn add_surroundings(surroundings: &mut Surroundings, graph: &Graph, policies: &Policies, time: Time) {
    let found = by_namespace(graph, policies, time, parallel::all_cores(), |namespace, basis| {
        let whole = picture(namespace, basis);
        let marked = whole.nodes.iter().filter(|node| !node.marks.is_empty());
        let each = marked.map(|node| {
            let id = &node.id;
            let kind = basis.facts.kinds.of(id.api_version, id.kind);
            let workload = kind.and_then(|kind| basis.shard.workload(&ObjectRef::new(kind, id.name.clone())));
            let beside = Beside {
                picture: Some(around(&whole, id)),
                team: basis.shard.label(workload, OWNER).map(str::to_owned),
            };
            ((namespace.clone(), Name::from(id.kind), id.name.clone()), beside)
        });
        each.collect::<Vec<_>>()
    });
    for (key, beside) in found.into_iter().flatten() {
        surroundings.0.entry(key).or_insert(beside);
    }
}

/// The directory of the objects of a world.
fn directory_of(world: &World<'_>) -> Option<PathBuf> {
    let first = world.own().next()?;
    let parent = first.file.path.parent().filter(|parent| !parent.as_os_str().is_empty());
    Some(parent.unwrap_or(Path::new(".")).to_owned())
}

/// Sees to it that standard input is asked for once at most.
///
/// # Errors
/// Several lists of paths name it.
pub fn one_stdin(paths: &[&[PathBuf]]) -> anyhow::Result<()> {
    if paths.iter().filter(|paths| inputs::has_stdin(paths)).count() > 1 {
        bail!("standard input can be read once only");
    }
    Ok(())
}
