//! `rwo-autoscaler`: an autoscaler may give a workload several pods that mount one single-node claim.

use super::kit::sharing::{self, Access};
use super::kit::{Action, Case, Finding, Rule, Surroundings, text};
use crate::graph::{Autoscaler, Features, Kind, Modes, ObjectRef, Role, Runs, Scaler, Workload};

/// The case of an autoscaler that never lets the workload have one pod alone.
const MINIMUM: usize = 1;

/// See `rwo-autoscaler.md`.
pub(super) static RULE: Rule = Rule {
    id: "rwo-autoscaler",
    summary: "an autoscaler may give a workload several replicas that mount one ReadWriteOnce claim",
    page: include_str!("rwo-autoscaler.md"),
    since: "0.1.0",
    cases: &[
        Case::rising(Action::Warn, Action::Deny),
        Case::always(Action::Deny).when("its minimum alone is above 1"),
    ],
    parameters: &[sharing::LOCAL_PROVISIONERS],
    judges: Features::running(&[Runs::Replicas]),
    judge: Some(judge),
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let mut mounted = sharing::mounted(workload).peekable();
    if mounted.peek().is_none() {
        return;
    }
    let autoscalers = cx.view.autoscalers(&workload.id);
    // One whose minimum is too much already is told first: that is certain.
    let worst = autoscalers
        .into_iter()
        .max_by_key(|one| (one.min_replicas > 1, one.max_replicas));
    let Some(autoscaler) = worst.filter(|one| one.max_replicas > 1) else {
        return;
    };
    for mounted in mounted {
        let claim = mounted.claim;
        let finding = match sharing::access(claim, cx) {
            Access::Free => continue,
            Access::OnePod(modes) => violation(
                workload,
                claim,
                (modes, ""),
                autoscaler,
                "the mode counts per pod, so all replicas but one would wait for ever",
            ),
            _ if sharing::share_a_node(workload, cx) => continue,
            Access::OneNode(modes, barrier) => {
                let modes = (modes, barrier.aside());
                violation(workload, claim, modes, autoscaler, &barrier.consequence("replicas")).at_most(barrier.limit())
            }
            Access::Missing(missing) => {
                let many = text::counted(u64::from(autoscaler.max_replicas), "replica");
                let question = format!("whether {many} may share it");
                sharing::cannot_tell(&RULE, workload, claim, missing, &question)
            }
        };
        findings.push(limited(finding, autoscaler).at(mounted.path()));
    }
}

fn violation(
    workload: &Workload,
    claim: &str,
    (modes, aside): (Modes, &str),
    autoscaler: &Autoscaler,
    consequence: &str,
) -> Finding {
    let finding = Finding::violation(&RULE, &workload.id, claim);
    let explained = text::modes_explained(modes);
    let Autoscaler {
        id: ObjectRef { kind, name },
        min_replicas,
        max_replicas,
        ..
    } = autoscaler;
    let Limits { least, most } = Limits::of(*kind);
    if *min_replicas > 1 {
        return finding
            .case(MINIMUM)
            .says(
                format!(
                    "{kind} \"{name}\" keeps at least {min_replicas} replicas, which mount claim \
                     \"{claim}\", which is {explained}; {consequence}"
                ),
                format!(
                    "an autoscaler keeps at least {min_replicas} replicas on claim \"{claim}\", which is {modes}{aside}"
                ),
            )
            .remedy(format!(
                "Set {least}: 1 and {most}: 1 on the autoscaler, or use a StatefulSet with volumeClaimTemplates, or a \
                 ReadWriteMany class"
            ));
    }
    finding
        .says(
            format!(
                "{kind} \"{name}\" may make {max_replicas} replicas mount claim \"{claim}\", which is \
                 {explained}; {consequence}"
            ),
            format!("an autoscaler may make {max_replicas} replicas on claim \"{claim}\", which is {modes}{aside}"),
        )
        .remedy(format!(
            "Set {most}: 1 on the autoscaler, or use a StatefulSet with volumeClaimTemplates, or a ReadWriteMany class"
        ))
}

/// The fields in which an autoscaler says how few replicas it makes, and how many.
struct Limits {
    least: &'static str,
    most: &'static str,
}

impl Limits {
    fn of(kind: Kind) -> Self {
        match kind.role() {
            Role::Autoscaler(Scaler::Keda) => Self {
                least: "minReplicaCount",
                most: "maxReplicaCount",
            },
            _ => Self {
                least: "minReplicas",
                most: "maxReplicas",
            },
        }
    }
}

fn limited(finding: Finding, autoscaler: &Autoscaler) -> Finding {
    let Limits { least, most } = Limits::of(autoscaler.id.kind);
    let (field, count) = if finding.case == MINIMUM {
        (least, autoscaler.min_replicas)
    } else {
        (most, autoscaler.max_replicas)
    };
    let (path, message) = (format!("/spec/{field}"), format!("{field} is {count}"));
    let finding = finding
        .extent(autoscaler.max_replicas)
        .related(autoscaler.id.clone(), path, message);
    // The user edits KEDA's ScaledObject; refusing what KEDA writes tells nobody.
    if autoscaler.keda {
        finding.at_most(Action::Warn)
    } else {
        finding
    }
}
