//! What is injected, before a real API server: it takes the object, and stores the field as said.

use futures::stream::{self, StreamExt as _};
use kube::api::{Api, DynamicObject, GroupVersionKind, PostParams};
use kube::core::ApiResource;
use kube::{Client, Error};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use stateward::graph::{Facts, Graph, Kind, Knowledge};
use stateward::judge::defaults::{Defaults, Services};
use stateward::judge::{Reserve, admit, admit_defaults};
use stateward::rules::RULES;
use stateward::rules::kit::{Injection, PatchOperation, Rule, Verdict};

use crate::controlplane::ControlPlane;
use crate::support::changes::{change, patched};
use crate::support::dice::Dice;
use crate::support::webhook::{asked, strict};
use crate::support::worlds::entropy;

const CASES: usize = 400;

/// Those that inject only into what exists already.
const INTO_UPDATES: [&str; 2] = ["lost-default", "partition-stall"];

/// So many requests are under way at once.
const AT_ONCE: usize = 8;

/// An object as somebody writes it, and as it is sent on.
struct Case {
    kind: Kind,
    written: Value,
    given: Defaults,
    sent: Value,
}

#[tokio::test]
async fn the_api_server_takes_whatever_is_injected_and_stores_it() {
    let cluster = ControlPlane::shared().await;
    let namespace = cluster.namespace("injected").await;
    let client = cluster.client().await;
    let mut runner = TestRunner::deterministic();
    let cases: Vec<Case> = (0..CASES)
        .map(|_| {
            let bytes = entropy().new_tree(&mut runner).expect("bytes").current();
            Case::new(&mut Dice::new(&bytes), &namespace)
        })
        .collect();
    let creates = |rule: &&&Rule| rule.injection != Injection::Never && !INTO_UPDATES.contains(&rule.id);
    for rule in RULES.iter().filter(creates) {
        let times = cases.iter().filter(|case| case.given.rules.contains(&rule.id)).count();
        assert!(times > 5, "{} injects {times} times in {CASES} objects", rule.id);
    }
    let breaches: Vec<String> = stream::iter(&cases)
        .map(|case| case.breach(&client, &namespace))
        .buffer_unordered(AT_ONCE)
        .filter_map(async |breach| breach)
        .collect()
        .await;
    assert!(
        breaches.is_empty(),
        "{} of {CASES}:\n{}",
        breaches.len(),
        breaches.join("\n\n")
    );
}

impl Case {
    fn new(dice: &mut Dice<'_>, namespace: &str) -> Self {
        let graph = world(dice, namespace);
        let kind = dice.pick(&[
            Kind::STATEFUL_SET,
            Kind::STATEFUL_SET,
            Kind::DEPLOYMENT,
            Kind::CRON_JOB,
            Kind::SERVICE,
        ]);
        let written = if kind == Kind::SERVICE {
            service(namespace, dice)
        } else {
            workload(kind, namespace, dice)
        };
        let given = given(kind, namespace, &written, &graph);
        let sent = patched(&written, &given.operations);
        let again = given_rules(&given, kind, namespace, &sent, &graph);
        assert!(again.is_empty(), "{again:?}\n{written}\n{:?}", given.operations);
        Self {
            kind,
            written,
            given,
            sent,
        }
    }

    /// What is wrong with what the API server makes of it.
    async fn breach(&self, client: &Client, namespace: &str) -> Option<String> {
        if self.given.operations.is_empty() {
            return None;
        }
        let told = |what: String| Some(format!("{what}\n  {}\n  {:?}", self.written, self.given.operations));
        let (as_written, as_sent) = (
            create(client, self.kind, namespace, &self.written).await,
            create(client, self.kind, namespace, &self.sent).await,
        );
        let stored = match (as_written, as_sent) {
            (_, Ok(stored)) => stored,
            (Ok(_), Err(causes)) => return told(format!("refused with what is injected: {causes:?}")),
            (Err(before), Err(causes)) => {
                let new: Vec<_> = causes.iter().filter(|cause| !before.contains(cause)).collect();
                return if new.is_empty() {
                    None
                } else {
                    told(format!("also refused for: {new:?}"))
                };
            }
        };
        self.given
            .operations
            .iter()
            .find_map(|PatchOperation::Add { path, value }| {
                let there = match path.strip_suffix("/-") {
                    Some(list) => stored
                        .pointer(list)
                        .and_then(Value::as_array)
                        .is_some_and(|list| list.iter().any(|one| has(one, value))),
                    None => stored.pointer(path).is_some_and(|stored| has(stored, value)),
                };
                (!there).then(|| format!("{path} is not stored as {value}, but {:?}", stored.pointer(path)))
            })
            .and_then(told)
    }
}

/// Whether a value is in another one, which may say more: the API server's own defaults.
fn has(stored: &Value, said: &Value) -> bool {
    match (stored, said) {
        (Value::Object(stored), Value::Object(said)) => said
            .iter()
            .all(|(key, said)| stored.get(key).is_some_and(|stored| has(stored, said))),
        (Value::Array(stored), Value::Array(said)) => {
            stored.len() == said.len() && stored.iter().zip(said).all(|(stored, said)| has(stored, said))
        }
        _ => stored == said,
    }
}

/// A dry run of a creation: the object as it would be stored, or the fields that are refused.
async fn create(client: &Client, kind: Kind, namespace: &str, object: &Value) -> Result<Value, Vec<String>> {
    let version = kind.api_version().rsplit('/').next().unwrap_or_default();
    let resource = ApiResource::from_gvk_with_plural(
        &GroupVersionKind::gvk(kind.group(), version, kind.as_str()),
        kind.resource(),
    );
    let api = Api::<DynamicObject>::namespaced_with(client.clone(), namespace, &resource);
    let parameters = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let object = serde_json::from_value(object.clone()).expect("an object");
    match api.create(&parameters, &object).await {
        Ok(stored) => Ok(serde_json::to_value(stored).expect("JSON")),
        Err(Error::Api(status)) => {
            let causes = status
                .details
                .as_ref()
                .map(|details| &details.causes[..])
                .unwrap_or_default();
            assert!(!causes.is_empty(), "{status:?}");
            Err(causes
                .iter()
                .map(|cause| format!("{} {}", cause.field, cause.reason))
                .collect())
        }
        Err(error) => unreachable!("the API server answers: {error}"),
    }
}

fn given(kind: Kind, namespace: &str, object: &Value, graph: &Graph) -> Defaults {
    let change = change(kind, namespace, None, Some(object));
    asked(graph, &strict(RULES), |admission| {
        admit_defaults(&change, admission, Services::Confirmed)
    })
}

/// What the rules that injected something still find, and what they would inject once more.
fn given_rules(given: &Defaults, kind: Kind, namespace: &str, sent: &Value, graph: &Graph) -> Vec<String> {
    let change = change(kind, namespace, None, Some(sent));
    let decision = asked(graph, &strict(RULES), |admission| {
        admit(&change, admission, Reserve::Never)
    });
    let again = asked(graph, &strict(RULES), |admission| {
        admit_defaults(&change, admission, Services::Confirmed)
    });
    let found = decision
        .findings
        .iter()
        .filter(|judged| given.rules.contains(&judged.finding.rule.id) && judged.finding.verdict == Verdict::Violation);
    let found = found.map(|judged| judged.message.clone());
    found
        .chain(again.operations.iter().map(|operation| format!("{operation:?}")))
        .collect()
}

/// A namespace with a claim, and Services that may govern.
fn world(dice: &mut Dice<'_>, namespace: &str) -> Graph {
    let graph = Graph::new(Facts::new(Knowledge::Complete));
    let add = |kind, object: &Value| {
        graph
            .insert(kind, &namespace.into(), &object.to_string())
            .expect("a readable object");
    };
    let modes = dice.pick(&["ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"]);
    add(
        Kind::CLAIM,
        &json!({"metadata": {"name": "data"}, "spec": {"accessModes": [modes]}}),
    );
    if dice.one_in(3) {
        add(
            Kind::SERVICE,
            &json!({"metadata": {"name": "peers"}, "spec": {"clusterIP": "None", "selector": {"app": "db"}}}),
        );
    }
    if dice.one_in(3) {
        let mut set = workload(Kind::STATEFUL_SET, namespace, dice);
        set["metadata"]["name"] = "ring".into();
        add(Kind::STATEFUL_SET, &set);
    }
    graph
}

/// A Service, maybe of peers.
fn service(namespace: &str, dice: &mut Dice<'_>) -> Value {
    let key = dice.pick(&["app", "app.kubernetes.io/name"]);
    let mut spec = json!({"selector": {key: dice.pick(&["db", "cassandra"])}, "ports": [{"port": 7000}]});
    if dice.one_in(4) {
        spec["type"] = "NodePort".into();
    } else {
        spec["clusterIP"] = "None".into();
    }
    if dice.one_in(4) {
        spec["publishNotReadyAddresses"] = dice.pick(&[true, false]).into();
    }
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "db", "namespace": namespace}, "spec": spec})
}

/// What the API server takes, but for what some rules add.
fn workload(kind: Kind, namespace: &str, dice: &mut Dice<'_>) -> Value {
    let mut metadata = json!({"name": dice.pick(&["db", "web-1"]), "namespace": namespace});
    if dice.one_in(3) {
        metadata["annotations"] = json!({"note": "x"});
    }
    let mut template = json!({"metadata": {"labels": {"app": "db"}}, "spec": pod(kind, dice)});
    let spec = if kind == Kind::CRON_JOB {
        template["spec"]["restartPolicy"] = "Never".into();
        let mut spec = json!({"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": template}}});
        if dice.one_in(2) {
            spec["concurrencyPolicy"] = dice.pick(&["Allow", "Forbid"]).into();
        }
        spec
    } else {
        json!({"selector": {"matchLabels": {"app": "db"}}, "template": template, "replicas": dice.pick(&[1, 0, 3])})
    };
    let mut object =
        json!({"apiVersion": kind.api_version(), "kind": kind.as_str(), "metadata": metadata, "spec": spec});
    let spec = &mut object["spec"];
    if kind == Kind::DEPLOYMENT && dice.one_in(2) {
        spec["strategy"] = dice.pick(&[
            json!({"type": "RollingUpdate"}),
            json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}),
            json!({"type": "Recreate"}),
        ]);
    }
    if kind == Kind::STATEFUL_SET {
        if dice.one_in(2) {
            spec["serviceName"] = dice.pick(&["db", "", "elsewhere"]).into();
        }
        if dice.one_in(3) {
            spec["persistentVolumeClaimRetentionPolicy"] = dice.pick(&[
                json!({"whenScaled": "Delete"}),
                json!({"whenDeleted": "Delete"}),
                json!({"whenDeleted": "Delete", "whenScaled": "Delete"}),
            ]);
        }
        let templates: Vec<Value> = ["data", "log"]
            .into_iter()
            .filter_map(|name| claim_template(name, dice))
            .collect();
        if !templates.is_empty() || dice.one_in(3) {
            spec["volumeClaimTemplates"] = templates.into();
        }
        if dice.one_in(4) {
            spec["updateStrategy"] = dice.pick(&[
                json!({"type": "OnDelete"}),
                json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}),
                json!({"type": "RollingUpdate"}),
            ]);
        }
    }
    object
}

fn pod(kind: Kind, dice: &mut Dice<'_>) -> Value {
    let mut container = json!({"name": "db", "image": dice.pick(&["registry.example/db:1", "cassandra:5"])});
    let mut volumes = Vec::new();
    let mut mounts = Vec::new();
    // Of what no other kind than a StatefulSet is given a volume the API server refuses the mount.
    for name in ["data", "log", "cache"].into_iter().take(dice.below(4)) {
        mounts.push(json!({"name": name, "mountPath": format!("/{name}")}));
        let source = dice.pick(&[
            Some(json!({"persistentVolumeClaim": {"claimName": "data"}})),
            Some(json!({"emptyDir": {}})),
            None,
        ]);
        let source = source.or_else(|| (kind != Kind::STATEFUL_SET).then(|| json!({"emptyDir": {}})));
        volumes.extend(source.map(|mut volume| {
            volume["name"] = name.into();
            volume
        }));
    }
    if dice.one_in(2) || !mounts.is_empty() {
        container["volumeMounts"] = mounts.into();
    }
    let mut pod = json!({"containers": [container]});
    if !volumes.is_empty() {
        pod["volumes"] = volumes.into();
    }
    if dice.one_in(3) {
        pod["terminationGracePeriodSeconds"] = dice.pick(&[0, 0, 60]).into();
    }
    pod
}

fn claim_template(name: &str, dice: &mut Dice<'_>) -> Option<Value> {
    let spec = dice.pick(&[
        None,
        Some(json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}})),
        Some(json!({"resources": {"requests": {"storage": "1Gi"}}})),
        Some(json!({"accessModes": ["ReadWriteOncePod"]})),
        Some(json!({"accessModes": [], "resources": {"limits": {"storage": "20Gi"}}, "storageClassName": "fast"})),
        Some(json!({"resources": {"requests": null}, "volumeMode": "Block"})),
    ])?;
    let mut template = json!({"metadata": {"name": name}, "spec": spec});
    if dice.one_in(4) {
        template["metadata"]["labels"] = json!({"app": "db"});
    }
    Some(template)
}
