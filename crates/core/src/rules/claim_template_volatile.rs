//! `claim-template-volatile`: a release changes what stands in a claim template, which cannot be changed.

use super::kit::{Action, Case, Finding, Rule, Surroundings, template, text};
use crate::graph::{Features, Field, Name, Workload};

/// See `claim-template-volatile.md`.
pub(super) static RULE: Rule = Rule {
    id: "claim-template-volatile",
    summary: "a claim template carries labels or annotations that change with every release",
    page: include_str!("claim-template-volatile.md"),
    since: "0.1.0",
    cases: &[Case::always(Action::Warn)],
    judges: Features::having(Field::ClaimTemplates),
    judge: Some(judge),
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, _cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    for (index, one) in workload.claim_templates.iter().enumerate() {
        let Some(volatile) = &one.volatile else {
            continue;
        };
        let labels = volatile.labels.iter().map(|key| ("labels", key));
        let keys: Vec<(&str, &Name)> = labels
            .chain(volatile.annotations.iter().map(|key| ("annotations", key)))
            .collect();
        let Some((map, first)) = keys.first() else {
            continue;
        };
        let name = &one.name;
        let names: Vec<&Name> = keys.iter().map(|(_, key)| *key).collect();
        let all = text::listed(&names);
        let brief = match &*names {
            [one] => format!("template \"{name}\" has {one}; the next upgrade is refused"),
            several => format!(
                "template \"{name}\" has {} keys that change; the next upgrade is refused",
                several.len()
            ),
        };
        let key = first.replace('~', "~0").replace('/', "~1");
        findings.push(
            Finding::violation(&RULE, &workload.id, name)
                .says(
                    format!(
                        "claim template \"{name}\" carries {all}, which releases change; claim templates cannot be \
                         changed, so the API server refuses the first upgrade that brings another value"
                    ),
                    brief,
                )
                .remedy_of_new(format!("Drop {all} from the template"), workload)
                .at(format!("{}/metadata/{map}/{key}", template::pointer(index))),
        );
    }
}
