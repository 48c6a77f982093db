//! The rows on which the denials of the storage rules rest, each played on real controllers and put to our judge.

use serde_json::{Value, json};
use stateward::graph::Kind;
use stateward::rules::kit::Action;

use super::play::{is_ready, name};
use super::shop::{Attach, Shop, text};

const RWO: &[&str] = &["ReadWriteOnce"];

type Verdict<'a> = &'a [(&'static str, Action)];

/// A Deployment of two replicas, whose pods come to lie on two nodes.
async fn two_replicas(attach: Attach, modes: &[&str], spec: Value) -> Shop {
    let shop = Shop::open(attach).await;
    shop.claim("data", modes).await;
    let mut two = json!({"replicas": 2});
    json_patch::merge(&mut two, &spec);
    shop.workload(Kind::DEPLOYMENT, "web", "data", two).await;
    shop
}

#[tokio::test]
async fn the_second_replica_on_another_node_waits_for_ever() {
    let shop = two_replicas(Attach::Required, RWO, json!({})).await;
    shop.one_of_two_waits("data").await;
    assert_eq!(
        shop.verdict(Kind::DEPLOYMENT, "web").await,
        [("rwo-replicas", Action::Deny)]
    );
}

#[tokio::test]
async fn read_only_volumes_of_pods_change_nothing() {
    let volumes = json!([{"name": "data", "persistentVolumeClaim": {"claimName": "data", "readOnly": true}}]);
    let spec = json!({"template": {"spec": {"volumes": volumes}}});
    let shop = two_replicas(Attach::Required, RWO, spec).await;
    shop.one_of_two_waits("data").await;
    assert_eq!(
        shop.verdict(Kind::DEPLOYMENT, "web").await,
        [("rwo-replicas", Action::Deny)]
    );
}

#[tokio::test]
async fn shared_modes_of_the_volume_let_both_nodes_attach() {
    for modes in [&["ReadWriteMany"][..], &["ReadWriteOnce", "ReadOnlyMany"]] {
        let shop = two_replicas(Attach::Required, modes, json!({})).await;
        shop.all_ready(2).await;
        assert_eq!(shop.attached_to("data").await, shop.nodes);
        let silent: Verdict<'_> = &[];
        assert_eq!(shop.verdict(Kind::DEPLOYMENT, "web").await, silent, "{modes:?}");
    }
}

#[tokio::test]
async fn a_driver_that_attaches_nothing_enforces_nothing() {
    let shop = two_replicas(Attach::None, RWO, json!({})).await;
    let pods = shop.all_ready(2).await;
    assert_ne!(pods[0]["spec"]["nodeName"], pods[1]["spec"]["nodeName"]);
    assert!(shop.attached_to("data").await.is_empty());
    assert_eq!(
        shop.verdict(Kind::DEPLOYMENT, "web").await,
        [("rwo-replicas", Action::Warn)]
    );
}

#[tokio::test]
async fn two_replicas_on_one_node_share_a_claim() {
    let shop = Shop::open(Attach::Required).await;
    shop.claim("data", RWO).await;
    let selector = json!({"kubernetes.io/hostname": shop.nodes[1]});
    let spec = json!({"replicas": 2, "template": {"spec": {"nodeSelector": selector}}});
    shop.workload(Kind::DEPLOYMENT, "web", "data", spec).await;
    shop.all_ready(2).await;
    assert_eq!(shop.attached_to("data").await, shop.nodes[1..]);
    let silent: Verdict<'_> = &[];
    assert_eq!(shop.verdict(Kind::DEPLOYMENT, "web").await, silent);
}

/// Rolls a Deployment of one replica out again; the new pod comes to lie on the other node.
async fn rolled_out(strategy: Value) -> Shop {
    let shop = Shop::open(Attach::Required).await;
    shop.claim("data", RWO).await;
    let spec = json!({"replicas": 1, "progressDeadlineSeconds": 2, "strategy": strategy});
    shop.workload(Kind::DEPLOYMENT, "web", "data", spec).await;
    shop.all_ready(1).await;
    let path = format!("{}/web", shop.path("apps/v1", "deployments"));
    let annotations = json!({"rolled": "out"});
    shop.merge(
        &path,
        &json!({"spec": {"template": {"metadata": {"annotations": annotations}}}}),
    )
    .await;
    shop
}

#[tokio::test]
async fn a_rolling_update_that_surges_waits_for_ever() {
    let shop = rolled_out(json!({"type": "RollingUpdate"})).await;
    shop.one_of_two_waits("data").await;
    let path = format!("{}/web", shop.path("apps/v1", "deployments"));
    // Kubernetes' own word for it.
    shop.until("the deadline of the rollout", async || {
        let web = shop.get(&path).await;
        let conditions = web["status"]["conditions"].as_array()?.clone();
        let exceeded = |condition: &Value| condition["reason"] == "ProgressDeadlineExceeded";
        conditions.iter().any(exceeded).then_some(())
    })
    .await;
    shop.one_of_two_still_waits("data").await;
    assert_eq!(
        shop.verdict(Kind::DEPLOYMENT, "web").await,
        [("rwo-surge", Action::Deny)]
    );
}

#[tokio::test]
async fn a_rollout_that_may_end_the_old_pod_first_ends() {
    let rolling = |surge, unavailable| json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}});
    for strategy in [json!({"type": "Recreate"}), rolling(0, 1), rolling(1, 1)] {
        let shop = rolled_out(strategy.clone()).await;
        let node = shop
            .until("the new pod alone", async || {
                let pods = shop.pods().await;
                let [pod] = &pods[..] else { return None };
                let new = pod["metadata"]["annotations"]["rolled"] == "out" && is_ready(pod);
                new.then(|| text(&pod["spec"]["nodeName"]))
            })
            .await;
        assert_eq!(node, shop.nodes[1], "{strategy}");
        assert_eq!(shop.attached_to("data").await, [node], "{strategy}");
        let silent: Verdict<'_> = &[];
        assert_eq!(shop.verdict(Kind::DEPLOYMENT, "web").await, silent, "{strategy}");
    }
}

#[tokio::test]
async fn one_pod_alone_of_a_daemonset_gets_the_claim() {
    let shop = Shop::open(Attach::Required).await;
    shop.claim("data", RWO).await;
    let spec = json!({"template": {"spec": {"nodeSelector": {"oracle": shop.namespace}}}});
    shop.workload(Kind::DAEMON_SET, "agent", "data", spec).await;
    shop.one_of_two_waits("data").await;
    assert_eq!(
        shop.verdict(Kind::DAEMON_SET, "agent").await,
        [("rwo-daemonset", Action::Deny)]
    );
}

#[tokio::test]
async fn two_deployments_share_a_claim_on_one_node_only() {
    let shop = Shop::open(Attach::Required).await;
    shop.claim("data", RWO).await;
    let recreate = json!({"strategy": {"type": "Recreate"}});
    for name in ["web", "worker"] {
        shop.workload(Kind::DEPLOYMENT, name, "data", recreate.clone()).await;
    }
    shop.one_of_two_waits("data").await;
    assert_eq!(
        shop.verdict(Kind::DEPLOYMENT, "worker").await,
        [("rwo-consumers", Action::Deny)]
    );

    let shop = Shop::open(Attach::Required).await;
    shop.claim("data", RWO).await;
    let mut together = recreate;
    together["template"] = json!({"spec": {"nodeSelector": {"kubernetes.io/hostname": shop.nodes[0]}}});
    for name in ["web", "worker"] {
        shop.workload(Kind::DEPLOYMENT, name, "data", together.clone()).await;
    }
    shop.all_ready(2).await;
    let silent: Verdict<'_> = &[];
    assert_eq!(shop.verdict(Kind::DEPLOYMENT, "worker").await, silent);
}

#[tokio::test]
async fn pods_left_behind_by_their_deployment_are_no_other_owner() {
    let shop = Shop::open(Attach::Required).await;
    shop.claim("data", RWO).await;
    let recreate = json!({"strategy": {"type": "Recreate"}});
    shop.workload(Kind::DEPLOYMENT, "web", "data", recreate.clone()).await;
    shop.all_ready(1).await;
    let orphan = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Orphan"});
    let path = format!("{}/web", shop.path("apps/v1", "deployments"));
    shop.request("DELETE", &path, &orphan).await.expect("deleted");
    let replica_sets = shop.path("apps/v1", "replicasets");
    shop.until("the orphan", async || {
        let sets = shop.list(&replica_sets).await;
        let gone = shop.request("GET", &path, &Value::Null).await.is_err();
        (gone && sets.len() == 1 && sets[0]["metadata"]["ownerReferences"].is_null()).then_some(())
    })
    .await;
    let (sets, pods) = (shop.list(&replica_sets).await, shop.all_ready(1).await);
    assert_eq!(sets[0]["metadata"]["labels"]["app"], "web", "labels stay");
    assert_eq!(pods[0]["metadata"]["ownerReferences"][0]["name"], name(&sets[0]));

    shop.workload(Kind::DEPLOYMENT, "web", "data", recreate).await;
    let silent: Verdict<'_> = &[];
    assert_eq!(shop.verdict(Kind::DEPLOYMENT, "web").await, silent);
    shop.until("the adoption", async || {
        let sets = shop.list(&replica_sets).await;
        (sets.len() == 1 && sets[0]["metadata"]["ownerReferences"][0]["name"] == "web").then_some(())
    })
    .await;
    assert_eq!(name(&shop.all_ready(1).await[0]), name(&pods[0]), "the same pod");
    assert_eq!(shop.verdict(Kind::DEPLOYMENT, "web").await, silent);
}

#[tokio::test]
async fn a_claim_template_replaces_the_volume_of_its_name_and_each_pod_gets_its_own() {
    let shop = Shop::open(Attach::Required).await;
    shop.claim("shared", RWO).await;
    for claim in ["data-db-0", "data-db-1"] {
        shop.volume_for(claim, RWO).await;
    }
    let template = json!([{"metadata": {"name": "data"}, "spec": {"accessModes": RWO, "storageClassName": "",
        "resources": {"requests": {"storage": "1Gi"}}}}]);
    let spec = json!({"replicas": 2, "serviceName": "db", "volumeClaimTemplates": template});
    shop.workload(Kind::STATEFUL_SET, "db", "shared", spec).await;
    let pods = shop.all_ready(2).await;
    for pod in &pods {
        let volumes = pod["spec"]["volumes"].as_array().expect("volumes");
        let claims: Vec<&Value> = volumes
            .iter()
            .filter(|volume| volume["name"] == "data")
            .map(|volume| &volume["persistentVolumeClaim"]["claimName"])
            .collect();
        assert_eq!(claims, [&json!(format!("data-{}", name(pod)))]);
    }
    assert!(shop.attached_to("shared").await.is_empty());
    let silent: Verdict<'_> = &[];
    assert_eq!(shop.verdict(Kind::STATEFUL_SET, "db").await, silent);

    // Fewer replicas, and no StatefulSet at all: the claims stay.
    let path = format!("{}/db", shop.path("apps/v1", "statefulsets"));
    let set = shop.merge(&path, &json!({"spec": {"replicas": 1}})).await;
    assert_eq!(
        set["spec"]["persistentVolumeClaimRetentionPolicy"],
        json!({"whenDeleted": "Retain", "whenScaled": "Retain"})
    );
    shop.all_ready(1).await;
    shop.request("DELETE", &path, &Value::Null).await.expect("deleted");
    shop.until("the last pod's end", async || {
        shop.pods().await.is_empty().then_some(())
    })
    .await;
    let mut claims = shop.list(&shop.path("v1", "persistentvolumeclaims")).await;
    claims.retain(|claim| claim["metadata"]["deletionTimestamp"].is_null());
    let names: Vec<&str> = claims.iter().map(name).collect();
    assert_eq!(names, ["data-db-0", "data-db-1", "shared"]);
}
