//! `service-name-missing`: a StatefulSet without a governing Service.

use super::kit::{
    Action, Case, Defaulted, Draft, Finding, Injection, Outcome, Parameter, ParameterKind, PatchOperation, Rule,
    Surroundings, dns, governing,
};
use crate::graph::{Features, Field, Kind, Workload};

const FIELD: &str = "/spec/serviceName";

/// See `service-name-missing.md`.
pub(super) static RULE: Rule = Rule {
    id: "service-name-missing",
    summary: "a StatefulSet names no governing Service, so its pods have no DNS names",
    page: include_str!("service-name-missing.md"),
    since: "0.1.0",
    cases: &[Case::rising(Action::Audit, Action::Deny)],
    parameters: &[Parameter {
        name: "fallback",
        summary: "what to write where no headless Service selects the pods: the StatefulSet's name, or nothing",
        kind: ParameterKind::Choice(&["Name", "None"]),
    }],
    judges: Features::having(Field::ServiceName),
    judge: Some(judge),
    inject: Some(inject),
    injection: Injection::OptOut,
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    if !is_missing(workload) || workload.is_operated() {
        return;
    }
    let candidates = governing::candidates(workload, cx.view);
    let field = workload.id.kind.service_field();
    let remedy = match &candidates[..] {
        [] => format!(
            "Name a headless Service that selects {}, or set the annotation {}: none",
            governing::pairs(governing::selector(workload)),
            governing::SERVICE
        ),
        [only] => format!("Set {field}: {}, the headless Service that selects the pods", only.name),
        several => format!("Set {field} to one of {}", governing::names(several)),
    };
    let finding = Finding::violation(&RULE, &workload.id, "serviceName").at(FIELD);
    if workload.id.kind.declared().is_some() {
        // Whether it can be filled in later, nobody says.
        let empty = format!("{field} is empty; no pod has a DNS name of its own");
        findings.push(finding.says(empty.clone(), empty).remedy(remedy).at_most(Action::Warn));
        return;
    }
    findings.push(
        finding
            .says(
                "serviceName is empty, so no pod has a DNS name of its own, and the field can never be filled in \
                 later",
                "serviceName is empty; no pod has a DNS name of its own",
            )
            .remedy_of_new(remedy, workload),
    );
}

fn inject(draft: &Draft<'_>, cx: &Surroundings<'_>) -> Outcome {
    let Draft::New { workload, shape } = *draft else {
        return Outcome::Nothing;
    };
    if !is_missing(workload) || !shape.spec {
        return Outcome::Nothing;
    }
    let declined = |why: String| Outcome::Decline(format!("serviceName stays empty: {why}"));
    if workload.unnamed {
        return declined("its name is still to be generated".to_owned());
    }
    if !cx.view.knows_all(Kind::SERVICE) {
        return declined("the Services of the namespace are not all known".to_owned());
    }
    let candidates = governing::candidates(workload, cx.view);
    let name = match &candidates[..] {
        [only] => &only.name,
        [] if cx.parameters.text("fallback") == Some("None") => return Outcome::Nothing,
        [] => {
            let name = &workload.id.name;
            let mut others = governing::selecting(workload, cx.view);
            others.retain(|service| service.name != *name);
            if !others.is_empty() {
                let names = governing::names(&others);
                return declined(format!("{names} selects the pods, and is not headless"));
            }
            if !dns::is_service_name(name) {
                return declined(format!("no Service may be called \"{name}\""));
            }
            name
        }
        several => {
            let names = governing::names(several);
            return declined(format!("several headless Services fit: {names}"));
        }
    };
    Outcome::Inject(Defaulted {
        operations: vec![PatchOperation::add(FIELD, &**name)],
        records: vec![FIELD.to_owned()],
        rests_on_services: true,
    })
}

fn is_missing(workload: &Workload) -> bool {
    workload.service_name.is_none() && !governing::needs_none(workload)
}
