//! Tests of kinds with several pod templates: what declarations may say of them, and what objects are then.

use serde_json::{Value, json};

use super::*;
use crate::graph::project::WorkloadSeed;
use crate::graph::{Kinds, Workload};

/// Pods in a list of groups, and those of one that leads, or else of all the others' template.
fn crew() -> Value {
    json!({
        "apiVersion": "stateward.dev/v1alpha1",
        "kind": "WorkloadKind",
        "metadata": {"name": "crews"},
        "spec": {
            "group": "example.com", "version": "v1", "kind": "Crew", "plural": "crews",
            "replicas": "/spec/crews",
            "podTemplates": [
                {"path": "/spec/hands/pod", "replicas": ["/spec/size"], "less": 1},
                {"path": "/spec/lead", "orElse": "/spec/hands/pod"},
                {"path": "/spec/groups[]/jobs[]/pod", "replicas": ["/spec/groups[]/times", "/spec/groups[]/jobs[]/width"],
                    "atMost": "/spec/groups[]/jobs[]/most"},
            ],
            "inTurn": {"when": "/spec/groups[]/after[]/once", "is": "Done"},
            "claimTemplates": {"path": "/spec/groups[]/disks", "naming": "Shared"},
            "children": ["StatefulSet"],
            "childLabel": "example.com/crew",
        },
    })
}

fn mistakes(declaration: &Value) -> Vec<String> {
    let mistakes = parse(declaration).expect_err("it has a mistake");
    mistakes.iter().map(ToString::to_string).collect()
}

fn kinds() -> &'static Kinds {
    let row = parse(&crew()).expect("it is valid").into_row(Trust::Declared);
    Kinds::with([row]).expect("the first of its name")
}

fn read(spec: &Value) -> Workload {
    let object = json!({"metadata": {"name": "web"}, "spec": spec});
    let shop = "shop".into();
    let kind = kinds().of("example.com/v1", "Crew").expect("registered");
    let seed = WorkloadSeed::new(kind, &shop).expect("it runs pods");
    seed.read(&object.to_string()).expect("readable").workload
}

/// A template of pods with one claim and a mount.
fn pod(claim: &str, mount: &str) -> Value {
    json!({"metadata": {"labels": {"app": "web", "claim": claim}}, "spec": {
        "containers": [{"name": "a", "volumeMounts": [{"name": mount, "mountPath": "/d"}]}],
        "volumes": [{"name": claim, "persistentVolumeClaim": {"claimName": claim}}]}})
}

/// The templates in use: where, how many pods for each replica, and which claims.
fn parts(workload: &Workload) -> Vec<(String, u32, Vec<String>)> {
    let parts = workload.by_template().into_iter().map(|(alone, part)| {
        let claims = alone.claims().map(|(claim, _)| claim.to_string()).collect();
        (part.path.to_string(), part.times, claims)
    });
    parts.collect()
}

fn part(path: &str, times: u32, claim: &str) -> (String, u32, Vec<String>) {
    (path.to_owned(), times, vec![claim.to_owned()])
}

#[test]
fn each_template_has_its_own_number_of_pods() {
    let both = read(&json!({"crews": 2, "size": 4, "hands": {"pod": pod("h", "h")}, "lead": pod("l", "l")}));
    assert_eq!(
        parts(&both),
        [part("/spec/hands/pod", 3, "h"), part("/spec/lead", 1, "l")]
    );
    assert_eq!(
        (both.replicas, both.pods_at(both.replicas), both.pods_at(3)),
        (2, 8, 12)
    );
    assert_eq!(both.by_template()[0].0.replicas, 6);
    assert_eq!(both.volume_path(1), "/spec/lead/spec/volumes/0");
    assert_eq!(both.pods.labels.get("app"), Some("web"), "what all of them have");
    assert_eq!(both.pods.labels.get("claim"), None);
    // Without a leader's own template all are of the other.
    let all = read(&json!({"size": 4, "hands": {"pod": pod("h", "h")}, "lead": null}));
    assert_eq!(parts(&all), [part("/spec/hands/pod", 4, "h")]);
    let alone = read(&json!({"hands": {"pod": pod("h", "h")}, "lead": pod("l", "l")}));
    assert_eq!(
        parts(&alone),
        [part("/spec/lead", 1, "l")],
        "of whom there are none, no claim is used"
    );
    let claims: Vec<String> = alone.claims().map(|(claim, _)| claim.to_string()).collect();
    assert_eq!(claims, ["l"]);
}

#[test]
fn templates_in_lists_have_the_numbers_of_their_own_elements() {
    let groups = json!([
        {"jobs": [{"pod": pod("a", "a"), "width": 3, "most": 2}, {"width": 5, "pod": pod("b", "b")}], "times": 2},
        {"jobs": [{"pod": pod("c", "c"), "width": 0}, {"other": 1}, {"pod": pod("d", "d")}]},
        {},
    ]);
    let crew = read(&json!({"groups": groups}));
    assert_eq!(
        parts(&crew),
        [
            part("/spec/groups/0/jobs/0/pod", 4, "a"),
            part("/spec/groups/0/jobs/1/pod", 10, "b"),
            part("/spec/groups/1/jobs/2/pod", 1, "d"),
        ]
    );
    let several = crew.several().expect("templates");
    assert!(!several.in_turn);
    assert_eq!(&*several.parts[1].count_path, "/spec/groups/0/jobs/1/width");
    let in_turn = |after: Value| {
        let later = read(&json!({"groups": [{"jobs": []}, {"after": after}]}));
        later.several().is_some_and(|several| several.in_turn)
    };
    assert!(in_turn(json!([{"once": "Begun"}, {"once": "Done"}])));
    assert!(!in_turn(json!([{"once": "Begun"}, {"once": null}, {}])));
}

#[test]
fn claims_that_all_share_are_used_by_those_that_mount_them() {
    let groups = json!([{"jobs": [{"pod": pod("a", "cache")}, {"pod": pod("b", "b")}],
        "disks": [{"metadata": {"name": "cache"}, "spec": {"accessModes": ["ReadWriteOnce"]}}]}]);
    let crew = read(&json!({"groups": groups}));
    let claims: Vec<Vec<String>> = parts(&crew).into_iter().map(|(.., claims)| claims).collect();
    assert_eq!(claims, [vec!["a", "cache-web"], vec!["b"]]);
}

#[test]
fn what_a_label_says_was_made_for_a_workload_is_its_own() {
    let set = |labels: &Value, owners: &Value| {
        let object = json!({"metadata": {"name": "web-0", "labels": labels, "ownerReferences": owners}, "spec": {}});
        let shop = "shop".into();
        let seed = WorkloadSeed::new(Kind::STATEFUL_SET, &shop).expect("it runs pods");
        let set = seed
            .among(kinds())
            .read(&object.to_string())
            .expect("readable")
            .workload;
        set.known_owner().map(|owner| owner.name.to_string())
    };
    let labels = json!({"example.com/crew": "web"});
    let pod = json!([{"apiVersion": "v1", "kind": "Pod", "name": "web-0", "controller": true, "uid": "u"}]);
    assert_eq!(set(&labels, &pod), Some("web".to_owned()));
    assert_eq!(set(&labels, &json!([])), None, "a label alone is nobody's");
    assert_eq!(set(&json!({}), &pod), None);
}

#[test]
fn what_does_not_go_together_is_a_mistake() {
    let mut wrong = crew();
    let spec = &mut wrong["spec"];
    spec["podTemplate"] = "/spec/pod".into();
    spec["templateOf"] = "/spec/other".into();
    spec["podTemplates"][1]["orElse"] = "/spec/lead".into();
    spec["podTemplates"][2]["replicas"][1] = "/spec/others[]/width".into();
    assert_eq!(
        mistakes(&wrong),
        [
            "spec.podTemplates: a kind has podTemplate or podTemplates, not both",
            "spec.templateOf: templateOf goes with podTemplate alone",
            "spec.podTemplates[1].orElse: \"/spec/lead\" is not the path of a template before this one, both outside of lists",
            "spec.podTemplates[2].replicas[1]: \"/spec/others[]/width\" stands in another list than \
             \"/spec/groups[]/jobs[]/pod\", so that nothing says which of its elements counts",
        ]
    );
}

#[test]
fn a_list_is_one_in_every_path_and_only_templates_stand_in_one() {
    let mut wrong = crew();
    wrong["spec"]["selector"] = "/spec/sets[]/selector".into();
    wrong["spec"]["serviceName"] = "/spec/groups/name".into();
    assert_eq!(
        mistakes(&wrong),
        [
            "spec.serviceName: \"/spec/groups/name\" is no path through \"/spec/groups\", which is a list in another one",
            "spec.selector: \"/spec/sets[]/selector\" leads through a list, as only podTemplates, inTurn and Shared claims may",
        ]
    );
    let mut none = crew();
    none["spec"].as_object_mut().expect("an object").remove("podTemplates");
    assert_eq!(
        mistakes(&none),
        [
            "spec: podTemplate is missing, or podTemplates where there are several",
            "spec.inTurn: inTurn goes with podTemplates alone",
            "spec.claimTemplates: naming: Shared goes with podTemplates alone",
        ]
    );
}
