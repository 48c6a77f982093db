//! `claim-template-storage`: a claim template without a storage request, or outside the policy's limits.

use super::kit::{
    Action, Case, Draft, Finding, Injection, Outcome, Parameter, ParameterKind, Parameters, Quantity, Record, Rule,
    Surroundings, template,
};
use crate::graph::{ClaimTemplate, Features, Field, Workload};

const REFUSED: usize = 1;

/// See `claim-template-storage.md`.
pub(super) static RULE: Rule = Rule {
    id: "claim-template-storage",
    summary: "a claim template requests no storage, or less or more than the policy allows",
    page: include_str!("claim-template-storage.md"),
    since: "0.1.0",
    cases: &[
        Case::rising(Action::Warn, Action::Deny),
        Case::always(Action::Deny).when("no request above zero, and none is injected"),
    ],
    parameters: &[
        Parameter {
            name: "max",
            summary: "the most that a claim template may request",
            kind: ParameterKind::Quantity,
        },
        Parameter {
            name: "min",
            summary: "the least that a claim template may request",
            kind: ParameterKind::Quantity,
        },
        Parameter {
            name: "storage",
            summary: "the request that is written where there is none; where unset, 10Gi within min and max",
            kind: ParameterKind::Quantity,
        },
    ],
    judges: Features::having(Field::ClaimTemplates),
    judge: Some(judge),
    inject: Some(inject),
    injection: Injection::OptIn,
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    for (index, one) in workload.claim_templates.iter().enumerate() {
        let Some(Problem {
            refused,
            text,
            brief,
            remedy,
        }) = problem(one, cx)
        else {
            continue;
        };
        let name = &one.name;
        findings.push(
            Finding::violation(&RULE, &workload.id, name)
                .case(if refused { REFUSED } else { 0 })
                .says(
                    format!("claim template \"{name}\" {text}"),
                    format!("claim template \"{name}\" {brief}"),
                )
                .remedy_of_new(remedy, workload)
                .at(format!("{}/spec/resources/requests/storage", template::pointer(index))),
        );
    }
}

fn inject(draft: &Draft<'_>, cx: &Surroundings<'_>) -> Outcome {
    let Draft::New { workload, .. } = *draft else {
        return Outcome::Nothing;
    };
    let storage = default_storage(cx.parameters);
    let mut operations = Vec::new();
    let mut records = Vec::new();
    for (index, one) in workload.claim_templates.iter().enumerate() {
        // What cannot be recorded by name could not be kept by a later apply.
        if one.storage.is_none() && template::is_recordable(workload, &one.name) {
            template::add_storage(index, one, storage, &mut operations);
            records.push(Record::Resources(&one.name).to_string());
        }
    }
    if operations.is_empty() {
        return Outcome::Nothing;
    }
    Outcome::inject(operations, records)
}

struct Problem {
    /// By the API server.
    refused: bool,
    text: String,
    brief: String,
    remedy: String,
}

fn problem(one: &ClaimTemplate, cx: &Surroundings<'_>) -> Option<Problem> {
    let parameters = cx.parameters;
    let problem = |refused: bool, text: String, brief: String, remedy: String| {
        Some(Problem {
            refused,
            text,
            brief,
            remedy,
        })
    };
    let Some(storage) = one.storage.as_deref() else {
        return problem(
            !cx.injects,
            "requests no storage: the API server refuses it (before Kubernetes 1.34: no pod starts)".to_owned(),
            "requests no storage; no pod starts".to_owned(),
            format!(
                "Write resources.requests.storage, such as {}",
                template::DEFAULT_STORAGE
            ),
        );
    };
    let Some(quantity) = Quantity::parse(storage) else {
        return problem(
            true,
            format!("requests \"{storage}\" of storage, which is no quantity: the API server refuses it"),
            format!("requests \"{storage}\", which is no quantity"),
            "Write a number with a suffix such as Gi: 10Gi".to_owned(),
        );
    };
    if !quantity.is_positive() {
        return problem(
            true,
            format!("requests {storage} of storage, which is not more than zero: no claim can be made of it"),
            format!("requests {storage}, not more than zero"),
            "Request at least what the class can make".to_owned(),
        );
    }
    if let Some((text, min)) = limit(parameters, "min")
        && quantity < min
    {
        return problem(
            false,
            format!("requests {storage} of storage, less than the {text} that the policy allows"),
            format!("requests {storage}, less than {text}"),
            format!("Request at least {text}"),
        );
    }
    if let Some((text, max)) = limit(parameters, "max")
        && quantity > max
    {
        return problem(
            false,
            format!("requests {storage} of storage, more than the {text} that the policy allows"),
            format!("requests {storage}, more than {text}"),
            format!("Request at most {text}"),
        );
    }
    None
}

fn limit<'a>(parameters: &'a Parameters, name: &str) -> Option<(&'a str, Quantity)> {
    let text = parameters.text(name)?;
    Some((text, Quantity::parse(text)?))
}

/// The policy's own default, else ours, brought within the policy's limits.
fn default_storage(parameters: &Parameters) -> &str {
    if let Some(storage) = parameters.text("storage") {
        return storage;
    }
    let ours = Quantity::parse(template::DEFAULT_STORAGE);
    let below = limit(parameters, "min").filter(|(_, min)| ours.as_ref() < Some(min));
    let above = limit(parameters, "max").filter(|(_, max)| ours.as_ref() > Some(max));
    below.or(above).map_or(template::DEFAULT_STORAGE, |(limit, _)| limit)
}
