//! `service-selector-mismatch`: the governing Service does not select the pods of its StatefulSet.

use super::kit::{Action, Case, Finding, Rule, Surroundings, governing};
use crate::graph::{Exposure, Features, Field, Service, Workload};

const BY_HAND: usize = 1;

/// Labels that the StatefulSet controller gives each pod beside those of the template
/// (`pkg/controller/statefulset/stateful_set_utils.go`, `updateIdentity`).
const POD_LABELS: [&str; 2] = ["apps.kubernetes.io/pod-index", "statefulset.kubernetes.io/pod-name"];

/// See `service-selector-mismatch.md`.
pub(super) static RULE: Rule = Rule {
    id: "service-selector-mismatch",
    summary: "the governing Service of a StatefulSet does not select its pods",
    page: include_str!("service-selector-mismatch.md"),
    since: "0.1.0",
    cases: &[
        Case::rising(Action::Warn, Action::Deny),
        Case::always(Action::Audit).when("no selector at all"),
    ],
    judges: Features::having(Field::ServiceName),
    judge: Some(judge),
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let service = workload.service_name.as_deref();
    let Some(service) = service.and_then(|name| cx.view.service(name).known()) else {
        return;
    };
    // The selector of an ExternalName is never used.
    if service.exposure == Exposure::ExternalName {
        return;
    }
    let name = &service.name;
    let finding = Finding::violation(&RULE, &workload.id, name).at("/spec/serviceName");
    let selector = governing::pairs(governing::selector(workload));
    let finding = if service.selector.is_empty() {
        finding
            .case(BY_HAND)
            .says(
                format!(
                    "its governing Service \"{name}\" has no selector, so pods have DNS names only where somebody \
                     writes its EndpointSlices with their hostnames"
                ),
                format!("governing Service \"{name}\" has no selector"),
            )
            .remedy(format!("Give Service \"{name}\" the selector {selector}"))
    } else {
        let differing = differing(service, workload);
        if differing.is_empty() {
            return;
        }
        let others = governing::candidates(workload, cx.view);
        let (instead, or) = others.first().map_or_else(Default::default, |first| {
            (
                format!(", while {} selects them", governing::names(&others)),
                format!(
                    ", or recreate the {} with {}: {}",
                    workload.id.kind,
                    workload.id.kind.service_field(),
                    first.name
                ),
            )
        });
        finding
            .says(
                format!(
                    "its governing Service \"{name}\" does not select its pods: {}{instead}; their DNS names do \
                     not resolve",
                    differing.join(", ")
                ),
                format!("governing Service \"{name}\" does not select its pods"),
            )
            .remedy(format!("Give Service \"{name}\" the selector {selector}{or}"))
    };
    let path = "/spec/selector";
    let message = if service.selector.is_empty() {
        "Service has no selector".to_owned()
    } else {
        format!("Service selects {}", governing::pairs(&service.selector))
    };
    findings.push(finding.related(governing::reference(name), path, message));
}

/// What the Service asks for and the pods do not have.
fn differing(service: &Service, workload: &Workload) -> Vec<String> {
    let labels = &workload.pods.labels;
    let asked = service.selector.iter().filter(|(key, _)| !POD_LABELS.contains(key));
    asked
        .filter(|(key, value)| labels.get(key) != Some(value))
        .map(|(key, value)| match labels.get(key) {
            Some(own) => format!("it asks for {key}={value}, they have {key}={own}"),
            None => format!("it asks for {key}={value}, they have no {key}"),
        })
        .collect()
}
