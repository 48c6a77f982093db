//! Judging what is there: every workload of a namespace, with no change to blame.

use std::collections::BTreeMap;

use super::basis::Basis;
use super::caps::{cap, exempt};
use super::decision::{Judged, Standing};
use super::terms::Terms;
use super::voices;
use crate::graph::view::Reservations;
use crate::graph::{Kind, ObjectRef, View, Workload};
use crate::rules::kit::{Action, text};

/// What is found of the workloads of one namespace, or of one of them.
#[derive(Debug, Default)]
pub struct Inspection {
    /// Sorted by workload, then by rule and subject. Of findings that say the same, the strongest.
    pub findings: Vec<Judged>,
    /// What is wrong with the override of a workload.
    pub problems: Vec<(ObjectRef, String)>,
    /// Workloads that a policy matches.
    pub workloads: usize,
    /// Workloads to which no policy applies: they are not judged.
    pub unmatched: usize,
    /// How many workloads each policy may apply to or not, as labels of the Namespace say that are not known; by name.
    pub doubtful: BTreeMap<String, usize>,
    /// Kinds of which something was asked and not known.
    pub unknown: Vec<Kind>,
}

/// Judges every workload of a namespace.
#[must_use]
pub fn inspect(basis: &Basis<'_>) -> Inspection {
    let view = basis.view(basis.fetched, Reservations::Ignored);
    inspect_each(view.workloads(), &view, basis)
}

/// Judges one workload of a namespace, if it is there.
#[must_use]
pub fn inspect_one(workload: &ObjectRef, basis: &Basis<'_>) -> Inspection {
    let view = basis.view(basis.fetched, Reservations::Ignored);
    inspect_each(view.workload(workload).known(), &view, basis)
}

fn inspect_each<'w>(
    workloads: impl IntoIterator<Item = &'w Workload>,
    view: &View<'_>,
    basis: &Basis<'_>,
) -> Inspection {
    let mut inspection = Inspection::default();
    for workload in workloads {
        let Some(terms) = Terms::of_workload(workload, view, basis) else {
            inspection.unmatched += 1;
            continue;
        };
        let namespace_labels = view.namespace_facts().map(|facts| &facts.labels);
        for policy in basis
            .policies
            .in_doubt(view.namespace(), namespace_labels, &workload.labels)
        {
            *inspection.doubtful.entry(policy.to_owned()).or_default() += 1;
        }
        inspection.workloads += 1;
        let found = terms.find(Some(workload), None, view, basis).into_iter();
        let judged: Vec<Judged> = found
            .filter_map(|found| {
                let (policy, reason) = (found.policy?, terms.allowances.reason(found.finding.rule.id));
                let limit = cap(&found.finding, reason, false);
                let exemption = terms.exemption(&found.finding, policy.min(limit), view.namespace(), basis);
                let limit = limit.min(exempt(exemption.as_ref()));
                Some(Judged {
                    action: policy.min(limit),
                    standing: Standing::Existing,
                    allowed_because: reason.map(str::to_owned),
                    denied_after: found.denied_after.filter(|_| limit == Action::Deny),
                    exemption,
                    message: format!("{}: {}", text::object(workload), found.finding.text),
                    finding: found.finding,
                })
            })
            .collect();
        inspection.findings.extend(voices::strongest(judged));
        let problems = terms.allowances.problems.into_iter();
        inspection
            .problems
            .extend(problems.map(|problem| (workload.id.clone(), problem)));
    }
    inspection.unknown = view.unknown_kinds();
    inspection
}
