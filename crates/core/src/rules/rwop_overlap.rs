//! `rwop-overlap`: more than one pod at once may want a claim that one pod alone may use.

use super::kit::others::{self, Other, Used};
use super::kit::sharing::{self, Access};
use super::kit::{Action, Case, Finding, Rule, Surroundings, text};
use crate::graph::{Field, Lookup, Modes, Runs, Workload};

/// The case of one pod and the one that replaces it.
pub(super) const SURGE: usize = 1;

/// See `rwop-overlap.md`.
pub(super) static RULE: Rule = Rule {
    id: "rwop-overlap",
    summary: "several pods at once want a ReadWriteOncePod claim",
    page: include_str!("rwop-overlap.md"),
    since: "0.1.0",
    cases: &[
        Case::always(Action::Deny),
        Case::always(Action::Deny).when("only a rolling update adds a pod"),
    ],
    judge: Some(judge),
    ..Rule::DEFAULTS
};

/// Why more than one pod may want the claim.
enum Cause<'a> {
    Everywhere,
    Others(Vec<Other<'a>>),
    Several(u64),
    Surge,
}

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let pods = sharing::pods(workload, cx.view);
    for used in others::shareable(workload, cx.view) {
        let claim = used.claim();
        // Who else uses it takes longest to tell, and is asked only where it matters.
        let modes = match sharing::access(claim, cx) {
            Access::Free | Access::OneNode(..) => continue,
            Access::OnePod(modes) => Ok(modes),
            Access::Missing(missing) => Err(missing),
        };
        let made = matches!(used, Used::Made(..));
        let others = match pods {
            Lookup::Known(0) => Vec::new(),
            _ => rivals(workload, claim, cx),
        };
        let rivals: u64 = others.iter().map(Other::weight).sum();
        let surge = sharing::surge(workload).map_or(0, |posts| u64::from(posts.surge));
        let extent = pods.known().unwrap_or(2) + surge + rivals;
        let cause = match pods {
            Lookup::Known(pods) if pods > 1 && !made => Cause::Several(pods),
            Lookup::Unknown | Lookup::Absent if !names_a_node(workload) => Cause::Everywhere,
            _ if !others.is_empty() => Cause::Others(others),
            _ if surge > 0 && workload.replicas <= 1 => Cause::Surge,
            _ => continue,
        };
        let finding = match modes {
            Ok(modes) => violation(workload, claim, modes, &cause),
            Err(missing) => {
                let question = "whether more than one pod may use it";
                sharing::cannot_tell(&RULE, workload, claim, missing, question)
            }
        };
        let path = match cause {
            Cause::Several(_) if workload.id.kind.runs(Runs::Replicas) => {
                workload.id.kind.path_of(Field::Replicas).unwrap_or_default().to_owned()
            }
            Cause::Surge => workload.id.kind.rollout_path().to_owned(),
            _ => used.path(),
        };
        findings.push(finding.extent(extent).at(path));
    }
}

/// The others whose pods may hold the claim. Where ours run once and end, `rwo-job` speaks of them.
fn rivals<'a>(workload: &Workload, claim: &str, cx: &Surroundings<'a>) -> Vec<Other<'a>> {
    if workload.is_one_shot() {
        return Vec::new();
    }
    let mut others = others::others(workload, claim, cx.view);
    others.sort_by_key(|other| std::cmp::Reverse(limit(workload, other)));
    others
}

/// The strongest action that meeting `other` deserves: what ends by itself, or is about to be deleted, lets go.
fn limit(workload: &Workload, other: &Other<'_>) -> Action {
    if other.workload.is_one_shot() || others::is_renamed_from(workload, other.workload) {
        Action::Warn
    } else {
        Action::Deny
    }
}

fn violation(workload: &Workload, claim: &str, modes: Modes, cause: &Cause<'_>) -> Finding {
    let explained = text::modes_explained(modes);
    let finding = Finding::violation(&RULE, &workload.id, claim);
    match cause {
        Cause::Several(pods) => {
            let pods = text::counted(*pods, "pod");
            if workload.is_one_shot() {
                return finding
                    .says(
                        format!(
                            "{pods} at once mount claim \"{claim}\", which is {explained}; the mode counts per pod, so \
                             each would stay Pending until the one before it has ended, even on one node"
                        ),
                        format!("{pods} at once mount claim \"{claim}\", which is {modes}"),
                    )
                    .remedy("Use parallelism: 1, an ephemeral volume, or ReadWriteOnce and co-location on one node")
                    .at_most(Action::Warn);
            }
            let finding = finding.says(
                format!(
                    "{pods} mount claim \"{claim}\", which is {explained}; the mode counts per pod, so all but one \
                     would stay Pending for ever, even on one node"
                ),
                format!("{pods} mount claim \"{claim}\", which is {modes}"),
            );
            sharing::with_one_pod(finding, workload, |strategy| {
                format!(
                    "Use one pod{strategy}, a StatefulSet with volumeClaimTemplates, or ReadWriteOnce and co-location on \
                     one node"
                )
            })
        }
        Cause::Everywhere => finding
            .says(
                format!(
                    "a pod on every node mounts claim \"{claim}\", which is {explained}; the mode counts per pod, so \
                     all but one would stay Pending for ever"
                ),
                format!("every node's pod mounts claim \"{claim}\", which is {modes}"),
            )
            .remedy("Use hostPath, an ephemeral volume, or a ReadWriteMany class"),
        Cause::Others(others) => {
            let first = others.first();
            let limit = first.map_or(Action::Deny, |other| limit(workload, other));
            let finding = finding
                .says(
                    format!(
                        "claim \"{claim}\", which is {explained}, is also used by {}; the mode counts per pod, so whichever \
                         comes second would stay Pending while the other runs, even on one node",
                        others::described(others)
                    ),
                    format!(
                        "claim \"{claim}\", which is {modes}, is also used by {}",
                        others::brief(others)
                    ),
                )
                .remedy("Give each its own claim, or use ReadWriteOnce and co-location on one node")
                .at_most(limit);
            others::related(finding, others, claim)
        }
        Cause::Surge => sharing::without_surge(finding, workload).case(SURGE).says(
            format!(
                "{} starts the new pod before the old one ends, but claim \"{claim}\" is {explained}; \
                     the mode counts per pod, so the new one would stay Pending for the claim and the old one wait for \
                     the new to be ready, for ever, even on one node",
                sharing::update(workload)
            ),
            format!(
                "{} never ends on claim \"{claim}\", which is {modes}",
                sharing::update(workload)
            ),
        ),
    }
}

fn names_a_node(workload: &Workload) -> bool {
    let placement = workload.pods.placement.as_deref();
    placement.is_some_and(|placement| placement.hostname().is_some())
}
