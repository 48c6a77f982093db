//! `unbacked-data`: disks that nothing is said to back up.

use super::kit::{Case, Finding, Parameter, ParameterKind, Parameters, Rule, Surroundings, template};
use crate::graph::{Features, Field, Labels, Runs, View, Workload};

/// What says by itself that the data of a StatefulSet is backed up.
const DECLARED: &str = "stateward.dev/backup";

/// See `unbacked-data.md`.
pub(super) static RULE: Rule = Rule {
    id: "unbacked-data",
    summary: "nothing is said to back up the claims of a StatefulSet",
    page: include_str!("unbacked-data.md"),
    since: "0.1.0",
    // Whoever takes backups otherwise would only hear of it: a policy has to ask for it.
    cases: &[Case {
        when: "",
        baseline: None,
        strict: None,
    }],
    parameters: &[Parameter {
        name: "labels",
        summary: "further labels, of the StatefulSet or of its pods, that declare a backup, whatever their values",
        kind: ParameterKind::List(&[]),
    }],
    judges: Features::having(Field::ClaimTemplates),
    judge: Some(judge),
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let Some(first) = workload.claim_templates.first() else {
        return;
    };
    if is_declared(workload, cx.parameters) || is_visited(workload, cx.view) {
        return;
    }
    let name = &first.name;
    findings.push(
        Finding::violation(&RULE, &workload.id, name)
            .says(
                format!(
                    "nothing is said to back up its claims (template \"{name}\"): a {} keeps the disks, not what was on \
                     them before a mistake",
                    workload.id.kind
                ),
                format!("nothing is said to back up the claims of template \"{name}\""),
            )
            .remedy(format!("Annotate it with {DECLARED}: HOW once it is backed up"))
            .at(template::TEMPLATES),
    );
}

fn is_declared(workload: &Workload, parameters: &Parameters) -> bool {
    let further = parameters.list("labels").unwrap_or_default();
    let says = |labels: &Labels| {
        let mut keys = further.iter().map(String::as_str).chain([DECLARED]);
        keys.any(|key| labels.get(key).is_some())
    };
    workload.annotation(DECLARED).is_some() || says(&workload.labels) || says(&workload.pods.labels)
}

/// Whether a CronJob mounts one of the claims.
fn is_visited(workload: &Workload, view: &View<'_>) -> bool {
    let claims = view.borrowed_claims(workload).into_iter();
    let mut users = claims.flat_map(|(_, claim)| view.claim_users(&claim));
    users.any(|user| user.id.kind.runs(Runs::OnSchedule))
}
