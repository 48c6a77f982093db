//! `scale-down-data`: claims that lose their pods to fewer replicas, and are left behind or deleted.

use std::ops::Range;

use super::kit::{Action, Case, Finding, Rule, Surroundings, Transition, text};
use crate::graph::{Actor, ClaimFate, Features, Field, Lookup, Workload};

const DELETED: usize = 1;
const AUTOMATIC: usize = 2;

/// Of so many pods each claim is looked up; of more it is taken for granted that they have some.
const LOOKED_UP: usize = 50;

/// So many pods, and so many claims, are named.
const NAMED: usize = 3;

/// See `scale-down-data.md`.
pub(super) static RULE: Rule = Rule {
    id: "scale-down-data",
    summary: "claims of a StatefulSet are left behind, or deleted, with fewer replicas",
    page: include_str!("scale-down-data.md"),
    since: "0.1.0",
    cases: &[
        Case::always(Action::Warn),
        Case::rising(Action::Warn, Action::Deny).when("whenScaled: Delete"),
        Case::always(Action::Audit).when("by an autoscaler"),
    ],
    judges: Features::having(Field::ClaimTemplates),
    judge_change: Some(judge_change),
    ..Rule::DEFAULTS
};

/// The pods that a StatefulSet loses.
struct Lost<'a> {
    set: &'a Workload,
    ordinals: Vec<Range<u64>>,
}

fn judge_change(transition: &Transition<'_>, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let Some((before, after)) = transition.updated() else {
        return;
    };
    let lost = Lost::of(before, after);
    if lost.count() == 0 || after.claim_templates.is_empty() || after.deleting {
        return;
    }
    let claims = lost.claims(cx);
    if claims.is_empty() {
        return;
    }
    let pods = lost.count();
    let count = if pods > LOOKED_UP as u64 {
        pods * after.claim_templates.len() as u64
    } else {
        claims.len() as u64
    };
    let named = |most| format!("{} {}", plural("claim", count), text::quoted(&claims, most, count));
    let go = format!(
        "{} {} {}",
        plural("pod", pods),
        text::quoted(&lost.pods(), NAMED, pods),
        if pods == 1 { "goes" } else { "go" }
    );
    let deletes = after.options().retention.when_scaled == ClaimFate::Delete;
    let finding = Finding::violation(&RULE, &after.id, "replicas")
        .extent(pods)
        .at(after.ordinals_path(before));
    let finding = if deletes {
        finding
            .case(DELETED)
            .says(
                format!(
                    "{go}, and Kubernetes deletes {} and the data there (whenScaled: Delete)",
                    named(NAMED)
                ),
                format!("deletes {} and the data (whenScaled: Delete)", named(1)),
            )
            .remedy("Set persistentVolumeClaimRetentionPolicy.whenScaled: Retain first, or save the data")
    } else {
        let stay = if count == 1 { "stays" } else { "stay" };
        finding
            .says(
                format!(
                    "{go}, {} {stay} with the data, and later pods of the name start on it",
                    named(NAMED)
                ),
                format!("{} {stay}; later pods start on the old data", named(1)),
            )
            .remedy("Nothing to do if it will grow again; else save the data, and delete the claims by hand")
    };
    findings.push(match transition.actor {
        Actor::Autoscaler | Actor::Cleanup => finding.case(AUTOMATIC),
        Actor::User => finding,
    });
}

fn plural(noun: &str, count: u64) -> String {
    if count == 1 {
        noun.to_owned()
    } else {
        format!("{noun}s")
    }
}

impl<'a> Lost<'a> {
    /// Those whose ordinals the new ones leave out.
    fn of(before: &Workload, after: &'a Workload) -> Self {
        Self {
            set: after,
            ordinals: before.ordinals().without(after.ordinals()),
        }
    }

    fn count(&self) -> u64 {
        self.ordinals.iter().map(|range| range.end - range.start).sum()
    }

    fn each(&self) -> impl Iterator<Item = u64> + '_ {
        self.ordinals.iter().cloned().flatten().take(LOOKED_UP)
    }

    fn pods(&self) -> Vec<String> {
        self.each()
            .map(|ordinal| format!("{}-{ordinal}", self.set.id.name))
            .collect()
    }

    /// The claims of these pods, but for those that were never made.
    fn claims(&self, cx: &Surroundings<'_>) -> Vec<String> {
        let mut claims = Vec::new();
        for ordinal in self.each() {
            for template in &self.set.claim_templates {
                let claim = template.claim(&self.set.id.name, ordinal).to_string();
                if cx.view.claim(&claim) != Lookup::Absent {
                    claims.push(claim);
                }
            }
        }
        claims
    }
}
