//! The pages of a live cluster: what changes there is told at once.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use http_body_util::BodyExt as _;

use super::Dashboard;
use super::browser::Browser;
use super::tokens::token;
use crate::controlplane::{ControlPlane, eventually, free_port};
use crate::served::objects::{claim, deployment};
use crate::served::{Served, workshop};

/// Creates objects, none of which may be refused.
pub async fn create(cluster: &ControlPlane, namespace: &str, objects: &[String]) {
    let objects = objects.join("\n---\n");
    let created = cluster.kubectl_stdin(["create", "-n", namespace, "-f", "-"], &objects);
    created.await.succeeded();
}

/// Makes a service account of a namespace everybody's administrator, until somebody deletes the binding of its name.
pub async fn promote(cluster: &ControlPlane, namespace: &str, account: &str) {
    let account = format!("--serviceaccount={namespace}:{account}");
    let bind = [
        "create",
        "clusterrolebinding",
        namespace,
        "--clusterrole=cluster-admin",
        &account,
    ];
    cluster.kubectl(bind).await.succeeded();
}

/// Creates what is refused, once the webhook is asked.
pub async fn refuse(cluster: &ControlPlane, namespace: &str, objects: &str, rule: &str) {
    eventually("a refusal", async || {
        let create = ["create", "-n", namespace, "-f", "-"];
        let output = cluster.kubectl_stdin(create, objects).await;
        output.stderr.contains(rule).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_event_tells_of_a_change_and_the_page_shows_it() {
    let cluster = ControlPlane::shared().await;
    let namespace = cluster.namespace("dashboard").await;
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let dashboard = Dashboard::start(&["--kubeconfig", &kubeconfig, "--policy", "baseline"]).await;
    let path = format!("/namespaces/{namespace}");
    let before = eventually("the namespace", async || {
        let answer = dashboard.browser.get(&path).await;
        (answer.status == 200).then_some(answer)
    })
    .await;
    assert!(!before.body.contains("rwo-replicas"));
    let (_, beat) = before.body.split_once("data-beat=\"").expect("a beat");
    let (beat, _) = beat.split_once('"').expect("a number");
    let events = format!("/events?since={beat}");
    let mut events = dashboard.browser.ask(Method::GET, &events, String::new()).await;
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    create(
        cluster,
        &namespace,
        &[claim("data", "ReadWriteOnce"), deployment("web", "data", 3)],
    )
    .await;
    // The first event may be of another namespace; those that follow it lead to the finding.
    let mut told = String::new();
    loop {
        let frame = events.frame().await.expect("an event comes").expect("a whole frame");
        told.push_str(&String::from_utf8_lossy(frame.data_ref().expect("data")));
        let page = dashboard.browser.get(&path).await;
        if page.page().text().contains("web") && page.body.contains("rwo-replicas") {
            break;
        }
    }
    assert!(told.starts_with("event: change\nid: "), "{told}");
    eventually("what came lately", async || {
        let page = dashboard.browser.get(&path).await;
        page.page().text().contains("came (deny)").then_some(())
    })
    .await;
    // An open stream does not keep it from ending.
    assert!(dashboard.interrupted().await.success());
}

#[tokio::test]
async fn decisions_tell_who_and_when() {
    let cluster = workshop().await;
    let port = free_port().expect("a port is free");
    let bind = format!("127.0.0.1:{port}");
    let _served = Served::start(&cluster, &["--dashboard-bind", &bind]).await;
    let browser = Browser::at(&bind);
    let namespace = cluster.namespace("decided").await;
    create(&cluster, &namespace, &[claim("data", "ReadWriteOnce")]).await;
    refuse(&cluster, &namespace, &deployment("web", "data", 3), "rwo-replicas").await;
    let page = browser.get("/decisions?outcome=denied&q=web").await;
    let text = page.page().text();
    for wanted in [
        "denied",
        "CREATE Deployment web",
        "rwo-replicas",
        &*namespace,
        "3 replicas mount claim",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert_eq!(page.page().faults(), Vec::<String>::new());
    let others = browser.get("/decisions?outcome=injected&q=nobody").await;
    assert!(others.page().text().contains("0 decisions"));
}

#[tokio::test]
async fn from_elsewhere_it_is_asked_over_tls_and_with_a_token() {
    let cluster = workshop().await;
    let namespace = cluster.namespace("elsewhere").await;
    let port = free_port().expect("a port is free");
    let _served = Served::start(&cluster, &["--dashboard-bind", &format!("0.0.0.0:{port}")]).await;
    let bundle = cluster
        .kubectl([
            "get",
            "validatingwebhookconfiguration",
            "stateward-dev",
            "--output",
            "jsonpath={.webhooks[0].clientConfig.caBundle}",
        ])
        .await;
    let bundle = STANDARD.decode(bundle.succeeded().stdout.trim()).expect("base64");
    let ca_pem = String::from_utf8(bundle).expect("PEM");
    let browser = Browser::at(&format!("127.0.0.1:{port}")).over_tls(&ca_pem);
    let stranger = browser.get("/").await;
    assert_eq!(stranger.status, 401);
    assert!(stranger.body.contains("A token is needed"), "{}", stranger.body);
    assert_eq!(stranger.page().faults(), Vec::<String>::new());

    let reader = token(&cluster, &namespace, "reader").await;
    let nobody = browser
        .with("authorization", &format!("Bearer {reader}"))
        .get("/")
        .await;
    assert_eq!(nobody.status, 403);
    promote(&cluster, &namespace, "reader").await;
    // As the form does it: the token becomes a cookie. What is remembered of it is half a minute old at most.
    let signed_in = browser.post("/sign-in", &[("token", &reader)]).await;
    assert_eq!(signed_in.status, 303);
    let cookie = signed_in.header("set-cookie");
    assert!(cookie.contains("; Secure; HttpOnly; SameSite=Strict"), "{cookie}");
    let (cookie, _) = cookie.split_once(';').expect("attributes");
    let browser = browser.with("cookie", cookie);
    let page = eventually("the new binding", async || {
        let page = browser.get("/").await;
        (page.status == 200).then_some(page)
    })
    .await;
    assert_eq!(page.page().faults(), Vec::<String>::new());
    cluster
        .kubectl(["delete", "clusterrolebinding", &namespace])
        .await
        .succeeded();
}
