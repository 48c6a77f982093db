//! Exceptions from their JSON, what they are for, and when they count.

use serde_json::{Value, json};

use super::policy;
use crate::graph::project::WorkloadSeed;
use crate::graph::{Kind, Labels, Lookup, Workload};
use crate::policy::description::API_VERSION;
use crate::policy::exception::description::KIND;
use crate::policy::exception::{Void, parse};
use crate::policy::{Exception, Exceptions, Policies};
use crate::rules::RULES;
use crate::time::{Span, Time};

fn document(spec: &Value) -> Value {
    json!({
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": "legacy", "namespace": "shop", "creationTimestamp": "2026-11-01T00:00:00Z"},
        "spec": spec,
    })
}

fn spec() -> Value {
    json!({
        "rules": ["rwo-replicas", "rwo-surge"],
        "match": {},
        "reason": "until the volume is moved",
        "owner": "team-shop",
        "expiresAt": "2026-12-24T00:00:00Z",
    })
}

fn with(key: &str, value: Value) -> Value {
    let mut spec = spec();
    spec[key] = value;
    spec
}

fn exception(spec: &Value) -> Exception {
    parse(&document(spec), RULES).unwrap()
}

fn mistakes(document: &Value) -> Vec<String> {
    let mistakes = parse(document, RULES).unwrap_err().into_iter();
    mistakes
        .map(|mistake| format!("{}: {}", mistake.pointer, mistake.message))
        .collect()
}

fn of(spec: &Value) -> Vec<String> {
    mistakes(&document(spec))
}

fn workload(kind: Kind, name: &str, labels: &Value) -> Workload {
    let namespace = "shop".into();
    let seed = WorkloadSeed::new(kind, &namespace).unwrap();
    let object = json!({"metadata": {"name": name, "labels": labels}, "spec": {}});
    seed.read(&object.to_string()).unwrap().workload
}

fn time(text: &str) -> Time {
    Time::parse(text).unwrap()
}

#[test]
fn all_of_it_is_read() {
    let read = exception(&with(
        "match",
        json!({"names": ["web-*"], "kinds": ["Deployment"], "objectSelector": {"matchLabels": {"a": "b"}}}),
    ));
    assert_eq!(read.title(), "shop/legacy");
    assert_eq!(read.rules, ["rwo-replicas", "rwo-surge"]);
    assert_eq!(read.created, Some(time("2026-11-01T00:00:00Z")));
    assert_eq!(read.expires, time("2026-12-24T00:00:00Z"));
    assert_eq!(
        (&*read.reason, &*read.owner),
        ("until the volume is moved", "team-shop")
    );
    assert_eq!((read.names.len(), read.kinds), (1, vec!["Deployment".into()]));
}

#[test]
fn every_mistake_is_told_with_its_place() {
    assert_eq!(
        of(&json!({})),
        [
            "/spec: expiresAt is missing",
            "/spec: match is missing",
            "/spec: owner is missing",
            "/spec: reason is missing",
            "/spec: rules is missing",
        ]
    );
    assert_eq!(
        of(&json!({
            "rule": [],
            "rules": ["rwo-replica", "rwo-surge", "rwo-surge"],
            "match": {"kinds": ["Deploymnt"], "names": ["Web"], "namespaces": ["a"]},
            "reason": " REASON ",
            "owner": " ",
            "expiresAt": "2026-12-24",
        })),
        [
            "/spec/rule: unknown field \"rule\", did you mean \"rules\"?",
            "/spec/expiresAt: \"2026-12-24\" is a day, not a moment: write 2026-12-24T00:00:00Z",
            "/spec/match/namespaces: unknown field \"namespaces\"",
            "/spec/match/kinds/0: there is no kind of workload \"Deploymnt\", did you mean \"Deployment\"?",
            "/spec/match/names/0: no workload is called \"Web\": up to 253 lower-case letters, digits, - and ., begun and \
             ended without - or ., with the wildcards * and ?",
            "/spec/owner: expected words, found an empty text",
            "/spec/reason: REASON stands for words of your own: write them",
            "/spec/rules/0: there is no rule \"rwo-replica\", did you mean \"rwo-replicas\"?",
            "/spec/rules/2: \"rwo-surge\" is listed already",
        ]
    );
    let named = exception(&with("match", json!({"kinds": ["rollouts.argoproj.io", "Pod"]})));
    assert_eq!(named.kinds.len(), 2);
    for unknown in ["Rollout", "Rollouts.argoproj.io", "rollouts.", ".io", "-a.b"] {
        let told = of(&with("match", json!({"kinds": [unknown]}))).concat();
        assert!(
            told.contains("there is no kind of workload") && told.contains("such as rollouts.argoproj.io"),
            "{told}"
        );
    }
    assert_eq!(
        of(&with("rules", json!([]))),
        ["/spec/rules: expected at least one entry, found an empty list"]
    );
    let mut nowhere = document(&spec());
    nowhere["metadata"] = json!({"name": "a"});
    assert_eq!(mistakes(&nowhere), ["/metadata: metadata.namespace is missing"]);
    let bad = json!({"exceptions": {"maxDuration": "3 months", "allowed": "yes", "namespaces": []}});
    let policy = crate::policy::parse(&super::document("a", &bad), RULES).unwrap_err();
    let policy: Vec<String> = policy.into_iter().map(|mistake| mistake.message).collect();
    assert_eq!(
        policy,
        [
            "expected true or false, found a text",
            "\"3 months\" is no length of time such as 90d or 12h",
            "expected at least one entry, found an empty list",
        ]
    );
}

#[test]
fn it_is_for_what_fits_all_that_it_gives() {
    let meant = |matching: Value, rule: &str, workload: &Workload| {
        exception(&with("match", matching)).is_meant_for(rule, workload)
    };
    let web = workload(Kind::DEPLOYMENT, "web.v1", &json!({"tier": "front"}));
    for matching in [
        json!({}),
        json!({"names": ["db", "web.*"]}),
        json!({"kinds": ["StatefulSet", "Deployment"]}),
        json!({"objectSelector": {"matchLabels": {"tier": "front"}}}),
    ] {
        assert!(meant(matching.clone(), "rwo-replicas", &web), "{matching}");
        assert!(!meant(matching, "rwo-consumers", &web));
    }
    for matching in [
        json!({"names": ["web"]}),
        json!({"kinds": ["StatefulSet"]}),
        json!({"objectSelector": {"matchLabels": {"tier": "data"}}}),
        json!({"names": ["web.*"], "kinds": ["StatefulSet"]}),
    ] {
        assert!(!meant(matching.clone(), "rwo-replicas", &web), "{matching}");
    }
}

/// What policies of these specs let count in `shop`.
fn allowed(specs: &[Value]) -> Exceptions {
    let named = ('a'..).zip(specs);
    let list = named.map(|(name, spec)| policy(&name.to_string(), spec)).collect();
    let policies = Policies::new(list, RULES);
    let settings = policies.resolve("shop", Lookup::Unknown, &Labels::default());
    settings.unwrap().exceptions.clone()
}

#[test]
fn only_policies_let_one_count_and_only_until_its_end() {
    let now = time("2026-11-29T00:00:00Z");
    let void = |specs: &[Value]| exception(&spec()).void(&allowed(specs), now);
    let allows = |more: Value| {
        let mut exceptions = json!({"allowed": true});
        exceptions
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({"exceptions": exceptions})
    };
    assert_eq!(void(&[json!({"profile": "Strict"})]), Some(Void::Forbidden));
    assert_eq!(void(&[allows(json!({}))]), None);
    assert_eq!(void(&[allows(json!({"namespaces": ["sh*"]}))]), None);
    assert_eq!(void(&[allows(json!({"namespaces": ["pay"]}))]), Some(Void::Forbidden));
    // From its creation on: 2026-11-01 and 53 days are 2026-12-24.
    assert_eq!(void(&[allows(json!({"maxDuration": "53d"}))]), None);
    let latest = time("2026-12-23T00:00:00Z");
    assert_eq!(
        void(&[allows(json!({"maxDuration": "52d"}))]),
        Some(Void::TooLong(latest))
    );

    let anywhere = allowed(&[allows(json!({}))]);
    let legacy = exception(&spec());
    assert_eq!(legacy.void(&anywhere, time("2026-12-23T23:59:59Z")), None);
    assert_eq!(legacy.void(&anywhere, legacy.expires), Some(Void::Expired));
    let written = Exception {
        created: None,
        ..legacy
    };
    let short = allowed(&[allows(json!({"maxDuration": "25d"}))]);
    assert_eq!(written.void(&short, now), None);
    let before = time("2026-11-28T00:00:00Z");
    assert_eq!(
        written.void(&short, before),
        Some(Void::TooLong(time("2026-12-23T00:00:00Z")))
    );
}

#[test]
fn several_policies_let_count_what_the_highest_say_and_all_of_them_allow() {
    let allow = |priority: i32, days: u32, namespaces: &str| {
        let exceptions = json!({"allowed": true, "maxDuration": format!("{days}d"), "namespaces": [namespaces]});
        json!({"priority": priority, "exceptions": exceptions})
    };
    let forbid = |priority: i32| json!({"priority": priority, "exceptions": {"allowed": false}});
    assert_eq!(allowed(&[allow(0, 90, "*"), forbid(0)]), Exceptions::Forbidden);
    assert_eq!(allowed(&[allow(0, 90, "*"), forbid(1)]), Exceptions::Forbidden);
    assert_eq!(allowed(&[allow(1, 90, "*"), forbid(0)]), allowed(&[allow(0, 90, "*")]));
    assert_eq!(
        allowed(&[allow(0, 90, "*"), json!({"priority": 1, "profile": "Strict"})]),
        allowed(&[allow(0, 90, "*")])
    );
    let both = allowed(&[allow(0, 90, "sh*"), allow(0, 30, "*op")]);
    let Exceptions::Allowed { longest, namespaces } = both else {
        panic!("both allow")
    };
    assert_eq!((longest, namespaces.len()), (Span::parse("30d"), 2));
    let perhaps = json!({
        "priority": 5,
        "match": {"namespaceSelector": {"matchLabels": {"team": "shop"}}},
        "exceptions": {"allowed": true},
    });
    assert_eq!(allowed(&[json!({}), perhaps]), Exceptions::Forbidden);
}

#[test]
fn a_set_has_the_exceptions_of_each_namespace_by_name() {
    let named = |namespace: &str, name: &str| Exception {
        namespace: namespace.into(),
        name: name.to_owned(),
        ..exception(&spec())
    };
    let policies = Policies::new(Vec::new(), RULES);
    let policies = policies.with_exceptions([named("shop", "b"), named("pay", "c"), named("shop", "a")]);
    let names = |namespace: &str| -> Vec<String> {
        let exceptions = policies.exceptions(namespace).iter();
        exceptions.map(|exception| exception.name.clone()).collect()
    };
    assert_eq!(names("shop"), ["a", "b"]);
    assert_eq!(names("pay"), ["c"]);
    assert!(names("other").is_empty());
    let later = Exception {
        owner: "team-pay".to_owned(),
        ..named("shop", "a")
    };
    let policies = policies.with_exceptions([later]);
    let owners: Vec<&str> = policies.exceptions("shop").iter().map(|one| &*one.owner).collect();
    assert_eq!(owners, ["team-pay", "team-shop"]);
}

#[test]
fn a_kind_is_called_by_its_name_or_by_that_of_its_definition() {
    use crate::graph::{Entry, Field, Form, Kind, Kinds, Reach, Role, Row, Runs};

    let form = Form {
        runs: Runs::Replicas,
        pod_spec: "/spec/template/spec",
        fields: &[("/spec/template", Field::Template)],
        makers: &[],
        declared: None,
    };
    let reach = Reach::Review {
        entry: Entry::Declared,
        scale: false,
        defaults: crate::graph::Defaults::Never,
    };
    let row = Row::new(
        0,
        "apps.kruise.io/v1",
        "statefulsets",
        "StatefulSet",
        Role::Workload(form),
        reach,
    );
    let advanced = Kinds::with([row])
        .unwrap()
        .of("apps.kruise.io/v1", "StatefulSet")
        .unwrap();
    let selects = |name: &str, kind: Kind| {
        let json = r#"{"metadata": {"name": "db"}, "spec": {}}"#;
        let seed = WorkloadSeed::new(kind, &"shop".into()).unwrap().read(json).unwrap();
        exception(&with("match", json!({"kinds": [name]}))).selects(&seed.workload)
    };
    let definition = "statefulsets.apps.kruise.io";
    assert!(selects("StatefulSet", Kind::STATEFUL_SET) && !selects("StatefulSet", advanced));
    assert!(selects(definition, advanced) && !selects(definition, Kind::STATEFUL_SET));
    assert!(!selects("statefulsets.apps", advanced) && !selects("statefulsets.apps", Kind::STATEFUL_SET));
}
