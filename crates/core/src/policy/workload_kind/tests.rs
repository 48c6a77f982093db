//! What declarations say, what is wrong with them, and how objects are read by them.

use serde_json::{Value, json};

use super::*;
use crate::graph::project::WorkloadSeed;
use crate::graph::{Kinds, Rollout, Workload};

/// A kind whose fields stand where no built-in kind has them.
fn widget() -> Value {
    json!({
        "apiVersion": "stateward.dev/v1alpha1",
        "kind": "WorkloadKind",
        "metadata": {"name": "widgets"},
        "spec": {
            "group": "example.com", "version": "v1", "kind": "Widget", "plural": "widgets",
            "podTemplate": "/spec/pod", "replicas": "/spec/scale/count", "defaultReplicas": 2,
            "selector": "/spec/selector",
            "paused": "/spec/update/paused",
            "claimTemplates": {"path": "/spec/disks", "naming": "Random"},
            "rollout": [
                {"when": "/spec/update/twice", "does": "Overlaps"},
                {"when": "/spec/update/mode", "is": "Stop", "does": "EndsFirst"},
                {"when": "/spec/update", "does": "Rolls",
                    "surge": {"path": "/spec/update/more", "default": 0},
                    "unavailable": {"path": "/spec/update/fewer", "default": "20%"}},
            ],
            "children": ["ReplicaSet"],
        },
    })
}

fn mistakes(declaration: &Value) -> Vec<String> {
    let mistakes = parse(declaration).expect_err("it has a mistake");
    mistakes.iter().map(ToString::to_string).collect()
}

fn kind() -> Kind {
    let row = parse(&widget()).expect("it is valid").into_row(Trust::Declared);
    let kinds = Kinds::with([row]).expect("the first of its name");
    kinds.of("example.com/v2", "Widget").expect("registered")
}

fn read(kind: Kind, spec: &Value) -> Workload {
    let object = json!({"metadata": {"name": "web"}, "spec": spec});
    let shop = "shop".into();
    let seed = WorkloadSeed::new(kind, &shop).expect("it runs pods");
    seed.read(&object.to_string()).expect("readable").workload
}

#[test]
fn every_mistake_has_its_field_and_the_nearest_name() {
    let mut wrong = widget();
    let spec = &mut wrong["spec"];
    spec["podTemplate"] = "spec.template".into();
    spec["replica"] = "/spec/replicas".into();
    spec["rollout"][0]["does"] = "Overlap".into();
    spec["rollout"][2]["surge"]["default"] = "many".into();
    spec["children"] = json!(["Replicaset"]);
    spec.as_object_mut().expect("an object").remove("version");
    assert_eq!(
        mistakes(&wrong),
        [
            "spec.replica: unknown field \"replica\", did you mean \"replicas\"?",
            "spec.children[0]: \"Replicaset\" is none of CronJob, Deployment, Job, Pod, ReplicaSet, StatefulSet, did you \
             mean \"ReplicaSet\"?",
            "spec.podTemplate: \"spec.template\" is no path such as /spec/template: names of letters, digits and _, each \
             after a /",
            "spec.rollout[0].does: \"Overlap\" is none of EndsFirst, Overlaps, Rolls, did you mean \"Overlaps\"?",
            "spec.rollout[2].surge.default: expected a number of pods, or a share of them such as 25%",
            "spec: version is missing",
        ]
    );
}

#[test]
fn a_way_has_what_it_needs_and_no_more() {
    let mut wrong = widget();
    wrong["spec"]["rollout"] = json!([
        {"does": "Rolls", "surge": {"default": 1}},
        {"does": "Overlaps", "surge": {"default": 1}, "is": "so"},
    ]);
    assert_eq!(
        mistakes(&wrong),
        [
            "spec.rollout[0]: unavailable is missing: Rolls needs it",
            "spec.rollout[1].surge: surge is for Rolls alone",
            "spec.rollout[1].is: nothing is looked at: name it in when",
        ]
    );
}

#[test]
fn a_place_is_read_once() {
    let mut wrong = widget();
    wrong["spec"]["selector"] = "/spec/pod/labels".into();
    wrong["spec"]["paused"] = "/metadata/paused".into();
    wrong["spec"]["replicas"] = "/spec/update".into();
    wrong["spec"]["group"] = "".into();
    assert_eq!(
        mistakes(&wrong),
        [
            "spec.group: expected words, found an empty text",
            "spec.paused: \"/metadata/paused\" is in the metadata, which is read of every kind",
            "spec.selector: \"/spec/pod/labels\" is within \"/spec/pod\", which is read as a whole",
            "spec.rollout[2].when: \"/spec/update\" is named already",
            "spec.rollout[2].unavailable.path: \"/spec/update/fewer\" is within \"/spec/update\", which is read as a whole",
            "spec.rollout[1].when: \"/spec/update/mode\" is within \"/spec/update\", which is read as a whole",
            "spec.rollout[2].surge.path: \"/spec/update/more\" is within \"/spec/update\", which is read as a whole",
            "spec.rollout[0].when: \"/spec/update/twice\" is within \"/spec/update\", which is read as a whole",
        ]
    );
}

#[test]
fn an_object_is_read_as_its_kind_is_declared() {
    let kind = kind();
    assert_eq!(
        (kind.group(), kind.resource(), kind.pod_spec()),
        ("example.com", "widgets", "/spec/pod/spec")
    );
    assert!(!kind.is_sure() && kind.makes(Kind::REPLICA_SET) && Kind::REPLICA_SET.is_made_by(kind));
    assert_eq!(kind.rollout_path(), "/spec");
    let volumes = json!([{"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "disk", "persistentVolumeClaim": {"claimName": "never"}}]);
    let pod = json!({"metadata": {"labels": {"app": "web"}}, "spec": {"volumes": volumes}});
    let web = read(
        kind,
        &json!({"scale": {"count": 3}, "pod": pod, "disks": [{"metadata": {"name": "disk"}}], "other": [1]}),
    );
    assert_eq!((web.replicas, web.rollout), (3, Rollout::DeleteFirst));
    assert_eq!(web.pods.labels.get("app"), Some("web"));
    let claims: Vec<&str> = web.claims().map(|(claim, _)| claim.as_str()).collect();
    assert_eq!(claims, ["data"], "what a claim template replaces is not used");
    assert_eq!(read(kind, &json!({})).replicas, 2);
}

#[test]
fn the_first_way_that_applies_counts() {
    let kind = kind();
    let rollout = |update: Value| read(kind, &json!({"update": update})).rollout;
    let rolling = |surge, unavailable| Rollout::Rolling {
        max_surge: surge,
        max_unavailable: unavailable,
    };
    let defaults = rolling(Amount::Count(0), Amount::Percent(20));
    for (update, expected) in [
        (json!(null), Rollout::DeleteFirst),
        (json!({}), defaults),
        (json!({"mode": "Go"}), defaults),
        (json!({"mode": null, "more": null}), defaults),
        (json!({"mode": "Stop", "more": 1}), Rollout::DeleteFirst),
        (json!({"twice": true, "mode": "Stop"}), Rollout::Overlapping),
        (json!({"twice": {"any": ["thing"]}}), Rollout::Overlapping),
        (json!({"paused": true, "twice": true}), Rollout::Paused),
        (
            json!({"more": 2, "fewer": "50%"}),
            rolling(Amount::Count(2), Amount::Percent(50)),
        ),
        (
            json!({"more": "3", "fewer": "nonsense"}),
            rolling(Amount::Count(3), Amount::Percent(20)),
        ),
    ] {
        assert_eq!(rollout(update.clone()), expected, "{update}");
    }
}
