//! Whatever is missing, null or empty in a StatefulSet: the patch applies, once is enough, and immutable fields stay.

use proptest::prelude::*;
use serde_json::{Value, json};
use stateward::graph::store::locked;
use stateward::graph::{Facts, Graph, Kind, Knowledge, Overlay};
use stateward::judge::Basis;
use stateward::judge::defaults::{Defaults, Services, defaults};
use stateward::policy::{Mutation, Policies, Profile, Settings};
use stateward::rules::RULES;
use stateward::rules::kit::PatchOperation;
use stateward::time::Time;

use crate::controlplane::ControlPlane;
use crate::support::changes::{change, patched, workload_kinds};

const TEMPLATES: &str = "/spec/volumeClaimTemplates";
const RECORD: &str = "/metadata/annotations/stateward.dev~1defaulted";

/// With every default switched on.
fn everything() -> Policies {
    let mut settings = Settings::new(Profile::Baseline, RULES);
    settings
        .rules
        .iter_mut()
        .for_each(|rule| rule.mutation = Mutation::Enabled);
    Policies::everywhere(settings)
}

fn nothing() -> Policies {
    Policies::new(Vec::new(), RULES)
}

/// What the mutating phase gives for a StatefulSet.
fn asked(old: Option<&Value>, new: &Value, policies: &Policies) -> Defaults {
    asked_of(Kind::STATEFUL_SET, old, new, policies)
}

fn asked_of(kind: Kind, old: Option<&Value>, new: &Value, policies: &Policies) -> Defaults {
    let change = change(kind, "shop", old, Some(new));
    let graph = Graph::new(Facts::new(Knowledge::Complete));
    let (facts, shard) = (graph.facts(), graph.shard("shop"));
    let shard = locked(&shard);
    let world = Basis {
        shard: &shard,
        facts: &facts,
        fetched: &Overlay::default(),
        policies,
        rules: RULES,
        time: Time::from_seconds(0),
    };
    defaults(&change, &world, Services::Confirmed)
}

/// The object as it is stored after a write: patched, and nothing more to patch.
fn stored(old: Option<&Value>, new: &Value, policies: &Policies) -> Value {
    let result = patched(new, &asked(old, new, policies).operations);
    let again = asked(old, &result, policies);
    assert!(
        again.operations.is_empty(),
        "patched again with {:?}: {result}",
        again.operations
    );
    result
}

/// What the API server fills in by itself, before and after admission.
fn filled(mut object: Value) -> Value {
    let templates = object.pointer_mut(TEMPLATES).and_then(Value::as_array_mut);
    for template in templates.into_iter().flatten() {
        template["status"] = json!({ "phase": "Pending" });
        let spec = &mut template["spec"];
        if spec.get("volumeMode").is_none() {
            spec["volumeMode"] = "Filesystem".into();
        }
    }
    if let Some(pods) = object
        .pointer_mut("/spec/template/spec")
        .filter(|pods| pods.is_object())
        && pods["terminationGracePeriodSeconds"].is_null()
    {
        pods["terminationGracePeriodSeconds"] = 30.into();
    }
    object
}

/// What is said of the fields that cannot change.
fn told(old: &Value, new: &Value) -> Vec<String> {
    let findings = asked(Some(old), new, &everything()).decision.findings.into_iter();
    let ours = findings.filter(|judged| judged.finding.rule.id == "immutable-change");
    ours.map(|judged| judged.finding.text).collect()
}

/// What the API server compares.
fn immutable(object: &Value) -> (Option<&Value>, Option<&Value>) {
    let written = |pointer| object.pointer(pointer).filter(|value| !value.is_null());
    (written("/spec/serviceName"), written(TEMPLATES))
}

fn any_of(values: Vec<Value>) -> impl Strategy<Value = Value> + Clone {
    prop::sample::select(values)
}

/// An object; members that come out as the text `absent` are left out.
fn object(members: Vec<(&'static str, BoxedStrategy<Value>)>) -> impl Strategy<Value = Value> {
    let (names, values): (Vec<_>, Vec<_>) = members.into_iter().unzip();
    values.prop_map(move |values| {
        let members = names.iter().zip(values).filter(|(_, value)| value != "absent");
        members.map(|(name, value)| ((*name).to_owned(), value)).collect()
    })
}

fn claim_template() -> impl Strategy<Value = Value> {
    let resources = any_of(vec![
        json!("absent"),
        json!(null),
        json!({}),
        json!({"limits": {"storage": "9Gi"}}),
        json!({"requests": null}),
        json!({"requests": {}, "limits": {"storage": "9Gi"}}),
        json!({"requests": {"storage": "1Gi"}}),
    ]);
    let modes = any_of(vec![
        json!("absent"),
        json!(null),
        json!([]),
        json!(["ReadWriteOnce"]),
        json!(["ReadOnlyMany", "ReadWriteMany"]),
    ]);
    let class = any_of(vec![json!("absent"), json!(null), json!(""), json!("fast")]);
    let spec = object(vec![
        ("accessModes", modes.boxed()),
        ("resources", resources.boxed()),
        ("storageClassName", class.boxed()),
    ]);
    let spec = prop_oneof![1 => Just(json!("absent")), 1 => Just(json!(null)), 8 => spec];
    let names = ["data", "log", "x-1"].map(|name| json!({ "name": name }));
    let metadata = prop_oneof![
        1 => any_of(vec![json!("absent"), json!(null), json!({}), json!({"name": "Bad Name"}), json!({"name": "a/b~c"})]),
        9 => any_of(names.to_vec()),
    ];
    object(vec![("metadata", metadata.boxed()), ("spec", spec.boxed())])
}

fn pod_spec() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec!["data", "log", "raw", "cache", "Bad Name", ""]);
    let mounts = |name| {
        prop::collection::vec(name, 0..4)
            .prop_map(|names: Vec<&str>| -> Value { names.into_iter().map(|name| json!({ "name": name })).collect() })
    };
    let container = object(vec![
        ("name", Just(json!("db")).boxed()),
        ("volumeMounts", mounts(name.clone()).boxed()),
        ("volumeDevices", mounts(name).boxed()),
    ]);
    let grace = any_of(vec![json!("absent"), json!(null), json!(0), json!(60)]);
    let volumes = any_of(vec![
        json!("absent"),
        json!(null),
        json!([{"name": "cache", "emptyDir": {}}]),
        json!([{"name": "files", "persistentVolumeClaim": {"claimName": "files"}}]),
    ]);
    object(vec![
        (
            "containers",
            prop::collection::vec(container, 0..2).prop_map(Value::from).boxed(),
        ),
        ("terminationGracePeriodSeconds", grace.boxed()),
        ("volumes", volumes.boxed()),
    ])
}

fn stateful_set() -> impl Strategy<Value = Value> {
    let missing = || any_of(vec![json!("absent"), json!(null), json!({})]);
    let annotations = any_of(vec![
        json!("absent"),
        json!(null),
        json!({}),
        json!({"a": "b"}),
        json!({"stateward.dev/defaulted": "/spec/serviceName /spec/volumeClaimTemplates/data nonsense"}),
    ]);
    let template = prop_oneof![1 => missing(), 8 => object(vec![(
        "spec",
        prop_oneof![1 => missing(), 8 => pod_spec()].boxed(),
    )])];
    let templates = prop_oneof![
        2 => any_of(vec![json!("absent"), json!(null), json!([])]),
        3 => prop::collection::vec(claim_template(), 1..4).prop_map(Value::from),
    ];
    let spec = object(vec![
        (
            "serviceName",
            any_of(vec![json!("absent"), json!(null), json!(""), json!("db")]).boxed(),
        ),
        ("template", template.boxed()),
        ("volumeClaimTemplates", templates.boxed()),
    ]);
    let spec = prop_oneof![1 => missing(), 12 => spec];
    let metadata = annotations.prop_map(|annotations| {
        let mut metadata = json!({"name": "db", "namespace": "shop"});
        if annotations != "absent" {
            metadata["annotations"] = annotations;
        }
        metadata
    });
    object(vec![("metadata", metadata.boxed()), ("spec", spec.boxed())])
}

/// The templates whose names are among `names`, as name, modes and storage.
fn members<'a>(object: &'a Value, names: &[&Value]) -> Vec<[&'a Value; 3]> {
    let templates = object.pointer(TEMPLATES).and_then(Value::as_array);
    let members = templates.into_iter().flatten().map(|one| {
        let spec = &one["spec"];
        [
            &one["metadata"]["name"],
            &spec["accessModes"],
            &spec["resources"]["requests"]["storage"],
        ]
    });
    members.filter(|member| names.contains(&member[0])).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_patch_always_applies_and_once_is_enough(new in stateful_set()) {
        stored(None, &new, &everything());
    }

    #[test]
    fn replaced_twice_the_immutable_fields_are_those_of_the_creation(manifest in stateful_set()) {
        let manifest = filled(manifest);
        let created = filled(stored(None, &manifest, &everything()));
        // By then the policies may be gone.
        let once = filled(stored(Some(&created), &manifest, &nothing()));
        let twice = filled(stored(Some(&once), &manifest, &everything()));
        prop_assert_eq!(immutable(&once), immutable(&created));
        prop_assert_eq!(told(&created, &manifest), Vec::<String>::new());
        prop_assert_eq!(immutable(&twice), immutable(&created));
    }

    #[test]
    fn what_cannot_change_is_told_of_the_object_as_the_defaults_leave_it(mut old in stateful_set(), new in stateful_set()) {
        // Nothing is recorded but what was injected.
        old["metadata"]["annotations"] = json!({});
        let old = stored(None, &old, &everything());
        let result = stored(Some(&old), &new, &everything());
        prop_assert_eq!(told(&old, &new), told(&old, &result));
    }

    /// A byte that changes there restarts every pod.
    #[test]
    fn an_update_touches_no_pod_template_but_to_put_it_back(
        old in stateful_set(),
        new in stateful_set(),
        kind in prop::sample::select(workload_kinds()),
    ) {
        let old = filled(old);
        prop_assume!(old.pointer("/spec/template/spec").is_some_and(Value::is_object));
        for PatchOperation::Add { path, value } in asked_of(kind, Some(&old), &new, &everything()).operations {
            if path.starts_with("/spec/template") || path.starts_with("/spec/jobTemplate") {
                prop_assert_eq!(old.pointer(&path), Some(&value), "{} of a {}", path, kind);
            }
        }
    }

    #[test]
    fn an_update_never_changes_what_the_user_writes(old in stateful_set(), new in stateful_set()) {
        let old = stored(None, &old, &everything());
        let result = stored(Some(&old), &new, &everything());
        if let Some(name) = new.pointer("/spec/serviceName").filter(|name| !name.is_null() && *name != "") {
            prop_assert_eq!(result.pointer("/spec/serviceName"), Some(name));
        }
        let templates = new.pointer(TEMPLATES).and_then(Value::as_array);
        let names: Vec<&Value> = templates.into_iter().flatten().map(|one| &one["metadata"]["name"]).collect();
        let (written, kept) = (members(&new, &names), members(&result, &names));
        prop_assert_eq!(written.len(), kept.len());
        for (written, kept) in written.iter().zip(&kept) {
            prop_assert_eq!(written[0], kept[0]);
            for (written, kept) in written.iter().zip(kept) {
                let empty = written.is_null() || written.as_array().is_some_and(Vec::is_empty);
                prop_assert!(empty || written == kept, "{written} became {kept}");
            }
        }
    }
}

fn template(name: &str, storage: &str) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage}}},
    })
}

fn set(record: Option<&str>, service: Option<&str>, templates: Option<Vec<Value>>) -> Value {
    let mut set = json!({"metadata": {"name": "db"}, "spec": {"template": {"spec": {"containers": []}}}});
    if let Some(record) = record {
        set["metadata"]["annotations"] = json!({"stateward.dev/defaulted": record});
    }
    if let Some(service) = service {
        set["spec"]["serviceName"] = service.into();
    }
    if let Some(templates) = templates {
        set["spec"]["volumeClaimTemplates"] = templates.into();
    }
    set
}

#[test]
fn lost_templates_return_to_their_places() {
    let all = || ["a", "b", "c", "d"].map(|name| template(name, "1Gi")).to_vec();
    let record = "/spec/volumeClaimTemplates/a /spec/volumeClaimTemplates/c /spec/volumeClaimTemplates/d";
    let old = set(Some(record), None, Some(all()));
    let new = set(None, None, Some(vec![template("b", "1Gi")]));
    let result = stored(Some(&old), &new, &nothing());
    assert_eq!(result.pointer(TEMPLATES), Some(&Value::from(all())));
    assert_eq!(result.pointer(RECORD), Some(&json!(record)));
}

#[test]
fn an_absent_and_an_empty_list_are_filled_alike() {
    let old = set(
        Some("/spec/volumeClaimTemplates/a /spec/volumeClaimTemplates/b"),
        None,
        Some(vec![template("a", "1Gi"), template("b", "2Gi")]),
    );
    for templates in [None, Some(Vec::new())] {
        let result = stored(Some(&old), &set(None, None, templates), &nothing());
        assert_eq!(result, old);
    }
}

#[test]
fn what_the_user_writes_otherwise_is_left_to_the_api_server() {
    let old = set(
        Some("/spec/serviceName /spec/volumeClaimTemplates/a"),
        Some("db"),
        Some(vec![template("a", "1Gi"), template("b", "1Gi")]),
    );
    let mut other = template("a", "5Gi");
    other["spec"]["accessModes"] = json!(["ReadWriteMany"]);
    let new = set(
        Some("/spec/serviceName /spec/volumeClaimTemplates/a"),
        Some("other"),
        Some(vec![template("b", "1Gi"), other]),
    );
    assert_eq!(stored(Some(&old), &new, &everything()), new);
}

#[test]
fn what_was_never_injected_is_not_carried_over() {
    let old = set(None, Some("db"), Some(vec![template("a", "1Gi")]));
    let new = set(None, None, None);
    assert!(asked(Some(&old), &new, &nothing()).operations.is_empty());
}

#[test]
fn a_quantity_comes_back_as_it_was_written() {
    let record = "/spec/volumeClaimTemplates/a/spec/resources";
    let old = set(Some(record), None, Some(vec![template("a", "1024Mi")]));
    let mut bare = template("a", "");
    bare["spec"]["resources"] = json!({"limits": {"storage": "2Gi"}});
    let result = stored(Some(&old), &set(None, None, Some(vec![bare])), &nothing());
    assert_eq!(
        result.pointer("/spec/volumeClaimTemplates/0/spec/resources"),
        Some(&json!({"limits": {"storage": "2Gi"}, "requests": {"storage": "1024Mi"}}))
    );
}

#[test]
fn a_dropped_record_alone_is_written_again_even_for_an_owned_or_leaving_object() {
    let record = "/spec/serviceName";
    let old = set(Some(record), Some("db"), None);
    let mut new = set(None, Some("db"), None);
    new["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "db.example/v1", "kind": "Database", "name": "db", "controller": true}]);
    new["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    let result = stored(Some(&old), &new, &nothing());
    assert_eq!(result.pointer(RECORD), Some(&json!(record)));
}

#[test]
fn a_zero_grace_is_mended_at_every_apply_but_never_in_what_was_stored_with_it() {
    const GRACE: &str = "/spec/template/spec/terminationGracePeriodSeconds";
    let mut manifest = set(None, Some("db"), Some(vec![template("a", "1Gi")]));
    manifest["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 0.into();
    let created = stored(None, &manifest, &everything());
    assert_eq!(created.pointer(GRACE), Some(&json!(30)));
    let applied = stored(Some(&created), &manifest, &everything());
    assert_eq!(applied.pointer(GRACE), Some(&json!(30)));
    let mut longer = created;
    longer["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 60.into();
    let applied = stored(Some(&longer), &manifest, &everything());
    assert_eq!(
        applied.pointer(GRACE),
        Some(&json!(60)),
        "put back, for any other value restarts the pods"
    );
    let older = stored(Some(&manifest), &manifest, &everything());
    assert_eq!(older.pointer(GRACE), Some(&json!(0)));
}

/// What the API server itself says of carried-over fields: it compares them after its own defaulting.
#[tokio::test]
async fn the_api_server_takes_an_injected_set_replaced_twice() {
    let cluster = ControlPlane::shared().await;
    let namespace = cluster.namespace("defaults").await;
    let manifest = json!({
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "db", "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": {"app": "db"}},
            "template": {
                "metadata": {"labels": {"app": "db"}},
                "spec": {"containers": [{
                    "name": "db",
                    "image": "registry.example/db:1",
                    "volumeMounts": [{"name": "data", "mountPath": "/data"}, {"name": "log", "mountPath": "/log"}],
                    "volumeDevices": [{"name": "raw", "devicePath": "/dev/raw"}],
                }]},
            },
            "volumeClaimTemplates": [{"metadata": {"name": "log"}, "spec": {"resources": {"limits": {"storage": "20Gi"}}}}],
        },
    });
    let send = async |verb: &str, object: &Value| cluster.kubectl_stdin([verb, "-f", "-"], &object.to_string()).await;
    let read = async || -> Value {
        let output = cluster
            .kubectl(["get", "statefulset", "db", "--namespace", &namespace, "--output=json"])
            .await
            .succeeded();
        serde_json::from_str(&output.stdout).expect("JSON")
    };
    send("create", &stored(None, &filled(manifest.clone()), &everything()))
        .await
        .succeeded();
    let created = read().await;
    assert_eq!(
        created.pointer(TEMPLATES).and_then(Value::as_array).map(Vec::len),
        Some(3)
    );

    let mut before = created.clone();
    for image in ["registry.example/db:2", "registry.example/db:3"] {
        let mut next = filled(manifest.clone());
        next["spec"]["template"]["spec"]["containers"][0]["image"] = image.into();
        let mut incomplete = stored(Some(&before), &next, &nothing());
        send("replace", &incomplete).await.succeeded();
        before = read().await;
        assert_eq!(immutable(&before), immutable(&created));
        // One template less, and the API server refuses: the comparison is as strict as believed.
        incomplete["spec"]["volumeClaimTemplates"]
            .as_array_mut()
            .expect("a list")
            .pop();
        send("replace", &incomplete).await.failed();
    }
}
