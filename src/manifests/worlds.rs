//! What of a corpus belongs into one graph.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use super::corpus::Corpus;
use super::file::Loaded;
use super::manifest::Manifest;
use crate::graph::store::locked;
use crate::graph::{Claim, Facts, Graph, Kind, Knowledge, Name, Node};
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
#[derive(Clone, Debug, Default)]
pub struct Plan<'c> {
    objects: Vec<&'c Loaded>,
    places: HashMap<Key<'c>, Place>,
}

/// A graph, and where its objects stand.
#[derive(Debug)]
pub struct World<'c> {
    pub graph: Graph,
    corpus: &'c Corpus,
    places: &'c HashMap<Key<'c>, Place>,
}

type Key<'c> = (Kind, &'c str, &'c str);

/// The numbers of an object's file, and of the object in it.
pub type Place = (usize, usize);

/// Sorts a corpus into worlds: one over everything; or, where two objects have the same kind, namespace and name, one
/// a directory, with a note that says so.
///
/// An object that stands in one directory twice is judged each time: a further world has the later ones in its place.
#[must_use]
pub fn plans(corpus: &Corpus) -> (Vec<Plan<'_>>, Option<String>) {
    let count = corpus.files.iter().map(|file| file.objects.len()).sum();
    let mut places = HashMap::with_capacity(count);
    let clash = corpus.objects().find_map(|(file, object)| {
        let former: Place = places
            .insert(object.key(), object.place(file))
            .filter(|_| !object.unnamed)?;
        Some((former.0, file, object))
    });
    let Some((former, file, object)) = clash else {
        let plans = if places.len() == count {
            let objects = corpus.objects().map(|(_, object)| object).collect();
            vec![Plan { objects, places }]
        } else {
            layers(corpus.objects().collect())
        };
        return (plans, None);
    };
    let place = if object.namespace.is_empty() {
        object.name.to_string()
    } else {
        format!("{}/{}", object.namespace, object.name)
    };
    let directory = |file: usize| corpus.files[file].path.parent().unwrap_or(Path::new(""));
    let mut directories: BTreeMap<&Path, Vec<(usize, &Loaded)>> = BTreeMap::new();
    for (file, object) in corpus.objects() {
        directories.entry(directory(file)).or_default().push((file, object));
    }
    let (kind, one, other) = (object.kind, &corpus.files[former].name, &corpus.files[file].name);
    let twice = if one == other {
        format!("{kind} {place} is in {one} twice")
    } else {
        format!("{kind} {place} is in {one} and in {other}")
    };
    let note = if directories.len() == 1 {
        format!("{twice}: each is judged in the other's place")
    } else if directory(former) == directory(file) {
        format!("{twice}: each is judged in the other's place, and every directory as a world of its own")
    } else {
        format!("{twice}: every directory is judged as a world of its own")
    };
    (directories.into_values().flat_map(layers).collect(), Some(note))
}

/// The n-th world has the n-th of objects that share a key; or the last of them.
fn layers(objects: Vec<(usize, &Loaded)>) -> Vec<Plan<'_>> {
    let mut same: BTreeMap<Key<'_>, Vec<(usize, &Loaded)>> = BTreeMap::new();
    for (file, object) in &objects {
        same.entry(object.key()).or_default().push((*file, object));
    }
    let most = same.values().map(Vec::len).max().unwrap_or_default();
    let nth = |number: usize| {
        let objects = same.values().map(|all| all[number.min(all.len() - 1)]);
        Plan {
            objects: objects.clone().map(|(_, object)| object).collect(),
            places: objects
                .map(|(file, object)| (object.key(), object.place(file)))
                .collect(),
        }
    };
    (0..most).map(nth).collect()
}

impl Plan<'_> {
    /// Builds the graph, of the namespaces that the objects are in.
    #[must_use]
    pub fn build<'p>(&'p self, corpus: &'p Corpus, base: Base<'_>, threads: NonZeroUsize) -> World<'p> {
        let graph = match base {
            Base::Nothing(knowledge) => Graph::new(Facts::new(knowledge)),
            Base::Live(live) => live.copy_of(namespaces(self.objects.iter().copied())),
        };
        let mut groups: BTreeMap<&str, Vec<&Loaded>> = BTreeMap::new();
        for object in &self.objects {
            groups.entry(&object.namespace).or_default().push(object);
        }
        let insert = |group: &Vec<&Loaded>| {
            let objects = group.iter();
            graph.insert_all(objects.map(|object| (object.namespace.clone(), object.laid_over(base))));
        };
        // What is in no namespace comes first: it may say something of any.
        groups.remove("").iter().for_each(insert);
        let groups: Vec<_> = groups.into_values().collect();
        parallel::map(threads, &groups, insert);
        World {
            graph,
            corpus,
            places: &self.places,
        }
    }
}

impl World<'_> {
    /// Where an object stands in its files.
    #[must_use]
    pub fn place(&self, kind: Kind, namespace: &str, name: &str) -> Option<Place> {
        self.places.get(&(kind, namespace, name)).copied()
    }

    /// An object as it is written, with the number of its file.
    #[must_use]
    pub fn manifest(&self, kind: Kind, namespace: &str, name: &str) -> Option<(usize, Manifest<'_>)> {
        let (file, number) = self.place(kind, namespace, name)?;
        Some((file, self.corpus.files[file].manifests.get(number)?))
    }
}

/// Every namespace that objects are in, or are.
#[must_use]
pub fn namespaces<'c>(objects: impl Iterator<Item = &'c Loaded>) -> BTreeSet<Name> {
    let named = objects.filter_map(|object| match object.kind {
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

    fn key(&self) -> Key<'_> {
        (self.kind, &self.namespace, &self.name)
    }

    fn place(&self, file: usize) -> Place {
        (file, self.number)
    }
}
