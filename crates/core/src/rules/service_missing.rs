//! `service-missing`: the governing Service of a StatefulSet does not exist.

use super::kit::{Action, Case, Finding, GRACE, Rule, Surroundings, governing, text};
use crate::graph::{Features, Field, Lookup, Workload};

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
    let finding = match cx.view.service(service) {
        Lookup::Known(_) => return,
        Lookup::Absent => Finding::violation(&RULE, &workload.id, service)
            .says(
                format!(
                    "its governing Service \"{service}\" does not exist; no controller creates it, and until \
                     somebody does {} does not resolve",
                    first_pod(workload, service)
                ),
                format!("governing Service \"{service}\" does not exist; pods have no names"),
            )
            .remedy(format!(
                "Create Service \"{service}\" with clusterIP: None and the selector {}, and delete it only after \
                 the StatefulSet",
                governing::pairs(governing::selector(workload))
            ))
            .rests_on_absence_of(governing::reference(service))
            .after_grace(cx.parameters)
            .lost(format!(
                "leaves {} ({}) without its governing Service: {} stops resolving",
                text::object(workload),
                text::counted(u64::from(workload.replicas), "pod"),
                first_pod(workload, service)
            )),
        Lookup::Unknown => Finding::unknown(&RULE, &workload.id, service).says(
            format!("Service \"{service}\" is not known, so whether it names the pods was not checked"),
            format!("Service \"{service}\" is not known; not checked"),
        ),
    };
    findings.push(finding.at("/spec/serviceName"));
}

/// `db-0.db-headless`.
fn first_pod(workload: &Workload, service: &str) -> String {
    format!("{}-{}.{service}", workload.id.name, workload.first_ordinal)
}
