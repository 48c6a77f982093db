//! One file that was read, its documents sorted into what the graph knows, what is skipped, what is broken.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use stateward_yaml::{Position, Problem, ProblemKind};

use super::files::{self, FileError};
use super::manifest::{Manifest, Manifests, read};
use super::{chart, load, patch};
use crate::graph::{Kind, Kinds, Name, Node};

/// One file.
#[derive(Debug)]
pub struct File {
    pub path: PathBuf,
    /// The path as reports show it.
    pub name: Arc<str>,
    pub manifests: Manifests,
    pub objects: Vec<Loaded>,
    pub skipped: Vec<Skipped>,
    pub broken: Vec<Broken>,
}

/// An object that the graph takes.
#[derive(Debug)]
pub struct Loaded {
    /// Its number in the file.
    pub number: usize,
    pub kind: Kind,
    /// Empty for a kind that is in no namespace.
    pub namespace: Name,
    /// For an object whose name is still to be generated, what it begins with.
    pub name: Name,
    pub unnamed: bool,
    pub object: Node,
}

/// An object that the graph takes, with the file that it stands in.
#[derive(Clone, Copy, Debug)]
pub struct Placed<'c> {
    pub file: &'c File,
    pub object: &'c Loaded,
}

/// What there is only one of at a time: a kind, a namespace and a name.
pub(super) type Key<'c> = (Kind, &'c str, &'c str);

/// An object that plays no part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    pub position: Position,
    pub why: String,
}

/// Something that cannot be read: the file, if it has no position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    pub position: Option<Position>,
    /// Lower-case, without a final period.
    pub message: String,
}

impl<'c> Placed<'c> {
    /// The object as it is written.
    #[must_use]
    pub fn manifest(self) -> Option<Manifest<'c>> {
        self.file.manifests.get(self.object.number)
    }

    pub(super) fn key(self) -> Key<'c> {
        (self.object.kind, &self.object.namespace, &self.object.name)
    }
}

impl File {
    /// Reads a file; objects in it that name no namespace are in `namespace`.
    pub(super) fn load(path: &Path, namespace: &Name, kinds: &'static Kinds) -> Self {
        match files::load(path) {
            Ok(text) => Self::of(path, text, namespace, kinds),
            Err(error) => Self::unreadable(&error),
        }
    }

    /// Reads a text; `path` is what reports name it by.
    pub(super) fn of(path: &Path, text: Vec<u8>, namespace: &Name, kinds: &'static Kinds) -> Self {
        let mut file = Self {
            manifests: read(text),
            ..Self::empty(path)
        };
        for (number, manifest) in file.manifests.iter().enumerate() {
            match sorted(manifest, number, namespace, kinds) {
                Sorted::Broken(broken) => file.broken.push(broken),
                Sorted::Loaded(loaded) => file.objects.push(loaded),
                Sorted::Skipped(why) => file.skipped.push(Skipped {
                    position: manifest.position(),
                    why,
                }),
            }
        }
        let problems = file.manifests.problems();
        // A byte that is no character often breaks the YAML at the same place: one cause, one message.
        let is_effect = |one: &Problem| {
            let cause = |other: &Problem| other.kind == ProblemKind::Encoding && other.position == one.position;
            one.kind == ProblemKind::Syntax && problems.iter().any(cause)
        };
        let errors: Vec<&Problem> = problems
            .iter()
            .filter(|problem| !problem.is_warning() && !is_effect(problem))
            .collect();
        let templates = !errors.is_empty() && chart::is_inside(path);
        for problem in errors {
            if templates && chart::is_template(problem, file.manifests.reading().text()) {
                file.skipped.push(Skipped {
                    position: problem.position,
                    why: "a template of a Helm chart; to judge it: helm template CHART | stateward check -".to_owned(),
                });
            } else {
                file.broken.push(Broken {
                    position: (problem.kind != ProblemKind::Encoding || problem.position != Position::START)
                        .then_some(problem.position),
                    message: problem.message.clone(),
                });
            }
        }
        file.objects.shrink_to_fit();
        file
    }

    /// What is told of a file that cannot be read.
    pub(super) fn unreadable(error: &FileError) -> Self {
        let cause = std::error::Error::source(error).map_or(String::new(), |cause| format!(": {cause}"));
        Self {
            broken: vec![Broken {
                position: None,
                message: format!("cannot be read{cause}"),
            }],
            ..Self::empty(error.path())
        }
    }

    fn empty(path: &Path) -> Self {
        let name = path.strip_prefix(".").unwrap_or(path);
        Self {
            path: path.to_owned(),
            name: name.display().to_string().into(),
            manifests: Manifests::default(),
            objects: Vec::new(),
            skipped: Vec::new(),
            broken: Vec::new(),
        }
    }
}

/// What becomes of an object.
enum Sorted {
    Broken(Broken),
    Loaded(Loaded),
    Skipped(String),
}

fn sorted(manifest: Manifest<'_>, number: usize, namespace: &Name, kinds: &'static Kinds) -> Sorted {
    let (Some(version), Some(kind)) = (manifest.api_version(), manifest.kind()) else {
        return Sorted::Skipped("no Kubernetes object: it has no apiVersion and kind".to_owned());
    };
    let Some(known) = kinds.of(version, kind) else {
        return Sorted::Skipped(format!("{kind} ({version}) plays no part"));
    };
    if let Some(why) = patch::fragment(manifest, known) {
        return Sorted::Skipped(why.to_owned());
    }
    let (namespace, object) = match load::project(manifest, known, namespace, kinds) {
        Ok(placed) => placed,
        Err(error) => {
            return Sorted::Broken(Broken {
                position: Some(error.position()),
                message: format!("this {kind} cannot be read: {error}"),
            });
        }
    };
    let own = manifest.metadata("name");
    let Some(name) = own.or_else(|| manifest.metadata("generateName")) else {
        return Sorted::Broken(Broken {
            position: Some(manifest.position()),
            message: format!("this {kind} has no metadata.name"),
        });
    };
    Sorted::Loaded(Loaded {
        number,
        kind: known,
        namespace,
        name: name.into(),
        unnamed: own.is_none(),
        object,
    })
}
