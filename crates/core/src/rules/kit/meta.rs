//! What a rule says of itself: id, cases, actions, parameters, documentation.

use std::fmt;

use crate::graph::Features;

/// What happens when a rule finds something. Ordered by severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Recorded only: audit annotation, metric, report.
    Audit,
    Warn,
    Deny,
}

/// The fixed facts of a rule.
#[derive(Debug)]
pub struct Meta {
    /// Kebab-case; names the bad pattern.
    pub id: &'static str,
    /// One sentence, lower-case, without a final period.
    pub summary: &'static str,
    /// What the kinds that it judges have, or how they run: one of these is enough.
    pub judges: Features,
    /// What it can find, the main case first. A policy's `actions` replace those of every case.
    pub cases: &'static [Case],
    pub injection: Injection,
    pub parameters: &'static [Parameter],
    /// The page: `<id>.md`.
    pub page: &'static str,
    /// The version that brought it.
    pub since: &'static str,
}

/// A kind of finding with the actions that the profiles give it. `None` is off.
#[derive(Debug)]
pub struct Case {
    /// When it applies, for the table of the page; empty for the main case.
    pub when: &'static str,
    pub baseline: Option<Action>,
    pub strict: Option<Action>,
}

/// Whether a rule injects a default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Injection {
    /// Whatever the policy says: it keeps what was injected before.
    Always,
    Never,
    /// Where a policy says `mutation: Enabled`.
    OptIn,
    /// Unless a policy says `mutation: Disabled`.
    OptOut,
}

/// A parameter that a policy may set.
#[derive(Debug)]
pub struct Parameter {
    pub name: &'static str,
    pub summary: &'static str,
    pub kind: ParameterKind,
}

/// What a parameter may hold, with its default.
#[derive(Debug)]
pub enum ParameterKind {
    /// One of these words, the first by default.
    Choice(&'static [&'static str]),
    /// A list of texts.
    List(&'static [&'static str]),
    /// A Kubernetes quantity, such as `10Gi`; unset by default.
    Quantity,
    /// Any text; unset by default.
    Text,
}

impl Action {
    /// The word that policies use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Audit => "Audit",
            Self::Deny => "Deny",
            Self::Warn => "Warn",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
