//! Deny that begins on a day.

use serde_json::{Value, json};

use super::world::{World, denial, deployment, with};
use crate::rules::kit::Action;
use crate::time::Time;

const DATE: &str = "2026-12-24T00:00:00Z";

fn world(time: &str) -> World {
    let spec = json!({"profile": "Strict", "enforceAfter": DATE});
    World::new().claim("data", "ReadWriteOnce").under(&spec, &[]).at(time)
}

#[test]
fn until_then_it_warns_and_says_when_it_will_be_denied() {
    let decision = world("2026-11-29T12:00:00Z").create(&deployment("web", 3, "data"));
    assert!(decision.is_allowed(), "{}", denial(&decision));
    assert_eq!(
        decision.warnings,
        [
            "rwo-replicas: Deployment shop/web: 3 replicas mount claim \"data\", which is ReadWriteOnce (one node only) \
          (denied from 2026-12-24 on, in 25 days)"
        ]
    );
    let found = &decision.findings[0];
    assert_eq!((found.action, found.denied_after), (Action::Warn, Time::parse(DATE)));

    let last = world("2026-12-23T23:59:59Z").create(&deployment("web", 3, "data"));
    assert!(
        last.warnings[0].ends_with("(denied from 2026-12-24 on, tomorrow)"),
        "{:?}",
        last.warnings
    );
    let denied = world(DATE).create(&deployment("web", 3, "data"));
    assert!(denial(&denied).starts_with("rwo-replicas: Deployment shop/web: 3 replicas"));
    assert_eq!(denied.findings[0].denied_after, None);
}

/// What would be a warning at most on that day too, will not be denied then.
#[test]
fn a_date_is_told_only_of_what_will_be_denied() {
    let old = deployment("web", 3, "data");
    let image = with(
        old.clone(),
        "/spec/template/spec",
        "containers",
        json!([{"name": "main", "image": "registry.example/web:2"}]),
    );
    let there = world("2026-11-29T12:00:00Z").workload(&old).update(&old, &image);
    assert!(
        there.warnings[0].starts_with("1 finding from before remains"),
        "{:?}",
        there.warnings
    );
    assert_eq!(there.findings[0].denied_after, None);
    let reason = json!({"stateward.dev/allow": "rwo-replicas: one node"});
    let allowed = world("2026-11-29T12:00:00Z").create(&with(old, "/metadata", "annotations", reason));
    assert_eq!(allowed.findings[0].denied_after, None);
    let missing = world("2026-11-29T12:00:00Z").create(&deployment("web", 1, "other"));
    let told: Vec<Option<Time>> = missing.findings.iter().map(|judged| judged.denied_after).collect();
    assert!(!told.is_empty() && told.iter().all(Option::is_none), "{missing:?}");
}

/// The day makes nothing worse that was there before it: both sides of a change are judged at one time.
#[test]
fn what_was_admitted_before_the_day_stays_changeable_after_it() {
    let old = deployment("web", 3, "data");
    let change = |key: &str, value: Value| with(old.clone(), "/spec", key, value);
    let world = world("2027-01-01T00:00:00Z").workload(&old);
    assert!(world.update(&old, &change("minReadySeconds", json!(5))).is_allowed());
    assert!(world.update(&old, &change("replicas", json!(2))).is_allowed());
    assert!(!world.update(&old, &change("replicas", json!(4))).is_allowed());
}

#[test]
fn an_inspection_tells_the_date_of_what_is_there() {
    let inspected = |time| world(time).workload(&deployment("web", 3, "data")).inspect();
    let before = inspected("2026-12-01T00:00:00Z");
    let found = before
        .findings
        .iter()
        .find(|judged| judged.finding.rule.id == "rwo-replicas");
    let found = found.expect("three replicas");
    assert_eq!((found.action, found.denied_after), (Action::Warn, Time::parse(DATE)));
    assert!(
        inspected(DATE)
            .findings
            .iter()
            .any(|judged| judged.action == Action::Deny)
    );
}
