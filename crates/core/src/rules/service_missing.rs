//! `service-missing`: the governing Service of a StatefulSet does not exist.

use super::kit::{Action, Case, Finding, GRACE, Rule, Surroundings, governing, text};
use crate::graph::{Exposure, Features, Field, Lookup, Service, Workload};

/// See `service-missing.md`.
///
/// Deny is for the DELETE of the Service alone: what is absent for any other reason may not be there yet, and the
/// judge lets such a finding warn at most.
pub(super) static RULE: Rule = Rule {
    id: "service-missing",
    summary: "the governing Service of a StatefulSet does not exist",
    page: include_str!("service-missing.md"),
    since: "0.1.0",
    cases: &[Case::rising(Action::Warn, Action::Deny)],
    parameters: &[GRACE],
    judges: Features::having(Field::ServiceName),
    judge: Some(judge),
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let Some(service) = workload.service_name.as_deref().filter(|_| workload.replicas > 0) else {
        return;
    };
    let found = cx.view.service(service);
    if let Lookup::Known(_) = found {
        return;
    }
    let others = governing::selecting(workload, cx.view);
    let instead = if others.is_empty() {
        String::new()
    } else {
        format!("; these pods are selected by Service {}", governing::names(&others))
    };
    let finding = match found {
        Lookup::Known(_) => return,
        Lookup::Absent => Finding::violation(&RULE, &workload.id, service)
            .says(
                format!(
                    "its governing Service \"{service}\" does not exist; no controller creates it, and until \
                     somebody does {} does not resolve{instead}",
                    first_pod(workload, service)
                ),
                format!("governing Service \"{service}\" does not exist; pods have no names"),
            )
            .remedy(remedy(workload, service, &others))
            .rests_on_absence_of(governing::reference(service))
            .after_grace(cx.parameters)
            .lost(
                format!(
                    "leaves {} ({}) without its governing Service: {} stops resolving",
                    text::object(workload),
                    text::counted(u64::from(workload.replicas), "pod"),
                    first_pod(workload, service)
                ),
                format!(
                    "pods lose their names: {} stops resolving",
                    first_pod(workload, service)
                ),
            ),
        Lookup::Unknown => Finding::unknown(&RULE, &workload.id, service)
            .says(
                format!("Service \"{service}\" is not known, so whether it names the pods was not checked{instead}"),
                format!("Service \"{service}\" is not known; whether it names the pods was not checked"),
            )
            .remedy(format!("Add Service \"{service}\" to what is read")),
    };
    findings.push(finding.at("/spec/serviceName"));
}

/// Where a headless Service selects the pods, its name was likely meant; `serviceName` cannot be changed.
fn remedy(workload: &Workload, service: &str, others: &[&Service]) -> String {
    let kind = workload.id.kind;
    let create = format!(
        "Service \"{service}\" with clusterIP: None and the selector {}, and delete it only after the {kind}",
        governing::pairs(governing::selector(workload))
    );
    let headless = others.iter().find(|other| other.exposure == Exposure::Headless);
    match headless {
        Some(other) => {
            let anew = match kind.declared() {
                Some(_) => "",
                None => " (a StatefulSet that exists is deleted with --cascade=orphan first)",
            };
            let field = kind.service_field();
            format!(
                "Write {field}: {}, if that is meant{anew}; else create {create}",
                other.name
            )
        }
        None => format!("Create {create}"),
    }
}

/// `db-0.db-headless`.
fn first_pod(workload: &Workload, service: &str) -> String {
    format!("{}-{}.{service}", workload.id.name, workload.ordinals().first())
}
