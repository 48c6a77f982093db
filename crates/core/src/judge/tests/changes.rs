//! Rules that judge a change itself, shown with made-up ones.

use serde_json::{Value, json};

use super::world::{World, claim_json, denial, deployment, node, old, projected, rules, with};
use super::*;
use crate::graph::{
    Actor, Change, Features, Field, Kind, Lookup, NamespaceFacts, Node, ObjectRef, Operation, Overlay, Role, States,
    Workload,
};
use crate::policy::{Policies, Profile, parse};
use crate::rules::kit::{Action, Case, Finding, Phase, Rule, Surroundings, Through, Transition, text};

/// A claim goes away that somebody uses.
static USED_CLAIM: Rule = Rule {
    id: "used-claim",
    summary: "a claim is deleted that a workload uses",
    cases: &[Case::rising(Action::Warn, Action::Deny)],
    judges: Features::of(&Role::Claim),
    judge_change: Some(used_claim),
    ..Rule::DEFAULTS
};

fn used_claim(transition: &Transition<'_>, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let claim = transition.before.as_ref().and_then(Node::claim);
    let (Operation::Delete, Some(claim)) = (transition.operation, claim) else {
        return;
    };
    let users = cx.view.claim_users(&claim.name);
    findings.extend(users.into_iter().map(|user| {
        Finding::violation(&USED_CLAIM, transition.target, &user.id.name)
            .at("/metadata/name")
            .says(format!("{} uses it", text::object(user)), "somebody uses it")
            .remedy("Delete the workload first")
    }));
}

/// A StatefulSet gets fewer pods.
static FEWER_PODS: Rule = Rule {
    id: "fewer-pods",
    summary: "a StatefulSet gets fewer pods",
    cases: &[
        Case::rising(Action::Warn, Action::Deny),
        Case::always(Action::Audit).when("through its scale"),
    ],
    judges: Features::having(Field::ClaimTemplates),
    judge_change: Some(fewer_pods),
    ..Rule::DEFAULTS
};

fn fewer_pods(transition: &Transition<'_>, _: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let replicas = |node: &Option<Node>| node.as_ref().and_then(Node::workload).map(|one| one.replicas);
    let (Some(before), after) = (replicas(&transition.before), replicas(&transition.after).unwrap_or(0)) else {
        return;
    };
    if after < before {
        let text = format!("{} lose their pods", text::counted(u64::from(before - after), "disk"));
        let case = usize::from(transition.through == Through::Scale && after > 0);
        let finding = Finding::violation(&FEWER_PODS, transition.target, "replicas").case(case);
        findings.push(finding.says(text.clone(), text).at("/spec/replicas"));
    }
}

/// The API server would refuse it in its own words before it is validated.
static OTHER_SERVICE: Rule = Rule {
    id: "other-service",
    summary: "the serviceName of a StatefulSet changes",
    cases: &[Case::rising(Action::Warn, Action::Deny)],
    judges: Features::having(Field::ServiceName),
    judge_change: Some(other_service),
    phase: Phase::Mutating,
    ..Rule::DEFAULTS
};

fn other_service(transition: &Transition<'_>, _: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let service = |node: &Option<Node>| node.as_ref()?.workload()?.service_name.clone();
    if transition.operation == Operation::Update && service(&transition.before) != service(&transition.after) {
        let finding = Finding::violation(&OTHER_SERVICE, transition.target, "serviceName").at("/spec/serviceName");
        findings.push(finding.says("serviceName cannot change", "serviceName cannot change"));
    }
}

/// Every workload, whatever happens to it.
static ANY_WORKLOAD: Rule = Rule {
    id: "any-workload",
    summary: "a workload is there",
    cases: &[Case::always(Action::Warn)],
    judge: Some(any_workload),
    ..Rule::DEFAULTS
};

fn any_workload(workload: &Workload, _: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    findings.push(Finding::violation(&ANY_WORKLOAD, &workload.id, "").says("is there", "is there"));
}

fn set(replicas: u32) -> Value {
    json!({
        "kind": "StatefulSet",
        "metadata": {"name": "db"},
        "spec": {"replicas": replicas, "serviceName": "db", "template": {"spec": {"containers": []}}}
    })
}

fn shop(rules: &[&'static Rule], profile: Profile) -> World {
    World::by(rules.to_vec(), profile).workload(&set(3))
}

fn scale(world: &World, before: u32, after: u32) -> Decision {
    let states = States::Scale {
        before: Some(before),
        after,
    };
    let target = ObjectRef::new(Kind::STATEFUL_SET, "db");
    world.judge(Operation::Update, target, states, Reserve::Always)
}

#[test]
fn a_claim_that_goes_is_an_object_of_its_own() {
    let gone = |world: &World| {
        let claim = node(Kind::CLAIM, &claim_json("data", "ReadWriteOnce"));
        world.gone(ObjectRef::new(Kind::CLAIM, "data"), claim)
    };
    let shop = |profile| {
        let world = World::by(vec![&USED_CLAIM], profile).claim("data", "ReadWriteOnce");
        world.workload(&deployment("web", 1, "data"))
    };
    let mut strict = shop(Profile::Strict);
    let denied = gone(&strict);
    // A claim carries no override, so none is offered.
    assert_eq!(
        denial(&denied),
        "used-claim: PersistentVolumeClaim shop/data: Deployment shop/web uses it. Delete the workload first (field \
         metadata.name)"
    );
    assert_eq!(denied.findings[0].standing, Standing::Introduced);
    assert_eq!(
        denied.annotations,
        [
            ("decision", "denied".to_owned()),
            ("findings", "used-claim=Deny".to_owned())
        ]
    );
    let warned = gone(&shop(Profile::Baseline));
    assert!(warned.is_allowed());
    assert_eq!(
        warned.warnings,
        ["used-claim: PersistentVolumeClaim shop/data: somebody uses it"]
    );
    assert!(strict.create_claim("data", "ReadWriteOnce").findings.is_empty());

    strict.graph.with("shop", |shard| {
        shard.set_facts(Lookup::Known(NamespaceFacts {
            terminating: true,
            ..NamespaceFacts::default()
        }));
    });
    assert!(gone(&strict).is_allowed());
    strict = shop(Profile::Strict);
    strict.actor = Actor::Cleanup;
    assert!(gone(&strict).is_allowed());
}

#[test]
fn fewer_pods_are_judged_by_object_and_by_scale() {
    let strict = shop(&[&FEWER_PODS], Profile::Strict);
    let by_object = strict.update(&set(3), &set(1));
    let start = "fewer-pods: StatefulSet shop/db: 2 disks lose their pods (field spec.replicas)\nTo allow it all the \
                 same: kubectl annotate statefulset db -n shop stateward.dev/allow='fewer-pods: REASON'";
    assert_eq!(denial(&by_object), start);
    let by_scale = scale(&strict, 3, 1);
    assert_eq!(by_scale.findings[0].action, Action::Audit);
    assert_eq!(
        by_scale.findings[0].message,
        "scaling StatefulSet shop/db from 3 to 1: 2 disks lose their pods"
    );
    let to_none = scale(&strict, 3, 0);
    let start = "fewer-pods: scaling StatefulSet shop/db from 3 to 0: 3 disks lose their pods";
    assert!(denial(&to_none).starts_with(start), "{}", denial(&to_none));
    for harmless in [
        scale(&strict, 3, 4),
        strict.update(&set(3), &set(3)),
        strict.create(&set(3)),
    ] {
        assert!(harmless.findings.is_empty(), "{harmless:?}");
    }
    // A parent that nobody knows is asked for first.
    let unknown = scale(&World::by(vec![&FEWER_PODS], Profile::Strict), 3, 1);
    assert_eq!((unknown.findings.len(), unknown.absent.len()), (0, 1));
}

#[test]
fn the_workload_itself_overrides_even_where_it_goes() {
    let strict = shop(&[&FEWER_PODS], Profile::Strict);
    assert!(!strict.delete(&set(3)).is_allowed());
    let allow = json!({"stateward.dev/allow": "fewer-pods: moved away"});
    let allowing = |replicas| with(set(replicas), "/metadata", "annotations", allow.clone());
    let gone = strict.delete(&allowing(3));
    assert_eq!(gone.findings[0].allowed_because.as_deref(), Some("moved away"));
    assert!(gone.is_allowed());
    assert!(strict.update(&set(3), &allowing(1)).is_allowed());
    assert!(
        !strict.update(&allowing(3), &set(1)).is_allowed(),
        "the new object decides"
    );
}

#[test]
fn findings_on_one_object_come_in_the_order_of_the_rules() {
    let both = shop(&[&ANY_WORKLOAD, &FEWER_PODS], Profile::Strict);
    let decision = both.update(&set(3), &set(1));
    assert_eq!(rules(&decision), ["any-workload", "fewer-pods"]);
    let standing = decision.findings.iter().map(|judged| judged.standing);
    assert!(standing.eq([Standing::Existing, Standing::Introduced]));
}

#[test]
fn what_the_api_server_would_refuse_is_judged_before_it_does() {
    let other = with(set(3), "/spec", "serviceName", json!("peers"));
    let early = |world: &World| {
        let after = projected(&other);
        let change = Change {
            namespace: "shop".into(),
            operation: Operation::Update,
            actor: Actor::User,
            forced: false,
            target: after.workload.id.clone(),
            states: States::Object {
                before: old(Node::Workload(projected(&set(3)).workload.into())),
                shape: after.shape,
                after: Some(Node::Workload(after.workload.into())),
            },
        };
        let fetched = Overlay::default();
        admit_defaults(&change, &world.admission(&fetched), Services::Unasked).decision
    };
    let baseline = shop(&[&FEWER_PODS, &OTHER_SERVICE], Profile::Baseline);
    assert_eq!(
        early(&baseline).warnings,
        ["other-service: StatefulSet shop/db: serviceName cannot change"]
    );
    assert!(baseline.update(&set(3), &other).findings.is_empty(), "told once");
    let strict = early(&shop(&[&OTHER_SERVICE], Profile::Strict));
    let start = "other-service: StatefulSet shop/db: serviceName cannot change (field spec.serviceName)\n";
    assert!(denial(&strict).starts_with(start), "{}", denial(&strict));
}

#[test]
fn a_policy_for_labels_is_none_for_a_claim() {
    let policy = json!({
        "apiVersion": "stateward.dev/v1alpha1",
        "kind": "WorkloadPolicy",
        "metadata": {"name": "web"},
        "spec": {"profile": "Strict", "match": {"objectSelector": {"matchLabels": {"app": "web"}}}}
    });
    let mut world = World::by(vec![&USED_CLAIM], Profile::Strict)
        .claim("data", "ReadWriteOnce")
        .workload(&deployment("web", 1, "data"));
    world.policies = Policies::new(vec![parse(&policy, &world.rules).unwrap()], &world.rules);
    let claim = node(Kind::CLAIM, &claim_json("data", "ReadWriteOnce"));
    let gone = world.gone(ObjectRef::new(Kind::CLAIM, "data"), claim);
    assert!(gone.findings.is_empty());
}
