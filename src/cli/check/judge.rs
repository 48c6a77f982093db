//! From files that are read to a report.

use std::num::NonZeroUsize;
use std::path::Path;

use stateward_yaml::{Position, Problem, ProblemKind};

use super::{kustomize, places, unjudged};
use crate::audit::report::{DUPLICATE_KEY, Entry, Failure, Level, Location, Object, Related, Report, Skipped};
use crate::audit::{Reach, by_namespace, entries};
use crate::graph::store::locked;
use crate::graph::{Graph, Kind, Kinds, Labels, Lookup, Name, NamespaceFacts, Node, ObjectRef, Version};
use crate::judge::inspect_one;
use crate::manifests::Manifest;
use crate::manifests::corpus::Corpus;
use crate::manifests::file::File;
use crate::manifests::files::STDIN;
use crate::manifests::worlds::{Base, World, worlds};
use crate::parallel;
use crate::policy::Policies;
use crate::policy::matching::NAMESPACE_NAME;
use crate::rules::kit::Verdict;
use crate::time::Time;

/// How a corpus is judged.
#[derive(Clone, Copy, Debug)]
pub struct Judge<'a> {
    pub policies: &'a Policies,
    pub base: Base<'a>,
    /// Where objects are that name no namespace.
    pub namespace: &'a Name,
    /// What the date is.
    pub time: Time,
    /// Labels of the namespaces that nothing else is known of.
    pub namespace_labels: &'a [(String, String)],
    /// The version of Kubernetes that is meant, where one is named.
    pub version: Option<Version>,
    pub threads: NonZeroUsize,
}

impl Judge<'_> {
    /// Judges every workload of every world.
    #[must_use]
    pub fn report(&self, corpus: &Corpus) -> Report {
        let (worlds, note) = worlds(corpus);
        let one = NonZeroUsize::MIN;
        let (outer, inner) = if worlds.len() > 1 {
            (self.threads, one)
        } else {
            (one, self.threads)
        };
        let found = parallel::map(outer, &worlds, |world| self.world(world, inner));
        let found: Vec<(Reach, Vec<Entry>)> = found.into_iter().flatten().collect();
        let mut entries = Vec::with_capacity(found.iter().map(|(_, entries)| entries.len()).sum());
        let mut reach = Reach::default();
        for (here, found) in found {
            reach.add(here);
            entries.extend(found);
        }
        let mut report = Report {
            entries,
            notes: note
                .into_iter()
                .chain(nothing_came(corpus))
                .chain(kustomize::notes(corpus))
                .chain(unjudged::notes(corpus))
                .chain(reach.notes())
                .collect(),
            ..Report::default()
        };
        for file in &corpus.files {
            self.add_file(&mut report, file, corpus.kinds);
        }
        report.sort();
        report
    }

    /// The graph of a world, with all that is known of its namespaces.
    #[must_use]
    pub fn graph(&self, world: &World<'_>, threads: NonZeroUsize) -> Graph {
        let graph = world.graph(self.base, threads);
        if let Some(version) = self.version {
            graph.set_version(version);
        }
        if self.namespace_labels.is_empty() {
            return graph;
        }
        let unknown = graph.namespaces().into_iter().filter(|name| {
            let shard = graph.shard(name);
            !matches!(locked(&shard).facts(), Lookup::Known(_))
        });
        let namespaces = unknown.map(|name| {
            let given = self.namespace_labels.iter().map(|(key, value)| (&**key, &**value));
            let labels = Labels::from_pairs(given.chain([(NAMESPACE_NAME, &*name)]));
            let facts = NamespaceFacts {
                labels,
                ..NamespaceFacts::default()
            };
            ("".into(), Node::Namespace(name, facts))
        });
        let namespaces: Vec<(Name, Node)> = namespaces.collect();
        graph.insert_all(namespaces);
        graph
    }

    /// What is found of the objects in each namespace.
    fn world(&self, world: &World<'_>, threads: NonZeroUsize) -> Vec<(Reach, Vec<Entry>)> {
        let graph = self.graph(world, threads);
        by_namespace(&graph, self.policies, self.time, threads, |namespace, surroundings| {
            let mut reach = Reach::default();
            let mut found = Vec::new();
            for placed in world.judged_in(namespace) {
                let object = ObjectRef::new(placed.object.kind, placed.object.name.clone());
                let mut inspection = inspect_one(&object, surroundings);
                reach.add(Reach::of(&mut inspection));
                let entries = entries(inspection, namespace).into_iter();
                found.extend(entries.map(|entry| places::placed(entry, placed, world)));
            }
            (reach, found)
        })
    }

    /// Adds what a file says of itself: its counts, what is broken, what stands there twice.
    fn add_file(&self, report: &mut Report, file: &File, kinds: &Kinds) {
        report.objects += file.objects.len();
        report.workloads += file.objects.iter().filter(|object| object.kind.is_workload()).count();
        report.skipped.extend(file.skipped.iter().map(|skipped| Skipped {
            location: point(file, skipped.position),
            why: skipped.why.clone(),
        }));
        report.failures.extend(failures(file));
        for problem in file.manifests.problems() {
            if let ProblemKind::DuplicateKey { first } = problem.kind {
                report.entries.extend(self.duplicate(file, problem, first, kinds));
            }
        }
    }

    /// A key that stands twice; `None` in what is no Kubernetes object.
    fn duplicate(&self, file: &File, problem: &Problem, first: Position, kinds: &Kinds) -> Option<Entry> {
        let manifest = file
            .manifests
            .iter()
            .take_while(|manifest| manifest.root().span().start <= problem.position.offset as usize)
            .last()?;
        let object = self.object(manifest, kinds)?;
        let path = manifest.root().pointer_near(problem.position.offset as usize);
        let key = |position: Position| {
            let text = &file.manifests.reading().text()[position.offset as usize..];
            let end = text.find([':', '\n']).unwrap_or(text.len());
            let start = position.offset as usize;
            places::location(file, Some(manifest), position, start..start + end)
        };
        Some(Entry {
            rule: DUPLICATE_KEY,
            verdict: Verdict::Violation,
            level: Level::Warning,
            subject: path.as_str().into(),
            extent: 1,
            location: Some(key(problem.position)),
            message: format!("{}: {}", object.title(), problem.message),
            remedy: "Delete one of them".to_owned(),
            related: vec![Related {
                object: object.clone(),
                path: path.clone(),
                location: Some(key(first)),
                message: "given here before".to_owned(),
            }],
            allowed_because: None,
            denied_after: None,
            exemption: None,
            object,
            path,
        })
    }

    fn object(&self, manifest: Manifest<'_>, kinds: &Kinds) -> Option<Object> {
        let (api_version, kind) = (manifest.api_version()?, manifest.kind()?);
        let namespaced = kinds.of(api_version, kind).is_some_and(Kind::is_namespaced);
        let namespace = match manifest.metadata("namespace") {
            Some(own) => own.into(),
            _ if namespaced => self.namespace.clone(),
            _ => "".into(),
        };
        Some(Object {
            namespace,
            kind: kind.into(),
            name: manifest
                .metadata("name")
                .or_else(|| manifest.metadata("generateName"))
                .unwrap_or_default()
                .into(),
            api_version: api_version.into(),
        })
    }
}

/// Notes that there was nothing to read: what should have rendered something may have failed, or a path is wrong.
fn nothing_came(corpus: &Corpus) -> impl Iterator<Item = String> {
    let mut files = corpus.files.iter();
    let is_empty = |file: &File| {
        file.path == Path::new(STDIN) && file.manifests.reading().text().is_empty() && file.broken.is_empty()
    };
    let stdin = files
        .any(is_empty)
        .then(|| "standard input was empty: there was nothing to judge".to_owned());
    let directories = corpus.empty.iter().map(|directory| {
        let directory = directory.display();
        format!("{directory}: there is no .yaml, .yml or .json file in this directory: there was nothing to judge")
    });
    stdin.into_iter().chain(directories)
}

/// What of a file cannot be read.
pub fn failures(file: &File) -> impl Iterator<Item = Failure> {
    file.broken.iter().map(|broken| Failure {
        file: file.name.clone(),
        location: broken.position.map(|position| point(file, position)),
        message: broken.message.clone(),
    })
}

/// A place that is one character wide.
fn point(file: &File, position: Position) -> Location {
    let start = position.offset as usize;
    places::location(file, None, position, start..start)
}
