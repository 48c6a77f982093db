//! `database-overlap`: two servers on the files of one database.

use super::kit::data_stores::{self, DATA_STORES, Written};
use super::kit::others::{self, Other};
use super::kit::{Action, Case, Finding, Rule, Surroundings, sharing, text};
use crate::graph::{AccessMode, Claim, Features, Field, Runs, Workload};

/// See `database-overlap.md`.
pub(super) static RULE: Rule = Rule {
    id: "database-overlap",
    summary: "two pods of a database may write one volume at once",
    page: include_str!("database-overlap.md"),
    since: "0.1.0",
    cases: &[Case::rising(Action::Warn, Action::Deny)],
    parameters: &[DATA_STORES],
    judges: Features::having(Field::Strategy).or(Features::running(&[Runs::ToCompletion])),
    judge: Some(judge),
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    if workload.pods.images.is_empty() || workload.pods.volumes.is_empty() || workload.idle {
        return;
    }
    let deployment = workload.id.kind.has(Field::Strategy);
    let surges = || {
        let posts = workload.rollout.fenceposts(workload.replicas.max(1));
        posts.is_some_and(|posts| posts.surge > 0)
    };
    if deployment && workload.replicas <= 1 && !surges() {
        return;
    }
    for written in data_stores::written(workload, cx.parameters) {
        // The scheduler admits one pod to such a claim, and what may only be read cannot be written by two.
        let claim = cx.view.claim(written.claim).known();
        let Some(modes) = claim.map(Claim::modes).filter(|modes| !modes.is_single_pod()) else {
            continue;
        };
        let writable = [AccessMode::ReadWriteMany, AccessMode::ReadWriteOnce];
        if !writable.into_iter().any(|mode| modes.contains(mode)) {
            continue;
        }
        if !deployment {
            findings.extend(beside(workload, &written, cx));
        } else if workload.replicas > 1 {
            findings.push(several(workload, &written));
        } else {
            findings.push(surging(workload, &written));
        }
    }
}

fn several(workload: &Workload, written: &Written<'_>) -> Finding {
    let (name, claim) = (written.store.name(), written.claim);
    let replicas = text::counted(u64::from(workload.replicas), "replica");
    Finding::violation(&RULE, &workload.id, claim)
        .extent(workload.replicas)
        .says(
            format!(
                "{replicas} of {name} write claim \"{claim}\": all but the first refuse to start, or they corrupt the \
                 data, whatever the access mode"
            ),
            format!("{replicas} of {name} write claim \"{claim}\"; that may corrupt it"),
        )
        .remedy("Use a StatefulSet with volumeClaimTemplates, or replicas: 1 with strategy type: Recreate")
        .remedy_in_place(format!(
            "Use a StatefulSet with volumeClaimTemplates, or replicas: 1 with strategy type: Recreate, once by: {}",
            sharing::recreating(workload)
        ))
        .at("/spec/replicas")
}

fn surging(workload: &Workload, written: &Written<'_>) -> Finding {
    let (name, claim) = (written.store.name(), written.claim);
    Finding::violation(&RULE, &workload.id, claim)
        .says(
            format!(
                "a rolling update starts a second {name} while the first still writes claim \"{claim}\": it refuses \
                 to start, or both corrupt the data, whatever the access mode"
            ),
            format!("a rolling update starts a second {name} on claim \"{claim}\""),
        )
        .remedy("Use strategy type: Recreate, which waits until the old pod has ended")
        .remedy_in_place(format!(
            "Use strategy type: Recreate, which waits until the old pod has ended, once by: {}",
            sharing::recreating(workload)
        ))
        .at("/spec/strategy")
}

/// A Job that runs the server on the claim of one that is running.
fn beside(workload: &Workload, written: &Written<'_>, cx: &Surroundings<'_>) -> Option<Finding> {
    let (name, claim) = (written.store.name(), written.claim);
    let mut others = others::others(workload, claim, cx.view);
    let writes = |other: &Other<'_>| {
        let written = data_stores::written(other.workload, cx.parameters);
        written.iter().any(|other| other.claim == claim)
    };
    others.retain(|other| !other.workload.is_one_shot() && writes(other));
    if others.is_empty() {
        return None;
    }
    let who = others::described(&others);
    let spec = workload.id.kind.pod_spec();
    let finding = Finding::violation(&RULE, &workload.id, claim)
        .extent(others.len() as u64)
        .says(
            format!(
                "it runs {name} on claim \"{claim}\", which {who} writes too: the second refuses to start, or both \
                 corrupt the data"
            ),
            format!(
                "{name} on claim \"{claim}\", which {} writes too",
                others::brief(&others)
            ),
        )
        .remedy("Scale the other to 0 before the Job runs, or connect to it instead")
        .at(format!(
            "{spec}/volumes/{}/persistentVolumeClaim/claimName",
            written.index
        ));
    Some(others::related(finding, &others, claim))
}
