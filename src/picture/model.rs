//! What is drawn: objects, edges with a meaning, and what was found on both.

use crate::audit::Level;
use crate::graph::{Kind, Name};

/// A namespace, or a part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// `Namespace shop`.
    pub title: String,
    /// Sorted by id.
    pub nodes: Vec<Node>,
    /// Sorted by their ends.
    pub edges: Vec<Edge>,
    /// What was found, worst first; nodes and edges refer to it by its place here.
    pub marks: Vec<Mark>,
    /// How many objects are not drawn, for there are too many.
    pub left_out: usize,
    /// How many findings are on these, and are not told either.
    pub untold: usize,
}

/// Which object: of two pictures the same one has the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    pub column: Column,
    pub kind: &'static str,
    pub api_version: &'static str,
    pub name: Name,
    /// The StatefulSet of a claim template, else empty.
    pub of: Name,
}

/// Where an object stands: edges lead from one column into the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// Who steers workloads: autoscalers and Services.
    Steering,
    Workloads,
    /// Claims, and the templates that make them.
    Claims,
    Volumes,
}

/// An object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub id: Id,
    /// What to know of it, a fact a line.
    pub lines: Vec<String>,
    pub presence: Presence,
    pub change: Change,
    /// What was found on it.
    pub marks: Vec<usize>,
}

/// Whether an object that others name is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    Here,
    /// It does not exist.
    Missing,
    /// Nobody can tell: it is not among what was read.
    Unknown,
}

/// What a change does to an object, an edge or a finding. Without a change all stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    #[default]
    Stays,
    Changed,
    Added,
    Removed,
}

/// Two objects that have to do with each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    pub from: Id,
    pub to: Id,
    pub meaning: Meaning,
    /// What else to say of it: `read-only`, `1 to 5`.
    pub label: String,
    pub change: Change,
    /// What was found that this edge causes.
    pub marks: Vec<usize>,
}

/// What an edge says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meaning {
    /// An autoscaler sets the replicas of a workload.
    Scales,
    /// A Service gives the pods of a StatefulSet their names.
    Governs,
    /// A Service leads to the pods of a workload.
    Selects,
    /// Pods mount a claim that they name.
    Mounts,
    /// A claim template makes a claim for each pod.
    Makes,
    /// A claim is bound to a volume.
    Binds,
    /// Two workloads get into each other's way.
    Conflicts,
}

/// A finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub rule: &'static str,
    pub level: Level,
    /// A fact is missing that decides it.
    pub is_unknown: bool,
    /// An override or an exception lets it pass.
    pub is_let_pass: bool,
    pub on: Id,
    /// What it is about beside the object.
    pub subject: Name,
    pub extent: u64,
    /// The whole sentence.
    pub message: String,
    /// Empty where there is none.
    pub remedy: String,
    /// `Added`: a change breaks it; `Changed`: a change makes it worse; `Removed`: a change mends it.
    pub change: Change,
}

impl Picture {
    /// The node of an object.
    #[must_use]
    pub fn node(&self, id: &Id) -> Option<&Node> {
        let position = self.nodes.binary_search_by(|node| node.id.cmp(id)).ok()?;
        self.nodes.get(position)
    }

    /// The findings that a node or an edge refers to.
    pub fn marks<'p>(&'p self, numbers: &'p [usize]) -> impl Iterator<Item = &'p Mark> {
        numbers.iter().filter_map(|number| self.marks.get(*number))
    }

    /// The edges that begin or end at an object.
    pub fn edges_of<'p>(&'p self, id: &'p Id) -> impl Iterator<Item = &'p Edge> {
        self.edges.iter().filter(move |edge| edge.from == *id || edge.to == *id)
    }

    /// How many findings there are of a level, but for those that a change mends.
    #[must_use]
    pub fn count(&self, level: Level) -> usize {
        let marks = self.marks.iter();
        marks
            .filter(|mark| mark.level == level && mark.change != Change::Removed)
            .count()
    }

    /// What is not drawn, if anything, in a sentence.
    #[must_use]
    pub fn left_out_in_words(&self) -> Option<String> {
        let (drawn, left_out) = (self.nodes.len(), self.left_out);
        let all = drawn + left_out;
        match (left_out, self.untold) {
            (0, _) => None,
            (_, 0) => Some(format!(
                "{drawn} of {all} objects: those with findings, and their neighbours; {left_out} are left out."
            )),
            (_, untold) => Some(format!(
                "{drawn} of {all} objects: those with the worst findings, and their neighbours; {left_out} are left out, with \
                 {untold} findings."
            )),
        }
    }

    /// What it shows, in a sentence or two, for those who do not see it.
    #[must_use]
    pub fn in_words(&self) -> String {
        let of = |column| self.nodes.iter().filter(|node| node.id.column == column).count();
        let counted = |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
        let mut words = format!(
            "{}: {}, {} and {}",
            self.title,
            counted(of(Column::Workloads), "workload"),
            counted(of(Column::Claims), "claim or claim template"),
            counted(of(Column::Steering), "autoscaler or Service"),
        )
        .replace("claim or claim templates", "claims or claim templates")
        .replace("autoscaler or Services", "autoscalers or Services");
        let levels = [Level::Error, Level::Warning, Level::Note].map(|level| (self.count(level), level.as_str()));
        let found: Vec<String> = levels
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| counted(count, word))
            .collect();
        if found.is_empty() {
            words.push_str("; nothing found");
        } else {
            words.push_str(&format!("; found: {}", found.join(", ")));
        }
        words
    }
}

impl Id {
    /// An object of a kind.
    #[must_use]
    pub fn of(column: Column, kind: Kind, name: &Name) -> Self {
        Self {
            column,
            kind: kind.as_str(),
            api_version: kind.api_version(),
            name: name.clone(),
            of: Name::default(),
        }
    }

    /// A claim template of a StatefulSet.
    #[must_use]
    pub fn template(set: &Name, name: &Name) -> Self {
        Self {
            column: Column::Claims,
            kind: "claim template",
            api_version: "",
            name: name.clone(),
            of: set.clone(),
        }
    }

    /// `Deployment web`, `claim template data of db`.
    #[must_use]
    pub fn title(&self) -> String {
        if self.of.is_empty() {
            format!("{} {}", self.kind, self.name)
        } else {
            format!("{} {} of {}", self.kind, self.name, self.of)
        }
    }

    /// What stands above the name.
    #[must_use]
    pub fn heading(&self) -> String {
        if self.of.is_empty() {
            self.kind.to_owned()
        } else {
            format!("{} of {}", self.kind, self.of)
        }
    }
}

impl Column {
    pub const ALL: [Self; 4] = [Self::Steering, Self::Workloads, Self::Claims, Self::Volumes];

    /// What stands above the column.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Steering => "Autoscalers and Services",
            Self::Workloads => "Workloads",
            Self::Claims => "Claims and claim templates",
            Self::Volumes => "Volumes",
        }
    }
}

impl Meaning {
    pub const ALL: [Self; 7] = [
        Self::Scales,
        Self::Governs,
        Self::Selects,
        Self::Mounts,
        Self::Makes,
        Self::Binds,
        Self::Conflicts,
    ];

    /// The verb between the two objects.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scales => "scales",
            Self::Governs => "governs",
            Self::Selects => "selects",
            Self::Mounts => "mounts",
            Self::Makes => "makes",
            Self::Binds => "is bound to",
            Self::Conflicts => "conflicts with",
        }
    }
}

impl Presence {
    /// What is said of it where it is not there.
    #[must_use]
    pub const fn note(self) -> Option<&'static str> {
        match self {
            Self::Here => None,
            Self::Missing => Some("does not exist"),
            Self::Unknown => Some("not known here"),
        }
    }
}

impl Change {
    /// The sign before the name, and the word.
    #[must_use]
    pub const fn sign(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Stays => None,
            Self::Added => Some(("+", "added")),
            Self::Changed => Some(("~", "changed")),
            Self::Removed => Some(("\u{2212}", "removed")),
        }
    }
}

impl Mark {
    /// The sign of its level, in texts: every one another shape. What a change mends is ticked off.
    #[must_use]
    pub const fn symbol(&self) -> &'static str {
        match (self.change, self.level, self.is_unknown) {
            (Change::Removed, ..) => "\u{2713}",
            (_, _, true) => "?",
            (_, Level::Error, _) => "\u{2716}",
            (_, Level::Warning, _) => "\u{25b2}",
            (_, Level::Note, _) => "\u{25cf}",
        }
    }

    /// The word of its sign.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match (self.change, self.is_unknown) {
            (Change::Removed, _) => "mended",
            (_, true) => "cannot tell",
            (_, false) => self.level.as_str(),
        }
    }
}
