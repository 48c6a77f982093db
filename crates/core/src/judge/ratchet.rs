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

/// How bad a finding is. What is greater in any of these is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Severity {
    extent: u64,
    action: Option<Action>,
    /// Once the date is there from which on the policy denies it.
    finally: Option<Action>,
}

/// What was found before the change.
#[derive(Debug)]
pub(super) struct Before {
    /// How bad each finding was, or `None` for one that could not be told.
    findings: BTreeMap<Identity, Option<Severity>>,
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
                    Verdict::Violation => Some(Severity::of(&found)),
                };
                // Of several with one identity the worst counts, so that none of them looks new afterwards.
                let known = findings.entry(identity(&found.finding)).or_insert(entry);
                *known = known.zip(entry).map(|(one, other)| one.max(other));
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
        match self.findings.get(&identity(&found.finding)) {
            _ if self.unreadable => Standing::Unclear,
            None => Standing::Introduced,
            Some(None) => Standing::Unclear,
            Some(Some(former)) => match Severity::of(found) {
                now if now == *former => Standing::Existing,
                now if now.exceeds(*former) => Standing::Introduced,
                _ => Standing::Lessened,
            },
        }
    }
}

impl Severity {
    fn of(found: &Found) -> Self {
        Self {
            extent: found.finding.extent,
            action: found.policy,
            finally: found.denied_after.map_or(found.policy, |_| Some(Action::Deny)),
        }
    }

    fn exceeds(self, former: Self) -> bool {
        self.extent > former.extent || self.action > former.action || self.finally > former.finally
    }

    fn max(self, other: Self) -> Self {
        Self {
            extent: self.extent.max(other.extent),
            action: self.action.max(other.action),
            finally: self.finally.max(other.finally),
        }
    }
}

fn identity(finding: &Finding) -> Identity {
    (finding.rule.id, finding.object.clone(), finding.subject.clone())
}
