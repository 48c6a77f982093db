//! `rwo-autoscaler`: an autoscaler may give a workload several pods that mount one single-node claim.

use super::kit::sharing::{self, Access};
use super::kit::{Action, Case, Finding, Rule, Surroundings, text};
use crate::graph::{Autoscaler, Features, Kind, Modes, ObjectRef, Runs, Workload};

/// See `rwo-autoscaler.md`.
pub(super) static RULE: Rule = Rule {
    id: "rwo-autoscaler",
    summary: "an autoscaler may give a workload several replicas that mount one ReadWriteOnce claim",
    page: include_str!("rwo-autoscaler.md"),
    since: "0.1.0",
    cases: &[Case::rising(Action::Warn, Action::Deny)],
    parameters: &[sharing::LOCAL_PROVISIONERS],
    judges: Features::running(&[Runs::Replicas]),
    judge: Some(judge),
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let mounted = sharing::mounted(workload);
    if mounted.is_empty() {
        return;
    }
    let autoscalers = cx.view.autoscalers(&workload.id);
    let most = autoscalers.into_iter().max_by_key(|one| one.max_replicas);
    let Some(autoscaler) = most.filter(|one| one.max_replicas > 1) else {
        return;
    };
    let many = text::counted(u64::from(autoscaler.max_replicas), "replica");
    for mounted in mounted {
        let claim = mounted.claim;
        let violation = |modes: Modes, consequence: &str| {
            Finding::violation(&RULE, &workload.id, claim)
                .says(
                    format!(
                        "HorizontalPodAutoscaler \"{}\" may make {many} mount claim \"{claim}\", which is \
                         {}; {consequence}",
                        autoscaler.name,
                        text::modes_explained(modes)
                    ),
                    format!("an autoscaler may make {many} on claim \"{claim}\", which is {modes}"),
                )
                .remedy(
                    "Set maxReplicas: 1 on the autoscaler, or use a StatefulSet with volumeClaimTemplates, or a \
                     ReadWriteMany class",
                )
        };
        let finding = match sharing::access(claim, cx) {
            Access::Free => continue,
            Access::OnePod(modes) => violation(
                modes,
                "the mode counts per pod, so all replicas but one would wait for ever",
            ),
            _ if sharing::shares_node_with_itself(workload, cx.view) => continue,
            Access::OneNode(modes, barrier) => {
                violation(modes, &barrier.consequence("replicas")).at_most(barrier.limit())
            }
            Access::Missing(missing) => {
                let question = format!("whether {many} may share it");
                sharing::cannot_tell(&RULE, workload, claim, missing, &question)
            }
        };
        findings.push(limited(finding, autoscaler).at(mounted.path()));
    }
}

fn limited(finding: Finding, autoscaler: &Autoscaler) -> Finding {
    let finding = finding.extent(autoscaler.max_replicas).related(
        ObjectRef::new(Kind::AUTOSCALER, autoscaler.name.clone()),
        "/spec/maxReplicas",
        format!("maxReplicas is {}", autoscaler.max_replicas),
    );
    // The user edits KEDA's ScaledObject; refusing what KEDA writes tells nobody.
    if autoscaler.keda {
        finding.at_most(Action::Warn)
    } else {
        finding
    }
}
