//! Judging: collect what is found after the change, compare it with before, decide.

use super::allow::ALLOW;
use super::basis::Basis;
use super::caps::{Caps, cap, exempt};
use super::decision::{Decision, Judged, Standing};
use super::message;
use super::ratchet::Before;
use super::terms::{Found, Terms};
use crate::graph::view::Reservations;
use crate::graph::{Change, Features, Lookup, ObjectRef, Operation, Ownership, Role, States, Timestamp, View};
use crate::rules::kit::{Action, Finding, Phase, Rule, Through, Transition};

/// How many others are asked for; where more are in the way they are hardly all gone.
const DOUBTFUL_MOST: usize = 8;

/// Judges a change. What it introduces or makes worse is enforced; what was there already is only a warning.
#[must_use]
pub fn judge(change: &Change<'_>, basis: &Basis<'_>, now: Timestamp) -> Decision {
    let mut decision = judge_with(change, basis, Reservations::Counted(now), Phase::Validating);
    decision.doubtful = doubtful(change, &decision, basis, now);
    if decision.is_allowed() || basis.shard.reservations().next().is_none() {
        return decision;
    }
    // Refused only because of a write that is under way and may yet fail: say so, for a retry will tell.
    let without = judge_with(change, basis, Reservations::Ignored, Phase::Validating);
    match decision.denial {
        Some(denial) if without.is_allowed() => Decision {
            denial: Some(message::while_another_is_created(&denial)),
            ..decision
        },
        _ => decision,
    }
}

/// Judges what only the mutating phase can tell of the change itself.
pub(super) fn judge_early(change: &Change<'_>, basis: &Basis<'_>) -> Decision {
    judge_with(change, basis, Reservations::Ignored, Phase::Mutating)
}

fn judge_with(change: &Change<'_>, basis: &Basis<'_>, reservations: Reservations, phase: Phase) -> Decision {
    let known = basis.view(basis.fetched, reservations);
    let transition = transition(change, &known, phase, basis.rules);
    if phase == Phase::Mutating && transition.is_none() {
        return Decision::default();
    }
    let mut after = basis.fetched.clone();
    change.lay_after(&known, &mut after);
    let after = basis.view(&after, reservations);
    let affected = match phase {
        Phase::Mutating => Vec::new(),
        Phase::Validating => change.affected(&after),
    };
    let subjects = subjects(&affected, transition.as_ref(), &after, basis);

    let mut problems = Vec::new();
    if phase == Phase::Validating {
        problems.extend(unchecked(change, &after));
        if change.is_of_workload() {
            problems.extend(subjects.iter().flat_map(|subject| subject.problems(&change.namespace)));
        }
    }
    let mut decision = Decision::default();
    if subjects.iter().any(|subject| !subject.found.is_empty()) {
        let weighing = Weighing {
            change,
            basis,
            before: Before::of(change, &known, &affected, basis, reservations),
            caps: Caps::of(change, &after),
            after: &after,
        };
        let judged = subjects.into_iter().flat_map(|subject| weighing.weigh_all(subject));
        decision.findings = judged.collect();
    }
    problems.extend(
        decision
            .findings
            .iter()
            .filter_map(|judged| judged.granted()?.ends_soon(basis.time)),
    );
    decision.absent = absent(change, &after, &decision.findings);
    if let Some(owner) = claimed_owner(change, &after, &decision.findings) {
        problems.push(message::claims_owner(&change.namespace, &change.target, &owner));
        // Created a moment ago, maybe.
        decision
            .absent
            .extend((after.workload(&owner) == Lookup::Absent).then_some(owner));
    }
    decision.unknown = after.unknown_kinds();
    let way_out = |object: &ObjectRef| {
        let (written, stored) = (after.workload(object).known(), known.workload(object).known());
        // One that the request leaves out stays where it is, once the request is refused.
        let annotated = written.filter(|workload| workload.annotation(ALLOW).is_some());
        let terms = Terms::of_workload(annotated.or(stored).or(written)?, &after, basis)?;
        Some(terms.way_out())
    };
    message::compose(change, &mut decision, problems, basis.time, &way_out);
    decision
}

/// The change as rules of this phase judge it, where there are any for this kind of object.
fn transition<'c>(change: &'c Change<'_>, known: &View<'_>, phase: Phase, rules: &[&Rule]) -> Option<Transition<'c>> {
    judges_changes(rules, phase, change.target.kind.features()).then(|| Transition {
        target: &change.target,
        operation: change.operation,
        actor: change.actor,
        forced: change.forced,
        through: match change.states {
            States::Object { .. } => Through::Object,
            States::Scale { .. } => Through::Scale,
        },
        phase,
        before: change.before(known),
        after: change.after(known),
    })
}

/// Whether rules of this phase judge changes of such kinds.
pub(super) fn judges_changes(rules: &[&Rule], phase: Phase, kind: Features) -> bool {
    let asked = |rule: &&Rule| rule.judge_change.is_some() && rule.phase == phase && rule.judges.meets(kind);
    rules.iter().any(asked)
}

/// An object in which something was found, or whose overrides have no effect.
struct Subject<'a> {
    object: &'a ObjectRef,
    terms: Terms<'a>,
    found: Vec<Found>,
}

/// Judges the affected workloads, and the target of the change where the change itself is judged.
fn subjects<'a>(
    affected: &'a [ObjectRef],
    transition: Option<&'a Transition<'a>>,
    after: &View<'a>,
    basis: &Basis<'a>,
) -> Vec<Subject<'a>> {
    let mut subjects = Vec::new();
    let mut add = |object, workload, transition, terms: Terms<'a>| {
        let found = terms.find(workload, transition, after, basis);
        if !found.is_empty() || !terms.allowances.problems.is_empty() {
            subjects.push(Subject { object, terms, found });
        }
    };
    for id in affected {
        let Some(workload) = after.workload(id).known() else {
            continue;
        };
        if let Some(terms) = Terms::of_workload(workload, after, basis) {
            add(id, Some(workload), transition.filter(|own| own.target == id), terms);
        }
    }
    if let Some(transition) = transition.filter(|transition| !affected.contains(transition.target))
        && let Some(node) = transition.after.as_ref().or(transition.before.as_ref())
        && let Some(terms) = Terms::of(node, after, basis)
    {
        add(transition.target, None, Some(transition), terms);
    }
    subjects
}

impl Subject<'_> {
    fn problems(&self, namespace: &str) -> impl Iterator<Item = String> {
        let problems = self.terms.allowances.problems.iter();
        problems.map(move |problem| message::warning_line(namespace, self.object, problem))
    }
}

/// All that a finding meets on its way to an action.
struct Weighing<'a> {
    change: &'a Change<'a>,
    basis: &'a Basis<'a>,
    before: Before,
    caps: Caps,
    after: &'a View<'a>,
}

impl Weighing<'_> {
    fn weigh_all<'s>(&'s self, subject: Subject<'s>) -> impl Iterator<Item = Judged> {
        let Subject { terms, found, .. } = subject;
        found.into_iter().filter_map(move |found| self.weigh(found, &terms))
    }

    fn weigh(&self, found: Found, terms: &Terms<'_>) -> Option<Judged> {
        let removed = self.removes(&found.finding);
        if removed && found.finding.loss.is_none() {
            // Its words are about what never was there; that it goes is for another rule to say.
            return None;
        }
        let policy = found.policy?;
        let standing = self.before.standing(&found);
        let ratchet = match standing {
            Standing::Introduced => Action::Deny,
            Standing::Existing | Standing::Lessened | Standing::Unclear => Action::Warn,
        };
        let limit = ratchet.min(self.caps.of_found(&found));
        let is_new = self.change.operation == Operation::Create && found.finding.object == self.change.target;
        let mut finding = if is_new {
            found.finding
        } else {
            found.finding.in_place()
        };
        if removed && let Some(loss) = &finding.loss {
            finding.brief.clone_from(&loss.brief);
        }
        let own = terms.allowances.reason(finding.rule.id).map(str::to_owned);
        let reason = own.or_else(|| self.reason_of_bearer(&finding));
        let limit = limit.min(cap(&finding, reason.as_deref(), removed));
        let exemption = terms.exemption(&finding, policy.min(limit), &self.change.namespace, self.basis);
        let limit = limit.min(exempt(exemption.as_ref()));
        Some(Judged {
            action: policy.min(limit),
            standing,
            allowed_because: reason,
            denied_after: found.denied_after.filter(|_| limit == Action::Deny),
            exemption,
            message: message::sentence(&finding, self.change, removed),
            finding,
        })
    }

    /// The reason for which the workload lets a finding pass that is about it, on an object that runs no pods itself.
    fn reason_of_bearer(&self, finding: &Finding) -> Option<String> {
        let bearer = finding.bearer().filter(|bearer| **bearer != finding.object)?;
        let workload = self.after.workload(bearer).known()?;
        let terms = Terms::of_workload(workload, self.after, self.basis)?;
        terms.allowances.reason(finding.rule.id).map(str::to_owned)
    }

    /// Whether the change takes away what the finding rests on.
    fn removes(&self, finding: &Finding) -> bool {
        self.change.operation == Operation::Delete && finding.absent.as_ref() == Some(&self.change.target)
    }
}

/// What the findings miss; the object that the change itself takes away is truly gone.
fn absent(change: &Change<'_>, after: &View<'_>, findings: &[Judged]) -> Vec<ObjectRef> {
    let missing = findings.iter().filter_map(|judged| judged.finding.absent.clone());
    let mut absent: Vec<ObjectRef> = missing.filter(|object| *object != change.target).collect();
    absent.sort_unstable();
    absent.dedup();
    // The request holds no pod template: without its parent there is nothing to judge.
    if matches!(change.states, States::Scale { .. }) && after.workload(&change.target) == Lookup::Absent {
        absent.push(change.target.clone());
    }
    absent
}

/// The owner that the target names, where something was found in it, and nobody knows that it is the owner's.
fn claimed_owner(change: &Change<'_>, after: &View<'_>, findings: &[Judged]) -> Option<ObjectRef> {
    if !findings.iter().any(|judged| judged.finding.object == change.target) {
        return None;
    }
    match after.ownership(after.workload(&change.target).known()?) {
        Ownership::Claimed(owner) => Some(owner),
        Ownership::Free | Ownership::Operated | Ownership::Owned => None,
    }
}

/// The others that a denial rests on, but for what was asked already and what may be on its way to be stored.
fn doubtful(change: &Change<'_>, decision: &Decision, basis: &Basis<'_>, now: Timestamp) -> Vec<ObjectRef> {
    let denying = decision.findings.iter().filter(|judged| judged.action == Action::Deny);
    let others = denying
        .flat_map(|judged| &judged.finding.related)
        .map(|related| &related.object);
    let may_be_gone = |object: &&ObjectRef| {
        let written = basis.shard.reservation(object);
        **object != change.target
            && (object.kind.is_workload() || matches!(object.kind.role(), Role::Autoscaler(_)))
            && written.is_none_or(|written| written.is_doubtful(now))
            && !basis.fetched.has(object)
    };
    let mut doubtful: Vec<ObjectRef> = others.filter(may_be_gone).cloned().collect();
    doubtful.sort_unstable();
    doubtful.dedup();
    doubtful.truncate(DOUBTFUL_MOST);
    doubtful
}

/// Says that a `scale` request was not judged, where nobody knows its parent.
fn unchecked(change: &Change<'_>, after: &View<'_>) -> Option<String> {
    let scales = matches!(change.states, States::Scale { .. });
    let unknown = scales && after.workload(&change.target).known().is_none();
    unknown.then(|| message::unchecked_scale(&change.namespace, &change.target))
}
