//! What is injected, under which policies, and what is said of it.

use serde_json::{Value, json};

use super::super::{Defaults, Services, admit_defaults};
use super::world::{World, projected};
use crate::graph::project::NodeSeed;
use crate::graph::{Actor, Change, Kind, Kinds, Node, Old, Operation, Overlay, Shape, States};
use crate::policy::Profile;
use crate::rules::RULES;

const TOLD: &str = "claim-template-access-mode: StatefulSet shop/db: injected \
                    volumeClaimTemplates[0].spec.accessModes: [\"ReadWriteOnce\"]";

fn set(annotations: &Value, modes: &Value) -> Value {
    json!({
        "kind": "StatefulSet",
        "metadata": {"name": "db", "annotations": annotations},
        "spec": {
            "serviceName": "db",
            "selector": {"matchLabels": {"app": "db"}},
            "template": {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [
                {"name": "db", "volumeMounts": [{"name": "data", "mountPath": "/data"}]},
            ]}},
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {
                "accessModes": modes, "resources": {"requests": {"storage": "1Gi"}},
            }}],
        },
    })
}

fn world(profile: Profile) -> World {
    World::by(RULES.to_vec(), profile)
}

impl World {
    fn defaults(&self, object: &Value) -> Defaults {
        let projected = projected(object);
        let change = Change {
            namespace: "shop".into(),
            operation: Operation::Create,
            actor: Actor::User,
            forced: false,
            target: projected.workload.id.clone(),
            states: States::Object {
                before: Old::none(),
                shape: projected.shape,
                after: Some(Node::Workload(projected.workload.into())),
            },
        };
        admit_defaults(&change, &self.admission(&Overlay::default()), Services::Confirmed)
    }

    /// What a Service is given.
    fn given(&self, before: Option<&Value>, after: &Value) -> Defaults {
        let read = |object: &Value| {
            let seed = NodeSeed {
                kind: Kind::SERVICE,
                kinds: Kinds::builtin(),
                sent_to: &"shop".into(),
            };
            seed.read(&object.to_string()).unwrap()
        };
        let after = read(after);
        let before = before.map(read);
        let change = Change {
            namespace: "shop".into(),
            operation: if before.is_some() {
                Operation::Update
            } else {
                Operation::Create
            },
            actor: Actor::User,
            forced: false,
            target: after.object(),
            states: States::Object {
                before: before.map_or_else(Old::none, |node| Old::lazy(move || Some(node.clone()))),
                shape: Shape::default(),
                after: Some(after),
            },
        };
        admit_defaults(&change, &self.admission(&Overlay::default()), Services::Confirmed)
    }
}

#[test]
fn every_injection_says_what_to_write_unless_it_shall_be_quiet() {
    let bare = set(&json!({}), &json!([]));
    for profile in [Profile::Baseline, Profile::Strict] {
        assert_eq!(world(profile).defaults(&bare).warnings, [TOLD], "{profile:?}");
    }
    let quiet = json!({"rules": [{"id": "claim-template-access-mode", "mutation": "Quiet"}]});
    let defaults = world(Profile::Baseline).under(&quiet, &[]).defaults(&bare);
    assert_eq!(defaults.warnings, [""; 0]);
    assert_eq!(defaults.rules, ["claim-template-access-mode"]);
}

#[test]
fn audit_injects_nothing_unless_it_is_asked_to() {
    let bare = set(&json!({}), &json!([]));
    let defaults = world(Profile::Audit).defaults(&bare);
    assert!(
        defaults.operations.is_empty() && defaults.warnings.is_empty(),
        "{defaults:?}"
    );
    let audit = |rules: Value| json!({"profile": "Audit", "rules": rules});
    let under = |spec: &Value| world(Profile::Baseline).under(spec, &[]).defaults(&bare);
    assert!(under(&audit(json!([]))).operations.is_empty());
    let asked = audit(json!([{"id": "claim-template-access-mode", "mutation": "Enabled"}]));
    assert_eq!(under(&asked).warnings, [TOLD]);
}

#[test]
fn what_is_found_of_an_injected_field_says_that_it_was_injected() {
    let said = |records: &str| {
        let annotations = json!({"stateward.dev/defaulted": records});
        let object = set(&annotations, &json!(["ReadWriteMany"]));
        let found = world(Profile::Strict).workload(&object).inspect().findings;
        let ours = |rule: &str| {
            let of = found.iter().find(|judged| judged.finding.rule.id == rule).expect(rule);
            [&of.message, &of.finding.brief].map(|words| words.ends_with(" (stateward injected this field)"))
        };
        (ours("service-missing"), ours("claim-template-access-mode"))
    };
    let (yes, no) = ([true; 2], [false; 2]);
    assert_eq!(said(""), (no, no));
    assert_eq!(said("/spec/serviceName"), (yes, no));
    assert_eq!(said("/spec/volumeClaimTemplates/data/spec/accessModes"), (no, yes));
    assert_eq!(said("/spec/volumeClaimTemplates/data"), (no, yes));
    assert_eq!(
        said("/spec/volumeClaimTemplates/data/spec/resources /spec/volumeClaimTemplates/dat"),
        (no, no)
    );
}

#[test]
fn what_the_api_server_refuses_is_denied_unless_it_is_injected() {
    let mut bare = set(&json!({}), &json!([]));
    let off = json!({"rules": [{"id": "claim-template-access-mode", "mutation": "Disabled"}]});
    assert!(world(Profile::Baseline).create(&bare).is_allowed());
    let denied = world(Profile::Baseline).under(&off, &[]).create(&bare);
    assert!(
        denied
            .denial
            .is_some_and(|said| said.contains("the API server refuses it"))
    );
    let template = &mut bare["spec"]["volumeClaimTemplates"][0]["spec"];
    *template = json!({"accessModes": ["ReadWriteOnce"]});
    assert!(!world(Profile::Baseline).create(&bare).is_allowed());
    let on = json!({"rules": [{"id": "claim-template-storage", "mutation": "Enabled"}]});
    assert!(world(Profile::Baseline).under(&on, &[]).create(&bare).is_allowed());
}

#[test]
fn a_service_of_peers_is_given_names_for_pods_that_are_not_ready() {
    let service = |more: Value| {
        let mut spec = json!({"clusterIP": "None", "selector": {"app": "etcd"}});
        let members = more.as_object().unwrap().clone();
        spec.as_object_mut().unwrap().extend(members);
        json!({"metadata": {"name": "peers"}, "spec": spec})
    };
    let asked = |mutation: &str| json!({"rules": [{"id": "service-discovery", "mutation": mutation}]});
    let given = |policy: &Value, before: Option<&Value>, after: &Value| {
        world(Profile::Baseline).under(policy, &[]).given(before, after)
    };
    let on = asked("Enabled");
    let (bare, published) = (service(json!({})), service(json!({"publishNotReadyAddresses": true})));
    let told =
        "service-discovery: Service shop/peers: injected publishNotReadyAddresses: true. Write it into the manifest";
    assert_eq!(given(&on, None, &bare).warnings, [told]);
    assert_eq!(
        given(&on, Some(&published), &bare).warnings,
        [told],
        "left out by an update"
    );
    let quiet = given(&asked("Quiet"), None, &bare);
    assert_eq!((quiet.operations.len(), quiet.warnings.len()), (1, 0));

    let audit = json!({"profile": "Audit", "rules": []});
    for policy in [&audit, &asked("Disabled"), &json!({"profile": "Strict"})] {
        assert!(given(policy, None, &bare).operations.is_empty(), "{policy}");
    }
    let mut owned = bare.clone();
    owned["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "example.com/v1", "kind": "Ring", "name": "a", "controller": true}]);
    let left = [
        (None, published),
        (Some(&bare), bare.clone()),
        (None, service(json!({"clusterIP": "10.0.0.1"}))),
        (None, service(json!({"selector": {"app": "web"}}))),
        (None, owned),
    ];
    for (before, after) in left {
        assert!(given(&on, before, &after).operations.is_empty(), "{after}");
    }
}

#[test]
fn the_set_that_a_service_governs_says_whether_its_pods_are_peers() {
    let on = json!({"rules": [{"id": "service-discovery", "mutation": "Enabled"}]});
    let service = json!({"metadata": {"name": "db"}, "spec": {"clusterIP": "None", "selector": {"app": "db"}}});
    let given = |image: &str, replicas: u32| {
        let mut set = set(&json!({}), &json!(["ReadWriteOnce"]));
        set["spec"]["replicas"] = replicas.into();
        set["spec"]["template"]["spec"]["containers"][0]["image"] = image.into();
        let world = world(Profile::Baseline).under(&on, &[]).workload(&set);
        !world.given(None, &service).operations.is_empty()
    };
    assert!(given("cassandra:5", 3));
    assert!(!given("cassandra:5", 1) && !given("postgres:17", 3));
}
