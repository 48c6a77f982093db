//! What of a corpus belongs into one graph.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use super::corpus::Corpus;
use super::file::{Key, Loaded, Placed};
use super::twins::{Variant, variants};
use crate::graph::store::locked;
use crate::graph::{Claim, Facts, Graph, Kind, Kinds, Knowledge, Name, Node, Role};
use crate::parallel;

/// What is there besides the files.
#[derive(Clone, Copy, Debug)]
pub enum Base<'a> {
    /// Nothing is; or nobody knows.
    Nothing(Knowledge),
    /// A cluster, which the files are laid over: an object of the same kind, namespace and name is replaced.
    Live(&'a Graph),
}

/// Objects that are there at the same time.
#[derive(Debug)]
pub struct World<'c> {
    /// By namespace; what is in none stands under the empty name.
    objects: BTreeMap<&'c str, Vec<Placed<'c>>>,
    by_key: HashMap<Key<'c>, Placed<'c>>,
    /// What is there, and judged in another world: the one that has the whole of its file.
    borrowed: BTreeSet<Key<'c>>,
    kinds: &'static Kinds,
}

/// Sorts a corpus into worlds: one over everything; or, where two objects have the same kind, namespace and name, one
/// a directory, with a note that says so.
///
/// An object that stands in one directory twice is judged each time, together with its own file: a further world has the
/// other file in its place.
#[must_use]
pub fn worlds(corpus: &Corpus) -> (Vec<World<'_>>, Option<String>) {
    let count = corpus.files.iter().map(|file| file.objects.len()).sum();
    let mut by_key = HashMap::with_capacity(count);
    let clash = corpus.objects().find_map(|placed| {
        let former: Placed<'_> = by_key.insert(placed.key(), placed).filter(|_| !placed.object.unnamed)?;
        Some((former, placed))
    });
    let of = |variant| World::of(variant, corpus.kinds);
    let Some((former, placed)) = clash else {
        let worlds = if by_key.len() == count {
            vec![World::new(by_key, corpus.objects(), corpus.kinds)]
        } else {
            variants(corpus.objects()).into_iter().map(of).collect()
        };
        return (worlds, None);
    };
    let mut directories: BTreeMap<&Path, Vec<Placed<'_>>> = BTreeMap::new();
    for placed in corpus.objects() {
        directories.entry(placed.directory()).or_default().push(placed);
    }
    let twice = twice(former, placed);
    let note = if directories.len() == 1 {
        format!("{twice}: each is judged in the other's place")
    } else if former.directory() == placed.directory() {
        format!("{twice}: each is judged in the other's place, and every directory as a world of its own")
    } else {
        format!("{twice}: every directory is judged as a world of its own")
    };
    let variants = directories.into_values().flat_map(variants);
    (variants.map(of).collect(), Some(note))
}

/// Says where an object is and is again.
fn twice(former: Placed<'_>, latter: Placed<'_>) -> String {
    let Loaded {
        kind, namespace, name, ..
    } = latter.object;
    let place = if namespace.is_empty() {
        name.to_string()
    } else {
        format!("{namespace}/{name}")
    };
    let (one, other) = (&former.file.name, &latter.file.name);
    if one == other {
        format!("{kind} {place} is in {one} twice")
    } else {
        format!("{kind} {place} is in {one} and in {other}")
    }
}

impl<'c> World<'c> {
    fn new(by_key: HashMap<Key<'c>, Placed<'c>>, all: impl Iterator<Item = Placed<'c>>, kinds: &'static Kinds) -> Self {
        let mut objects: BTreeMap<&str, Vec<Placed<'_>>> = BTreeMap::new();
        for placed in all {
            objects.entry(&placed.object.namespace).or_default().push(placed);
        }
        Self {
            objects,
            by_key,
            borrowed: BTreeSet::new(),
            kinds,
        }
    }

    fn of(variant: Variant<'c>, kinds: &'static Kinds) -> Self {
        let Variant { own, borrowed } = variant;
        let all = || own.iter().chain(&borrowed).copied();
        Self {
            borrowed: borrowed.iter().map(|placed| placed.key()).collect(),
            ..Self::new(all().map(|placed| (placed.key(), placed)).collect(), all(), kinds)
        }
    }

    /// The kinds that play a part.
    #[must_use]
    pub const fn kinds(&self) -> &'static Kinds {
        self.kinds
    }

    /// The workloads that are to be judged in this world.
    pub fn workloads(&self) -> impl Iterator<Item = Placed<'c>> {
        self.objects.keys().flat_map(|namespace| self.workloads_in(namespace))
    }

    /// Those of a namespace.
    pub fn workloads_in(&self, namespace: &str) -> impl Iterator<Item = Placed<'c>> {
        self.judged_in(namespace)
            .filter(|placed| placed.object.kind.is_workload())
    }

    /// All objects but those that are there for others.
    pub fn own(&self) -> impl Iterator<Item = Placed<'c>> {
        let objects = self.objects.values().flatten().copied();
        objects.filter(|placed| !self.borrowed.contains(&placed.key()))
    }

    /// The workloads and autoscalers of a namespace that are to be judged in this world.
    pub fn judged_in(&self, namespace: &str) -> impl Iterator<Item = Placed<'c>> {
        let objects = self.objects.get(namespace).into_iter().flatten().copied();
        objects.filter(|placed| {
            let judged = matches!(placed.object.kind.role(), Role::Autoscaler(_) | Role::Workload(_));
            judged && !self.borrowed.contains(&placed.key())
        })
    }

    /// The object of a kind and a name; the namespace is empty for a kind in none.
    #[must_use]
    pub fn find(&self, kind: Kind, namespace: &str, name: &str) -> Option<Placed<'c>> {
        self.by_key.get(&(kind, namespace, name)).copied()
    }

    /// Builds the graph, of the namespaces that the objects are in.
    #[must_use]
    pub fn graph(&self, base: Base<'_>, threads: NonZeroUsize) -> Graph {
        let graph = match base {
            Base::Nothing(knowledge) => Graph::new(Facts::of(self.kinds, knowledge)),
            Base::Live(live) => live.copy_of(namespaces(self.objects.values().flatten().copied())),
        };
        let insert = |group: &Vec<Placed<'_>>| {
            let objects = group.iter().map(|placed| placed.object);
            graph.insert_all(objects.map(|object| (object.namespace.clone(), object.laid_over(base))));
        };
        // What is in no namespace comes first: it may say something of any.
        self.objects.get("").into_iter().for_each(insert);
        let groups = self.objects.iter().filter(|(namespace, _)| !namespace.is_empty());
        let groups: Vec<_> = groups.map(|(_, group)| group).collect();
        parallel::map(threads, &groups, |group| insert(group));
        graph
    }
}

impl<'c> Placed<'c> {
    fn directory(self) -> &'c Path {
        self.file.path.parent().unwrap_or(Path::new(""))
    }
}

/// Every namespace that objects are in, or are.
#[must_use]
pub fn namespaces<'c>(objects: impl Iterator<Item = Placed<'c>>) -> BTreeSet<Name> {
    let named = objects.filter_map(|Placed { object, .. }| match object.kind {
        kind if kind == Kind::NAMESPACE => Some(object.name.clone()),
        kind => kind.is_namespaced().then(|| object.namespace.clone()),
    });
    named.collect()
}

impl Loaded {
    /// The object as it is once it has been applied.
    fn laid_over(&self, base: Base<'_>) -> Node {
        if let (Base::Live(live), Node::Claim(claim)) = (base, &self.object)
            && let Some(shard) = live.existing_shard(&self.namespace)
            && let Some(former) = locked(&shard).claim(&self.name)
        {
            return Node::Claim(Arc::new(Claim::clone(claim).over(former)));
        }
        self.object.clone()
    }
}
