//! Workloads of all eight kinds with whatever a rule may look at: claims, templates, mounts, placement, strategy.

use serde_json::{Map, Value, json};
use stateward::graph::Kind;

use super::dice::Dice;
use super::worlds::{CLAIMS, SERVICES};

/// Few names, so that objects meet; one as long as Kubernetes allows.
pub const NAMES: [&str; 4] = ["web", "db", "db-0", LONG];

const LONG: &str = concat!(
    "a-name-that-is-as-long-as-kubernetes-lets-anybody-make-it-and-that-no-message-may-carry-in-full-because-kubectl-",
    "cuts-lines-and-the-api-server-cuts-warnings-so-that-the-middle-of-it-has-to-go-somewhere-else-without-taking-the-",
    "rule-with-it-x",
);

const VOLUMES: [&str; 3] = ["data", "log", "other"];

/// The JSON of a workload.
pub fn workload(kind: Kind, name: &str, dice: &mut Dice<'_>) -> Value {
    let mut metadata = json!({"name": name, "namespace": "shop"});
    if dice.one_in(4) {
        metadata["labels"] = json!({"app": dice.pick(&["web", "db"])});
    }
    if dice.one_in(6) {
        metadata["annotations"] = dice.pick(&[
            json!({}),
            json!({"stateward.dev/allow": "rwo-replicas: known, OPS-1"}),
            json!({"stateward.dev/allow": "rwo-replicas\nno-such-rule: x\n:\n"}),
            json!({"stateward.dev/defaulted": "/spec/serviceName"}),
        ]);
    }
    if dice.one_in(8) {
        metadata["ownerReferences"] = json!([dice.pick(&[
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "controller": true}),
            json!({"apiVersion": "example.com/v1", "kind": "Database", "name": "db", "controller": true}),
        ])]);
    }
    let spec = if kind == Kind::POD {
        pod_spec(dice)
    } else if kind == Kind::CRON_JOB {
        json!({
            "concurrencyPolicy": dice.pick(&["Allow", "Forbid", "Replace"]),
            "suspend": dice.one_in(4),
            "jobTemplate": {"spec": templated(kind, dice)},
        })
    } else {
        templated(kind, dice)
    };
    json!({"apiVersion": kind.api_version(), "kind": kind.as_str(), "metadata": metadata, "spec": spec})
}

fn templated(kind: Kind, dice: &mut Dice<'_>) -> Value {
    let labels = json!({"app": dice.pick(&["web", "db"])});
    let mut spec = Map::new();
    spec.insert(
        "template".to_owned(),
        json!({"metadata": {"labels": labels}, "spec": pod_spec(dice)}),
    );
    let runs_jobs = [Kind::JOB, Kind::CRON_JOB].contains(&kind);
    if !runs_jobs {
        let selector = if kind == Kind::REPLICATION_CONTROLLER {
            labels
        } else {
            json!({"matchLabels": labels})
        };
        spec.insert("selector".to_owned(), selector);
    }
    let count = dice.pick(&[None, Some(1), Some(0), Some(3)]);
    if runs_jobs {
        let completions = dice.pick(&[None, Some(1), Some(5)]);
        put(&mut spec, "parallelism", count.map(Value::from));
        put(&mut spec, "completions", completions.map(Value::from));
    } else if kind != Kind::DAEMON_SET {
        put(&mut spec, "replicas", count.map(Value::from));
    }
    if kind == Kind::DEPLOYMENT {
        let strategy = dice.pick(&[
            None,
            Some(json!({"type": "Recreate"})),
            Some(json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": "50%"}})),
            Some(json!({"type": "RollingUpdate", "rollingUpdate": null})),
            Some(json!({})),
        ]);
        put(&mut spec, "strategy", strategy);
        put(&mut spec, "paused", dice.one_in(5).then_some(Value::Bool(true)));
    }
    if kind == Kind::STATEFUL_SET {
        let service = dice.pick(&[None, Some(""), Some(SERVICES[0]), Some(SERVICES[1]), Some("nobody")]);
        put(&mut spec, "serviceName", service.map(Value::from));
        let templates = (0..dice.below(3)).map(|_| claim_template(dice)).collect::<Vec<_>>();
        if !templates.is_empty() || dice.one_in(2) {
            spec.insert("volumeClaimTemplates".to_owned(), Value::Array(templates));
        }
        put(&mut spec, "ordinals", dice.one_in(5).then(|| json!({"start": 2})));
        put(
            &mut spec,
            "updateStrategy",
            dice.one_in(4).then(|| update_strategy(dice)),
        );
        let retention = dice
            .one_in(5)
            .then(|| json!({"whenDeleted": "Delete", "whenScaled": "Delete"}));
        put(&mut spec, "persistentVolumeClaimRetentionPolicy", retention);
    }
    Value::Object(spec)
}

fn update_strategy(dice: &mut Dice<'_>) -> Value {
    dice.pick(&[
        json!({"type": "OnDelete"}),
        json!({"type": "Recreate"}),
        json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}),
        json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 9}}),
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2}}),
    ])
}

fn claim_template(dice: &mut Dice<'_>) -> Value {
    let name = dice.pick(&VOLUMES);
    let spec = dice.pick(&[
        Some(json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}})),
        Some(json!({"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}})),
        Some(json!({"resources": {"requests": {"storage": 5}}})),
        Some(json!({"accessModes": [], "resources": {}})),
        Some(json!({"accessModes": null, "resources": {"requests": null}, "volumeMode": "Block"})),
        Some(json!({})),
        None,
    ]);
    let mut template = json!({"metadata": {"name": name}});
    if let Some(spec) = spec {
        template["spec"] = spec;
    }
    template
}

fn pod_spec(dice: &mut Dice<'_>) -> Value {
    let volumes: Vec<Value> = (0..dice.below(3)).map(|_| volume(dice)).collect();
    let containers: Vec<Value> = (0..=dice.below(2)).map(|number| container(number, dice)).collect();
    let mut spec = json!({"containers": containers, "volumes": volumes});
    if dice.one_in(4) {
        spec["initContainers"] = json!([container(7, dice)]);
    }
    if dice.one_in(5) {
        spec["terminationGracePeriodSeconds"] = json!(dice.pick(&[0, 30, -1]));
    }
    if dice.one_in(5) {
        spec["restartPolicy"] = json!(dice.pick(&["Never", "OnFailure", "Always"]));
    }
    if dice.one_in(3) {
        place(&mut spec, dice);
    }
    if dice.one_in(6) {
        spec["securityContext"] = json!({"seLinuxOptions": {"level": dice.pick(&["s0:c1", "s0:c2"])}});
    }
    spec
}

fn volume(dice: &mut Dice<'_>) -> Value {
    let claim = dice.pick(&CLAIMS);
    let mut volume = dice.pick(&[
        json!({"persistentVolumeClaim": {"claimName": "shared"}}),
        json!({"persistentVolumeClaim": {"claimName": "shared", "readOnly": true}}),
        json!({"persistentVolumeClaim": {"claimName": claim}}),
        json!({"persistentVolumeClaim": {"claimName": ""}}),
        json!({"ephemeral": {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"]}}}}),
        json!({"hostPath": {"path": "/"}}),
        json!({"emptyDir": {}}),
    ]);
    volume["name"] = json!(dice.pick(&VOLUMES));
    volume
}

fn container(number: usize, dice: &mut Dice<'_>) -> Value {
    let image = dice.pick(&["i", "i", "postgres:17"]);
    let mut container = json!({"name": format!("c{number}"), "image": image});
    let mounts: Vec<Value> = (0..dice.below(3))
        .map(|_| json!({"name": dice.pick(&VOLUMES), "mountPath": "/data"}))
        .collect();
    if !mounts.is_empty() {
        container["volumeMounts"] = Value::Array(mounts);
    }
    if dice.one_in(6) {
        container["volumeDevices"] = json!([{"name": dice.pick(&VOLUMES), "devicePath": "/dev/x"}]);
    }
    container
}

fn place(spec: &mut Value, dice: &mut Dice<'_>) {
    let same_app = json!([{"topologyKey": dice.pick(&["kubernetes.io/hostname", "topology.kubernetes.io/zone"]),
        "labelSelector": {"matchLabels": {"app": dice.pick(&["web", "db"])}}}]);
    let required = |terms: Value| json!({"requiredDuringSchedulingIgnoredDuringExecution": terms});
    let node = |operator: &str, values: Value| {
        required(json!({"nodeSelectorTerms": [{"matchExpressions": [
            {"key": "kubernetes.io/hostname", "operator": operator, "values": values}]}]}))
    };
    match dice.below(7) {
        0 => spec["nodeName"] = json!("n1"),
        1 => spec["nodeSelector"] = json!({"kubernetes.io/hostname": dice.pick(&["n1", "n2", "n9"])}),
        2 => spec["affinity"] = json!({"podAffinity": required(same_app)}),
        3 => spec["affinity"] = json!({"podAntiAffinity": required(same_app)}),
        4 => spec["affinity"] = json!({"nodeAffinity": node("In", json!(["n1"]))}),
        5 => {
            spec["topologySpreadConstraints"] = json!([{"maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule",
                "topologyKey": same_app[0]["topologyKey"], "labelSelector": same_app[0]["labelSelector"]}]);
        }
        _ => spec["affinity"] = json!({"nodeAffinity": node("NotIn", json!(["n1"]))}),
    }
}

fn put(spec: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    if let Some(value) = value {
        spec.insert(key.to_owned(), value);
    }
}
