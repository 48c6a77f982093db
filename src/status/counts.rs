//! What policies and exceptions amount to in the cluster now.

use std::collections::BTreeMap;

use crate::findings::{Found, Store};
use crate::graph::Graph;
use crate::policy::Policies;
use crate::rules::kit::Action;

/// What is found in the workloads of one policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Findings {
    pub(super) denied: u64,
    pub(super) warned: u64,
    pub(super) audited: u64,
}

/// Counts of findings.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// By the name of the policy.
    pub(super) policies: BTreeMap<String, Findings>,
    /// Findings let pass, by the title of the exception.
    pub(super) exceptions: BTreeMap<String, u64>,
}

impl Counts {
    /// The counts of all findings that may be told.
    pub(super) fn of(store: &Store) -> Self {
        let mut counts = Self::default();
        store.each(|found| counts.add(found));
        counts
    }

    fn add(&mut self, found: &Found) {
        if let Some(granted) = &found.excepted {
            *self.exceptions.entry(granted.exception.clone()).or_default() += 1;
        }
        for policy in found.policies.split(',') {
            if !self.policies.contains_key(policy) {
                self.policies.insert(policy.to_owned(), Findings::default());
            }
            let Some(findings) = self.policies.get_mut(policy) else {
                continue;
            };
            match found.action {
                Action::Deny => findings.denied += 1,
                Action::Warn => findings.warned += 1,
                Action::Audit => findings.audited += 1,
            }
        }
    }
}

/// How many workloads each policy applies to, certainly or perhaps, by its name.
pub(super) fn workloads(graph: &Graph, policies: &Policies) -> BTreeMap<String, u64> {
    let mut counts: BTreeMap<String, u64> = policies.names().map(|name| (name.to_owned(), 0)).collect();
    for namespace in graph.namespaces() {
        let Some(shard) = graph.snapshot(&namespace) else {
            continue;
        };
        for workload in shard.workloads() {
            for policy in policies.matching(&namespace, shard.namespace_labels(), &workload.labels) {
                if let Some(count) = counts.get_mut(policy) {
                    *count += 1;
                }
            }
        }
    }
    counts
}
