//! `database-in-deployment`: a data store where pods come and go like those of an application.

use super::kit::data_stores::{DATA_STORES, data_stores};
use super::kit::{Action, Case, Finding, Rule, Surroundings, sharing, text};
use crate::graph::{Features, Field, Lookup, Workload};

const RIGHT: usize = 1;

const SET: &str = "Use a StatefulSet with volumeClaimTemplates, or an operator";

/// See `database-in-deployment.md`.
pub(super) static RULE: Rule = Rule {
    id: "database-in-deployment",
    summary: "a Deployment runs a database in several pods, or with nowhere to keep its data",
    page: include_str!("database-in-deployment.md"),
    since: "0.1.0",
    cases: &[
        Case::always(Action::Warn),
        Case::always(Action::Audit).when("one pod that never overlaps, on a volume"),
    ],
    parameters: &[DATA_STORES],
    judges: Features::having(Field::Strategy),
    judge: Some(judge),
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    if workload.pods.images.is_empty() || workload.owner.is_some() {
        return;
    }
    // Of several in one pod the first tells.
    let Some(store) = data_stores(workload, cx.parameters).next() else {
        return;
    };
    let (name, keeps) = (store.name(), store.keeps_data());
    let replicas = text::counted(u64::from(workload.replicas), "replica");
    let finding = Finding::violation(&RULE, &workload.id, name);
    let finding = match workload.replicas {
        0 if sharing::pods_ever(workload, cx.view) == Lookup::Known(0) => return,
        0 | 1 if !keeps => finding
            .says(
                format!("{name} keeps its data in the pod: the next rollout, drain or failure of the node loses it"),
                format!("{name} keeps its data in the pod; the next rollout loses it"),
            )
            .remedy(SET),
        0 | 1 if overlaps(workload) => return,
        0 | 1 => finding
            .case(RIGHT)
            .says(
                format!("{name} runs as one pod on a volume of its own, which is right; it cannot become two"),
                format!("{name} as one pod is right; it cannot become two"),
            )
            .remedy("For replicas with names and disks of their own use a StatefulSet, or an operator"),
        several if keeps => sharing::with_one_pod(finding.extent(several), workload, |strategy| {
            format!("{SET}; or replicas: 1{strategy}")
        })
        .says(
            format!(
                "{replicas} run {name} with one volume for all: a Deployment gives its pods no names and no disks of \
                 their own, so they cannot be members of one database"
            ),
            format!("{replicas} run {name} with one volume for all"),
        ),
        several => finding.extent(several).remedy(SET).says(
            format!(
                "{replicas} run {name}, each with data of its own that goes with its pod: a Deployment gives them no \
                 names and no disks of their own"
            ),
            format!("{replicas} run {name}, each with data of its own, lost with its pod"),
        ),
    };
    findings.push(finding.at(store.path()));
}

/// Whether a rollout starts the new pod before the old one ends.
fn overlaps(workload: &Workload) -> bool {
    let posts = workload.rollout.fenceposts(workload.replicas.max(1));
    posts.is_some_and(|posts| posts.surge > 0)
}
