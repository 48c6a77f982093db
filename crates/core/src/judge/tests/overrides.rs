//! The annotation `stateward.dev/allow`: its grammar, and the command that a denial suggests.

use serde_json::{Value, json};

use super::world::{World, denial, deployment, projected, with};
use crate::judge::allow::{Allowances, with_entries};
use crate::policy::Overrides;
use crate::rules::RULES;

fn annotated(object: Value, text: &str) -> Value {
    with(object, "/metadata", "annotations", json!({"stateward.dev/allow": text}))
}

#[test]
fn a_line_break_or_a_semicolon_separates_entries() {
    for text in [
        "rwo-replicas: a\nrwo-surge: b: c",
        "rwo-replicas: a; rwo-surge: b: c",
        ";;rwo-replicas :a ;\n\n rwo-surge:b: c;",
        "rwo-replicas: a\r\nrwo-surge: b: c\r\n",
    ] {
        let workload = projected(&annotated(deployment("web", 1, "data"), text)).workload;
        let allowances = Allowances::of(&workload, Overrides::Allowed, RULES);
        assert_eq!(allowances.problems, [""; 0], "{text:?}");
        assert_eq!(allowances.reason("rwo-replicas"), Some("a"), "{text:?}");
        assert_eq!(allowances.reason("rwo-surge"), Some("b: c"), "{text:?}");
    }
}

#[test]
fn the_placeholder_is_no_reason() {
    let world = World::new().claim("data", "ReadWriteOnce");
    let decision = world.create(&annotated(deployment("web", 3, "data"), "rwo-replicas: REASON"));
    assert!(!decision.is_allowed());
    let problem = "rwo-replicas is ignored without a reason; write \"rwo-replicas: why\"";
    assert!(decision.warnings[0].ends_with(problem), "{:?}", decision.warnings);
}

#[test]
fn what_is_suggested_keeps_what_the_annotation_says() {
    assert_eq!(with_entries("", &["rwo-surge"]), "rwo-surge: REASON");
    assert_eq!(
        with_entries(
            "rwo-replicas: a\n nonsense;rwo-surge: REASON",
            &["rwo-surge", "rwo-job"]
        ),
        "rwo-replicas: a; nonsense; rwo-surge: REASON; rwo-job: REASON"
    );
    // Whoever writes a reason in the place of the word has said it.
    let (text, rules) = (with_entries("rwo-replicas: it's so", &["rwo-surge"]), RULES);
    let workload = projected(&annotated(
        deployment("web", 1, "data"),
        &text.replace("REASON", "OPS-2"),
    ))
    .workload;
    let allowances = Allowances::of(&workload, Overrides::Allowed, rules);
    assert_eq!(allowances.reason("rwo-replicas"), Some("it's so"));
    assert_eq!(allowances.reason("rwo-surge"), Some("OPS-2"));
}

#[test]
fn the_command_overwrites_an_annotation_that_is_there() {
    let old = annotated(deployment("web", 1, "data"), "rwo-surge: it's so");
    let world = World::new().claim("data", "ReadWriteOnce").workload(&old);
    let last = |decision: &crate::judge::Decision| denial(decision).lines().last().unwrap_or_default().to_owned();
    let command = r"To allow it all the same: kubectl annotate deployment web -n shop stateward.dev/allow='rwo-surge: it'\''s so; rwo-replicas: REASON' --overwrite";
    assert_eq!(last(&world.scale("web", 1, 3)), command);
    let more = with(old.clone(), "/spec", "replicas", json!(3));
    assert_eq!(last(&world.update(&old, &more)), command);
    // One that leaves the annotation out is refused, and the one that is there stays.
    assert_eq!(last(&world.update(&old, &deployment("web", 3, "data"))), command);

    let created = world.create(&annotated(deployment("api", 3, "data"), "rwo-surge: b"));
    let given = "To allow it all the same, give it the annotation stateward.dev/allow: \"rwo-surge: b; ";
    assert!(last(&created).starts_with(given), "{}", denial(&created));
}

#[test]
fn a_long_annotation_is_not_repeated() {
    let old = annotated(
        deployment("web", 1, "data"),
        &format!("rwo-surge: {}", "x".repeat(2_000)),
    );
    let world = World::new().claim("data", "ReadWriteOnce").workload(&old);
    let decision = world.scale("web", 1, 3);
    let end = "To allow it all the same, add to its annotation stateward.dev/allow: \"; rwo-replicas: REASON\"";
    assert!(denial(&decision).ends_with(end), "{}", denial(&decision));
}
