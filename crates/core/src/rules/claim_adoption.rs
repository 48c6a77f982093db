//! `claim-adoption`: the pods of a StatefulSet take over claims that are there already, with what is in them.

use std::fmt::Write as _;

use super::kit::bond::{self, Bond};
use super::kit::others::{self, Other};
use super::kit::sharing::{self, Access};
use super::kit::{Action, Case, Finding, Quantity, Rule, Surroundings, Transition, template, text};
use crate::graph::{
    Claim, ClaimTemplate, ClassName, Features, Field, Kind, Node, ObjectRef, Operation, View, Workload,
};

/// The case of a claim that somebody else uses, as `rwo-consumers` says too.
pub(super) const IN_USE: usize = 1;

/// So many new pods are looked at.
const MOST_PODS: u64 = 1_000;

/// So many claims are named; the text says how many there are.
const NAMED: usize = 3;

/// So many claims are in the command that deletes them.
const PASTED: usize = 10;

/// See `claim-adoption.md`.
pub(super) static RULE: Rule = Rule {
    id: "claim-adoption",
    summary: "new pods of a StatefulSet start on claims that are there already",
    page: include_str!("claim-adoption.md"),
    since: "0.1.0",
    cases: &[
        Case::always(Action::Warn),
        Case::rising(Action::Warn, Action::Deny).when("another workload uses the claim"),
    ],
    parameters: &[sharing::LOCAL_PROVISIONERS],
    judges: Features::having(Field::ClaimTemplates),
    judge_change: Some(judge_change),
    ..Rule::DEFAULTS
};

/// A claim that a new pod will use.
struct Taken<'a> {
    claim: &'a Claim,
    template: &'a ClaimTemplate,
    ordinal: u64,
}

fn judge_change(transition: &Transition<'_>, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let Some(set) = transition.after.as_ref().and_then(Node::workload) else {
        return;
    };
    if set.claim_templates.is_empty() || set.deleting || set.unnamed {
        return;
    }
    let (former, path) = match (transition.operation, &transition.before) {
        (Operation::Create, _) => (set.ordinals_of(0), set.id.kind.own_path(template::TEMPLATES)),
        (Operation::Update, Some(Node::Workload(before))) => (before.ordinals(), set.ordinals_path(before).to_owned()),
        (Operation::Delete | Operation::Update, _) => return,
    };
    let new = set.ordinals().without(former).into_iter().flatten();
    let mut taken = Vec::new();
    let mut name = String::new();
    for ordinal in new.take(usize::try_from(MOST_PODS).unwrap_or(usize::MAX)) {
        for template in &set.claim_templates {
            name.clear();
            if write!(name, "{}", template.claim(&set.id.name, ordinal)).is_ok()
                && let Some(claim) = cx.view.claim(&name).known()
            {
                taken.push(Taken {
                    claim,
                    template,
                    ordinal,
                });
            }
        }
    }
    let first = findings.len();
    let (broken, whole): (Vec<&Taken<'_>>, Vec<&Taken<'_>>) =
        taken.iter().partition(|one| one.claim.lost || one.claim.deleting);
    findings.extend(broken.first().map(|first| unusable(set, first, broken.len())));
    let (used, free): (Vec<_>, Vec<_>) = whole
        .into_iter()
        .map(|one| (one, users(set, one, cx.view)))
        .partition(|(_, users)| !users.is_empty());
    findings.extend(used.iter().map(|(one, users)| in_use(set, one, users, cx)));
    let free: Vec<&Taken<'_>> = free.into_iter().map(|(one, _)| one).collect();
    if !free.is_empty() {
        findings.push(old_data(set, &free, cx.view));
    }
    for finding in &mut findings[first..] {
        finding.path.clone_from(&path);
    }
}

/// Those that run on and have the claim: what runs once and ends is for `rwo-job` to judge.
fn users<'a>(set: &Workload, one: &Taken<'_>, view: &View<'a>) -> Vec<Other<'a>> {
    let claim = &one.claim.name;
    let mut users = others::others(set, claim, view);
    users.retain(|other| !other.workload.is_one_shot() && bond::bond(set, other.workload, claim, view) == Bond::None);
    users
}

/// Pods that cannot start: a claim without its volume, or one that is going.
fn unusable(set: &Workload, one: &Taken<'_>, count: usize) -> Finding {
    let (claim, pod, namespace) = (&one.claim.name, pod(set, one), &set.namespace);
    let (why, brief, remedy) = if one.claim.lost {
        (
            format!("has lost its volume, so pod {pod} cannot start"),
            format!("claim \"{claim}\" has lost its volume; {pod} cannot start"),
            format!(
                "Delete the claim for an empty disk, or restore its volume: kubectl delete pvc {claim} -n {namespace}"
            ),
        )
    } else {
        (
            format!("is being deleted: pod {pod} waits until it is gone, and starts on an empty disk"),
            format!("claim \"{claim}\" is being deleted; {pod} waits for that"),
            format!(
                "Wait for it (kubectl wait --for=delete pvc/{claim} -n {namespace}), or create the {} later",
                set.id.kind
            ),
        )
    };
    let more = match count - 1 {
        0 => String::new(),
        more => format!(" ({} like it)", text::counted(more as u64, "more claim")),
    };
    Finding::violation(&RULE, &set.id, claim)
        .extent(count as u64)
        .says(format!("claim \"{claim}\" {why}{more}"), brief)
        .remedy(remedy)
        .related(ObjectRef::new(Kind::CLAIM, claim.clone()), "/status/phase", "the claim")
}

fn in_use(set: &Workload, one: &Taken<'_>, users: &[Other<'_>], cx: &Surroundings<'_>) -> Finding {
    let (claim, pod, who) = (&one.claim.name, pod(set, one), others::described(users));
    let limit = match sharing::access(claim, cx) {
        Access::OneNode(_, barrier) => barrier.limit(),
        Access::OnePod(_) => Action::Deny,
        Access::Free | Access::Missing(_) => Action::Warn,
    };
    let finding = Finding::violation(&RULE, &set.id, claim)
        .case(IN_USE)
        .at_most(limit)
        .extent(users.len() as u64)
        .says(
            format!("claim \"{claim}\" exists already and is used by {who}; pod {pod} would write to the same disk"),
            format!("claim \"{claim}\" exists and is used by {}", others::brief(users)),
        )
        .remedy(format!(
            "Stop that workload first, or give the {} or its claim template another name than \"{}\"",
            set.id.kind, one.template.name
        ));
    others::related(finding, users, claim)
}

/// What is as it may be: told, for it is often not meant.
fn old_data(set: &Workload, taken: &[&Taken<'_>], view: &View<'_>) -> Finding {
    let names: Vec<String> = taken
        .iter()
        .take(NAMED)
        .map(|one| format!("\"{}\"", one.claim.name))
        .collect();
    let more = taken.len() - names.len();
    let listed = match more {
        0 => text::listed(&names),
        more => format!("{} and {more} more", names.join(", ")),
    };
    let (text, brief) = match taken {
        [one] => (
            format!(
                "claim {listed} exists already, so pod {} starts on the data in it",
                pod(set, one)
            ),
            format!("claim {listed} exists already; its pod starts on old data"),
        ),
        several => (
            format!("claims {listed} exist already, so pods start on the data in them"),
            format!("{} claims exist already; pods start on old data", several.len()),
        ),
    };
    let pasted: Vec<&str> = taken.iter().take(PASTED).map(|one| &*one.claim.name).collect();
    let rest = if taken.len() > PASTED {
        ", and the rest likewise"
    } else {
        ""
    };
    let unlike: Vec<String> = taken.iter().filter_map(|one| unlike(one, view)).take(NAMED).collect();
    let text = [vec![text], unlike].concat().join("; ");
    let finding = Finding::violation(&RULE, &set.id, &taken[0].template.name)
        .extent(taken.len() as u64)
        .says(text, brief)
        .remedy(format!(
            "Leave it so where that is meant (a restore, a {} created again); else delete what is there: \
             kubectl delete pvc {} -n {}{rest}",
            set.id.kind,
            pasted.join(" "),
            set.namespace
        ));
    taken.iter().take(NAMED).fold(finding, |finding, one| {
        let claim = ObjectRef::new(Kind::CLAIM, one.claim.name.clone());
        finding.related(claim, "/metadata/name", "exists already")
    })
}

/// In what a claim is not what its template would make: it is used as it is (`docs/kubernetes-facts.md` §1.4).
fn unlike(one: &Taken<'_>, view: &View<'_>) -> Option<String> {
    let Taken { claim, template, .. } = one;
    let mut ways = Vec::new();
    if let (Some(has), Some(asked)) = (&claim.storage, &template.storage)
        && let (Some(size), Some(wanted)) = (Quantity::parse(has), Quantity::parse(asked))
        && size < wanted
    {
        ways.push(format!("has {has} where the template asks for {asked}"));
    }
    if !template.modes.is_empty() && claim.requested != template.modes {
        ways.push(format!("is {}, not {}", claim.requested, template.modes));
    }
    let class = |class: &ClassName| match class {
        ClassName::Named(name) => Some(name.clone()),
        ClassName::Default => view.class(class).known().map(|class| class.name.clone()),
        ClassName::None => None,
    };
    if let (Some(has), Some(asked)) = (class(&claim.class), class(&template.class))
        && has != asked
    {
        ways.push(format!("is of class \"{has}\", not \"{asked}\""));
    }
    (!ways.is_empty()).then(|| format!("\"{}\" {}", claim.name, text::listed(&ways)))
}

fn pod(set: &Workload, one: &Taken<'_>) -> String {
    format!("{}-{}", set.id.name, one.ordinal)
}
