//! What the judge decides, whatever the world.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;
use stateward::graph::{Actor, Change, Graph, Kind, Name, Role};
use stateward::judge::{Decision, Defaults, Reserve, Services, admit, admit_defaults};
use stateward::rules::RULES;
use stateward::rules::kit::Action;

use crate::support::changes::{change, patched, scale, workload_kinds};
use crate::support::dice::Dice;
use crate::support::webhook::{asked, strict};
use crate::support::workloads::{NAMES, workload};
use crate::support::worlds::{World, autoscaler, claim, entropy, service};

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_request_gets_the_same_decision(world in entropy(), request in entropy()) {
        let graph = World::new(&mut Dice::new(&world)).graph(|position| position as u64);
        let request = Request::new(&mut Dice::new(&request));
        prop_assert_eq!(shown(&request.judged(&graph)), shown(&request.judged(&graph)));
    }

    #[test]
    fn the_order_in_which_objects_arrive_does_not_matter(world in entropy(), request in entropy(), seed in any::<u64>()) {
        let world = World::new(&mut Dice::new(&world));
        let request = Request::new(&mut Dice::new(&request));
        let sorted = world.graph(|position| position as u64);
        let shuffled = world.graph(|position| (position as u64 + 1).wrapping_mul(seed | 1));
        prop_assert_eq!(shown(&request.judged(&sorted)), shown(&request.judged(&shuffled)));
    }

    #[test]
    fn a_request_that_changes_nothing_is_allowed(world in entropy(), request in entropy()) {
        let graph = World::new(&mut Dice::new(&world)).graph(|position| position as u64);
        let request = Request::new(&mut Dice::new(&request));
        let same = Request { before: Some(request.after.clone()), ..request };
        let decision = same.judged(&graph);
        prop_assert!(decision.is_allowed(), "{:?}\n{}", decision.denial, same.after);
    }

    #[test]
    fn controllers_that_clean_up_are_never_in_our_way(world in entropy(), request in entropy()) {
        let graph = World::new(&mut Dice::new(&world)).graph(|position| position as u64);
        let request = Request::new(&mut Dice::new(&request));
        let decision = request.deleted(&graph, Actor::Cleanup);
        prop_assert!(decision.is_allowed(), "{:?}", decision.denial);
    }

    #[test]
    fn a_workload_may_always_be_deleted(world in entropy(), request in entropy()) {
        let graph = World::new(&mut Dice::new(&world)).graph(|position| position as u64);
        let request = Request::new(&mut Dice::new(&request));
        if request.kind.is_workload() {
            let decision = request.deleted(&graph, Actor::User);
            prop_assert!(decision.is_allowed(), "{:?}", decision.denial);
        }
    }

    #[test]
    fn a_scale_down_is_allowed(world in entropy(), from in 0_u32..5, to in 0_u32..5) {
        let world = World::new(&mut Dice::new(&world));
        let graph = world.graph(|position| position as u64);
        let Some((kind, name)) = world.objects.keys().next() else { return Ok(()) };
        if !kind.is_workload() {
            return Ok(());
        }
        let change = scale(*kind, name, from.max(to), to);
        let decision = judged(&change, &graph);
        prop_assert!(decision.is_allowed(), "{:?}", decision.denial);
    }

    #[test]
    fn a_default_applies_settles_and_pleases_its_rule(world in entropy(), request in entropy(), kind in 0..8_usize) {
        let graph = World::new(&mut Dice::new(&world)).graph(|position| position as u64);
        let dice = &mut Dice::new(&request);
        let kind = workload_kinds()[kind];
        let mut request = Request {
            kind,
            before: None,
            after: workload(kind, dice.pick(&NAMES), dice),
        };
        let defaults = request.defaults(&graph);
        let before = denied_by(&defaults.rules, &request.judged(&graph));
        request.after = patched(&request.after, &defaults.operations);

        let again = request.defaults(&graph);
        prop_assert!(again.operations.is_empty(), "{:?} after {:?}", again.operations, defaults.operations);

        // What it cannot mend may stay, but something is mended, and nothing is new.
        let after = denied_by(&defaults.rules, &request.judged(&graph));
        let better = after.is_empty() || (after.len() < before.len() && after.is_subset(&before));
        prop_assert!(better, "{:?}, formerly {:?}, after {:?}", after, before, defaults.operations);
    }
}

/// One object created or updated.
pub(super) struct Request {
    kind: Kind,
    before: Option<Value>,
    after: Value,
}

impl Request {
    pub(super) fn new(dice: &mut Dice<'_>) -> Self {
        let what = dice.below(11);
        let name = dice.pick(&NAMES);
        let (kind, claimed) = match what {
            0..=7 => (workload_kinds()[what], name),
            8 => (Kind::CLAIM, "shared"),
            9 => (Kind::SERVICE, "db"),
            _ => (Kind::AUTOSCALER, "auto"),
        };
        let mut object = || match kind.role() {
            Role::Workload(_) => workload(kind, claimed, dice),
            Role::Claim => claim(claimed, dice),
            Role::Service => service(claimed, dice),
            _ => autoscaler(claimed, dice),
        };
        let (after, before) = (object(), object());
        Self {
            kind,
            before: dice.one_in(2).then_some(before),
            after,
        }
    }

    fn judged(&self, graph: &Graph) -> Decision {
        judged(&self.change(), graph)
    }

    fn deleted(&self, graph: &Graph, actor: Actor) -> Decision {
        let change = Change {
            actor,
            forced: false,
            ..change(self.kind, "shop", Some(&self.after), None)
        };
        judged(&change, graph)
    }

    fn defaults(&self, graph: &Graph) -> Defaults {
        asked(graph, &strict(RULES), |admission| {
            admit_defaults(&self.change(), admission, Services::Confirmed)
        })
    }

    pub(super) fn change(&self) -> Change<'static> {
        change(self.kind, "shop", self.before.as_ref(), Some(&self.after))
    }
}

fn judged(change: &Change<'_>, graph: &Graph) -> Decision {
    asked(graph, &strict(RULES), |admission| {
        admit(change, admission, Reserve::Never)
    })
}

/// Rule and subject of the denials by some rules.
fn denied_by(rules: &[&'static str], decision: &Decision) -> BTreeSet<(&'static str, Name)> {
    let denied = decision.findings.iter().filter(|judged| judged.action == Action::Deny);
    denied
        .map(|judged| (judged.finding.rule.id, judged.finding.subject.clone()))
        .filter(|(rule, _)| rules.contains(rule))
        .collect()
}

fn shown(decision: &Decision) -> String {
    format!("{decision:#?}")
}
