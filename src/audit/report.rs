//! What an audit or a check found, ready for any format.

use std::collections::BTreeMap;
use std::mem::take;
use std::sync::Arc;

use crate::graph::Name;
use crate::judge::Inspection;
pub use crate::judge::{Exemption, Granted};
use crate::rules::kit::{Action, Verdict};
use crate::time::Time;

/// The file of what came by standard input.
pub const STDIN: &str = "-";

/// The rule of a key that stands twice in one mapping of a file.
pub const DUPLICATE_KEY: &str = "duplicate-key";

/// The rule of a `stateward.dev/allow` annotation that has no effect.
pub const IGNORED_OVERRIDE: &str = "ignored-override";

/// The result of judging a whole world.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// In the order of files and positions, or of namespaces and names.
    pub entries: Vec<Entry>,
    pub objects: usize,
    pub workloads: usize,
    /// What counted as a finding.
    pub policies: InForce,
    /// Documents that play no part.
    pub skipped: Vec<Skipped>,
    /// What could not be read.
    pub failures: Vec<Failure>,
    /// What the reader of the report should know of how it came about; without a final period.
    pub notes: Vec<String>,
    /// Findings that were accepted before and are left out.
    pub known: usize,
}

/// The policies in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InForce {
    /// Sorted.
    pub names: Vec<String>,
    /// Where they are from: `built in`, files, `cluster`.
    pub from: Vec<String>,
}

/// To how many workloads policies apply, and may apply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Workloads to which no policy applies.
    pub unmatched: usize,
    /// How many workloads each policy may apply to or not, by name.
    pub doubtful: BTreeMap<String, usize>,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub rule: &'static str,
    pub verdict: Verdict,
    pub level: Level,
    pub object: Object,
    /// What the finding is about beside the object: with rule and object its identity.
    pub subject: Name,
    /// How bad: pods or consumers. A larger one is worse.
    pub extent: u64,
    /// JSON pointer on the object.
    pub path: String,
    pub location: Option<Location>,
    /// The whole sentence, beginning with the object; without a final period.
    pub message: String,
    /// Empty where there is none.
    pub remedy: String,
    pub related: Vec<Related>,
    /// The reason of the override that lets it pass.
    pub allowed_because: Option<String>,
    /// It is a warning only until then.
    pub denied_after: Option<Time>,
    /// What an exception says of it.
    pub exemption: Option<Exemption>,
}

/// Another object that plays a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    pub object: Object,
    pub path: String,
    pub location: Option<Location>,
    pub message: String,
}

/// An object as reports name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Object {
    /// Empty for what is in no namespace.
    pub namespace: Name,
    pub kind: Name,
    pub name: Name,
    pub api_version: Name,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// As it was given on the command line, or found below what was given; or [`STDIN`].
    pub file: Arc<str>,
    /// 1-based.
    pub line: u32,
    /// 1-based, in Unicode characters.
    pub column: u32,
    /// How many characters from the column on belong to the place, on this line.
    pub width: u32,
    /// The value itself is not there: the place is that of its nearest existing parent.
    pub missing: bool,
    pub excerpt: Excerpt,
    /// The template that Helm made the object from.
    pub source: Option<Arc<str>>,
}

/// The line of a place, cut to what fits on a screen.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Excerpt {
    pub text: String,
    /// How many characters stand before the place.
    pub before: u32,
}

/// Something that could not be read.
#[derive(Clone, Debug)]
pub struct Failure {
    pub file: Arc<str>,
    /// `None` where the file itself could not be read.
    pub location: Option<Location>,
    pub message: String,
}

/// A document that plays no part.
#[derive(Clone, Debug)]
pub struct Skipped {
    pub location: Location,
    /// What it is, and why it is left out.
    pub why: String,
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
    /// `Deployment shop/web`.
    #[must_use]
    pub fn title(&self) -> String {
        if self.namespace.is_empty() {
            format!("{} {}", self.kind, self.name)
        } else {
            format!("{} {}/{}", self.kind, self.namespace, self.name)
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

impl Entry {
    /// Returns true where somebody answers for it: it fails nothing, and is no known finding.
    #[must_use]
    pub const fn is_let_pass(&self) -> bool {
        self.allowed_because.is_some() || self.granted().is_some()
    }

    /// The exception that lets it pass.
    #[must_use]
    pub const fn granted(&self) -> Option<&Granted> {
        match &self.exemption {
            Some(Exemption::Granted(granted)) => Some(granted),
            Some(Exemption::Void(_)) | None => None,
        }
    }

    /// The words of the verdict.
    #[must_use]
    pub const fn verdict(&self) -> &'static str {
        match self.verdict {
            Verdict::Unknown => "unknown",
            Verdict::Violation => "violation",
        }
    }
}

impl Reach {
    /// Takes what an inspection says of it.
    pub fn of(inspection: &mut Inspection) -> Self {
        Self {
            unmatched: inspection.unmatched,
            doubtful: take(&mut inspection.doubtful),
        }
    }

    /// Adds what was found of other workloads.
    pub fn add(&mut self, other: Self) {
        self.unmatched += other.unmatched;
        for (policy, count) in other.doubtful {
            *self.doubtful.entry(policy).or_default() += count;
        }
    }

    /// What the reader of a report should know of it.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        let unmatched = match self.unmatched {
            0 => None,
            1 => Some("no policy applies to one workload: it is not judged".to_owned()),
            count => Some(format!("no policy applies to {count} workloads: they are not judged")),
        };
        let doubtful = self.doubtful.iter().map(|(policy, count)| {
            let workloads = if *count == 1 { "workload" } else { "workloads" };
            format!(
                "whether policy {policy:?} applies to {count} {workloads} rests on labels of the namespace that are \
                 not known: it counts where it is stricter (--namespace-labels, or a Namespace in the files, makes \
                 them known)"
            )
        });
        unmatched.into_iter().chain(doubtful)
    }
}

impl Report {
    /// How many entries have this level.
    #[must_use]
    pub fn count(&self, level: Level) -> usize {
        self.entries.iter().filter(|entry| entry.level == level).count()
    }

    /// How many entries an override lets pass.
    #[must_use]
    pub fn overrides(&self) -> usize {
        self.entries
            .iter()
            .filter(|entry| entry.allowed_because.is_some())
            .count()
    }

    /// How many entries an exception lets pass.
    #[must_use]
    pub fn exceptions(&self) -> usize {
        self.entries.iter().filter(|entry| entry.granted().is_some()).count()
    }

    /// Returns true where an entry is at this level or above, but for those that somebody answers for.
    #[must_use]
    pub fn reaches(&self, level: Level) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.level >= level && !entry.is_let_pass())
    }

    /// Brings everything into its order: by file and place, or by namespace and name. What several worlds say alike
    /// is said once.
    pub fn sort(&mut self) {
        self.entries.sort_by(|a, b| {
            let key = |entry: &Entry| {
                let place = entry.location.as_ref().map(|at| (at.file.clone(), at.line, at.column));
                (place, entry.object.clone(), entry.rule, entry.path.clone())
            };
            key(a)
                .cmp(&key(b))
                .then_with(|| (&a.subject, &a.message).cmp(&(&b.subject, &b.message)))
        });
        self.entries.dedup();
        self.failures
            .sort_by(|a, b| (&a.file, &a.location).cmp(&(&b.file, &b.location)));
        self.skipped.sort_by(|a, b| a.location.cmp(&b.location));
    }
}
