//! Judging what is there: every workload and autoscaler of a namespace, with no change to blame.

use std::collections::BTreeMap;

use super::basis::Basis;
use super::caps::{cap, exempt};
use super::decision::{Judged, Standing};
use super::terms::{Found, Terms};
use super::voices;
use crate::graph::view::Reservations;
use crate::graph::{Autoscaler, Kind, ObjectRef, Role, View, Workload};
use crate::rules::kit::{Action, text};

/// What is found of the workloads and autoscalers of one namespace, or of one of them.
#[derive(Debug, Default)]
pub struct Inspection {
    /// Sorted by object, workloads first, then by rule and subject. Of findings that say the same, the strongest.
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

/// Judges every workload and autoscaler of a namespace.
#[must_use]
pub fn inspect(basis: &Basis<'_>) -> Inspection {
    let view = basis.view(basis.fetched, Reservations::Ignored);
    let inspection = inspect_each(view.workloads(), &view, basis);
    add_autoscalers(inspection, view.all_autoscalers(), &view, basis)
}

/// Judges one workload or autoscaler of a namespace, if it is there.
#[must_use]
pub fn inspect_one(object: &ObjectRef, basis: &Basis<'_>) -> Inspection {
    let view = basis.view(basis.fetched, Reservations::Ignored);
    if matches!(object.kind.role(), Role::Autoscaler(_)) {
        let autoscaler = view.autoscaler(object).known();
        return add_autoscalers(Inspection::default(), autoscaler, &view, basis);
    }
    inspect_each(view.workload(object).known(), &view, basis)
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
        let found = terms.find(Some(workload), None, view, basis);
        let judged = found
            .into_iter()
            .filter_map(|found| weighed(found, &terms, view, basis));
        inspection.findings.extend(voices::strongest(judged.collect()));
        let problems = terms.allowances.problems.into_iter();
        inspection
            .problems
            .extend(problems.map(|problem| (workload.id.clone(), problem)));
    }
    inspection.unknown = view.unknown_kinds();
    inspection
}

/// Adds what is found of autoscalers.
fn add_autoscalers<'w>(
    mut inspection: Inspection,
    autoscalers: impl IntoIterator<Item = &'w Autoscaler>,
    view: &View<'_>,
    basis: &Basis<'_>,
) -> Inspection {
    if let Some(terms) = Terms::of_other(view, basis) {
        for autoscaler in autoscalers {
            let found = terms.find_in_autoscaler(autoscaler, view, basis).into_iter();
            let judged = found.filter_map(|found| weighed(found, &terms, view, basis));
            inspection.findings.extend(judged);
        }
    }
    inspection.unknown = view.unknown_kinds();
    inspection
}

/// What becomes of a finding where there is no change to blame; nothing where its case is off.
fn weighed(found: Found, terms: &Terms<'_>, view: &View<'_>, basis: &Basis<'_>) -> Option<Judged> {
    let (policy, reason) = (found.policy?, terms.allowances.reason(found.finding.rule.id));
    let limit = cap(&found.finding, reason, false);
    let exemption = terms.exemption(&found.finding, policy.min(limit), view.namespace(), basis);
    let limit = limit.min(exempt(exemption.as_ref()));
    let finding = found.finding;
    // Manifests have no uid.
    let is_there = |id: &ObjectRef| view.workload(id).known().is_some_and(|workload| workload.uid.is_some());
    let is_in_place = finding.remedy_in_place.is_some() && is_there(&finding.object);
    let finding = if is_in_place { finding.in_place() } else { finding };
    let object = text::named(view.namespace(), &finding.object);
    Some(Judged {
        action: policy.min(limit),
        standing: Standing::Existing,
        allowed_because: reason.map(str::to_owned),
        denied_after: found.denied_after.filter(|_| limit == Action::Deny),
        exemption,
        message: format!("{object}: {}", finding.text),
        finding,
    })
}
