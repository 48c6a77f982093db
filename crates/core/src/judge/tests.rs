//! The ratchet, the caps and the reservations, shown with the rules of single-node storage.

use serde_json::{Value, json};

use super::*;
use crate::graph::{
    Actor, Change, Changed, Facts, Graph, Kind, Knowledge, Lookup, Name, NamespaceFacts, ObjectKind, Old, Operation,
    Overlay, Selector, Timestamp, WorkloadId, project,
};
use crate::policy::Policies;
use crate::policy::settings::{Policy, Profile, Settings};
use crate::rules::RULES;
use crate::rules::kit::{Action, AnyRule};

const NOW: Timestamp = Timestamp(1_000_000);

/// A namespace `shop` in which every kind is known, under one policy of one profile.
struct World {
    graph: Graph,
    policies: Policies,
    rules: Vec<AnyRule>,
    now: Timestamp,
}

impl World {
    fn new() -> Self {
        Self::with(Profile::Baseline)
    }

    fn with(profile: Profile) -> Self {
        let single_node = |rule: &AnyRule| rule.meta().id.starts_with("rwo") || rule.meta().id == "claim-missing";
        let rules: Vec<AnyRule> = RULES.iter().copied().filter(single_node).collect();
        let policy = Policy {
            name: "only".to_owned(),
            namespaces: Selector::default(),
            objects: Selector::default(),
            settings: Settings::new(profile, &rules).into(),
        };
        Self {
            graph: Graph::new(Facts::new(Knowledge::Complete)),
            policies: Policies { list: vec![policy] },
            rules,
            now: NOW,
        }
    }

    fn claim(self, name: &str, mode: &str) -> Self {
        let claim = project::claim(&claim_json(name, mode).to_string()).unwrap();
        self.graph.insert_claim("shop", claim);
        self
    }

    fn workload(self, object: &Value) -> Self {
        let workload = projected(object).workload;
        self.graph.with("shop", |shard| shard.insert_workload(workload.into()));
        self
    }

    fn judge(&self, operation: Operation, object: Changed<'_>, reserve: Reserve) -> Decision {
        let change = Change {
            namespace: "shop".into(),
            operation,
            actor: Actor::User,
            object,
        };
        let admission = Admission {
            graph: &self.graph,
            policies: &self.policies,
            rules: &self.rules,
            fetched: &Overlay::default(),
            now: self.now,
        };
        admit(&change, &admission, reserve)
    }

    fn create(&self, object: &Value) -> Decision {
        self.create_reserving(object, Reserve::Always)
    }

    fn create_reserving(&self, object: &Value, reserve: Reserve) -> Decision {
        let projected = projected(object);
        let changed = Changed::Workload {
            id: projected.workload.id.clone(),
            before: Old::none(),
            shape: projected.shape,
            after: Some(projected.workload.into()),
        };
        self.judge(Operation::Create, changed, reserve)
    }

    fn update(&self, before: &Value, after: &Value) -> Decision {
        let projected_after = projected(after);
        let changed = Changed::Workload {
            id: projected_after.workload.id.clone(),
            before: Old::known(projected(before).workload),
            shape: projected_after.shape,
            after: Some(projected_after.workload.into()),
        };
        self.judge(Operation::Update, changed, Reserve::Always)
    }

    fn delete(&self, object: &Value) -> Decision {
        let projected = projected(object);
        let changed = Changed::Workload {
            id: projected.workload.id.clone(),
            before: Old::known(projected.workload),
            shape: projected.shape,
            after: None,
        };
        self.judge(Operation::Delete, changed, Reserve::Always)
    }

    fn scale(&self, name: &str, before: u32, after: u32) -> Decision {
        let changed = Changed::Scale {
            id: WorkloadId::new(Kind::Deployment, name),
            before: Some(before),
            after,
        };
        self.judge(Operation::Update, changed, Reserve::Always)
    }

    fn create_autoscaler(&self, target: &str, most: u32) -> Decision {
        let text = json!({
            "metadata": {"name": target},
            "spec": {
                "maxReplicas": most,
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}
            }
        });
        let changed = Changed::Autoscaler {
            name: target.into(),
            before: Old::none(),
            after: Some(project::autoscaler(&text.to_string()).unwrap().into()),
        };
        self.judge(Operation::Create, changed, Reserve::Always)
    }

    fn create_claim(&self, name: &str, mode: &str) -> Decision {
        let claim = project::claim(&claim_json(name, mode).to_string()).unwrap();
        let changed = Changed::Claim {
            name: name.into(),
            before: Old::none(),
            after: Some(claim.into()),
        };
        self.judge(Operation::Create, changed, Reserve::Always)
    }
}

fn projected(object: &Value) -> project::ProjectedWorkload {
    let kind = Kind::parse(object["kind"].as_str().unwrap()).unwrap();
    let namespace: Name = "shop".into();
    project::workload(kind, &namespace, &object.to_string()).unwrap()
}

fn claim_json(name: &str, mode: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"accessModes": [mode]}})
}

/// A Deployment whose rollouts never overlap, so that nothing but its replicas and neighbours matters.
fn deployment(name: &str, replicas: u32, claim: &str) -> Value {
    json!({
        "kind": "Deployment",
        "metadata": {"name": name, "generation": 1},
        "spec": {
            "replicas": replicas,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "containers": [{"name": "main"}],
                    "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]
                }
            }
        }
    })
}

fn with(mut object: Value, pointer: &str, key: &str, value: Value) -> Value {
    object.pointer_mut(pointer).unwrap()[key] = value;
    object
}

fn denial(decision: &Decision) -> &str {
    decision.denial.as_deref().unwrap_or("allowed")
}

fn rules(decision: &Decision) -> Vec<&'static str> {
    decision.findings.iter().map(|judged| judged.finding.rule).collect()
}

#[test]
fn a_new_violator_is_denied_with_object_field_and_remedy() {
    let world = World::new().claim("data", "ReadWriteOnce");
    let decision = world.create(&deployment("web", 3, "data"));
    let expected = "rwo-replicas: Deployment shop/web: 3 replicas mount claim \"data\", which is ReadWriteOnce (read-write \
                    on one node only); replicas on other nodes would wait in ContainerCreating for ever. Use a \
                    StatefulSet with volumeClaimTemplates, a ReadWriteMany class, or replicas: 1 (field \
                    spec.replicas)\nTo allow it all the same, give it the annotation stateward.dev/allow: \
                    \"rwo-replicas: REASON\"";
    assert_eq!(denial(&decision), expected);
}

#[test]
fn an_old_violator_is_only_warned_until_it_gets_worse() {
    let old = deployment("web", 2, "data");
    let world = World::new().claim("data", "ReadWriteOnce").workload(&old);

    let container = json!([{"name": "main", "image": "registry.example/web:2"}, {"name": "side"}]);
    let image = with(old.clone(), "/spec/template/spec", "containers", container);
    let updated = world.update(&old, &image);
    assert!(updated.is_allowed(), "{}", denial(&updated));
    assert_eq!(
        updated.warnings,
        [
            "rwo-replicas: Deployment shop/web: 2 replicas mount claim \"data\", which is ReadWriteOnce (one node only) \
          (already there)"
        ]
    );

    let more = with(old.clone(), "/spec", "replicas", json!(3));
    assert!(!world.update(&old, &more).is_allowed());
    assert!(!world.scale("web", 2, 3).is_allowed());
    assert!(world.scale("web", 2, 1).is_allowed());
    let fewer = with(deployment("web", 3, "data"), "/spec", "replicas", json!(2));
    assert!(world.update(&deployment("web", 3, "data"), &fewer).is_allowed());
    assert!(world.delete(&old).is_allowed());
}

#[test]
fn scaling_says_from_and_to() {
    let world = World::new()
        .claim("data", "ReadWriteOnce")
        .workload(&deployment("web", 1, "data"));
    let decision = world.scale("web", 1, 3);
    let expected = "rwo-replicas: scaling Deployment shop/web from 1 to 3: 3 replicas mount claim \"data\", which is \
                    ReadWriteOnce (read-write on one node only); replicas on other nodes would wait in \
                    ContainerCreating for ever. Use a StatefulSet with volumeClaimTemplates, a ReadWriteMany class, or \
                    replicas: 1 (field spec.replicas)\n";
    assert!(denial(&decision).starts_with(expected), "{}", denial(&decision));
}

#[test]
fn a_parent_that_is_not_known_is_asked_for() {
    let decision = World::new().scale("web", 1, 3);
    assert!(decision.is_allowed());
    assert_eq!(decision.absent.len(), 1);
}

#[test]
fn an_autoscaler_is_judged_by_its_target() {
    let web = deployment("web", 1, "data");
    let baseline = World::new().claim("data", "ReadWriteOnce").workload(&web);
    let warned = baseline.create_autoscaler("web", 5);
    assert!(warned.is_allowed());
    assert_eq!(rules(&warned), ["rwo-autoscaler"]);
    assert_eq!(warned.findings[0].action, Action::Warn);

    let strict = World::with(Profile::Strict)
        .claim("data", "ReadWriteOnce")
        .workload(&web);
    let denied = strict.create_autoscaler("web", 5);
    let start = "rwo-autoscaler: creating HorizontalPodAutoscaler shop/web: Deployment shop/web: ";
    assert!(denial(&denied).starts_with(start), "{}", denial(&denied));
    assert!(strict.create_autoscaler("web", 1).is_allowed());
    // Without permission to list autoscalers, the one in the request is known all the same.
    strict
        .graph
        .set_knowledge(ObjectKind::Autoscaler, Knowledge::Unavailable);
    assert!(!strict.create_autoscaler("web", 5).is_allowed());
}

#[test]
fn a_claim_that_comes_after_its_workload_only_warns() {
    let world = World::with(Profile::Strict).workload(&deployment("web", 3, "data"));
    let decision = world.create_claim("data", "ReadWriteOnce");
    assert!(decision.is_allowed(), "{}", denial(&decision));
    assert_eq!(rules(&decision), ["rwo-replicas"]);
    assert_eq!(decision.warnings.len(), 1);
}

#[test]
fn a_missing_claim_warns_once_whatever_it_keeps_from_being_judged() {
    let world = World::new().workload(&deployment("api", 1, "data"));
    let decision = world.create(&deployment("web", 3, "data"));
    assert!(decision.is_allowed());
    assert_eq!(
        rules(&decision),
        ["claim-missing", "rwo-consumers", "rwo-replicas", "rwop-overlap"]
    );
    assert_eq!(decision.warnings.len(), 1, "{:?}", decision.warnings);
    assert_eq!(decision.absent.len(), 1);

    let alone = World::new().create(&deployment("web", 1, "data"));
    assert_eq!(rules(&alone), ["claim-missing"]);
}

#[test]
fn two_rules_on_one_overlap_speak_once_and_both_deny() {
    let world = World::new().claim("data", "ReadWriteOncePod");
    let surging = with(deployment("web", 1, "data"), "/spec", "strategy", Value::Null);
    let decision = world.create(&surging);
    assert_eq!(rules(&decision), ["rwo-surge", "rwop-overlap"]);
    let message = denial(&decision);
    assert!(
        message.starts_with("rwop-overlap, rwo-surge: Deployment shop/web: "),
        "{message}"
    );
    assert_eq!(message.lines().count(), 2, "{message}");
    assert!(message.contains("rwo-surge: REASON") && message.contains("rwop-overlap: REASON"));

    let reason = json!({"stateward.dev/allow": "rwop-overlap: one node, tried"});
    let half = world.create(&with(surging, "/metadata", "annotations", reason));
    assert!(denial(&half).starts_with("rwo-surge: "), "{}", denial(&half));
}

#[test]
fn a_workload_that_is_being_created_counts() {
    let world = World::new().claim("data", "ReadWriteOnce");
    assert!(world.create(&deployment("web", 1, "data")).is_allowed());
    let second = world.create(&deployment("api", 1, "data"));
    assert!(denial(&second).contains("at this moment"), "{}", denial(&second));
    assert!(denial(&second).contains("Deployment shop/web (1 pod)"));
    // A retry of the first replaces its own reservation.
    assert!(world.create(&deployment("web", 1, "data")).is_allowed());
    // What was refused is not reserved.
    let other = World::new().claim("data", "ReadWriteOnce");
    assert!(!other.create(&deployment("web", 2, "data")).is_allowed());
    assert!(other.create(&deployment("api", 1, "data")).is_allowed());
}

#[test]
fn a_dry_run_is_not_reserved() {
    let world = World::new().claim("data", "ReadWriteOnce");
    let tried = world.create_reserving(&deployment("web", 1, "data"), Reserve::Never);
    assert!(tried.is_allowed());
    assert!(world.create(&deployment("api", 1, "data")).is_allowed());
}

#[test]
fn a_reservation_runs_out_or_is_fulfilled() {
    let mut world = World::new().claim("data", "ReadWriteOnce");
    assert!(world.create(&deployment("web", 1, "data")).is_allowed());
    world.now = NOW.plus_millis(3_000);
    assert!(world.create(&deployment("api", 1, "data")).is_allowed());

    // Once the watch delivers it, it is a neighbour like any other.
    let world = world.workload(&deployment("api", 1, "data"));
    let third = world.create(&deployment("job", 1, "data"));
    assert!(!third.is_allowed());
    assert!(!denial(&third).contains("at this moment"), "{}", denial(&third));
}

#[test]
fn a_workload_that_was_scaled_before_any_watch_told_of_it_counts() {
    let generation = |mut object: Value| {
        object["metadata"]["generation"] = 1.into();
        object
    };
    let web = generation(deployment("web", 0, "data"));
    let world = World::new().claim("data", "ReadWriteOnce");
    assert!(world.create(&web).is_allowed());
    assert!(world.create(&deployment("api", 0, "data")).is_allowed());
    assert!(world.scale("web", 0, 1).is_allowed());
    assert!(!world.scale("api", 0, 1).is_allowed());
    // Its creation, told at last, says nothing of the scaling.
    assert!(!world.workload(&web).scale("api", 0, 1).is_allowed());
}

#[test]
fn what_the_graph_says_already_is_not_reserved() {
    let generation = |generation: u64| {
        with(
            deployment("web", 1, "data"),
            "/metadata",
            "generation",
            generation.into(),
        )
    };
    let reserved = |after: &Value| {
        let world = World::new().claim("data", "ReadWriteOnce").workload(&generation(7));
        assert!(world.update(&generation(7), after).is_allowed());
        world.graph.reservations(world.now)
    };
    // Labels only, and a new image: nothing that a rule reads.
    assert_eq!((reserved(&generation(7)), reserved(&generation(8))), (0, 0));
    // A version in between, of which no watch has told, may have said something else.
    assert_eq!(reserved(&generation(9)), 1);
    assert_eq!(reserved(&with(generation(8), "/spec", "replicas", 0.into())), 1);
}

#[test]
fn a_workload_that_leaves_no_longer_counts() {
    let web = deployment("web", 1, "data");
    let mut world = World::new().claim("data", "ReadWriteOnce").workload(&web);
    assert!(!world.create(&deployment("api", 1, "data")).is_allowed());
    assert!(world.delete(&web).is_allowed());
    assert!(
        world
            .create_reserving(&deployment("api", 1, "data"), Reserve::Never)
            .is_allowed()
    );
    // It may be there still, if something after us refused the deletion.
    world.now = NOW.plus_millis(3_000);
    assert!(!world.create(&deployment("api", 1, "data")).is_allowed());
}

#[test]
fn waking_a_second_workload_up_is_denied() {
    let world = World::new()
        .claim("data", "ReadWriteOnce")
        .workload(&deployment("web", 1, "data"))
        .workload(&deployment("api", 0, "data"));
    let decision = world.scale("api", 0, 1);
    let start = "rwo-consumers: scaling Deployment shop/api from 0 to 1: claim \"data\", which is ReadWriteOnce";
    assert!(denial(&decision).starts_with(start), "{}", denial(&decision));
}

#[test]
fn a_set_that_grows_onto_a_borrowed_claim_is_denied() {
    let set = |replicas: u32| {
        json!({
            "kind": "StatefulSet",
            "metadata": {"name": "db"},
            "spec": {
                "replicas": replicas,
                "template": {"spec": {"containers": [{"name": "main"}]}},
                "volumeClaimTemplates": [
                    {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
                ]
            }
        })
    };
    let world = World::new()
        .claim("data-db-1", "ReadWriteOnce")
        .workload(&set(1))
        .workload(&deployment("web", 1, "data-db-1"));
    assert_eq!(rules(&world.update(&set(1), &set(1))), [] as [&str; 0]);
    let grown = world.update(&set(1), &set(2));
    let start = "rwo-consumers: StatefulSet shop/db: claim \"data-db-1\", which is ReadWriteOnce";
    assert!(denial(&grown).starts_with(start), "{}", denial(&grown));
}

#[test]
fn deleting_a_claim_says_what_stays_without_it() {
    let world = World::with(Profile::Strict)
        .claim("data", "ReadWriteOnce")
        .workload(&deployment("web", 3, "data"));
    let claim = project::claim(&claim_json("data", "ReadWriteOnce").to_string()).unwrap();
    let changed = Changed::Claim {
        name: "data".into(),
        before: Old::known(claim),
        after: None,
    };
    let decision = world.judge(Operation::Delete, changed, Reserve::Always);
    assert!(decision.is_allowed(), "{}", denial(&decision));
    assert_eq!(rules(&decision), ["claim-missing"]);
    assert_eq!(
        decision.findings[0].message,
        "deleting PersistentVolumeClaim shop/data leaves Deployment shop/web without its volume: it cannot start \
         another pod"
    );
    assert!(decision.absent.is_empty(), "what goes is not asked for");
}

#[test]
fn metadata_deletion_and_a_dying_namespace_are_never_denied() {
    let web = deployment("web", 1, "data");
    let labelled = with(deployment("web", 1, "data"), "/metadata", "labels", json!({"a": "b"}));
    let going = with(
        deployment("web", 3, "data"),
        "/metadata",
        "deletionTimestamp",
        json!("2026-01-01T00:00:00Z"),
    );
    let world = World::new()
        .claim("data", "ReadWriteOnce")
        .workload(&deployment("api", 1, "data"));
    assert!(world.update(&web, &labelled).is_allowed());
    assert!(world.update(&web, &going).is_allowed());
    assert!(!world.create(&deployment("new", 3, "data")).is_allowed());

    world.graph.with("shop", |shard| {
        shard.facts = Lookup::Known(NamespaceFacts {
            terminating: true,
            ..NamespaceFacts::default()
        });
    });
    let dying = world.create(&deployment("new", 3, "data"));
    assert!(dying.is_allowed() && !dying.warnings.is_empty());
}
