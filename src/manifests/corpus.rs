//! Many files at once: found, read on all cores, and sorted into what the graph knows, what is skipped, what is broken.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::document::Document;
use super::position::Position;
use super::problem::{Problem, ProblemKind};
use super::reading::{Reading, read};
use super::{chart, common_labels, files, kustomize, load};
use crate::graph::{Kind, Kinds, Name, Node};
use crate::parallel;

/// What to read.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// Files, directories, or `-`.
    pub paths: &'a [PathBuf],
    /// Where objects are that name no namespace.
    pub namespace: &'a Name,
    /// Files that are left out although they stand below a directory that was given.
    pub excluded: &'a dyn Fn(&Path) -> bool,
    pub threads: NonZeroUsize,
}

impl std::fmt::Debug for Inputs<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inputs")
            .field("paths", &self.paths)
            .finish_non_exhaustive()
    }
}

/// All that was read, in the order of the inputs.
#[derive(Debug, Default)]
pub struct Corpus {
    pub files: Vec<File>,
}

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

impl Corpus {
    /// Reads everything. The result does not depend on the number of threads.
    #[must_use]
    pub fn read(inputs: Inputs<'_>) -> Self {
        let mut seen = BTreeSet::new();
        let mut found: Vec<Result<PathBuf, files::FileError>> = Vec::new();
        for path in inputs.paths {
            let (paths, errors) = files::find(path);
            let wanted = paths
                .into_iter()
                .filter(|file| file == path || !(inputs.excluded)(file))
                // The same file by two ways is one file.
                .filter(|file| inputs.paths.len() == 1 || seen.insert(file.canonicalize().unwrap_or(file.clone())));
            found.extend(wanted.map(Ok));
            found.extend(errors.into_iter().map(Err));
        }
        let mut files = parallel::map(inputs.threads, &found, |found| match found {
            Ok(path) => File::load(path, inputs.namespace),
            Err(error) => File::unreadable(error),
        });
        kustomize::set_patches_aside(&mut files);
        common_labels::add(&mut files);
        Self { files }
    }

    /// Every object of every file, with the number of the file.
    pub fn objects(&self) -> impl Iterator<Item = (usize, &Loaded)> {
        let files = self.files.iter().enumerate();
        files.flat_map(|(number, file)| file.objects.iter().map(move |object| (number, object)))
    }
}

impl File {
    fn load(path: &Path, namespace: &Name) -> Self {
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

    fn unreadable(error: &files::FileError) -> Self {
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
    if let Some(why) = kustomize::fragment(document, known) {
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
