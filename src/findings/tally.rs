//! How many findings there are, by rule, action and namespace.

use std::collections::{BTreeMap, BTreeSet};

use super::found::Found;
use crate::graph::Name;
use crate::rules::kit::{Action, Verdict};

/// What a finding counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counted {
    /// A change that brought it would be refused.
    Deny,
    Warn,
    Audit,
    /// Its rule cannot tell.
    Unknown,
    /// The workload allows it itself, for a reason that was given.
    Allowed,
    /// An exception lets it pass.
    Excepted,
}

impl Counted {
    /// What this one counts as.
    #[must_use]
    pub fn of(found: &Found) -> Self {
        match (found.verdict, found.action) {
            _ if found.allowed_because.is_some() => Self::Allowed,
            _ if found.excepted.is_some() => Self::Excepted,
            (Verdict::Unknown, _) => Self::Unknown,
            (Verdict::Violation, Action::Deny) => Self::Deny,
            (Verdict::Violation, Action::Warn) => Self::Warn,
            (Verdict::Violation, Action::Audit) => Self::Audit,
        }
    }

    /// As metrics and reports write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Audit => "audit",
            Self::Deny => "deny",
            Self::Excepted => "excepted",
            Self::Unknown => "unknown",
            Self::Warn => "warn",
        }
    }
}

/// Counts of findings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// By namespace, so that one that is gone takes its counts along.
    namespaces: BTreeMap<Name, BTreeMap<(&'static str, Counted), u64>>,
}

/// The namespace under which those are summed that are too many to be told one by one.
const OTHER: &str = "other";

impl Tally {
    /// One finding more.
    pub(super) fn add(&mut self, namespace: &Name, found: &Found) {
        let counts = self.namespaces.entry(namespace.clone()).or_default();
        *counts.entry((found.rule, Counted::of(found))).or_default() += 1;
    }

    /// One finding less.
    pub(super) fn take(&mut self, namespace: &Name, found: &Found) {
        let Some(counts) = self.namespaces.get_mut(namespace) else {
            return;
        };
        let key = (found.rule, Counted::of(found));
        if let Some(count) = counts.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&key);
            }
        }
        if counts.is_empty() {
            self.namespaces.remove(namespace);
        }
    }

    /// Rule, action, namespace and count. Where more than `most` namespaces have findings, those with the fewest are
    /// summed as one: a metric must not have as many series as a cluster has namespaces.
    #[must_use]
    pub fn bounded(&self, most: usize) -> Vec<(&'static str, Counted, Name, u64)> {
        let mut namespaces: Vec<(&Name, u64)> = self
            .namespaces
            .iter()
            .map(|(name, counts)| (name, counts.values().sum()))
            .collect();
        namespaces.sort_by(|(one, few), (other, more)| more.cmp(few).then_with(|| one.cmp(other)));
        let named: BTreeSet<&Name> = namespaces.iter().take(most).map(|(name, _)| *name).collect();
        let mut counted: BTreeMap<(&'static str, Counted, Name), u64> = BTreeMap::new();
        for (namespace, counts) in &self.namespaces {
            let name = if named.contains(namespace) {
                namespace.clone()
            } else {
                OTHER.into()
            };
            for ((rule, action), count) in counts {
                *counted.entry((rule, *action, name.clone())).or_default() += count;
            }
        }
        let rows = counted.into_iter();
        rows.map(|((rule, action, namespace), count)| (rule, action, namespace, count))
            .collect()
    }
}
