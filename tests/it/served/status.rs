//! What the cluster says of its policies and exceptions.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::Served;
use super::objects::{claim, deployment};
use crate::controlplane::process::Scratch;
use crate::controlplane::{ControlPlane, eventually};
use crate::policies::agreement::{exception, policy};
use crate::policies::cluster::{define, loosen};

const NAMESPACE: &str = "shop";
/// What a replica must be told to find the others.
const OWN: [&str; 4] = ["--namespace", "default", "--shutdown-delay", "0"];

/// A cluster with our kinds of objects, whose webhook nobody calls: mistakes get in.
struct Watched {
    cluster: ControlPlane,
}

impl Watched {
    async fn apply(&self, object: &Value) {
        let apply = ["apply", "-f", "-"];
        self.cluster.kubectl_stdin(apply, &object.to_string()).await.succeeded();
    }

    async fn except(&self, name: &str, expires: &str) {
        let spec = format!(
            "{{rules: [rwo-replicas], match: {{names: [{name}]}}, reason: OPS-1, owner: team, expiresAt: '{expires}'}}"
        );
        let mut object = exception(name, &spec);
        object["metadata"]["namespace"] = NAMESPACE.into();
        self.apply(&object).await;
    }

    async fn get(&self, kind: &str, name: &str) -> Value {
        let get = ["get", kind, name, "-n", NAMESPACE, "-o", "json"];
        let object = self.cluster.kubectl(get).await.succeeded().stdout;
        serde_json::from_str(&object).expect("JSON")
    }

    /// Waits until the one condition says this of the present version; returns the object.
    async fn until(&self, kind: &str, name: &str, status: &str, reason: &str) -> Value {
        eventually(&format!("{kind} {name}: {status}, {reason}"), async || {
            let object = self.get(kind, name).await;
            let condition = &object["status"]["conditions"][0];
            let is_present = condition["observedGeneration"] == object["metadata"]["generation"];
            (is_present && condition["status"] == status && condition["reason"] == reason).then_some(object)
        })
        .await
    }

    fn replica(&self, arguments: &[&str]) -> Served {
        let kubeconfig = self.cluster.kubeconfig().display().to_string();
        Served::with(&[&["--kubeconfig", &kubeconfig], &OWN[..], arguments].concat())
    }
}

#[tokio::test]
async fn policies_and_exceptions_say_what_becomes_of_them() {
    let watched = Watched {
        cluster: ControlPlane::start().await,
    };
    let cluster = &watched.cluster;
    define(cluster).await;
    cluster.kubectl(["create", "namespace", NAMESPACE]).await.succeeded();
    let house = |spec: &str| policy("house", &format!("{{exceptions: {{allowed: true}}, {spec}}}"));
    watched.apply(&house("profile: Baseline")).await;
    let objects = [
        claim("data", "ReadWriteOnce"),
        claim("other", "ReadWriteOnce"),
        deployment("web", "data", 3),
        deployment("legacy", "other", 3),
    ];
    let create = ["create", "-n", NAMESPACE, "-f", "-"];
    cluster
        .kubectl_stdin(create, &objects.join("\n---\n"))
        .await
        .succeeded();
    watched.except("legacy", "2999-01-01T00:00:00Z").await;
    watched.except("over", "2020-01-01T00:00:00Z").await;

    let served = watched.replica(&["--policy-source", "cluster"]);
    watched.until("wpol", "house", "True", "Served").await;
    let settled = eventually("the counts", async || {
        let object = watched.get("wpol", "house").await;
        let status = &object["status"];
        (status["workloads"] == 2 && status["findings"]["denied"] == 1).then(|| status.clone())
    })
    .await;
    assert!(settled["lastFullAudit"].is_string(), "{settled}");
    let legacy = watched.until("wpolex", "legacy", "True", "Active").await;
    assert_eq!(legacy["status"]["findings"], 1, "{legacy}");
    assert!(legacy["status"]["lastUsed"].is_string(), "{legacy}");
    let over = watched.until("wpolex", "over", "False", "Expired").await;
    assert_eq!(over["status"]["findings"], 0, "{over}");
    assert_eq!(over["status"]["lastUsed"], Value::Null, "{over}");
    let exceptions = served.metrics().await;
    let count = |state| exceptions.series("stateward_exceptions", &[("state", state)]);
    assert_eq!(
        [count("active"), count("expiring"), count("expired")],
        [1, 0, 1].map(|n| Some(f64::from(n)))
    );
    people_see_it(cluster).await;
    nothing_is_written_twice(&watched).await;

    // A mistake that got in is told, and the last good version rules.
    loosen(cluster).await;
    let wrong = house("rules: [{id: rwo-replicas, actions: [], mutation: Enabled}]").to_string();
    eventually("a policy that nobody looks at", async || {
        let applied = cluster.kubectl_stdin(["apply", "-f", "-"], &wrong).await;
        applied.success.then_some(())
    })
    .await;
    let wrong = watched.until("wpol", "house", "False", "Invalid").await;
    let message = "spec.rules[0].mutation: rule \"rwo-replicas\" injects nothing: it cannot be enabled; the last good \
                   version stays in force";
    assert_eq!(wrong["status"]["conditions"][0]["message"], message);
    assert_eq!(wrong["status"]["findings"]["denied"], 1);
    watched.apply(&policy("house", "{profile: Baseline}")).await;
    watched.until("wpol", "house", "True", "Served").await;
    let legacy = watched.until("wpolex", "legacy", "False", "NotAllowed").await;
    assert!(legacy["status"]["lastUsed"].is_string(), "{legacy}");

    others_must_serve_it_too(&watched).await;
}

/// The columns that `kubectl get` prints.
async fn people_see_it(cluster: &ControlPlane) {
    let columns = async |kind: &str, name: &str| -> Vec<String> {
        let row = cluster
            .kubectl(["get", kind, name, "-n", NAMESPACE, "--no-headers"])
            .await;
        row.succeeded().stdout.split_whitespace().map(str::to_owned).collect()
    };
    let house = columns("wpol", "house").await;
    assert_eq!(house[..5], ["house", "Baseline", "0", "True", "1"]);
    let legacy = columns("wpolex", "legacy").await;
    assert_eq!(legacy[legacy.len() - 2..], ["True", "1"]);
}

/// What was settled is written again neither by us nor because of what we wrote.
async fn nothing_is_written_twice(watched: &Watched) {
    let versions = async || {
        let mut versions = Vec::new();
        for (kind, name) in [("wpol", "house"), ("wpolex", "legacy"), ("wpolex", "over")] {
            versions.push(watched.get(kind, name).await["metadata"]["resourceVersion"].clone());
        }
        versions
    };
    let mut before = versions().await;
    eventually("the end of the writes", async || {
        sleep(Duration::from_secs(3)).await;
        let now = versions().await;
        (std::mem::replace(&mut before, now.clone()) == now).then_some(())
    })
    .await;
}

/// A replica with other policies makes them unready for as long as it lives.
async fn others_must_serve_it_too(watched: &Watched) {
    let scratch = Scratch::new().expect("a directory can be made");
    let object = json!(policy("another", "{profile: Strict}")).to_string();
    let path = scratch
        .write("policy.yaml", object)
        .expect("written")
        .display()
        .to_string();
    let other = watched.replica(&["--policy", &path]);
    watched.until("wpol", "house", "False", "NotServedEverywhere").await;
    other.signal("TERM");
    assert_eq!(other.ended().await.code(), Some(0), "{}", other.text());
    watched.until("wpol", "house", "True", "Served").await;
}
