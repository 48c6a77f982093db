//! What becomes of changes that somebody may make to a workload next.

use crate::graph::{
    Actor, Change, Kind, Name, Node, ObjectRef, Old, Operation, Runs, Shape, States, Timestamp, View, Workload,
};
use crate::judge::{Basis, judge};
use crate::rules::kit::Action;
use crate::rules::kit::text::listed;

/// Of a claim that more workloads use nothing is said: each of them would be judged beside all others.
const MANY: usize = 500;

/// What is denied, warned about and let be, a change or several a line.
pub(super) fn next(workload: &Workload, view: &View<'_>, basis: &Basis<'_>) -> Vec<String> {
    let mut quiet = Vec::new();
    let mut told = Vec::new();
    for (words, change) in changes(workload, view, basis) {
        let target = &change.target;
        let users = basis.shard.claim_users(&target.name).count();
        if target.kind == Kind::CLAIM && users > MANY {
            told.push(format!("{words} is not judged here: {users} workloads use it"));
            continue;
        }
        let decision = judge(&change, basis, Timestamp::default());
        let of = |action| {
            let findings = decision.findings.iter().filter(|judged| judged.action == action);
            let mut rules: Vec<&str> = findings.map(|judged| judged.finding.rule.id).collect();
            rules.dedup();
            rules
        };
        let (denied, warned) = (of(Action::Deny), of(Action::Warn));
        if !denied.is_empty() {
            told.push(format!("{words} is denied: {}", listed(&denied)));
        } else if !warned.is_empty() {
            told.push(format!("{words} is warned about: {}", listed(&warned)));
        } else {
            quiet.push(words);
        }
    }
    if !quiet.is_empty() {
        told.push(format!("nothing is said of {}", listed(&quiet)));
    }
    told
}

/// Changes of a workload and of what it stands on, each in words.
fn changes(workload: &Workload, view: &View<'_>, basis: &Basis<'_>) -> Vec<(String, Change<'static>)> {
    let namespace = view.namespace();
    let id = &workload.id;
    let object = |target: ObjectRef, before: Option<Node>, after: Option<Node>| Change {
        namespace: namespace.clone(),
        operation: if after.is_some() {
            Operation::Create
        } else {
            Operation::Delete
        },
        actor: Actor::User,
        forced: false,
        target,
        states: States::Object {
            before: before.map_or_else(Old::none, |node| Old::lazy(move || Some(node.clone()))),
            after,
            shape: Shape::default(),
        },
    };
    let mut changes = Vec::new();
    let anew = Node::Workload(workload.clone().into());
    changes.push(("creating it anew".to_owned(), object(id.clone(), None, Some(anew))));
    if id.kind.runs(Runs::Replicas) {
        let (before, after) = (workload.replicas, workload.replicas.saturating_add(1));
        changes.push((
            format!("scaling it to {after}"),
            Change {
                operation: Operation::Update,
                states: States::Scale {
                    before: Some(before),
                    after,
                },
                ..object(id.clone(), None, None)
            },
        ));
    }
    if let Some(service) = workload
        .service_name
        .as_ref()
        .and_then(|name| basis.shard.service(name))
    {
        changes.push((
            format!("deleting Service {}", service.name),
            object(
                ObjectRef::new(Kind::SERVICE, service.name.clone()),
                Some(Node::Service(service.clone())),
                None,
            ),
        ));
    }
    let mut claims: Vec<Name> = workload.claims().map(|(claim, _)| claim.clone()).collect();
    if let (Some(template), Some(first)) = (workload.claim_templates.first(), workload.ordinals().iter().next()) {
        claims.push(template.claim(&id.name, first).to_string().into());
    }
    claims.sort_unstable();
    claims.dedup();
    for claim in claims.iter().filter_map(|name| basis.shard.claim(name)) {
        changes.push((
            format!("deleting claim {}", claim.name),
            object(
                ObjectRef::new(Kind::CLAIM, claim.name.clone()),
                Some(Node::Claim(claim.clone())),
                None,
            ),
        ));
    }
    changes
}
