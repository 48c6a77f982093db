//! Injected defaults live as long as their object: every way to write it again keeps them.

use super::objects::selected;
use super::{Policy, Shop};

/// A StatefulSet as a beginner writes it: no Service, and a mount that nothing backs.
fn bare(image: &str) -> String {
    let pod = format!("containers: [{{name: db, image: {image}, volumeMounts: [{{name: data, mountPath: /data}}]}}]");
    format!(
        "{{apiVersion: apps/v1, kind: StatefulSet, metadata: {{name: db}}, spec: {{{}}}}}",
        selected("db", &pod)
    )
}

/// What was injected, as it is stored; an API server that was told another value would refuse it.
async fn injected(shop: &Shop, namespace: &str) -> [String; 3] {
    let field = async |path| shop.field(namespace, "statefulset/db", path).await;
    [
        field(".spec.serviceName").await,
        field(".spec.volumeClaimTemplates").await,
        field(r".metadata.annotations.stateward\.dev/defaulted").await,
    ]
}

#[tokio::test]
async fn injected_fields_survive_every_way_to_write_the_object_again() {
    let shop = Shop::shared().await;
    let namespace = shop.namespace(Policy::Defaults).await;
    let created = shop.create(&namespace, &[bare("db:1")]).await.succeeded();
    let first = injected(shop, &namespace).await;
    assert_eq!(first[0], "db");
    assert!(
        first[1].contains(r#""name":"data""#)
            && first[1].contains(r#""accessModes":["ReadWriteOnce"]"#)
            && first[1].contains(r#""storage":"2Gi""#),
        "{first:?} {}",
        created.stderr
    );
    assert_eq!(first[2], "/spec/serviceName /spec/volumeClaimTemplates/data");

    // Each with another image, so that each is a real update; none of them names an injected field.
    let writes: [&[&str]; 7] = [
        &["apply"],
        &["apply"],
        &["apply", "--server-side", "--force-conflicts"],
        &["apply", "--server-side", "--force-conflicts", "--field-manager=argocd"],
        &["replace"],
        &["replace"],
        &["apply"],
    ];
    for (version, write) in (2..).zip(writes) {
        let written = shop.send(&namespace, write, &[bare(&format!("db:{version}"))]).await;
        assert!(written.success, "{write:?} of version {version}: {}", written.stderr);
        assert_eq!(
            injected(shop, &namespace).await,
            first,
            "{write:?} of version {version}"
        );
        let image = shop
            .field(&namespace, "statefulset/db", ".spec.template.spec.containers[0].image")
            .await;
        assert_eq!(image, format!("db:{version}"));
    }

    // Patches that take out by name what was injected.
    for patch in [
        r#"patch statefulset db --type=json -p [{"op":"remove","path":"/spec/serviceName"}]"#,
        r#"patch statefulset db --type=merge -p {"spec":{"volumeClaimTemplates":null}}"#,
        r#"patch statefulset db --type=merge -p {"metadata":{"annotations":{"stateward.dev/defaulted":null}}}"#,
    ] {
        shop.kubectl(&namespace, patch).await.succeeded();
        assert_eq!(injected(shop, &namespace).await, first, "{patch}");
    }

    // No drift: what is applied again changes nothing, and `diff` (a server-side dry run) finds nothing.
    let generation = shop.field(&namespace, "statefulset/db", ".metadata.generation").await;
    let same = shop.send(&namespace, &["apply"], &[bare("db:8")]).await.succeeded();
    assert_eq!(same.stdout, "statefulset.apps/db unchanged\n");
    let differences = shop.send(&namespace, &["diff"], &[bare("db:8")]).await.succeeded();
    assert_eq!(differences.stdout, "");
    assert_eq!(
        shop.field(&namespace, "statefulset/db", ".metadata.generation").await,
        generation
    );

    // Policies do not switch it off: the API server would refuse what drops an immutable field.
    shop.cluster
        .kubectl(["label", "namespace", &namespace, "policy=strict", "--overwrite"])
        .await
        .succeeded();
    shop.send(&namespace, &["replace"], &[bare("db:9")]).await.succeeded();
    assert_eq!(injected(shop, &namespace).await, first);
}

#[tokio::test]
async fn a_set_that_was_applied_first_is_applied_again() {
    let shop = Shop::shared().await;
    let namespace = shop.namespace(Policy::Defaults).await;
    for version in 1..3 {
        let set = bare(&format!("db:{version}"));
        shop.send(&namespace, &["apply"], &[set]).await.succeeded();
    }
    assert_eq!(injected(shop, &namespace).await[0], "db");
}

#[tokio::test]
async fn a_headless_service_that_selects_the_pods_is_taken_even_when_it_is_new() {
    let shop = Shop::shared().await;
    let namespace = shop.namespace(Policy::Baseline).await;
    let service = super::objects::headless("db").replace("metadata: {name: db}", "metadata: {name: db-peers}");
    let set = super::objects::stateful_set("db", 1).replace("serviceName: db, ", "");
    // In one call: the Service is in no cache yet, and what is written is written for ever.
    let created = shop.create(&namespace, &[service, set]).await.succeeded();
    let told = "service-name-missing: StatefulSet ";
    assert!(
        created.stderr.contains(told) && created.stderr.contains("injected serviceName: \"db-peers\""),
        "{}",
        created.stderr
    );
    assert_eq!(created.stderr.lines().count(), 1, "{}", created.stderr);
    let name = shop.field(&namespace, "statefulset/db", ".spec.serviceName").await;
    assert_eq!(name, "db-peers");
}

#[tokio::test]
async fn a_deployment_gets_a_strategy_that_frees_its_disk_first() {
    let shop = Shop::shared().await;
    let namespace = shop.namespace(Policy::Defaults).await;
    let surging = super::objects::deployment("web", "data", 1).replace("strategy: {type: Recreate}, ", "");
    let objects = [super::objects::claim("data", "ReadWriteOnce"), surging];
    let created = shop.create(&namespace, &objects).await.succeeded();
    let told = "injected strategy: {\"type\":\"Recreate\"}. Write it into the manifest\n";
    assert!(created.stderr.ends_with(told), "{}", created.stderr);
    let strategy = shop.field(&namespace, "deployment/web", ".spec.strategy").await;
    assert_eq!(strategy, r#"{"type":"Recreate"}"#);
}

#[tokio::test]
async fn a_rollout_is_undone_with_the_injected_fields_in_place() {
    // Histories are written by Kubernetes' own controllers.
    let cluster = super::workshop().await;
    cluster.start_controller_manager().await;
    let policy = super::Served::launch(&cluster, &["--policy", "baseline"]);
    policy.ready().await;
    policy.called(&cluster).await;
    let namespace = cluster.namespace("undo").await;
    let send = async |verb: &str, version: u32| {
        let set = bare(&format!("db:{version}")).replace(
            "spec: {selector",
            "spec: {volumeClaimTemplates: [{metadata: {name: data}, spec: {resources: {requests: {storage: 1Gi}}}}], selector",
        );
        let output = cluster
            .kubectl_stdin([verb, "-n", &namespace, "-f", "-"], &set)
            .await
            .succeeded();
        crate::controlplane::eventually("a revision of the history", async || {
            let history = cluster
                .kubectl(["get", "controllerrevisions", "-n", &namespace, "-o", "name"])
                .await
                .succeeded();
            (history.stdout.lines().count() == usize::try_from(version).ok()?).then_some(())
        })
        .await;
        output
    };
    send("apply", 1).await;
    send("apply", 2).await;
    let undone = cluster
        .kubectl(["rollout", "undo", "statefulset/db", "-n", &namespace])
        .await
        .succeeded();
    assert_eq!(undone.stdout, "statefulset.apps/db rolled back\n");
    let found = cluster
        .kubectl([
            "get",
            "statefulset/db",
            "-n",
            &namespace,
            "-o=jsonpath={.spec.template.spec.containers[0].image} {.spec.serviceName} {.spec.volumeClaimTemplates[0].spec.accessModes}",
        ])
        .await
        .succeeded();
    assert_eq!(found.stdout, r#"db:1 db ["ReadWriteOnce"]"#);
}
