//! The cases of a rule, and the actions that the profiles give them.

use std::fmt;

/// What happens when a rule finds something. Ordered by severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Recorded only: audit annotation, metric, report.
    Audit,
    Warn,
    Deny,
}

/// A kind of finding with the actions that the profiles give it. `None` is off.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// When it applies, for the table of the page; empty for the main case.
    pub when: &'static str,
    pub baseline: Option<Action>,
    pub strict: Option<Action>,
}

impl Case {
    /// The same action in either profile.
    #[must_use]
    pub const fn always(action: Action) -> Self {
        Self::rising(action, action)
    }

    /// One action in the Baseline profile, a stronger one in Strict.
    #[must_use]
    pub const fn rising(baseline: Action, strict: Action) -> Self {
        Self {
            when: "",
            baseline: Some(baseline),
            strict: Some(strict),
        }
    }

    /// The case that applies only so.
    #[must_use]
    pub const fn when(self, when: &'static str) -> Self {
        Self { when, ..self }
    }
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
