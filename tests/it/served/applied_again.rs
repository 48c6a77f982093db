//! Every default that is injected, applied three times by whatever applies: the third time nothing is different and
//! nothing is written.

use serde_json::{Value, json};

use super::objects::{claim, selected, template, using};
use super::releases::Release;
use super::{Policy, Shop};
use crate::chart::helm::Helm;
use crate::controlplane::eventually;
use crate::gitops::{ARGO, FLUX, Tool};

/// What is injected into each object: a field, and what is stored there.
fn injected() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("statefulset/bare", "/spec/serviceName", json!("bare")),
        (
            "statefulset/bare",
            "/spec/volumeClaimTemplates/0/metadata/name",
            json!("data"),
        ),
        (
            "statefulset/modeless",
            "/spec/volumeClaimTemplates/0/spec/accessModes",
            json!(["ReadWriteOnce"]),
        ),
        (
            "statefulset/modeless",
            "/spec/volumeClaimTemplates/0/spec/resources/requests/storage",
            json!("10Gi"),
        ),
        (
            "statefulset/deleting",
            RETENTION,
            json!({"whenDeleted": "Retain", "whenScaled": "Retain"}),
        ),
        ("statefulset/abrupt", GRACE, json!(30)),
        ("deployment/abrupt", GRACE, json!(30)),
        ("deployment/surging", "/spec/strategy", json!({"type": "Recreate"})),
        ("cronjob/overlapping", "/spec/concurrencyPolicy", json!("Forbid")),
        ("service/ring", "/spec/publishNotReadyAddresses", json!(true)),
    ]
}

const CLAIMS: [&str; 3] = ["abrupt", "overlapping", "surging"];
const GRACE: &str = "/spec/template/spec/terminationGracePeriodSeconds";
const RETENTION: &str = "/spec/persistentVolumeClaimRetentionPolicy";

/// What says another value than the one that is stored, again with every apply: a tool that compares the two itself sees
/// a difference for ever.
const CONTRADICTED: [&str; 3] = ["Deployment/abrupt", "StatefulSet/abrupt", "StatefulSet/deleting"];

/// What lacks a member of a list that is compared as a whole.
const INCOMPLETE: &str = "StatefulSet/modeless";

fn objects() -> Vec<String> {
    let set = |name: &str, more: &str, pod: &str| {
        let pod =
            format!("{pod}containers: [{{name: db, image: db, volumeMounts: [{{name: data, mountPath: /data}}]}}]");
        format!(
            "{{apiVersion: apps/v1, kind: StatefulSet, metadata: {{name: {name}}}, spec: {{{more}{}}}}}",
            selected(name, &pod)
        )
    };
    let whole = "serviceName: db, volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: \
                 {requests: {storage: 1Gi}}}}], ";
    let deployment = |name: &str, more: &str, pod: &str| {
        format!(
            "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: {name}}}, spec: {{{more}{}}}}}",
            selected(name, &format!("{pod}{}", using(name)))
        )
    };
    let abrupt = "terminationGracePeriodSeconds: 0, ";
    let deleting =
        format!("{whole}persistentVolumeClaimRetentionPolicy: {{whenDeleted: Delete, whenScaled: Delete}}, ");
    vec![
        set("bare", "", ""),
        set(
            "modeless",
            "serviceName: db, volumeClaimTemplates: [{metadata: {name: data}, spec: {volumeMode: Filesystem}}], ",
            "",
        ),
        set("deleting", &deleting, ""),
        set("abrupt", whole, abrupt),
        deployment("abrupt", "strategy: {type: Recreate}, ", abrupt),
        deployment("surging", "", ""),
        "{apiVersion: v1, kind: Service, metadata: {name: ring}, spec: {clusterIP: None, selector: \
         {app.kubernetes.io/name: cassandra}, ports: [{name: peer, port: 7000}]}}"
            .to_owned(),
        format!(
            "{{apiVersion: batch/v1, kind: CronJob, metadata: {{name: overlapping}}, spec: {{schedule: \"0 3 * * *\", \
             jobTemplate: {{spec: {{{}}}}}}}}}",
            template(
                "overlapping",
                &format!("restartPolicy: Never, {}", using("overlapping"))
            )
        ),
    ]
}

/// A namespace in which something applies the objects.
struct Applied {
    shop: &'static Shop,
    namespace: String,
}

impl Applied {
    async fn new() -> Self {
        let shop = Shop::shared().await;
        Self::in_namespace(shop.namespace(Policy::Defaults).await).await
    }

    /// Makes the claims first: what the mutating phase does not know it injects nothing for.
    async fn in_namespace(namespace: String) -> Self {
        let shop = Shop::shared().await;
        shop.create(&namespace, &CLAIMS.map(|name| claim(name, "ReadWriteOnce")))
            .await
            .succeeded();
        eventually("the webhook's knowledge of the claims", async || {
            let dry = shop.send(&namespace, &["create", "--dry-run=server"], &objects()).await;
            let injected = |rule: &str| dry.stderr.contains(&format!("Warning: {rule}: "));
            (injected("rwo-job") && injected("rwo-surge")).then_some(())
        })
        .await;
        Self { shop, namespace }
    }

    /// The objects as they are stored, by kind and name.
    async fn stored(&self) -> Vec<(String, Value)> {
        let output = self
            .shop
            .kubectl(
                &self.namespace,
                "get statefulsets,deployments,cronjobs,services -o json",
            )
            .await
            .succeeded();
        let list: Value = serde_json::from_str(&output.stdout).expect("JSON");
        let items = list["items"].as_array().expect("a list").iter();
        items
            .map(|item| {
                let (kind, name) = (&item["kind"], &item["metadata"]["name"]);
                let name = format!(
                    "{}/{}",
                    kind.as_str().expect("a kind").to_lowercase(),
                    name.as_str().expect("a name")
                );
                (name, item.clone())
            })
            .collect()
    }

    /// Asserts that all is injected, and returns the versions.
    async fn versions(&self) -> Vec<String> {
        let stored = self.stored().await;
        for (object, path, value) in injected() {
            let (_, found) = stored.iter().find(|(name, _)| name == object).expect("stored");
            assert_eq!(found.pointer(path), Some(&value), "{object} {path}");
        }
        let version = |(name, object): &(String, Value)| format!("{name} {}", object["metadata"]["resourceVersion"]);
        stored.iter().map(version).collect()
    }
}

#[tokio::test]
async fn kubectl_finds_no_difference_and_writes_nothing() {
    for way in [&[][..], &["--server-side"]] {
        let applied = Applied::new().await;
        let send = async |verb: &'static str| {
            applied
                .shop
                .send(&applied.namespace, &[&[verb], way].concat(), &objects())
                .await
                .succeeded()
        };
        send("apply").await;
        send("apply").await;
        let versions = applied.versions().await;
        assert_eq!(send("diff").await.stdout, "", "{way:?}");
        send("apply").await;
        assert_eq!(applied.versions().await, versions, "{way:?}");
    }
}

#[tokio::test]
async fn helm_writes_nothing_when_it_upgrades_to_the_same() {
    for helm in [Helm::Three, Helm::Four] {
        let release = Release::new(helm, Policy::Defaults).await;
        let applied = Applied::in_namespace(release.namespace.clone()).await;
        release.apply("install", &objects()).await;
        release.apply("upgrade", &objects()).await;
        let versions = applied.versions().await;
        release.apply("upgrade", &objects()).await;
        assert_eq!(applied.versions().await, versions, "{helm:?}");
    }
}

/// Applies three times, and says what the tool found different the last time.
async fn different(tool: &'static Tool, options: &'static [&'static str]) -> Vec<String> {
    let applied = Applied::new().await;
    let objects: Vec<String> = objects()
        .iter()
        .map(|object| {
            object.replacen(
                "metadata: {",
                &format!("metadata: {{namespace: {}, ", applied.namespace),
                1,
            )
        })
        .collect();
    let objects = objects.join("\n---\n");
    let apply = async || tool.apply(options, applied.shop.cluster.kubeconfig(), &objects).await;
    apply().await;
    apply().await;
    let versions = applied.versions().await;
    let found = apply().await;
    assert_eq!(applied.versions().await, versions, "{options:?}");
    let changed = found.into_iter().filter(|(_, action)| action != "unchanged");
    let within = format!("/{}/", applied.namespace);
    changed.map(|(name, _)| name.replace(&within, "/")).collect()
}

#[tokio::test]
async fn flux_finds_no_difference() {
    assert_eq!(different(&FLUX, &[]).await, [""; 0]);
}

#[tokio::test]
async fn argo_finds_no_difference_where_it_asks_the_server() {
    assert_eq!(different(&ARGO, &["ServerSideApply", "ServerSideDiff"]).await, [""; 0]);
}

/// What the warning of the injection and the pages say: write it into the manifest.
#[tokio::test]
async fn argo_finds_what_the_manifest_contradicts_where_it_compares_itself() {
    assert_eq!(different(&ARGO, &[]).await, CONTRADICTED);
    let as_applied = different(&ARGO, &["ServerSideApply"]).await;
    assert_eq!(as_applied, [&CONTRADICTED[..], &[INCOMPLETE]].concat());
}
