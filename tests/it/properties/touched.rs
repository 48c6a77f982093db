//! What a change to the graph touches: whoever is judged otherwise afterwards is named.

use std::collections::BTreeMap;

use proptest::prelude::*;
use stateward::graph::{Graph, Name, ObjectRef, Overlay, Touched, Workloads};
use stateward::judge::{Basis, inspect};
use stateward::rules::RULES;
use stateward::time::Time;

use crate::support::dice::Dice;
use crate::support::webhook::strict;
use crate::support::worlds::{World, entropy};

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whoever_is_judged_otherwise_was_touched(world in entropy(), other in entropy()) {
        let world = World::new(&mut Dice::new(&world));
        let graph = world.graph(|position| position as u64);
        let shop: Name = "shop".into();
        let mut before = judged(&graph);
        // Objects come, and change.
        for ((kind, name), object) in World::new(&mut Dice::new(&other)).objects {
            let touched = graph.insert(kind, &shop, &object.to_string()).expect("a readable object");
            let after = judged(&graph);
            covers(&touched, &before, &after, &format!("{kind} {name} came"))?;
            before = after;
        }
        // And all of them go.
        for (kind, name) in world.objects.keys() {
            let namespace = if kind.is_namespaced() { shop.clone() } else { Name::new() };
            let touched = graph.remove(*kind, [(namespace, name.as_str().into())]);
            let after = judged(&graph);
            covers(&touched, &before, &after, &format!("{kind} {name} went"))?;
            before = after;
        }
    }

    #[test]
    fn what_is_the_same_already_touches_nothing(world in entropy()) {
        let world = World::new(&mut Dice::new(&world));
        let graph = world.graph(|position| position as u64);
        for ((kind, name), object) in &world.objects {
            let touched = graph.insert(*kind, &"shop".into(), &object.to_string()).expect("a readable object");
            prop_assert!(touched.is_empty(), "{} {}: {:?}", kind, name, touched);
        }
    }

    #[test]
    fn a_snapshot_stays_as_it_was(world in entropy(), other in entropy()) {
        let world = World::new(&mut Dice::new(&world));
        let graph = world.graph(|position| position as u64);
        let (facts, before) = (graph.facts(), judged(&graph));
        let snapshot = graph.snapshot("shop");
        for ((kind, _), object) in World::new(&mut Dice::new(&other)).objects {
            graph.insert(kind, &"shop".into(), &object.to_string()).expect("a readable object");
        }
        for (kind, name) in world.objects.keys().filter(|(kind, _)| kind.is_namespaced()) {
            graph.remove(*kind, [("shop".into(), name.as_str().into())]);
        }
        let after = snapshot.map(|shard| findings(&Basis {
            shard: &shard,
            facts: &facts,
            fetched: &Overlay::default(),
            policies: &strict(RULES),
            rules: RULES,
            time: Time::from_seconds(0),
        }));
        prop_assert_eq!(after.unwrap_or_default(), before);
    }
}

/// What is found of each workload, as people read it.
type Findings = BTreeMap<ObjectRef, Vec<String>>;

fn judged(graph: &Graph) -> Findings {
    let facts = graph.facts();
    let shard = graph.shard("shop");
    let shard = stateward::graph::store::locked(&shard);
    findings(&Basis {
        shard: &shard,
        facts: &facts,
        fetched: &Overlay::default(),
        policies: &strict(RULES),
        rules: RULES,
        time: Time::from_seconds(0),
    })
}

fn findings(judging: &Basis<'_>) -> Findings {
    let mut findings = Findings::new();
    for judged in inspect(judging).findings {
        let said = format!("{} {} {:?}", judged.finding.rule.id, judged.message, judged.action);
        findings.entry(judged.finding.object.clone()).or_default().push(said);
    }
    findings
}

fn covers(touched: &Touched, before: &Findings, after: &Findings, what: &str) -> Result<(), TestCaseError> {
    let named = |id: &ObjectRef| {
        touched.everything
            || match touched.namespaces.get("shop") {
                None => false,
                Some(Workloads::All) => true,
                Some(Workloads::Some(workloads)) => workloads.contains(id),
            }
    };
    for id in before.keys().chain(after.keys()) {
        let differs = before.get(id) != after.get(id);
        prop_assert!(
            !differs || named(id),
            "{}: {:?} was not touched\nbefore {:?}\nafter {:?}",
            what,
            id,
            before.get(id),
            after.get(id)
        );
    }
    Ok(())
}
