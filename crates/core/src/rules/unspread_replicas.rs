//! `unspread-replicas`: nothing asks that the pods of a StatefulSet run on different nodes.

use super::kit::{Action, Case, Finding, Rule, Surroundings, bond, governing, sharing, text};
use crate::graph::placement::{HOSTNAME, Placement};
use crate::graph::{ClaimTemplate, Features, Field, Requirement, Selector, Workload};

/// The case in which somebody asked, and of other pods.
const OTHERS: usize = 1;

/// See `unspread-replicas.md`.
pub(super) static RULE: Rule = Rule {
    id: "unspread-replicas",
    summary: "the pods of a StatefulSet may all run on one node",
    page: include_str!("unspread-replicas.md"),
    since: "0.1.0",
    cases: &[
        Case {
            when: "",
            baseline: None,
            strict: Some(Action::Warn),
        },
        Case::always(Action::Warn).when("what was to keep them apart selects other pods"),
    ],
    parameters: &[sharing::LOCAL_PROVISIONERS],
    judges: Features::having(Field::ServiceName),
    judge: Some(judge),
    ..Rule::DEFAULTS
};

/// What was to keep pods apart, and selects none of them.
struct Stray<'a> {
    field: &'static str,
    /// JSON pointer below the pod spec.
    path: String,
    selector: Option<&'a Selector>,
}

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    // Pods that want one port of a node are on different nodes anyway.
    if workload.replicas <= 1 || workload.pods.host_port {
        return;
    }
    let placement = workload.pods.placement.as_deref();
    let is_spread = placement.is_some_and(|placement| placement.spreads(&workload.pods.labels));
    if is_spread || belongs_on_one_node(workload, cx) {
        return;
    }
    let pods = text::counted(u64::from(workload.replicas), "pod");
    let selector = format!("labelSelector: {{{}}}", governing::match_labels(workload));
    let constraint = format!(
        "topologySpreadConstraints: [{{maxSkew: 1, topologyKey: {HOSTNAME}, whenUnsatisfiable: ScheduleAnyway, \
         {selector}}}]"
    );
    let finding = Finding::violation(&RULE, &workload.id, "nodes").extent(workload.replicas);
    let pod_spec = workload.id.kind.pod_spec();
    findings.push(match placement.and_then(stray) {
        Some(Stray {
            field,
            path,
            selector: theirs,
        }) => finding
            .case(OTHERS)
            .says(
                format!(
                    "its {field} selects {}, and its own pods carry {}, so it does not keep them apart: {pods} may all \
                     run on one node, and fail with it",
                    selected(theirs),
                    governing::pairs(governing::selector(workload))
                ),
                format!("{field} selects none of its own {pods}"),
            )
            .remedy(format!(
                "Write {selector} there; or, where other pods are meant, add to the pods' spec: {constraint}"
            ))
            .at(format!("{pod_spec}{path}")),
        None => finding
            .says(
                format!(
                    "{pods} may all run on one node, and fail with it: no anti-affinity and no spread constraint \
                     keeps them apart, and by itself the scheduler only prefers that"
                ),
                format!("{pods} may all run on one node, and fail with it"),
            )
            .remedy(format!("Add to the pods' spec: {constraint}"))
            .at(format!("{pod_spec}/topologySpreadConstraints")),
    });
}

/// The first term that is to keep pods apart and is not said to be about others: those of other namespaces, or that
/// differ in a label.
fn stray(placement: &Placement) -> Option<Stray<'_>> {
    let required = (
        "requiredDuringSchedulingIgnoredDuringExecution",
        "",
        &placement.pod_anti_affinity,
    );
    let preferred = (
        "preferredDuringSchedulingIgnoredDuringExecution",
        "/podAffinityTerm",
        &placement.preferred_anti_affinity,
    );
    let mut affinity = [required, preferred].into_iter().flat_map(|(list, below, terms)| {
        let terms = terms.iter().enumerate();
        let own = terms.filter(|(_, term)| !term.other_namespaces && term.mismatch_label_keys.is_empty());
        own.map(move |(index, term)| Stray {
            field: "podAntiAffinity",
            path: format!("/affinity/podAntiAffinity/{list}/{index}{below}"),
            selector: term.selector.as_ref(),
        })
    });
    let spread = placement.spread.first().map(|spread| Stray {
        field: "topologySpreadConstraint",
        path: "/topologySpreadConstraints/0".to_owned(),
        selector: spread.selector.as_ref(),
    });
    affinity.next().or(spread)
}

/// Its pods must share a node, or each has to go where its volume is.
fn belongs_on_one_node(workload: &Workload, cx: &Surroundings<'_>) -> bool {
    let first = workload.ordinals().first();
    let is_made_local = |template: &ClaimTemplate| {
        let claim = template.claim(&workload.id.name, first).to_string();
        sharing::is_local(&claim, cx)
    };
    bond::shares_node_with_itself(workload, cx.view)
        || workload.claim_templates.iter().any(is_made_local)
        || sharing::mounted(workload)
            .any(|one| sharing::access(one.claim, cx) != sharing::Access::Free || sharing::is_local(one.claim, cx))
        || cx.view.nodes().known().is_some_and(|nodes| nodes.len() == 1)
}

/// `app=web, tier In (back, front)`.
fn selected(selector: Option<&Selector>) -> String {
    let Some(selector) = selector else {
        return "no pod, for it has no labelSelector".to_owned();
    };
    let pairs = selector
        .match_labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"));
    let asked = selector.match_expressions.iter().map(|one| {
        let Requirement { key, operator, values } = one;
        format!("{key} {operator:?} ({})", values.join(", "))
    });
    pairs.chain(asked).collect::<Vec<_>>().join(", ")
}
