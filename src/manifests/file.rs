//! One file that was read, its documents sorted into what the graph knows, what is skipped, what is broken.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::document::Document;
use super::files::{self, FileError};
use super::position::Position;
use super::problem::{Problem, ProblemKind};
use super::reading::{Reading, read};
use super::{chart, load, patch};
use crate::graph::{Kind, Kinds, Name, Node};

/// One file.
#[derive(Debug)]
pub struct File {
    pub path: PathBuf,
    /// The path as reports show it.
    pub name: Arc<str>,
    pub reading: Reading,
    pub objects: Vec<Loaded>,
    pub skipped: Vec<Skipped>,
    pub broken: Vec<Broken>,
}

/// A document that the graph takes.
#[derive(Debug)]
pub struct Loaded {
    /// Its number in the reading.
    pub document: usize,
    pub kind: Kind,
    /// Empty for a kind that is in no namespace.
    pub namespace: Name,
    /// For an object whose name is still to be generated, what it begins with.
    pub name: Name,
    pub unnamed: bool,
    pub object: Node,
}

/// A document that plays no part.
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

impl File {
    /// Reads a file; objects in it that name no namespace are in `namespace`.
    pub(super) fn load(path: &Path, namespace: &Name) -> Self {
        let text = match files::load(path) {
            Ok(text) => text,
            Err(error) => return Self::unreadable(&error),
        };
        let mut file = Self {
            reading: read(text),
            ..Self::empty(path)
        };
        for index in 0.. {
            let Some(document) = file.reading.document(index) else {
                break;
            };
            match sorted(document, index, namespace) {
                Sorted::Broken(broken) => file.broken.push(broken),
                Sorted::Loaded(loaded) => file.objects.push(loaded),
                Sorted::Skipped(why) => file.skipped.push(Skipped {
                    position: document.position(),
                    why,
                }),
            }
        }
        let problems = file.reading.problems();
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
            if templates && chart::is_template(problem, file.reading.text()) {
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
            reading: Reading::default(),
            objects: Vec::new(),
            skipped: Vec::new(),
            broken: Vec::new(),
        }
    }
}

/// What becomes of a document.
enum Sorted {
    Broken(Broken),
    Loaded(Loaded),
    Skipped(String),
}

fn sorted(document: Document<'_>, index: usize, namespace: &Name) -> Sorted {
    let (Some(version), Some(kind)) = (document.api_version(), document.kind()) else {
        return Sorted::Skipped("no Kubernetes object: it has no apiVersion and kind".to_owned());
    };
    let Some(known) = Kinds::builtin().of(version, kind) else {
        return Sorted::Skipped(format!("{kind} ({version}) plays no part"));
    };
    if let Some(why) = patch::fragment(document, known) {
        return Sorted::Skipped(why.to_owned());
    }
    let (namespace, object) = match load::project(document, known, namespace) {
        Ok(placed) => placed,
        Err(error) => {
            return Sorted::Broken(Broken {
                position: Some(error.position()),
                message: format!("this {kind} cannot be read: {error}"),
            });
        }
    };
    let own = document.metadata("name");
    let Some(name) = own.or_else(|| document.metadata("generateName")) else {
        return Sorted::Broken(Broken {
            position: Some(document.position()),
            message: format!("this {kind} has no metadata.name"),
        });
    };
    Sorted::Loaded(Loaded {
        document: index,
        kind: known,
        namespace,
        name: name.into(),
        unnamed: own.is_none(),
        object,
    })
}
