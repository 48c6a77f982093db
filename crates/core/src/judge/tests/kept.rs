//! Verdicts that are kept, and what ends them.

use serde_json::json;

use super::world::{World, claim_json, deployment, node, projected, rules, with};
use crate::graph::{Kind, Knowledge, Lookup, NamespaceFacts, ObjectRef};
use crate::policy::{Policies, Profile, Settings};

/// Something that happens to a world.
type Event = fn(&mut World);

fn is_kept(world: &World) -> bool {
    let (facts, web) = (world.graph.facts(), ObjectRef::new(Kind::DEPLOYMENT, "web"));
    let policies = world.policies.fingerprint();
    world.graph.with("shop", |shard| shard.is_clean(&web, &facts, policies))
}

#[test]
fn a_new_image_of_what_was_clean_is_not_judged_again() {
    let old = deployment("web", 1, "data");
    let old = with(old, "/metadata", "generation", json!(7));
    let world = World::new().claim("data", "ReadWriteOnce").workload(&old);
    let image = with(old.clone(), "/metadata", "generation", json!(8));
    assert!(!is_kept(&world));
    assert!(world.update(&old, &image).is_clean());
    assert!(is_kept(&world));
    // The watch brings it.
    let world = world.workload(&image);
    assert!(is_kept(&world) && world.update(&image, &image).is_clean());
}

#[test]
fn what_is_new_is_judged_and_not_kept() {
    let old = deployment("web", 1, "data");
    let world = World::new().claim("data", "ReadWriteOnce").workload(&old);
    let more = with(old.clone(), "/spec", "replicas", json!(3));
    assert!(world.update(&old, &old).is_clean());
    assert!(!world.update(&old, &more).is_allowed());
    assert!(world.update(&old, &old).is_clean() && is_kept(&world));
    // A violator is told again each time.
    let world = world.workload(&more);
    assert!(!is_kept(&world));
    for _ in 0..2 {
        assert_eq!(world.update(&more, &more).warnings.len(), 1);
    }
}

#[test]
fn whatever_it_is_judged_by_ends_it() {
    let web = deployment("web", 1, "data");
    let mut world = World::new().claim("data", "ReadWriteOnce").workload(&web);
    let ends: [(&str, Event); 7] = [
        ("another workload", |world| {
            let other = projected(&deployment("other", 1, "else")).workload;
            world.graph.with("shop", |shard| shard.insert_workload(other.into()));
        }),
        ("a workload that went", |world| {
            world.graph.remove(Kind::DEPLOYMENT, [("shop".into(), "other".into())]);
        }),
        ("a claim", |world| {
            let claim = node(Kind::CLAIM, &claim_json("data", "ReadWriteMany"));
            world.graph.insert_all([("shop".into(), claim)]);
        }),
        ("its volume", |world| {
            let bound = r#"{"metadata":{"name":"data"},"spec":{"accessModes":["ReadWriteOnce"],"volumeName":"pv"}}"#;
            world.graph.insert(Kind::CLAIM, &"shop".into(), bound).unwrap();
        }),
        ("the namespace", |world| {
            let facts = Lookup::Known(NamespaceFacts::default());
            world.graph.with("shop", |shard| shard.set_facts(facts));
        }),
        ("what is known", |world| {
            world.graph.set_knowledge(Kind::NODE, Knowledge::Partial);
        }),
        ("the policies", |world| {
            world.policies = Policies::everywhere(Settings::new(Profile::Strict, &world.rules));
        }),
    ];
    world.update(&web, &web);
    assert!(is_kept(&world));
    for (what, end) in ends {
        end(&mut world);
        assert!(!is_kept(&world), "{what}");
        let (facts, web) = (world.graph.facts(), ObjectRef::new(Kind::DEPLOYMENT, "web"));
        let policies = world.policies.fingerprint();
        world
            .graph
            .with("shop", |shard| shard.found_clean(web, &facts, policies));
        assert!(is_kept(&world), "{what}");
    }
}

#[test]
fn what_is_on_its_way_to_be_stored_counts_first() {
    let web = deployment("web", 1, "data");
    let world = World::new().claim("data", "ReadWriteOnce").workload(&web);
    assert!(world.update(&web, &web).is_clean());
    assert!(world.create(&deployment("job", 1, "else")).is_allowed());
    let more = with(web.clone(), "/spec", "replicas", json!(0));
    assert!(world.update(&web, &more).is_clean(), "admitted, not yet stored");
    let denied = world.create(&deployment("second", 1, "data"));
    assert!(rules(&denied).is_empty(), "{:?}", rules(&denied));
    assert_eq!(rules(&world.update(&more, &web)), ["rwo-consumers"]);
}
