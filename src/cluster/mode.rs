//! How far an installation goes.

use super::scope::FailurePolicy;

/// What an installation does with what it finds, and with requests while it does not answer.
///
/// One is taken after the other: nothing may wait for replicas that never ran, and nobody should be refused a write by a
/// rule of which nothing was heard before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// Records findings, and nothing else
    Audit,
    /// Warns where it would deny; while nobody answers, everything passes
    Warn,
    /// Denies; while nobody answers, no workload that uses a claim passes
    Enforce,
}

impl Mode {
    /// What becomes of requests that wait for us while we do not answer, unless an entry is told otherwise.
    #[must_use]
    pub fn failure_policy(self) -> FailurePolicy {
        match self {
            Self::Audit | Self::Warn => FailurePolicy::Ignore,
            Self::Enforce => FailurePolicy::Fail,
        }
    }

    /// The name of the policy that belongs to it.
    #[must_use]
    pub fn policy(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Warn => "warn",
            Self::Enforce => "baseline",
        }
    }
}
