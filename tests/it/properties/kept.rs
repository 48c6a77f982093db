//! Verdicts that are kept: whoever asks again gets what a judge without a memory would say.

use proptest::prelude::*;
use stateward::graph::{Change, Graph, Name, Role};
use stateward::judge::{Decision, Reserve, admit};
use stateward::policy::{Policies, Profile, Settings};
use stateward::rules::RULES;

use crate::support::changes::change;
use crate::support::dice::Dice;
use crate::support::webhook::{asked, strict};
use crate::support::worlds::{World, entropy};

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_kept_verdict_is_what_a_new_one_would_be(world in entropy(), other in entropy()) {
        let world = World::new(&mut Dice::new(&world));
        let graph = world.graph(|position| position as u64);
        let baseline = Policies::everywhere(Settings::new(Profile::Baseline, RULES));
        let policies = [strict(RULES), baseline];
        let others = World::new(&mut Dice::new(&other)).objects;
        agree(&world, &graph, &policies)?;
        // Objects come, and change.
        for ((kind, name), object) in &others {
            graph.insert(*kind, &"shop".into(), &object.to_string()).expect("a readable object");
            agree(&world, &graph, &policies)?;
            // And some of them go.
            if name.len() % 2 == 0 {
                let namespace = if kind.is_namespaced() { "shop".into() } else { Name::new() };
                graph.remove(*kind, [(namespace, name.as_str().into())]);
                agree(&world, &graph, &policies)?;
            }
        }
    }
}

/// Asks twice for each workload of the world, as it was and as it is, and once somebody who remembers nothing.
fn agree(world: &World, graph: &Graph, policies: &[Policies]) -> Result<(), TestCaseError> {
    for ((kind, name), object) in &world.objects {
        if !matches!(kind.role(), Role::Workload(_)) {
            continue;
        }
        let same = change(*kind, "shop", Some(object), Some(object));
        for policies in policies {
            let first = shown(&judged(&same, graph, policies));
            let second = shown(&judged(&same, graph, policies));
            let anew = shown(&judged(&same, &graph.copy_of(["shop".into()]), policies));
            prop_assert_eq!(&first, &anew, "{} {}", kind, name);
            prop_assert_eq!(&second, &anew, "{} {}", kind, name);
        }
    }
    Ok(())
}

fn judged(change: &Change<'_>, graph: &Graph, policies: &Policies) -> Decision {
    asked(graph, policies, |admission| admit(change, admission, Reserve::Never))
}

fn shown(decision: &Decision) -> String {
    format!("{decision:#?}")
}
