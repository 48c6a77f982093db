//! Several policies on one workload: who wins, and what is kept.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{action, index, policy};
use crate::graph::{Labels, Lookup};
use crate::policy::{Mutation, Overrides, Policies, Profile, Settings};
use crate::rules::RULES;
use crate::rules::kit::Action;

const RULE: &str = "rwo-replicas";

/// Policies named `a`, `b`, … in this order.
fn policies(specs: &[Value]) -> Policies {
    let named = ('a'..).zip(specs);
    let list = named.map(|(name, spec)| policy(&name.to_string(), spec)).collect();
    Policies::new(list, RULES)
}

fn in_namespace(policies: &Policies, namespace: &str) -> Settings {
    let settings = policies.resolve(namespace, Lookup::Unknown, &Labels::default());
    settings.unwrap().into_owned()
}

/// What is stated everywhere by these, or by them in the opposite order.
fn everywhere(one: &Value, other: &Value) -> Settings {
    let settings = in_namespace(&policies(&[one.clone(), other.clone()]), "shop");
    assert_eq!(settings, in_namespace(&policies(&[other.clone(), one.clone()]), "shop"));
    settings
}

#[test]
fn the_strictest_of_the_matching_policies_counts() {
    let policies = policies(&[
        json!({"profile": "Audit"}),
        json!({
            "match": {"namespaceSelector": {"matchLabels": {"team": "shop"}}},
            "profile": "Baseline",
            "overrides": "Forbidden",
        }),
        json!({
            "match": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "pay"}}},
            "profile": "Baseline",
        }),
    ]);
    let resolve = |namespace: &str, labels: Lookup<&Labels>| {
        let settings = policies.resolve(namespace, labels, &Labels::default()).unwrap();
        (action(&settings, RULE), settings.overrides)
    };
    let team = Labels::from_pairs([("team", "shop")]);
    assert_eq!(
        resolve("a", Lookup::Known(&team)),
        (Some(Action::Deny), Overrides::Forbidden)
    );
    assert_eq!(
        resolve("a", Lookup::Known(&Labels::default())),
        (Some(Action::Audit), Overrides::Allowed)
    );
    // Without the Namespace's labels nobody can tell whether the second applies: it warns and decides nothing else.
    assert_eq!(resolve("a", Lookup::Unknown), (Some(Action::Warn), Overrides::Allowed));
    assert_eq!(resolve("pay", Lookup::Unknown).0, Some(Action::Deny));
}

#[test]
fn one_small_policy_exempts_a_namespace() {
    let policies = policies(&[
        json!({"profile": "Strict"}),
        json!({
            "priority": 10,
            "match": {"namespaces": ["legacy-*"], "excludeNamespaces": ["legacy-pay"]},
            "rules": [{"id": RULE, "actions": ["Warn"]}],
        }),
    ]);
    let [legacy, pay, shop] = ["legacy-a", "legacy-pay", "shop"].map(|name| in_namespace(&policies, name));
    assert_eq!(action(&legacy, RULE), Some(Action::Warn));
    assert_eq!(action(&pay, RULE), Some(Action::Deny));
    assert_eq!(action(&shop, RULE), Some(Action::Deny));
    // It states nothing else: the rest is that of the others.
    assert_eq!(action(&legacy, "rwo-surge"), Some(Action::Deny));
    assert_eq!(pay, shop);
}

#[test]
fn priority_decides_facet_by_facet() {
    let low = json!({
        "profile": "Strict",
        "rules": [{
            "id": "rwo-surge",
            "mutation": "Enabled",
            "parameters": {"strategy": "NoSurge", "local-provisioners": ["a"]},
        }],
    });
    let high = json!({"priority": 1, "rules": [{"id": "rwo-surge", "parameters": {"strategy": "Recreate"}}]});
    let settings = everywhere(&low, &high);
    let surge = &settings.rules[index("rwo-surge")];
    assert_eq!(action(&settings, "rwo-surge"), Some(Action::Deny));
    assert_eq!(surge.mutation, Mutation::Enabled);
    assert_eq!(surge.parameters.text("strategy"), Some("Recreate"));
    assert_eq!(surge.parameters.list("local-provisioners"), Some(&["a".to_owned()][..]));

    let off = json!({"priority": 1, "rules": [{"id": "rwo-surge", "mutation": "Disabled", "actions": []}]});
    let settings = everywhere(&low, &off);
    let surge = &settings.rules[index("rwo-surge")];
    assert!(surge.is_off() && surge.mutation == Mutation::Disabled);
    assert_eq!(surge.parameters.text("strategy"), Some("NoSurge"));
}

#[test]
fn among_equals_the_stricter_enabled_and_the_first_by_name_count() {
    let entry = |action: &str, mutation: &str, strategy: &str| {
        json!({"rules": [{
            "id": "rwo-surge",
            "actions": [action],
            "mutation": mutation,
            "parameters": {"strategy": strategy},
        }]})
    };
    let (one, other) = (
        entry("Audit", "Enabled", "NoSurge"),
        entry("Deny", "Disabled", "Recreate"),
    );
    let settings = in_namespace(&policies(&[one, other]), "shop");
    let surge = &settings.rules[index("rwo-surge")];
    assert_eq!(action(&settings, "rwo-surge"), Some(Action::Deny));
    assert_eq!(surge.mutation, Mutation::Enabled);
    assert_eq!(surge.parameters.text("strategy"), Some("NoSurge"));
}

#[test]
fn overrides_are_those_of_the_highest_priority_that_states_them() {
    let overrides = |one: Value, other: Value| everywhere(&one, &other).overrides;
    let (allowed, forbidden) = (json!({"overrides": "Allowed"}), json!({"overrides": "Forbidden"}));
    assert_eq!(overrides(allowed, forbidden.clone()), Overrides::Forbidden);
    let higher = json!({"priority": 1, "overrides": "Allowed"});
    assert_eq!(overrides(higher, forbidden.clone()), Overrides::Allowed);
    let silent = json!({"priority": 1, "profile": "Strict"});
    assert_eq!(overrides(silent.clone(), forbidden), Overrides::Forbidden);
    assert_eq!(overrides(silent, json!({})), Overrides::Allowed);
}

#[test]
fn what_nobody_states_is_baselines() {
    let baseline = Settings::new(Profile::Baseline, RULES);
    assert_eq!(in_namespace(&policies(&[json!({})]), "shop"), baseline);
    assert_eq!(everywhere(&json!({}), &json!({"profile": "Baseline"})), baseline);
    assert_eq!(
        everywhere(&json!({"profile": "Audit"}), &json!({"priority": 1})),
        Settings::new(Profile::Audit, RULES)
    );
}

#[test]
fn an_object_that_no_policy_matches_is_not_judged() {
    let policies = policies(&[json!({"match": {"objectSelector": {"matchLabels": {"guard": "on"}}}})]);
    assert!(policies.resolve("a", Lookup::Unknown, &Labels::default()).is_none());
    let guarded = Labels::from_pairs([("guard", "on")]);
    assert!(policies.resolve("a", Lookup::Unknown, &guarded).is_some());
}

#[test]
fn a_set_of_policies_is_merged_once() {
    let policies = policies(&[
        json!({"profile": "Strict"}),
        json!({"match": {"namespaces": ["legacy-*"]}, "priority": 1, "profile": "Audit"}),
    ]);
    let resolve = |namespace: &str| policies.resolve(namespace, Lookup::Unknown, &Labels::default());
    let shared = |one: &str, other: &str| match (resolve(one), resolve(other)) {
        (Some(Cow::Borrowed(one)), Some(Cow::Borrowed(other))) => std::ptr::eq(one, other),
        _ => false,
    };
    assert!(shared("shop", "shop"));
    assert!(shared("shop", "pay"));
    assert!(shared("legacy-a", "legacy-b"));
    assert!(!shared("shop", "legacy-a"));
}

#[test]
fn more_policies_than_are_at_hand_are_told_apart() {
    let one = |number: usize| {
        let profile = ["Audit", "Strict"][number % 2];
        json!({"match": {"namespaces": [format!("n{number}")]}, "profile": profile})
    };
    let list = (0..300).map(|number| policy(&format!("{number:03}"), &one(number)));
    let policies = Policies::new(list.collect(), RULES);
    for number in [0, 31, 32, 255, 256, 299] {
        let expected = [Action::Audit, Action::Deny][number % 2];
        let settings = in_namespace(&policies, &format!("n{number}"));
        assert_eq!(action(&settings, RULE), Some(expected), "{number}");
    }
    assert!(policies.resolve("n300", Lookup::Unknown, &Labels::default()).is_none());
}

/// Each policy whose match cannot be told either applies or does not: what is answered stands against all of these.
#[test]
fn what_is_uncertain_loosens_nothing_denies_nothing_and_warns_of_what_may_be() {
    let statements = [
        None,
        Some(json!([])),
        Some(json!(["Audit"])),
        Some(json!(["Warn"])),
        Some(json!(["Deny"])),
    ];
    let spec = |number: usize, matching: Value| {
        let mut entry = json!({"id": RULE});
        if let Some(actions) = &statements[number % statements.len()] {
            entry["actions"] = actions.clone();
        }
        json!({"priority": number / statements.len(), "match": matching, "rules": [entry]})
    };
    let certain = || json!({"namespaces": ["shop"]});
    let perhaps = || json!({"namespaceSelector": {"matchLabels": {"team": "shop"}}});
    let resolve = |specs: &[Value]| {
        let policies = policies(specs);
        let settings = policies.resolve("shop", Lookup::Unknown, &Labels::default());
        settings.map(|settings| action(&settings, RULE))
    };
    let choices = 2 * statements.len();
    for number in 0..choices.pow(3) {
        let [one, two, three] = [number % choices, number / choices % choices, number / choices / choices];
        let known = resolve(&[spec(one, certain())]).unwrap();
        let found = resolve(&[spec(one, certain()), spec(two, perhaps()), spec(three, perhaps())]).unwrap();
        assert!(
            found >= known && found <= known.max(Some(Action::Warn)),
            "{one} {two} {three}"
        );
        let alone = resolve(&[spec(two, perhaps()), spec(three, perhaps())]).unwrap();
        assert!(alone <= Some(Action::Warn), "{two} {three}");
        for applying in [vec![two], vec![three], vec![two, three]] {
            let if_applied: Vec<Value> = applying.iter().map(|number| spec(*number, certain())).collect();
            let would = resolve(&if_applied).unwrap().min(Some(Action::Warn));
            assert!(alone >= would, "{two} {three}");
            let with: Vec<Value> = [vec![spec(one, certain())], if_applied].concat();
            let would = resolve(&with).unwrap().min(Some(Action::Warn));
            assert!(found >= would, "{one} {two} {three}");
        }
    }
}

#[test]
fn what_is_uncertain_decides_nothing_but_actions_unless_nothing_is_certain() {
    let perhaps = json!({
        "priority": 1,
        "match": {"namespaceSelector": {"matchLabels": {"team": "shop"}}},
        "overrides": "Forbidden",
        "rules": [{"id": "rwo-surge", "mutation": "Enabled", "parameters": {"strategy": "NoSurge"}}],
    });
    let settings = everywhere(&json!({"profile": "Audit"}), &perhaps);
    assert_eq!(settings, Settings::new(Profile::Audit, RULES));
    let settings = in_namespace(&policies(&[perhaps]), "shop");
    let surge = &settings.rules[index("rwo-surge")];
    assert_eq!(
        (surge.mutation, settings.overrides),
        (Mutation::Enabled, Overrides::Forbidden)
    );
    assert_eq!(surge.parameters.text("strategy"), Some("NoSurge"));
    assert_eq!(action(&settings, RULE), Some(Action::Warn));
}
