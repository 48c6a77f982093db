//! The ratchet: what was found before the change, and is no worse after it, is not the request's doing.

use std::collections::BTreeMap;

use super::basis::Basis;
use super::decision::Standing;
use super::terms::{Found, Origin, Terms};
use crate::graph::view::Reservations;
use crate::graph::{Change, Name, ObjectRef, View};
use crate::rules::kit::{Action, Finding, Verdict};

/// The identity of a finding: rule, object, subject.
type Identity = (&'static str, ObjectRef, Name);

/// What was found before the change.
#[derive(Debug)]
pub(super) struct Before {
    /// The extent and the action of each finding, or `None` for one that could not be told.
    findings: BTreeMap<Identity, Option<(u64, Option<Action>)>>,
    /// The state before could not be read at all.
    unreadable: bool,
}

impl Before {
    /// Judges the affected workloads as they were; `known` is the graph without the change.
    pub(super) fn of(
        change: &Change<'_>,
        known: &View<'_>,
        affected: &[ObjectRef],
        basis: &Basis<'_>,
        reservations: Reservations,
    ) -> Self {
        let mut overlay = basis.fetched.clone();
        let readable = change.lay_before(known, &mut overlay);
        let view = basis.view(&overlay, reservations);
        let mut findings = BTreeMap::new();
        for workload in affected.iter().filter_map(|id| view.workload(id).known()) {
            let Some(terms) = Terms::of_workload(workload, &view, basis) else {
                continue;
            };
            for found in terms.find(Some(workload), None, &view, basis) {
                let entry = match found.finding.verdict {
                    Verdict::Unknown => None,
                    Verdict::Violation => Some((found.finding.extent, found.policy)),
                };
                // Of several with one identity the worst counts, so that none of them looks new afterwards.
                let known = findings.entry(identity(&found.finding)).or_insert(entry);
                *known = known
                    .zip(entry)
                    .map(|(one, other)| (one.0.max(other.0), one.1.max(other.1)));
            }
        }
        Self {
            findings,
            unreadable: !readable,
        }
    }

    /// Whether the change is to blame for a finding.
    pub(super) fn standing(&self, found: &Found) -> Standing {
        if found.origin == Origin::Change {
            return Standing::Introduced;
        }
        let Found { finding, policy, .. } = found;
        match self.findings.get(&identity(finding)) {
            _ if self.unreadable => Standing::Unclear,
            None => Standing::Introduced,
            Some(None) => Standing::Unclear,
            Some(Some((extent, former))) if finding.extent > *extent || policy > former => Standing::Introduced,
            Some(Some(_)) => Standing::Existing,
        }
    }
}

fn identity(finding: &Finding) -> Identity {
    (finding.rule.id, finding.object.clone(), finding.subject.clone())
}
