//! The table of requests is complete: in worlds that nobody thought of, no request meets with more than it says.

use std::collections::BTreeMap;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::Value;
use stateward::graph::{Change, Graph, Kind, Role, States};
use stateward::judge::defaults::Services;
use stateward::judge::{Reserve, Standing, admit, admit_defaults};
use stateward::policy::{Policies, Profile, Settings};
use stateward::rules::RULES;
use stateward::rules::kit::{Action, Phase, Verdict};

use super::edges::{Done, Met, met, request, scaled};
use super::none;
use crate::support::changes::{change, workload_kinds};
use crate::support::dice::Dice;
use crate::support::webhook::asked;
use crate::support::workloads::{NAMES, workload};
use crate::support::worlds::{CLAIMS, SERVICES, World, autoscaler, claim, entropy, service};

const CASES: usize = 4000;

#[test]
fn no_request_meets_with_more_than_the_table_says() {
    let table: BTreeMap<&str, BTreeMap<&str, Met>> = RULES.iter().map(|rule| (rule.id, met(rule))).collect();
    let mut beyond: BTreeMap<String, String> = BTreeMap::new();
    let mut runner = TestRunner::deterministic();
    for _ in 0..CASES {
        let (world, bytes) = (entropy(), entropy()).new_tree(&mut runner).expect("bytes").current();
        let graph = World::new(&mut Dice::new(&world)).graph(|position| position as u64);
        let Some((name, change)) = requested(&mut Dice::new(&bytes)) else {
            continue;
        };
        for (number, profile) in [Profile::Baseline, Profile::Strict].into_iter().enumerate() {
            for (rule, action, message) in found(&change, &graph, profile) {
                let cell = table[rule].get(name).copied().unwrap_or_default();
                if Some(action) > cell[number] {
                    let key = format!("{rule}, {name}, {profile:?}: {action}");
                    beyond.entry(key).or_insert(message);
                }
            }
        }
    }
    let beyond: Vec<String> = beyond
        .into_iter()
        .map(|(key, message)| format!("{key}: {message}"))
        .collect();
    none(
        &beyond,
        "show these on the pages of the rules, for the table of requests does not have them:",
    );
}

/// A request, and what the table calls it.
fn requested(dice: &mut Dice<'_>) -> Option<(&'static str, Change<'static>)> {
    if dice.one_in(5) {
        let kind = dice.pick(&[Kind::DEPLOYMENT, Kind::STATEFUL_SET, Kind::REPLICA_SET]);
        let (name, before, after) = (dice.pick(&NAMES), dice.below(3), dice.below(5));
        return scaled(kind, name, before as u32, after as u32);
    }
    let kind = dice.pick(
        &[
            workload_kinds(),
            vec![Kind::CLAIM, Kind::CLAIM, Kind::SERVICE, Kind::AUTOSCALER],
        ]
        .concat(),
    );
    let name = dice.pick(&match kind.role() {
        Role::Claim => CLAIMS,
        Role::Service => [SERVICES[0], SERVICES[1], SERVICES[0], SERVICES[1]],
        Role::Autoscaler(_) => ["auto"; 4],
        _ => NAMES,
    });
    let mut object = || -> Value {
        match kind.role() {
            Role::Claim => claim(name, dice),
            Role::Service => service(name, dice),
            Role::Autoscaler(_) => autoscaler(name, dice),
            _ => workload(kind, name, dice),
        }
    };
    let (before, after) = (object(), object());
    let (done, before, after) = match dice.below(3) {
        0 => (Done::Created, None, Some(&after)),
        1 => (Done::Changed, Some(&before), Some(&after)),
        _ => (Done::Deleted, Some(&before), None),
    };
    let mut change = change(kind, "shop", before, after);
    change.forced = kind == Kind::POD;
    Some((request(done, kind)?, change))
}

/// What is new by a change: rule, action and words.
fn found(change: &Change<'_>, graph: &Graph, profile: Profile) -> Vec<(&'static str, Action, String)> {
    let policies = Policies::everywhere(Settings::new(profile, RULES));
    let mut findings = asked(graph, &policies, |admission| admit(change, admission, Reserve::Never)).findings;
    if matches!(change.states, States::Object { after: Some(_), .. }) {
        let early = asked(graph, &policies, |admission| {
            admit_defaults(change, admission, Services::Confirmed)
        })
        .decision
        .findings;
        findings.extend(
            early
                .into_iter()
                .filter(|judged| judged.finding.rule.phase == Phase::Mutating),
        );
    }
    let new = findings.into_iter().filter(|judged| {
        judged.finding.verdict == Verdict::Violation
            && judged.standing != Standing::Existing
            && judged.allowed_because.is_none()
    });
    new.map(|judged| (judged.finding.rule.id, judged.action, judged.message))
        .collect()
}
