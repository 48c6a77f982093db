//! What becomes of the objects that a cluster holds for us.

use serde_json::Value;

use crate::graph::Name;
use crate::policy::{Exception, Policy, WorkloadKind};

/// What becomes of one policy or exception of the cluster.
#[derive(Clone, Debug)]
pub struct Standing<T> {
    /// `None` for what stands in no namespace.
    pub namespace: Option<Name>,
    pub name: String,
    /// Its last valid version, which is the one that counts.
    pub valid: Option<T>,
    /// What is wrong with its last version; empty where that is the one that counts.
    pub mistakes: Vec<String>,
    /// `metadata.generation` of its last version.
    pub generation: i64,
    /// `.status` as the cluster has it.
    pub status: Value,
}

/// What becomes of all of them, without those that are gone and stay in force.
#[derive(Clone, Debug, Default)]
pub struct Standings {
    pub policies: Vec<Standing<Policy>>,
    pub exceptions: Vec<Standing<Exception>>,
    pub kinds: Vec<(Standing<WorkloadKind>, Situation)>,
}

/// What becomes of the objects of a kind that the cluster declares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Situation {
    /// Nobody has looked yet.
    #[default]
    Unknown,
    /// The kind is declared also by another, of this name, and that one counts.
    DeclaredTwice(String),
    /// There is no permission to read them.
    Forbidden,
    /// The cluster has no such kind yet.
    NotServed,
    /// They are watched.
    Watched,
}

/// Whoever keeps policies and exceptions as the cluster holds them.
pub trait Source: Send + Sync {
    /// Another number whenever the standings may be others.
    fn version(&self) -> u64;

    /// The standings now.
    fn standings(&self) -> Standings;
}

impl<T> Standing<T> {
    /// What is wrong with the last version, and what counts instead; `None` where it is valid.
    pub(super) fn complaint(&self) -> Option<String> {
        let what = match self.valid {
            Some(_) => "the last good version stays in force",
            None => "it is left out",
        };
        (!self.mistakes.is_empty()).then(|| format!("{}; {what}", self.mistakes.join("; ")))
    }
}
