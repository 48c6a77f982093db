//! What exceptions let pass, and how a decision tells of them.

use serde_json::{Value, json};

use super::world::{World, denial, deployment, with};
use crate::judge::{Exemption, Granted};
use crate::rules::kit::Action;
use crate::time::Time;

const END: &str = "2026-12-24T00:00:00Z";

fn exception(expires: &str) -> Value {
    json!({
        "rules": ["rwo-replicas"],
        "match": {"names": ["web"]},
        "reason": "until the volume is moved",
        "owner": "team-shop",
        "expiresAt": expires,
    })
}

/// A world that allows exceptions, with these.
fn world(exceptions: &[Value]) -> World {
    let spec = json!({"profile": "Strict", "exceptions": {"allowed": true, "maxDuration": "90d"}});
    World::new().claim("data", "ReadWriteOnce").under(&spec, exceptions)
}

fn annotation<'d>(decision: &'d crate::judge::Decision, key: &str) -> Option<&'d str> {
    let mut annotations = decision.annotations.iter();
    annotations.find_map(|(name, value)| (*name == key).then_some(value.as_str()))
}

#[test]
fn a_denial_is_let_pass_and_recorded() {
    let decision = world(&[exception(END)]).create(&deployment("web", 3, "data"));
    assert!(decision.is_allowed(), "{}", denial(&decision));
    assert!(decision.warnings.is_empty(), "{:?}", decision.warnings);
    let found = &decision.findings[0];
    let granted = Granted {
        exception: "shop/e0".to_owned(),
        owner: "team-shop".to_owned(),
        reason: "until the volume is moved".to_owned(),
        expires: Time::parse(END).unwrap(),
    };
    assert_eq!((found.action, found.granted()), (Action::Audit, Some(&granted)));
    assert_eq!(annotation(&decision, "decision"), Some("allowed"));
    assert_eq!(annotation(&decision, "findings"), Some("rwo-replicas=Audit"));
    assert_eq!(
        annotation(&decision, "exceptions"),
        Some("rwo-replicas: shop/e0 until 2026-12-24T00:00:00Z")
    );

    assert!(
        !world(&[exception(END)])
            .create(&deployment("api", 3, "data"))
            .is_allowed()
    );
}

#[test]
fn so_is_a_warning_and_what_is_there() {
    let old = deployment("web", 3, "data");
    let world = world(&[exception(END)]).workload(&old);
    let more = with(old.clone(), "/spec", "minReadySeconds", json!(5));
    let decision = world.update(&old, &more);
    assert!(decision.warnings.is_empty(), "{:?}", decision.warnings);
    assert!(decision.findings.iter().any(|judged| judged.granted().is_some()));
    let inspection = world.inspect();
    let granted = inspection.findings.iter().filter(|judged| judged.granted().is_some());
    let actions: Vec<Action> = granted.map(|judged| judged.action).collect();
    assert_eq!(actions, [Action::Audit]);
}

#[test]
fn one_that_ends_within_a_week_warns_once() {
    let warnings = |time: &str| {
        let decision = world(&[exception(END)]).at(time).create(&deployment("web", 3, "data"));
        assert!(decision.is_allowed());
        decision.warnings
    };
    assert!(warnings("2026-12-16T23:59:59Z").is_empty());
    assert_eq!(
        warnings("2026-12-21T10:00:00Z"),
        ["exception shop/e0 expires in 3 days, on 2026-12-24"]
    );
    assert_eq!(
        warnings("2026-12-23T10:00:00Z"),
        ["exception shop/e0 expires tomorrow, on 2026-12-24"]
    );
}

#[test]
fn one_that_does_not_count_is_named_with_the_why() {
    let last = |world: World| -> String {
        let decision = world.create(&deployment("web", 3, "data"));
        assert!(!decision.is_allowed());
        assert!(matches!(decision.findings[0].exemption, Some(Exemption::Void(_))));
        assert_eq!(annotation(&decision, "exceptions"), None);
        denial(&decision).lines().nth(1).unwrap_or_default().to_owned()
    };
    assert_eq!(
        last(world(&[exception("2026-11-01T18:30:00Z")])),
        "exception shop/e0 expired on 2026-11-01 18:30 UTC"
    );
    assert_eq!(
        last(world(&[exception("2027-12-24T00:00:00Z")])),
        "exception shop/e0 does not count: expiresAt may be 2027-02-27T12:00:00Z at the latest"
    );
    let none = World::new().claim("data", "ReadWriteOnce");
    assert_eq!(
        last(none.under(&json!({"profile": "Strict"}), &[exception(END)])),
        "exception shop/e0 does not count: the policies in force allow none here"
    );
}

#[test]
fn a_warning_names_one_that_does_not_count_too() {
    let old = deployment("web", 3, "data");
    let world = world(&[exception("2026-11-01T00:00:00Z")]).workload(&old);
    let decision = world.update(&old, &with(old.clone(), "/spec", "minReadySeconds", json!(5)));
    let end = "(already there; exception shop/e0 expired on 2026-11-01)";
    assert!(decision.warnings[0].ends_with(end), "{:?}", decision.warnings);
}

#[test]
fn of_several_one_that_counts_is_taken_and_the_one_that_ends_last() {
    let ends = [
        "2026-12-24T00:00:00Z",
        "2026-12-31T00:00:00Z",
        "2026-11-01T00:00:00Z",
        "2028-01-01T00:00:00Z",
    ];
    let decision = world(&ends.map(exception)).create(&deployment("web", 3, "data"));
    let granted = decision.findings[0].granted().unwrap();
    assert_eq!(
        (&*granted.exception, granted.expires),
        ("shop/e1", Time::parse(ends[1]).unwrap())
    );
}

#[test]
fn what_the_workload_allows_itself_needs_none() {
    let reason = json!({"stateward.dev/allow": "rwo-replicas: OPS-1"});
    let web = with(deployment("web", 3, "data"), "/metadata", "annotations", reason);
    let decision = world(&[exception(END)]).create(&web);
    let found = &decision.findings[0];
    assert_eq!(
        (found.allowed_because.as_deref(), &found.exemption),
        (Some("OPS-1"), &None)
    );
}

#[test]
fn where_overrides_are_forbidden_a_denial_names_what_is_left() {
    let last = |spec: Value| {
        let world = World::new().claim("data", "ReadWriteOnce").under(&spec, &[]);
        let decision = world.create(&deployment("web", 3, "data"));
        denial(&decision).lines().skip(1).collect::<Vec<_>>().join("\n")
    };
    let forbidden = json!({"profile": "Strict", "overrides": "Forbidden"});
    assert_eq!(last(forbidden), "");
    let excepted = json!({"profile": "Strict", "overrides": "Forbidden", "exceptions": {"allowed": true}});
    assert_eq!(
        last(excepted),
        "To let it pass until a day: a WorkloadPolicyException in namespace shop"
    );
}
