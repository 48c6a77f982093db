//! The ratchet, the caps and the reservations, shown with the rules of single-node storage.

mod changes;
mod dates;
mod exceptions;
mod injection;
mod kept;
mod overrides;
mod words;
mod world;

use serde_json::{Value, json};

use super::*;
use crate::graph::{Kind, Knowledge, Lookup, NamespaceFacts, Node, ObjectRef, Overlay};
use crate::policy::Profile;
use crate::rules::kit::{Action, Verdict};
use world::{NOW, World, claim_json, denial, deployment, node, projected, rules, with};

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
        ["1 finding from before remains: rwo-replicas (stateward audit -n shop shows it)"]
    );

    let more = with(old.clone(), "/spec", "replicas", json!(3));
    assert!(!world.update(&old, &more).is_allowed());
    assert!(!world.scale("web", 2, 3).is_allowed());
    assert!(world.scale("web", 2, 1).is_allowed());
    let fewer = with(deployment("web", 3, "data"), "/spec", "replicas", json!(2));
    let lessened = world.update(&deployment("web", 3, "data"), &fewer);
    assert_eq!(
        lessened.warnings,
        [
            "rwo-replicas: Deployment shop/web: 2 replicas mount claim \"data\", which is ReadWriteOnce (one node only) \
          (already there)"
        ]
    );
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
    strict.graph.set_knowledge(Kind::AUTOSCALER, Knowledge::Unavailable);
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
fn what_was_asked_for_in_vain_is_unknown_and_not_missing() {
    let mut asked = Overlay::default();
    asked.doubt(ObjectRef::new(Kind::CLAIM, "data"));
    asked.doubt(ObjectRef::new(Kind::DEPLOYMENT, "data"));
    let decision = World::new().create_with(&deployment("web", 1, "data"), Reserve::Always, &asked);
    let findings: Vec<_> = decision.findings.iter().map(|judged| judged.finding.verdict).collect();
    assert_eq!(findings, [Verdict::Unknown]);
    assert_eq!((&*decision.unknown, decision.absent.len()), (&[Kind::CLAIM][..], 0));
    // What the watch has brought is known, whoever was silent.
    let world = World::new().claim("data", "ReadWriteOnce");
    let decision = world.create_with(&deployment("web", 3, "data"), Reserve::Always, &asked);
    assert!(!decision.is_allowed() && decision.unknown.is_empty());
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
fn a_deletion_that_was_asked_for_frees_nothing_and_one_that_happened_does() {
    let web = deployment("web", 1, "data");
    let world = World::new().claim("data", "ReadWriteOnce").workload(&web);
    let id = projected(&web).workload.id;
    let labelled = with(web.clone(), "/metadata", "labels", json!({"a": "b"}));
    assert!(world.update(&web, &labelled).is_allowed());
    assert!(world.delete(&web).is_allowed());
    let api = || world.create_reserving(&deployment("api", 1, "data"), Reserve::Never);
    assert!(!api().is_allowed());
    // With it goes what was changed of it a moment before.
    assert_eq!(world.graph.reservations(world.now), 1);
    world.graph.remove(id.kind, [("shop".into(), id.name)]);
    assert_eq!(world.graph.reservations(world.now), 0);
    assert!(api().is_allowed());
}

#[test]
fn a_denial_asks_for_others_that_may_be_gone_and_gives_up_what_was_never_stored() {
    let mut world = World::new().claim("data", "ReadWriteOnce");
    let api = deployment("api", 1, "data");
    let web = projected(&deployment("web", 1, "data")).workload;
    let gone = [(web.id.clone(), None)];
    assert!(world.create(&deployment("web", 1, "data")).is_allowed());
    // It may be on its way to be stored: whoever asks for it now learns nothing, even by an answer that came too late.
    let early = world.create_knowing(&api, &gone);
    assert!(denial(&early).contains("at this moment") && early.doubtful.is_empty());
    world.now = NOW.plus_millis(1_000);
    let asked = world.create(&api).doubtful;
    assert!(asked.len() == 1 && asked[0] == web.id, "{asked:?}");
    // There all the same.
    let id = web.id.clone();
    let found = world.create_knowing(&api, &[(id, Some(Node::Workload(web.into())))]);
    assert!(!denial(&found).contains("at this moment"), "{}", denial(&found));
    assert_eq!(found.doubtful, []);
    assert!(world.create_knowing(&api, &gone).is_allowed());
    assert_eq!(world.graph.reservations(world.now), 1, "its own");
}

#[test]
fn a_denial_asks_for_others_whose_end_no_watch_has_told_yet() {
    let web = deployment("web", 1, "data");
    let id = projected(&web).workload.id;
    let world = World::new().claim("data", "ReadWriteOnce").workload(&web);
    let api = deployment("api", 1, "data");
    let asked = world.create(&api).doubtful;
    assert!(asked.len() == 1 && asked[0] == id, "{asked:?}");
    assert!(world.create_knowing(&api, &[(id.clone(), None)]).is_allowed());
    // Created anew, after the answer was given: of the two creations one wins.
    let world = World::new().claim("data", "ReadWriteOnce").workload(&web);
    assert!(world.create(&web).is_allowed());
    let again = with(web, "/spec", "replicas", 0.into());
    assert!(world.create(&again).is_allowed());
    assert!(world.create(&deployment("web", 1, "data")).is_allowed());
    assert!(!world.create_knowing(&api, &[(id, None)]).is_allowed());
}

#[test]
fn an_owner_that_is_not_there_saves_nobody_from_being_judged_and_is_asked_for() {
    let set = |owner: &str| {
        let owner = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": owner, "controller": true}]);
        let set = with(deployment("web", 3, "data"), "/metadata", "name", "web-1".into());
        with(
            with(set, "/metadata", "ownerReferences", owner),
            "",
            "kind",
            "ReplicaSet".into(),
        )
    };
    let world = World::new().claim("data", "ReadWriteOnce");
    let decision = world.create(&set("we\nb"));
    assert_eq!(rules(&decision), ["rwo-replicas"]);
    let claims =
        "ReplicaSet shop/web-1: claims to be owned by Deployment \"we\\nb\", which is not there or makes no such";
    assert!(
        decision.is_allowed() && decision.warnings[1] == claims,
        "{:?}",
        decision.warnings
    );
    assert_eq!(world.graph.reservations(world.now), 0, "no watch would ever deliver it");
    // Created a moment ago.
    let absent = world.create(&set("web")).absent;
    let owner = projected(&deployment("web", 1, "data")).workload;
    assert!(absent.len() == 1 && absent[0] == owner.id, "{absent:?}");
    let known = world.create_knowing(&set("web"), &[(owner.id.clone(), Some(Node::Workload(owner.into())))]);
    assert!(
        rules(&known).is_empty() && known.warnings.is_empty(),
        "{:?}",
        known.warnings
    );
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
fn deleting_a_claim_is_told_once_and_whoever_uses_it_may_allow_it() {
    let gone = |web: &Value| {
        let about_claims = crate::rules::RULES
            .iter()
            .copied()
            .filter(|rule| rule.id.starts_with("claim-"));
        let world = World::by(about_claims.collect(), Profile::Strict);
        let claim = node(Kind::CLAIM, &claim_json("data", "ReadWriteOnce"));
        let world = world.claim("data", "ReadWriteOnce").workload(web);
        world.gone(ObjectRef::new(Kind::CLAIM, "data"), claim)
    };
    let web = deployment("web", 3, "data");
    let denied = gone(&web);
    assert_eq!(rules(&denied), ["claim-in-use"]);
    let end = "To allow it all the same: kubectl annotate deployment web -n shop \
               stateward.dev/allow='claim-in-use: REASON'";
    assert!(denial(&denied).ends_with(end), "{}", denial(&denied));
    assert!(denied.absent.is_empty(), "what goes is not asked for");
    assert_eq!(
        denied.doubtful,
        [ObjectRef::new(Kind::DEPLOYMENT, "web")],
        "who may be gone is"
    );
    let allow = json!({"stateward.dev/allow": "claim-in-use: moved away"});
    let allowed = gone(&with(web, "/metadata", "annotations", allow));
    assert!(allowed.is_allowed(), "{}", denial(&allowed));
    assert_eq!(allowed.findings[0].allowed_because.as_deref(), Some("moved away"));
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
        shard.set_facts(Lookup::Known(NamespaceFacts {
            terminating: true,
            ..NamespaceFacts::default()
        }));
    });
    let dying = world.create(&deployment("new", 3, "data"));
    assert!(dying.is_allowed() && !dying.warnings.is_empty());
}

#[test]
fn for_what_exists_the_remedy_is_one_that_every_client_can_apply() {
    let world = World::with(Profile::Strict).claim("data", "ReadWriteOnce");
    let surging = with(deployment("web", 1, "data"), "/spec", "strategy", Value::Null);
    let new = denial(&world.create(&surging)).to_owned();
    assert!(new.contains("for ever. Use strategy type: Recreate, "), "{new}");

    let updated = denial(&world.update(&deployment("web", 1, "data"), &surging)).to_owned();
    let patch = "kubectl patch deployment web -n shop --type=merge -p \
                 '{\"spec\":{\"strategy\":{\"type\":\"Recreate\",\"rollingUpdate\":null}}}'";
    assert!(
        updated.contains("for ever. Use maxSurge: 0 with maxUnavailable: 1; "),
        "{updated}"
    );
    assert!(updated.contains(patch), "{updated}");

    // What a cluster tells of has a uid; what a file holds may be new.
    let remedy = |object: &Value| {
        let inspection = World::new().claim("data", "ReadWriteOnce").workload(object).inspect();
        inspection.findings[0].finding.remedy.clone()
    };
    assert!(remedy(&surging).starts_with("Use strategy"));
    let stored = with(
        surging,
        "/metadata",
        "uid",
        json!("7e3c0c5a-0000-4000-8000-000000000001"),
    );
    assert!(remedy(&stored).starts_with("Use maxSurge"));
}
