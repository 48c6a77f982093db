//! The dashboard of a live cluster: a page that is open, and the form for those from elsewhere.

use serde_json::json;

use super::Chromium;
use crate::controlplane::{ControlPlane, free_port};
use crate::dashboard::Dashboard;
use crate::dashboard::cluster::{create, promote, refuse};
use crate::dashboard::tokens::token;
use crate::served::objects::{claim, deployment};
use crate::served::{Served, workshop};

#[tokio::test]
async fn an_open_page_follows_the_cluster() {
    let Some(chromium) = Chromium::start().await else {
        return;
    };
    let cluster = ControlPlane::shared().await;
    let namespace = cluster.namespace("open-page").await;
    create(cluster, &namespace, &[claim("data", "ReadWriteOnce")]).await;
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let dashboard = Dashboard::start(&["--kubeconfig", &kubeconfig, "--policy", "baseline"]).await;
    let url = format!("{}/namespaces/{namespace}", dashboard.address());
    let cast = json!({"url": url, "first": "Deployment web", "then": "Deployment worker"});
    let mut story = chromium.begin("live", &cast);
    story.comes_to("open").await;
    create(cluster, &namespace, &[deployment("web", "data", 1)]).await;
    story.comes_to("focused").await;
    create(cluster, &namespace, &[deployment("worker", "data", 3)]).await;
    story.end().await;
}

#[tokio::test]
async fn a_token_is_typed_into_the_form_and_decisions_are_looked_through() {
    let Some(chromium) = Chromium::start().await else {
        return;
    };
    let cluster = workshop().await;
    let namespace = cluster.namespace("signed-in").await;
    create(&cluster, &namespace, &[claim("data", "ReadWriteOnce")]).await;
    let token = token(&cluster, &namespace, "reader").await;
    promote(&cluster, &namespace, "reader").await;
    let port = free_port().expect("a port is free");
    let _served = Served::start(&cluster, &["--dashboard-bind", &format!("0.0.0.0:{port}")]).await;
    refuse(&cluster, &namespace, &deployment("web", "data", 3), "rwo-replicas").await;
    let base = format!("https://127.0.0.1:{port}");
    let cast = json!({"base": base, "token": token, "workload": "Deployment web"});
    chromium.play("sign-in", &cast).await;
    let unbind = ["delete", "clusterrolebinding", &namespace];
    cluster.kubectl(unbind).await.succeeded();
}
