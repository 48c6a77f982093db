//! Objects that say that somebody else owns them.

use super::objects::{claim, deployment, selected, using};
use super::{Policy, Shop};

/// A ReplicaSet of three pods on one claim, with an owner.
fn replica_set(name: &str, labels: &str, claim: &str, owner: &str) -> String {
    format!(
        "{{apiVersion: apps/v1, kind: ReplicaSet, metadata: {{name: {name}, ownerReferences: [{owner}]}}, \
         spec: {{replicas: 3, {}}}}}",
        selected(labels, &using(claim))
    )
}

#[tokio::test]
async fn an_owner_counts_only_where_it_would_make_such_an_object() {
    let shop = Shop::shared().await;
    let namespace = shop.namespace(Policy::Baseline).await;
    let objects = [
        claim("data", "ReadWriteOnce"),
        claim("other", "ReadWriteOnce"),
        deployment("web", "data", 1),
    ];
    shop.create(&namespace, &objects).await.succeeded();
    let uid = "get deployment web -o=jsonpath={.metadata.uid}";
    let uid = shop.kubectl(&namespace, uid).await.succeeded().stdout;
    let owner = |version: &str, kind: &str, name: &str, uid: &str| {
        format!("{{apiVersion: {version}, kind: {kind}, name: {name}, uid: {uid}, controller: true}}")
    };
    let real = owner("apps/v1", "Deployment", "web", &uid);
    let claims = "claims to be owned by Deployment";
    for (name, labels, claim, owner, warned) in [
        ("template", "web", "other", real.clone(), claims),
        ("selector", "api", "data", real.clone(), claims),
        (
            "invented",
            "web",
            "other",
            owner("apps/v1", "Deployment", "nobody", "u"),
            claims,
        ),
        // What is no built-in owner is taken for an operator.
        (
            "version",
            "web",
            "other",
            owner("apps/v9", "Deployment", "web", &uid),
            "rwo-replicas",
        ),
        (
            "kind",
            "web",
            "other",
            owner("apps/v1", "Widget", "web", &uid),
            "rwo-replicas",
        ),
    ] {
        let set = replica_set(name, labels, claim, &owner);
        let created = shop.create(&namespace, &[set]).await.succeeded();
        assert!(
            created.stderr.contains("Warning: rwo-replicas: ReplicaSet "),
            "{name}: {}",
            created.stderr
        );
        assert!(created.stderr.contains(warned), "{name}: {}", created.stderr);
        shop.kubectl(&namespace, &format!("delete replicaset {name}"))
            .await
            .succeeded();
    }
    // As its controller makes it, whoever sends it.
    let set = replica_set("made", "web", "data", &real);
    let created = shop.create(&namespace, &[set]).await.succeeded();
    assert_eq!(created.stderr, "");
}

#[tokio::test]
async fn what_custom_resources_make_is_never_refused_and_their_pods_are_left_alone() {
    let shop = Shop::shared().await;
    let namespace = shop.namespace(Policy::Baseline).await;
    let claims = ["data", "kafka", "pg"].map(|name| claim(name, "ReadWriteOnce"));
    shop.create(&namespace, &claims).await.succeeded();
    let owned = |object: String, name: &str, version: &str, kind: &str| {
        let owner = format!("{{apiVersion: {version}, kind: {kind}, name: all, uid: u, controller: true}}");
        let named = format!("metadata: {{name: {name}, ownerReferences: [{owner}]}}");
        object.replacen(&format!("metadata: {{name: {name}}}"), &named, 1)
    };
    let subset = owned(
        deployment("all-a", "data", 3),
        "all-a",
        "apps.kruise.io/v1alpha1",
        "UnitedDeployment",
    );
    let created = shop.create(&namespace, &[subset]).await.succeeded();
    assert!(
        created.stderr.contains("Warning: rwo-replicas: Deployment "),
        "{}",
        created.stderr
    );
    for (version, kind, claim) in [
        ("core.strimzi.io/v1", "StrimziPodSet", "kafka"),
        ("postgresql.cnpg.io/v1", "Cluster", "pg"),
    ] {
        let pods = ["0", "1"].map(|number| {
            let name = format!("{claim}-{number}");
            let pod = using(claim);
            let pod = format!("{{apiVersion: v1, kind: Pod, metadata: {{name: {name}}}, spec: {{{pod}}}}}");
            owned(pod, &name, version, kind)
        });
        let created = shop.create(&namespace, &pods).await.succeeded();
        assert_eq!(created.stderr, "", "{kind}");
    }
}
