//! From when on Deny counts, where several policies say so.

use serde_json::{Value, json};

use super::{index, policy};
use crate::graph::{Labels, Lookup};
use crate::policy::{Enforced, Policies};
use crate::rules::RULES;
use crate::rules::kit::Action;
use crate::time::Time;

const RULE: &str = "rwo-replicas";
const EARLY: &str = "2026-12-01T00:00:00Z";
const LATE: &str = "2026-12-24T00:00:00Z";

/// What follows from a finding of a rule, as policies of these specs amount to.
fn stated(id: &str, specs: &[Value]) -> Option<Enforced> {
    let named = ('a'..).zip(specs);
    let list = named.map(|(name, spec)| policy(&name.to_string(), spec)).collect();
    let policies = Policies::new(list, RULES);
    let settings = policies.resolve("shop", Lookup::Unknown, &Labels::default())?;
    settings.rules[index(id)].actions[0]
}

/// From when on [`RULE`] is denied, by these and by them in the opposite order.
fn denied(one: &Value, other: &Value) -> Time {
    let stated = |specs: &[Value]| stated(RULE, specs).unwrap();
    let found = stated(&[one.clone(), other.clone()]);
    assert_eq!(found, stated(&[other.clone(), one.clone()]));
    assert_eq!(found.action, Action::Deny);
    found.after
}

fn time(text: &str) -> Time {
    Time::parse(text).unwrap()
}

#[test]
fn deny_is_warn_until_the_instant_itself() {
    let stated = stated(RULE, &[json!({"profile": "Strict", "enforceAfter": LATE})]).unwrap();
    assert_eq!(stated.at(time("2026-12-23T23:59:59Z")), Action::Warn);
    assert_eq!(stated.at(time(LATE)), Action::Deny);
    assert_eq!(Enforced::new(Action::Audit, time(LATE)).at(time(EARLY)), Action::Audit);
}

#[test]
fn a_rule_has_its_own_date_or_that_of_the_policy() {
    let spec = json!({
        "profile": "Strict",
        "enforceAfter": LATE,
        "rules": [
            {"id": RULE, "enforceAfter": EARLY},
            {"id": "rwo-surge", "actions": ["Deny"]},
            {"id": "rwo-consumers", "actions": ["Deny"], "enforceAfter": EARLY},
        ],
    });
    let after = |id| stated(id, std::slice::from_ref(&spec)).map(|stated| stated.after);
    assert_eq!(after(RULE), Some(time(EARLY)));
    assert_eq!(after("rwo-surge"), Some(time(LATE)));
    assert_eq!(after("rwo-consumers"), Some(time(EARLY)));
    assert_eq!(after("rwo-daemonset"), Some(time(LATE)));
}

/// A date of one policy puts off nothing that another of the same rank, or of a higher one, denies.
#[test]
fn a_date_is_that_of_the_actions_with_which_it_stands() {
    let now = json!({"rules": [{"id": RULE, "actions": ["Deny"]}]});
    let [early, late] = [EARLY, LATE].map(|date| json!({"profile": "Strict", "enforceAfter": date}));
    assert_eq!(denied(&now, &late), Time::ALWAYS);
    assert_eq!(denied(&early, &late), time(EARLY));
    assert_eq!(denied(&json!({"profile": "Audit"}), &late), time(LATE));
    let above = json!({"priority": 1, "profile": "Strict", "enforceAfter": LATE});
    assert_eq!(denied(&now, &above), time(LATE));
    let below = json!({"priority": -1, "profile": "Strict", "enforceAfter": EARLY});
    assert_eq!(denied(&late, &below), time(LATE));
    // The other rules of a policy that lists some are nobody's to put off by its date.
    let lists = json!({"priority": 1, "enforceAfter": LATE, "rules": [{"id": "rwo-surge", "actions": ["Deny"]}]});
    assert_eq!(denied(&now, &lists), Time::ALWAYS);
}

#[test]
fn a_date_without_actions_puts_off_what_lower_priorities_deny() {
    let strict = json!({"profile": "Strict"});
    let put_off = |priority: i32| json!({"priority": priority, "rules": [{"id": RULE, "enforceAfter": LATE}]});
    assert_eq!(denied(&strict, &put_off(1)), time(LATE));
    assert_eq!(denied(&strict, &put_off(0)), Time::ALWAYS);
    assert_eq!(denied(&strict, &put_off(-1)), Time::ALWAYS);
    let dated = json!({"profile": "Strict", "enforceAfter": EARLY});
    assert_eq!(denied(&dated, &put_off(1)), time(LATE));
    assert_eq!(denied(&dated, &put_off(0)), time(EARLY));
    let earlier = json!({"rules": [{"id": RULE, "enforceAfter": EARLY}]});
    let late = json!({"profile": "Strict", "enforceAfter": LATE});
    assert_eq!(denied(&late, &earlier), time(EARLY));

    let everything = json!({"priority": 1, "enforceAfter": LATE});
    assert_eq!(denied(&strict, &everything), time(LATE));
    let after = |id| stated(id, &[strict.clone(), put_off(1)]).map(|stated| stated.after);
    assert_eq!(after("rwo-surge"), Some(Time::ALWAYS));
    // What nobody states is Baseline's, and lower than all.
    assert_eq!(denied(&everything, &json!({"priority": -5})), time(LATE));
    // There is nothing to put off in a warning.
    let warns = json!({"rules": [{"id": RULE, "actions": ["Warn"]}]});
    let warned = stated(RULE, &[warns, everything]);
    assert_eq!(warned, Some(Enforced::new(Action::Warn, Time::ALWAYS)));
}

#[test]
fn a_policy_that_applies_perhaps_puts_off_nothing_that_is_certain() {
    let perhaps = |mut spec: Value| {
        spec["match"] = json!({"namespaceSelector": {"matchLabels": {"team": "shop"}}});
        spec
    };
    let strict = json!({"profile": "Strict"});
    assert_eq!(
        denied(&strict, &perhaps(json!({"priority": 1, "enforceAfter": LATE}))),
        Time::ALWAYS
    );
    let dated = perhaps(json!({"priority": 1, "profile": "Strict", "enforceAfter": LATE}));
    assert_eq!(denied(&strict, &dated), Time::ALWAYS);
    let alone = stated(RULE, &[dated]);
    assert_eq!(alone, Some(Enforced::new(Action::Warn, Time::ALWAYS)));
}
