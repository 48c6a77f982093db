//! The very words that a user of kubectl reads, and what the audit log keeps.

use super::objects::{claim, deployment};
use super::{Policy, Shop};
use crate::controlplane::eventually;

const OLDER: &str = Shop::OLDER;

#[tokio::test]
async fn kubectl_prints_denials_and_warnings_like_this() {
    let shop = Shop::shared().await;
    let namespace = shop.namespace(Policy::Baseline).await;
    let surging = deployment("web", "data", 1).replace("strategy: {type: Recreate}, ", "");
    let mut printed = String::new();
    let mut print = |command: &str, text: String| {
        printed += &format!("$ {command}\n{}\n", text.replace(&namespace, "shop"));
    };
    let objects = [claim("data", "ReadWriteOnce"), deployment("db", "data", 3)];
    let output = shop.create(&namespace, &objects).await.failed();
    print("create three replicas", output.stderr);
    let output = shop.create(&namespace, &[surging]).await.succeeded();
    print("create a rollout that surges", output.stderr);
    // Until the watch has told of the first, the message says that it is being created.
    let output = eventually("a denial that rests on what is stored", async || {
        let output = shop.create(&namespace, &[deployment("db", "data", 1)]).await.failed();
        (!output.stderr.contains("being created")).then_some(output)
    })
    .await;
    print("create a second consumer", output.stderr);
    let output = shop
        .kubectl(&namespace, "scale deployment/web --replicas=2")
        .await
        .failed();
    print("scale", output.stderr);
    let output = shop
        .kubectl(&namespace, "delete pvc data --wait=false")
        .await
        .succeeded();
    print("delete the claim", output.stderr);
    insta::assert_snapshot!(printed, @r#"
    $ create three replicas
    Error from server (Forbidden): error when creating "STDIN": admission webhook "workloads.stateward.dev" denied the request: rwo-replicas: Deployment shop/db: 3 replicas mount claim "data", which is ReadWriteOnce (read-write on one node only); replicas on other nodes would wait in ContainerCreating for ever. Use a StatefulSet with volumeClaimTemplates, a ReadWriteMany class, or replicas: 1 (field spec.replicas)
    To allow it all the same, give it the annotation stateward.dev/allow: "rwo-replicas: REASON"

    $ create a rollout that surges
    Warning: rwo-surge: Deployment shop/web: a rolling update may never end on claim "data", which is ReadWriteOnce

    $ create a second consumer
    Error from server (Forbidden): error when creating "STDIN": admission webhook "workloads.stateward.dev" denied the request: rwo-consumers: Deployment shop/db: claim "data", which is ReadWriteOnce (read-write on one node only), is also used by Deployment shop/web (1 pod); pods on other nodes would wait in ContainerCreating for ever. Give each its own claim, use a ReadWriteMany class, or keep them on one node by required podAffinity with topologyKey kubernetes.io/hostname, in both (field spec.template.spec.volumes[0].persistentVolumeClaim.claimName)
    To allow it all the same, give it the annotation stateward.dev/allow: "rwo-consumers: REASON"

    $ scale
    Error from server (Forbidden): admission webhook "scale.stateward.dev" denied the request: rwo-replicas: scaling Deployment shop/web from 1 to 2: 2 replicas mount claim "data", which is ReadWriteOnce (read-write on one node only); replicas on other nodes would wait in ContainerCreating for ever. Use a StatefulSet with volumeClaimTemplates, a ReadWriteMany class, or replicas: 1 with maxSurge: 0 and maxUnavailable: 1 (field spec.replicas)
    To allow it all the same: kubectl annotate deployment web -n shop stateward.dev/allow='rwo-replicas: REASON'

    $ delete the claim
    Warning: claim-in-use: PersistentVolumeClaim shop/data: in use by Deployment web: later pods will stay Pending
    "#);
}

#[tokio::test]
async fn the_audit_log_tells_what_was_decided_and_why() {
    let shop = Shop::shared().await;
    let event = async |code: u64| {
        shop.cluster
            .audit_event(|event| {
                event["objectRef"]["namespace"] == OLDER
                    && event["objectRef"]["name"] == "audit"
                    && event["verb"] == "patch"
                    && event["responseStatus"]["code"] == code
            })
            .await
    };
    shop.kubectl(OLDER, "set image deployment/audit web=web:2")
        .await
        .succeeded();
    let warned = event(200).await;
    let annotation = |event: &serde_json::Value, entry: &str, key: &str| {
        let annotation = &event["annotations"][format!("{entry}.stateward.dev/{key}")];
        annotation.as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(annotation(&warned, "workloads", "decision"), "warned");
    assert_eq!(annotation(&warned, "workloads", "findings"), "rwo-replicas=Warn");
    shop.kubectl(OLDER, "scale deployment/audit --replicas=5")
        .await
        .failed();
    let denied = event(403).await;
    assert_eq!(annotation(&denied, "scale", "decision"), "denied");
    assert_eq!(annotation(&denied, "scale", "findings"), "rwo-replicas=Deny");
    assert_eq!(denied["responseStatus"]["reason"], "Forbidden");
}

#[tokio::test]
async fn decisions_are_counted_and_logged_without_the_object() {
    let shop = Shop::shared().await;
    let namespace = shop.namespace(Policy::Baseline).await;
    let denials = async || {
        let labels = [("webhook", "validate"), ("operation", "create"), ("decision", "deny")];
        let metrics = shop.webhook.metrics().await;
        metrics.series("stateward_requests_total", &labels).unwrap_or_default()
    };
    let before = denials().await;
    let secret = deployment("web", "data", 3).replace("image: web", "image: secret-image");
    shop.create(&namespace, &[claim("data", "ReadWriteOnce"), secret])
        .await
        .failed();
    assert!(denials().await > before);
    let line = shop
        .webhook
        .logged(|line| line["kind"] == "Deployment" && line["namespace"] == namespace.as_str())
        .await;
    let said = |line: &serde_json::Value| {
        ["user", "operation", "kind", "name", "verdict", "rules", "workloads"]
            .map(|field| line[field].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(
        said(&line),
        [
            "admin",
            "CREATE",
            "Deployment",
            "web",
            "Denied",
            "rwo-replicas=Deny",
            "Deployment/web"
        ]
    );
    assert!(!line.to_string().contains("secret-image"), "{line}");
    the_page_has_every_field(&line);

    // A scale holds no workload: the line names it all the same.
    shop.create(&namespace, &[deployment("web", "data", 1)])
        .await
        .succeeded();
    shop.kubectl(&namespace, "scale deployment/web --replicas=2")
        .await
        .failed();
    let scaled = shop
        .webhook
        .logged(|line| line["sub_resource"] == "scale" && line["namespace"] == namespace.as_str())
        .await;
    assert_eq!(
        said(&scaled),
        [
            "admin",
            "UPDATE",
            "Scale",
            "web",
            "Denied",
            "rwo-replicas=Deny",
            "Deployment/web"
        ]
    );
}

/// `docs/logs.md` lists the fields of a decision, and no others.
pub fn the_page_has_every_field(line: &serde_json::Value) {
    let page = include_str!("../../../docs/logs.md");
    let (_, table) = page.split_once("| Field | What it says |").expect("a table");
    let rows = table.lines().take_while(|row| row.is_empty() || row.starts_with('|'));
    let mut told: Vec<&str> = rows
        .filter_map(|row| row.strip_prefix("| `")?.split('`').next())
        .collect();
    told.sort_unstable();
    let mut fields: Vec<&str> = line
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    fields.sort_unstable();
    assert_eq!(told, fields);
}
