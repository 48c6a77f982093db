//! Judging: collect what is found after the change, compare it with before, decide.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::allow::Allowances;
use super::decision::{Decision, Judged, Standing};
use super::message;
use crate::graph::view::Reservations;
use crate::graph::{
    Actor, Change, Facts, Kind, Lookup, Name, Node, ObjectRef, Operation, Overlay, Shard, States, Timestamp, View,
    Workload,
};
use crate::policy::{Policies, Settings};
use crate::rules::kit::{Action, AnyRule, Finding, Surroundings, Verdict};

/// All that a judgement stands on.
#[derive(Clone, Copy, Debug)]
pub struct World<'a> {
    pub shard: &'a Shard,
    pub facts: &'a Facts,
    /// Objects that were asked for by name because the graph did not have them.
    pub fetched: &'a Overlay,
    pub policies: &'a Policies,
    pub rules: &'a [AnyRule],
}

/// The identity of a finding: rule, workload, subject.
type Identity = (&'static str, ObjectRef, Name);

/// Judges a change. What it introduces or makes worse is enforced; what was there already is only a warning.
#[must_use]
pub fn judge(change: &Change<'_>, world: &World<'_>, now: Timestamp) -> Decision {
    let decision = judge_with(change, world, Reservations::Counted(now));
    if decision.is_allowed() || world.shard.reservations().next().is_none() {
        return decision;
    }
    // Refused only because of a write that is under way and may yet fail: say so, for a retry will tell.
    let without = judge_with(change, world, Reservations::Ignored);
    match decision.denial {
        Some(denial) if without.is_allowed() => Decision {
            denial: Some(message::while_another_is_created(&denial)),
            ..decision
        },
        _ => decision,
    }
}

fn judge_with(change: &Change<'_>, world: &World<'_>, reservations: Reservations) -> Decision {
    let known = View::new(world.shard, world.facts, world.fetched, reservations);
    let mut after = world.fetched.clone();
    change.lay_after(&known, &mut after);
    let after = View::new(world.shard, world.facts, &after, reservations);
    let affected = change.affected(&after);

    let mut found: Vec<(Cow<'_, Settings>, &Workload, Allowances<'_>, Vec<Finding>)> = Vec::new();
    let mut problems = Vec::new();
    for id in &affected {
        let Some(workload) = after.workload(id).known() else {
            continue;
        };
        let Some(settings) = settings_for(workload, &after, world.policies) else {
            continue;
        };
        let findings = findings_of(workload, &after, &settings, world.rules);
        let allowances = Allowances::of(workload, settings.overrides, world.rules);
        if change.is_of_workload() {
            let lines = allowances.problems.iter();
            problems.extend(lines.map(|problem| message::warning_line(workload, problem)));
        }
        if !findings.is_empty() {
            found.push((settings, workload, allowances, findings));
        }
    }

    let mut decision = Decision::default();
    if !found.is_empty() {
        let before = Before::of(change, world, reservations, &known, &affected);
        let limit = limit(change, &after);
        for (settings, workload, allowances, findings) in found {
            for finding in findings {
                let judged = weigh(
                    finding,
                    &settings,
                    &before,
                    limit,
                    &allowances,
                    change,
                    &after,
                    workload,
                    world,
                );
                decision.findings.extend(judged);
            }
        }
    }
    decision.unknown = after.unknown_kinds();
    decision.absent = absent(change, &decision.findings);
    if matches!(change.states, States::Scale { .. }) {
        let parent = after.workload(&change.target);
        if parent == Lookup::Absent {
            // The request holds no pod template: without its parent there is nothing to judge.
            decision.absent.push(change.target.clone());
        }
        if parent.known().is_none() {
            problems.push(message::unchecked_scale(&change.namespace, &change.target));
        }
    }
    message::compose(change, &mut decision, problems);
    decision
}

/// The findings on one workload whose rules are on. None on what is owned, going, or of no interest.
pub(super) fn findings_of(
    workload: &Workload,
    view: &View<'_>,
    settings: &Settings,
    rules: &[AnyRule],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if workload.deleting || workload.is_owned() {
        return findings;
    }
    for (rule, setting) in rules.iter().zip(&settings.rules) {
        let AnyRule::Workload(rule) = rule else { continue };
        if setting.is_off() || !rule.meta().judges.meets(workload.id.kind.features()) {
            continue;
        }
        rule.judge(
            workload,
            &Surroundings {
                view,
                parameters: &setting.parameters,
            },
            &mut findings,
        );
    }
    findings
}

/// The settings of the policies that match a workload.
pub(super) fn settings_for<'p>(
    workload: &Workload,
    view: &View<'_>,
    policies: &'p Policies,
) -> Option<Cow<'p, Settings>> {
    let namespace_labels = view.namespace_facts().map(|facts| &facts.labels);
    policies.resolve(view.namespace(), namespace_labels, &workload.labels)
}

/// What was found before the change.
struct Before {
    /// The extent and the action of each finding, or `None` for one that could not be told.
    findings: BTreeMap<Identity, Option<(u64, Option<Action>)>>,
    /// The state before could not be read at all.
    unreadable: bool,
}

impl Before {
    fn of(
        change: &Change<'_>,
        world: &World<'_>,
        reservations: Reservations,
        known: &View<'_>,
        affected: &[ObjectRef],
    ) -> Self {
        let mut overlay = world.fetched.clone();
        let readable = change.lay_before(known, &mut overlay);
        let view = View::new(world.shard, world.facts, &overlay, reservations);
        let mut findings = BTreeMap::new();
        for id in affected {
            let Some(workload) = view.workload(id).known() else {
                continue;
            };
            let Some(settings) = settings_for(workload, &view, world.policies) else {
                continue;
            };
            for finding in findings_of(workload, &view, &settings, world.rules) {
                let entry = match finding.verdict {
                    Verdict::Unknown => None,
                    Verdict::Violation => Some((finding.extent, action(&finding, &settings, workload, world.rules))),
                };
                // Of several with one identity the worst counts, so that none of them looks new afterwards.
                let known = findings.entry(identity(&finding)).or_insert(entry);
                *known = known
                    .zip(entry)
                    .map(|(one, other)| (one.0.max(other.0), one.1.max(other.1)));
            }
        }
        Self {
            findings,
            unreadable: !readable,
        }
    }

    fn standing(&self, finding: &Finding, action: Option<Action>) -> Standing {
        match self.findings.get(&identity(finding)) {
            _ if self.unreadable => Standing::Unclear,
            None => Standing::Introduced,
            Some(None) => Standing::Unclear,
            Some(Some((extent, former))) if finding.extent > *extent || action > *former => Standing::Introduced,
            Some(Some(_)) => Standing::Existing,
        }
    }
}

fn identity(finding: &Finding) -> Identity {
    (finding.rule, finding.workload.clone(), finding.subject.clone())
}

/// What the policy makes of a finding, before ratchet, caps and overrides. `None` where its case is off.
pub(super) fn action(finding: &Finding, settings: &Settings, workload: &Workload, rules: &[AnyRule]) -> Option<Action> {
    let index = rules.iter().position(|rule| rule.meta().id == finding.rule)?;
    let wanted = settings.rules[index].actions.get(finding.case).copied().flatten()?;
    let mut limit = finding.at_most.unwrap_or(Action::Deny);
    if finding.verdict == Verdict::Unknown || workload.is_operated() {
        limit = limit.min(Action::Warn);
    }
    Some(wanted.min(limit))
}

/// The strongest action that a finding may meet with once it is overridden for a reason, or as long as what it misses
/// may come yet; not where the change itself took that away.
pub(super) fn cap(finding: &Finding, reason: Option<&str>, removed: bool) -> Action {
    match &finding.absent {
        _ if reason.is_some() => Action::Audit,
        Some(_) if !removed => Action::Warn,
        _ => Action::Deny,
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "one place where all that a finding meets comes together"
)]
fn weigh(
    finding: Finding,
    settings: &Settings,
    before: &Before,
    limit: Action,
    allowances: &Allowances<'_>,
    change: &Change<'_>,
    after: &View<'_>,
    workload: &Workload,
    world: &World<'_>,
) -> Option<Judged> {
    let removed = change.operation == Operation::Delete && finding.absent.as_ref() == Some(&change.target);
    if removed && finding.verdict == Verdict::Unknown {
        // What can no longer be told of an object that goes is no harm; that it goes is for another rule to say.
        return None;
    }
    let policy = action(&finding, settings, workload, world.rules)?;
    let standing = before.standing(&finding, Some(policy));
    let ratchet = if standing == Standing::Introduced {
        Action::Deny
    } else {
        Action::Warn
    };
    let reason = allowances.reason(finding.rule);
    let cap = cap(&finding, reason, removed);
    let message = message::sentence(&finding, change, workload, after, world.rules);
    Some(Judged {
        action: policy.min(ratchet).min(limit).min(cap),
        standing,
        allowed_because: reason.map(str::to_owned),
        message,
        finding,
    })
}

/// The strongest action that this kind of change may meet with (`docs/limits.md`, "Never denied").
fn limit(change: &Change<'_>, after: &View<'_>) -> Action {
    let terminating = after
        .namespace_facts()
        .known()
        .is_some_and(|namespace| namespace.terminating);
    let harmless = match &change.states {
        // Apply order is arbitrary, and the binder must be able to bind.
        States::Object { .. } if change.target.kind == Kind::CLAIM => change.operation != Operation::Delete,
        States::Scale { before, after } => before.is_some_and(|before| *after <= before),
        States::Object { .. } => change.workload().is_some_and(|(before, after, _)| {
            let before = before.node().and_then(Node::workload);
            before.is_some_and(|before| only_less(before, after))
        }),
    };
    if terminating || harmless || change.actor == Actor::Cleanup {
        Action::Warn
    } else {
        Action::Deny
    }
}

/// Returns true where an update touches metadata only, or only takes replicas away.
fn only_less(before: &Workload, after: &Workload) -> bool {
    let comparable = Workload {
        generation: before.generation,
        created: before.created,
        labels: before.labels.clone(),
        annotations: before.annotations.clone(),
        owner: before.owner.clone(),
        replicas: before.replicas,
        ..after.clone()
    };
    after.deleting || (after.replicas <= before.replicas && comparable == *before)
}

/// What the findings miss; the object that the change itself takes away is truly gone.
fn absent(change: &Change<'_>, findings: &[Judged]) -> Vec<ObjectRef> {
    let missing = findings.iter().filter_map(|judged| judged.finding.absent.clone());
    let mut absent: Vec<ObjectRef> = missing.filter(|object| *object != change.target).collect();
    absent.sort_unstable();
    absent.dedup();
    absent
}
