//! `rwo-job`: pods that run once and end need a single-node claim that is held elsewhere, or by one another.

use super::kit::bond::{self, Bond};
use super::kit::others::{self, Other};
use super::kit::sharing::{self, Access, Barrier};
use super::kit::{Action, Case, Draft, Finding, Injection, Outcome, PatchOperation, Rule, Surroundings, text};
use crate::graph::{Concurrency, Features, Field, Modes, Name, Rollout, Runs, Workload};

/// The case of a claim that one pod alone may use, and that a workload holds for as long as it runs.
const HELD_BY_ONE_POD: usize = 1;

/// See `rwo-job.md`.
pub(super) static RULE: Rule = Rule {
    id: "rwo-job",
    summary: "a Job needs a ReadWriteOnce claim that a running workload, or another of its own pods, holds",
    page: include_str!("rwo-job.md"),
    since: "0.1.0",
    cases: &[
        Case::always(Action::Warn),
        Case::always(Action::Deny).when("the claim is ReadWriteOncePod and a running workload holds it"),
    ],
    parameters: &[sharing::LOCAL_PROVISIONERS],
    judges: Features::running(&[Runs::Itself, Runs::OnSchedule, Runs::ToCompletion]),
    judge: Some(judge),
    inject: Some(inject),
    injection: Injection::OptIn,
    ..Rule::DEFAULTS
};

/// Why the pods of a job may wait for the claim.
enum Cause<'a> {
    Held(Vec<Other<'a>>),
    Overlap,
    Parallel,
}

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let pods = sharing::pods(workload, cx.view).known().unwrap_or_default();
    if !workload.is_one_shot() || pods == 0 {
        return;
    }
    for mounted in sharing::mounted(workload) {
        let claim = mounted.claim;
        let access = sharing::access(claim, cx);
        let Some(cause) = cause(workload, claim, access, cx) else {
            continue;
        };
        let extent = match &cause {
            Cause::Held(others) => others.len() as u64 + pods,
            Cause::Overlap | Cause::Parallel => pods,
        };
        let finding = match access {
            Access::Free => continue,
            Access::OnePod(modes) => one_pod(workload, claim, modes, &cause),
            Access::OneNode(modes, barrier) => one_node(workload, claim, modes, barrier, &cause),
            Access::Missing(missing) => {
                let question = "whether its pods can get it";
                sharing::cannot_tell(&RULE, workload, claim, missing, question)
            }
        };
        findings.push(finding.extent(extent).at(mounted.path()));
    }
}

fn inject(draft: &Draft<'_>, cx: &Surroundings<'_>) -> Outcome {
    let Draft::New { workload, shape } = *draft else {
        return Outcome::Nothing;
    };
    // Only what it mends: a claim that somebody holds is not freed by it.
    let overlaps = |claim: &Name| {
        let access = sharing::access(claim, cx);
        let enforced = match access {
            Access::OnePod(_) => true,
            Access::OneNode(_, barrier) => barrier != Barrier::Nothing,
            Access::Free | Access::Missing(_) => false,
        };
        enforced && matches!(cause(workload, claim, access, cx), Some(Cause::Overlap))
    };
    if !shape.spec || workload.idle || workload.rollout != Rollout::Cron(Concurrency::Allow) {
        return Outcome::Nothing;
    }
    if !sharing::mounted(workload).any(|mounted| overlaps(mounted.claim)) {
        return Outcome::Nothing;
    }
    Outcome::inject(
        vec![PatchOperation::add("/spec/concurrencyPolicy", "Forbid")],
        Vec::new(),
    )
}

/// The gravest cause there is. Beside the workload that holds the claim its own pods share that node as well, so the
/// remedy for the first is one for the others.
fn cause<'a>(workload: &Workload, claim: &str, access: Access, cx: &Surroundings<'a>) -> Option<Cause<'a>> {
    let one_pod = matches!(access, Access::OnePod(_));
    let mut holders = others::others(workload, claim, cx.view);
    holders.retain(|other| !other.workload.is_one_shot());
    let total = holders.len();
    // Where only the holder follows the job it may be elsewhere already when the job begins.
    let confined = if holders.is_empty() {
        Vec::new()
    } else {
        sharing::confined_claims(workload, cx)
    };
    let is_beside = |other: &Other<'_>| {
        let bond = bond::bond(workload, other.workload, claim, cx.view);
        let bound = matches!(bond, Bond::Both | Bond::Follows);
        !one_pod && (bound || sharing::mounts_any(other.workload, &confined))
    };
    holders.retain(|other| !is_beside(other));
    if !holders.is_empty() {
        return Some(Cause::Held(holders));
    }
    // All pods of a job beside the holder are on its node.
    if total > 0 || (!one_pod && sharing::share_a_node(workload, cx)) {
        return None;
    }
    // Of several pods on a claim for one alone speaks `rwop-overlap`.
    if workload.replicas > 1 && !one_pod {
        return Some(Cause::Parallel);
    }
    (workload.rollout == Rollout::Cron(Concurrency::Allow)).then_some(Cause::Overlap)
}

fn one_pod(workload: &Workload, claim: &str, modes: Modes, cause: &Cause<'_>) -> Finding {
    let explained = text::modes_explained(modes);
    match cause {
        Cause::Held(others) => Finding::violation(&RULE, &workload.id, claim)
            .case(HELD_BY_ONE_POD)
            .says(
                format!(
                    "claim \"{claim}\", which is {explained}, is held by {}; the mode counts per pod, so the job's would \
                     wait for ever, on whatever node",
                    others::described(others)
                ),
                format!(
                    "claim \"{claim}\", which is {modes}, is held by {}",
                    others::brief(others)
                ),
            )
            .remedy("Work on a claim made from a VolumeSnapshot, or use ReadWriteOnce and put both on one node"),
        Cause::Overlap | Cause::Parallel => overlap(workload, claim, modes, "wherever it is, "),
    }
}

fn one_node(workload: &Workload, claim: &str, modes: Modes, barrier: Barrier, cause: &Cause<'_>) -> Finding {
    let explained = text::modes_explained(modes);
    let finding = match cause {
        Cause::Held(others) => Finding::violation(&RULE, &workload.id, claim)
            .says(
                format!(
                    "claim \"{claim}\", which is {explained}, is held by {}; {}",
                    others::described(others),
                    barrier.consequence("the job's pods")
                ),
                format!(
                    "claim \"{claim}\", which is {modes}, is held by {}",
                    others::brief(others)
                ),
            )
            .remedy(beside(others, claim))
            .remedy_in_place(again(workload, &beside(others, claim))),
        Cause::Parallel => {
            let field = workload
                .id
                .kind
                .path_of(Field::Replicas)
                .and_then(|path| path.rsplit('/').next());
            let at_once = field.unwrap_or("parallelism");
            let pods = text::counted(u64::from(workload.replicas), "pod");
            Finding::violation(&RULE, &workload.id, claim)
                .says(
                    format!(
                        "{pods} at once mount claim \"{claim}\", which is {explained}; those on other nodes wait until \
                         the first node's have ended"
                    ),
                    format!("{pods} at once mount claim \"{claim}\", which is {modes} (one node only)"),
                )
                .remedy(if workload.id.kind.has(Field::OneTemplate) {
                    "Have one pod at a time mount it, or use an ephemeral volume or a ReadWriteMany class".to_owned()
                } else {
                    format!("Use {at_once}: 1, an ephemeral volume, or a ReadWriteMany class")
                })
        }
        Cause::Overlap => overlap(workload, claim, modes, "on another node "),
    };
    finding.at_most(barrier.limit())
}

fn overlap(workload: &Workload, claim: &str, modes: Modes, place: &str) -> Finding {
    Finding::violation(&RULE, &workload.id, claim)
        .says(
            format!(
                "concurrencyPolicy Allow starts a run while the last one still holds claim \"{claim}\", which is {}; \
                 {place}the new run's pod waits until the old one's has ended",
                text::modes_explained(modes)
            ),
            format!("runs may overlap on claim \"{claim}\", which is {modes} (one at a time)"),
        )
        .remedy("Use concurrencyPolicy: Forbid")
}

/// The affinity to copy, which puts the job's pods beside that of the first holder.
fn beside(others: &[Other<'_>], claim: &str) -> String {
    let affinity = others.first().map(|other| bond::beside(other.workload, claim));
    format!(
        "Put the job beside it with {}, or work on a claim made from a VolumeSnapshot",
        affinity.unwrap_or_default()
    )
}

/// The pods of a Job are never changed, nor is a Pod.
fn again(workload: &Workload, remedy: &str) -> String {
    let Workload { id, namespace, .. } = workload;
    if id.kind.declared().is_some() || !(id.kind.runs(Runs::ToCompletion) || id.kind.runs(Runs::Itself)) {
        return remedy.to_owned();
    }
    let kind = id.kind.as_str().to_lowercase();
    format!(
        "{remedy}; as it cannot change, first kubectl delete {kind} {} -n {namespace}",
        id.name
    )
}
