//! `statefulset-name`: names from which no pod can be made.

use super::kit::{Action, Case, Finding, Rule, Surroundings, dns};
use crate::graph::{Features, Field, Workload};

/// Pods carry the label `controller-revision-hash`: `<name>-<hash>`, with a hash of up to ten characters
/// (`docs/kubernetes-facts.md` §1.4, "Name length").
const HASH: usize = "-".len() + 10;
/// The longest name that leaves room for it.
const LONGEST: usize = dns::LONGEST - HASH;
/// Of a `generateName` the API server takes this much and adds five characters
/// (`apiserver/pkg/storage/names/generate.go`).
const GENERATED: (usize, usize) = (58, 5);

/// See `statefulset-name.md`.
pub(super) static RULE: Rule = Rule {
    id: "statefulset-name",
    summary: "a StatefulSet has a name or a serviceName from which no pod can be made",
    page: include_str!("statefulset-name.md"),
    since: "0.1.0",
    cases: &[Case::always(Action::Deny)],
    judges: Features::having(Field::ClaimTemplates),
    judge: Some(judge),
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, _cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    if let Some(service) = workload.service_name.as_deref().filter(|name| !dns::is_label(name)) {
        findings.push(
            Finding::violation(&RULE, &workload.id, "serviceName")
                .at("/spec/serviceName")
                .says(
                    format!(
                        "serviceName \"{service}\" is no DNS label, and it becomes the subdomain of every pod: \
                         none can be created"
                    ),
                    "serviceName is no DNS label; no pod can be created",
                )
                .remedy("Use at most 63 of a-z, 0-9 and \"-\", with a letter or digit at both ends"),
        );
    }
    findings.extend(too_long(workload));
}

fn too_long(workload: &Workload) -> Option<Finding> {
    let (path, length) = if workload.unnamed {
        let (most, added) = GENERATED;
        ("/metadata/generateName", workload.id.name.len().min(most) + added)
    } else {
        ("/metadata/name", workload.id.name.len())
    };
    if length <= LONGEST {
        return None;
    }
    // The last pod has the longest name. A StatefulSet without pods is judged by the first it will have.
    let ordinals = workload.ordinals();
    let last = ordinals.last().unwrap_or(ordinals.first());
    let pod = length + "-".len() + last.to_string().len();
    let most = dns::LONGEST;
    let so = if pod > most {
        format!("pod {last} would have a name of {pod} characters, and {most} is the limit, so it cannot be created")
    } else {
        let label = length + HASH;
        format!(
            "the pods' label controller-revision-hash may need {label} characters, and {most} is the limit, so none may be created"
        )
    };
    Some(
        Finding::violation(&RULE, &workload.id, "name")
            .at(path)
            .says(
                format!("the name has {length} characters: {so}"),
                format!("the name has {length} characters; pods may need at most {LONGEST}"),
            )
            .remedy(format!("Use a name of at most {LONGEST} characters")),
    )
}
