//! What an audit or a check found, ready for any format.

use std::sync::Arc;

use crate::graph::{Name, ObjectKind, ObjectRef};
use crate::rules::kit::{Action, Verdict};

/// The result of judging a whole world.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// In the order of files and positions, or of namespaces and names.
    pub entries: Vec<Entry>,
    pub objects: usize,
    pub workloads: usize,
    /// Documents or objects of kinds that play no part.
    pub skipped: usize,
    /// What could not be read.
    pub failures: Vec<Failure>,
    /// What the reader of the report should know of how it came about.
    pub notes: Vec<String>,
}

/// One finding.
#[derive(Clone, Debug)]
pub struct Entry {
    pub rule: &'static str,
    pub verdict: Verdict,
    pub level: Level,
    pub object: Object,
    /// JSON pointer on the object.
    pub path: String,
    pub location: Option<Location>,
    /// The whole sentence, beginning with the object.
    pub message: String,
    pub remedy: String,
    pub related: Vec<Related>,
    /// The reason of the override that lets it pass.
    pub allowed_because: Option<String>,
}

/// Another object that plays a part.
#[derive(Clone, Debug)]
pub struct Related {
    pub object: Object,
    pub path: String,
    pub location: Option<Location>,
    pub message: String,
}

/// An object as reports name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Object {
    pub kind: ObjectKind,
    pub namespace: Name,
    pub name: Name,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    pub file: Arc<str>,
    /// 1-based.
    pub line: u32,
    /// 1-based, in Unicode characters.
    pub column: u32,
}

/// Something that could not be read.
#[derive(Clone, Debug)]
pub struct Failure {
    pub location: Location,
    pub message: String,
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Audit, or cannot tell.
    Note,
    /// Warn.
    Warning,
    /// Deny.
    Error,
}

impl Object {
    /// Names an object of a namespace.
    #[must_use]
    pub fn new(namespace: &Name, object: &ObjectRef) -> Self {
        Self {
            kind: object.kind,
            namespace: namespace.clone(),
            name: object.name.clone(),
        }
    }
}

impl Level {
    /// The level of a finding with this verdict and action.
    #[must_use]
    pub const fn of(verdict: Verdict, action: Action) -> Self {
        match (verdict, action) {
            (Verdict::Unknown, _) | (_, Action::Audit) => Self::Note,
            (Verdict::Violation, Action::Warn) => Self::Warning,
            (Verdict::Violation, Action::Deny) => Self::Error,
        }
    }

    /// The word that formats use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Note => "note",
            Self::Warning => "warning",
        }
    }
}

impl Report {
    /// How many entries have this level.
    #[must_use]
    pub fn count(&self, level: Level) -> usize {
        self.entries.iter().filter(|entry| entry.level == level).count()
    }
}
