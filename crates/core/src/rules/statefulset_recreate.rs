//! `statefulset-recreate`: every pod of a StatefulSet goes at once.

use super::kit::{Action, Case, Finding, Rule, Surroundings, text};
use crate::graph::{Features, Field, UpdateStrategy, Version, Workload};

/// The version that brought the strategy (KEP-3541, alpha).
const SINCE: Version = Version::new(1, 37);

/// See `statefulset-recreate.md`.
pub(super) static RULE: Rule = Rule {
    id: "statefulset-recreate",
    summary: "an update of a StatefulSet takes all of its pods down at once",
    page: include_str!("statefulset-recreate.md"),
    since: "0.1.0",
    cases: &[Case::always(Action::Warn)],
    judges: Features::having(Field::UpdateStrategy),
    judge: Some(judge),
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    if workload.replicas <= 1 || workload.options().update != UpdateStrategy::Recreate {
        return;
    }
    // An older API server refuses it: that is for another rule to say.
    if cx.view.version().is_some_and(|version| version < SINCE) {
        return;
    }
    let pods = text::counted(u64::from(workload.replicas), "pod");
    findings.push(
        Finding::violation(&RULE, &workload.id, "type")
            .extent(workload.replicas)
            .says(
                format!(
                    "updateStrategy is Recreate: a change of its template ends all {pods} before the first new one \
                     starts, and nothing serves meanwhile"
                ),
                format!("updateStrategy Recreate ends all {pods} at once"),
            )
            .remedy("Use RollingUpdate, which replaces one pod at a time")
            .at("/spec/updateStrategy/type"),
    );
}
