//! Start, readiness and end: what a user sees of the process, and what the cluster keeps of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::PostParams;

use super::objects::{claim, deployment};
use super::{Served, workshop};
use crate::controlplane::process::Scratch;
use crate::controlplane::{ControlPlane, eventually, free_port};
use crate::metrics::promtool::{CHECK_METRICS, promtool};
use crate::metrics::{promql, scrape};

/// The configurations of `--register-url` that exist.
async fn registered(cluster: &ControlPlane) -> String {
    let kinds = "validatingwebhookconfigurations,mutatingwebhookconfigurations";
    cluster.kubectl(["get", kinds, "-o", "name"]).await.succeeded().stdout
}

const BOTH: &str = "validatingwebhookconfiguration.admissionregistration.k8s.io/stateward-dev\n\
                    mutatingwebhookconfiguration.admissionregistration.k8s.io/stateward-dev\n";

/// Asks for the same violating Deployment again and again; `Ok` where it passed, `Err` with the message otherwise.
async fn ask_until(client: kube::Client, namespace: String, stop: Arc<AtomicBool>) -> Vec<Result<(), String>> {
    let deployments = Api::<Deployment>::namespaced(client, &namespace);
    // JSON is YAML, but the client wants a typed object.
    let web = serde_json::from_value(serde_json::json!({
        "metadata": {"name": "web"},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "containers": [{"name": "web", "image": "web"}],
                "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
            },
        }},
    }))
    .expect("invariant: a Deployment");
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let mut answers = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let answer = deployments.create(&dry_run, &web).await;
        answers.push(answer.map(|_| ()).map_err(|error| error.to_string()));
    }
    answers
}

#[tokio::test]
async fn a_stop_fails_no_request_and_leaves_no_configuration() {
    let cluster = workshop().await;
    let served = Served::start(&cluster, &[]).await;
    assert_eq!(registered(&cluster).await, BOTH);
    let namespace = cluster.namespace("stop").await;
    cluster
        .kubectl_stdin(["create", "-n", &namespace, "-f", "-"], &claim("data", "ReadWriteOnce"))
        .await
        .succeeded();
    let stop = Arc::new(AtomicBool::new(false));
    let mut asking = Vec::new();
    for _ in 0..4 {
        let client = cluster.client().await;
        asking.push(tokio::spawn(ask_until(client, namespace.clone(), stop.clone())));
    }
    let before = cluster.audit_log().len();
    eventually("some requests", async || {
        (cluster.audit_log().len() > before + 20).then_some(())
    })
    .await;

    served.signal("TERM");
    eventually("readiness to go", async || {
        let (status, text) = served.admin("/readyz").await?;
        (status == 503 && text.contains("[-]shutdown stopping")).then_some(())
    })
    .await;
    assert_eq!(served.ended().await.code(), Some(0), "{}", served.text());
    assert_eq!(registered(&cluster).await, "");
    stop.store(true, Ordering::Relaxed);
    let mut denied = 0;
    for asking in asking {
        let answers = asking.await.expect("no panic");
        // While the configuration is there every request is denied; afterwards every one passes.
        let first_passed = answers.iter().position(Result::is_ok).unwrap_or(answers.len());
        denied += first_passed;
        for (index, answer) in answers.iter().enumerate() {
            match answer {
                Ok(()) => {}
                Err(message) => assert!(index < first_passed && message.contains("rwo-replicas"), "{message}"),
            }
        }
    }
    assert!(denied > 20, "{denied} requests were denied");
    let failed_open = cluster.audit_log().into_iter().find(|event| {
        event["objectRef"]["namespace"] == namespace.as_str() && event.to_string().contains("failed-open")
    });
    assert_eq!(failed_open, None);
}

#[tokio::test]
async fn a_second_signal_ends_the_process_at_once() {
    let cluster = workshop().await;
    for second in ["TERM", "INT"] {
        // Longer than any test waits.
        let served = Served::start(&cluster, &["--shutdown-delay", "3600"]).await;
        served.signal("TERM");
        served
            .logged(|line| line["message"] == "Webhook configurations removed")
            .await;
        served.signal(second);
        assert_eq!(served.ended().await.code(), Some(1), "{}", served.text());
    }
    assert_eq!(registered(&cluster).await, "");
}

#[tokio::test]
async fn a_killed_process_is_in_nobodys_way_and_its_successor_takes_over() {
    let cluster = workshop().await;
    let first = Served::start(&cluster, &[]).await;
    let namespace = cluster.namespace("killed").await;
    first.signal("KILL");
    first.ended().await;
    assert_eq!(registered(&cluster).await, BOTH);
    let objects = [claim("data", "ReadWriteOnce"), deployment("web", "data", 3)].join("\n---\n");
    cluster
        .kubectl_stdin(["create", "-n", &namespace, "-f", "-"], &objects)
        .await
        .succeeded();
    // It passed, and the API server counts that as the alert expects it.
    let told = cluster.kubectl(["get", "--raw", "/metrics"]).await.succeeded().stdout;
    let passed = told.lines().filter(|line| line.contains("_webhook_fail_open_count{"));
    let passed: Vec<&str> = passed.collect();
    assert_eq!(scrape::names(&passed.join("\n")), promql::of_the_api_server());
    assert!(
        passed.iter().all(|line| line.contains(".stateward.dev\",type=\"")),
        "{passed:?}"
    );
    let second = Served::start(&cluster, &[]).await;
    let refused = cluster
        .kubectl(["scale", "deployment/web", "--replicas=4", "-n", &namespace])
        .await
        .failed();
    assert!(refused.stderr.contains("from 3 to 4"), "{}", refused.stderr);
    second.signal("INT");
    assert_eq!(second.ended().await.code(), Some(0));
    assert_eq!(registered(&cluster).await, "");
}

#[tokio::test]
async fn an_api_server_that_does_not_reach_us_is_told_and_so_is_who_holds_the_registration() {
    let cluster = workshop().await;
    let kubeconfig = cluster.kubeconfig().display().to_string();
    // Nobody listens at the URL.
    let url = format!("https://127.0.0.1:{}", free_port().expect("a port is free"));
    let lost = Served::with(&["--kubeconfig", &kubeconfig, "--register-url", &url]);
    let told = lost.logged(|line| line["level"] == "WARN").await;
    let message = told["message"].as_str().unwrap_or_default();
    assert!(
        message.starts_with("The API server does not reach this process"),
        "{told}"
    );
    let (status, report) = lost.admin("/readyz?verbose").await.expect("an answer");
    let remark = format!("[+]registration the API server does not reach {url}: nothing is checked\n");
    assert!(status == 200 && report.contains(&remark), "{report}");
    lost.signal("INT");
    assert_eq!(lost.ended().await.code(), Some(0));

    let first = Served::start(&cluster, &[]).await;
    first
        .logged(|line| line["message"] == "The API server calls this process")
        .await;
    let second = Served::launch(&cluster, &[]);
    assert_eq!(second.ended().await.code(), Some(2));
    let text = second.text();
    let holder = format!("the cluster calls process {} on ", first.pid());
    assert!(text.contains(&holder), "{text}");
    assert_eq!(registered(&cluster).await, BOTH);
    first.signal("INT");
    assert_eq!(first.ended().await.code(), Some(0));
    assert_eq!(registered(&cluster).await, "");
}

#[tokio::test]
async fn by_hand_it_ends_at_once_where_nobody_is_connected() {
    // Longer than any test waits.
    let served = Served::with(&["--no-cluster", "--shutdown-delay", "3600"]);
    served.ready().await;
    served.signal("INT");
    assert_eq!(served.ended().await.code(), Some(0), "{}", served.text());
}

#[tokio::test]
async fn manifests_that_cannot_be_read_are_an_error_unless_they_may_be_skipped() {
    let scratch = Scratch::new().expect("a directory can be made");
    let text = "kind: Service\napiVersion: v1\nmetadata: {name: db}\n---\n{{ template }}\n";
    let path = scratch
        .write("objects.yaml", text)
        .expect("written")
        .display()
        .to_string();
    let refused = Served::with(&["--manifests", &path]);
    assert_eq!(refused.ended().await.code(), Some(2));
    let told = refused.text();
    assert!(told.contains("--skip-unreadable serves without them"), "{told}");
    assert!(told.contains("objects.yaml:5:1"), "{told}");
    Served::with(&["--manifests", &path, "--skip-unreadable"]).ready().await;
}

#[tokio::test]
async fn readiness_and_metrics_tell_what_is_known() {
    let shop = super::Shop::shared().await;
    let (status, text) = shop.webhook.admin("/readyz").await.expect("an answer");
    assert_eq!(
        (status, text.as_str()),
        (
            200,
            "[+]policies\n[+]certificate\n[+]sync\n[+]registration\n[+]shutdown\n"
        )
    );
    let (status, _) = shop.webhook.admin("/livez").await.expect("an answer");
    assert_eq!(status, 200);
    let metrics = shop.webhook.metrics().await;
    let deployments = metrics.series("stateward_graph_objects", &[("kind", "Deployment")]);
    assert!(deployments.is_some_and(|count| count >= 1.0), "{deployments:?}");
    let age = metrics.series("stateward_watch_age_seconds", &[("kind", "Deployment")]);
    assert!(age.is_some_and(|age| age < 300.0), "{age:?}");
    let expiry = metrics.series("stateward_certificate_expiry_timestamp_seconds", &[]);
    assert!(expiry.is_some_and(|expiry| expiry > 1.7e9), "{expiry:?}");
    let start = metrics.series("stateward_certificate_start_timestamp_seconds", &[]);
    assert!(start < expiry, "{start:?}");
    let authority = metrics.series("stateward_authority_expiry_timestamp_seconds", &[]);
    assert_eq!(authority, None, "none of our own");
    let (_, page) = shop.webhook.admin("/metrics").await.expect("an answer");
    promtool(&CHECK_METRICS, &page);
}

#[tokio::test]
async fn a_cluster_that_is_configured_and_not_there_is_an_error() {
    let scratch = Scratch::new().expect("a directory can be made");
    let config = "{apiVersion: v1, kind: Config, current-context: a, contexts: [{name: a, context: {cluster: a, user: a}}], \
                  clusters: [{name: a, cluster: {server: 'https://127.0.0.1:1'}}], users: [{name: a, user: {token: a}}]}";
    let path = scratch.write("config", config).expect("written").display().to_string();
    let served = Served::with(&["--kubeconfig", &path]);
    assert_eq!(served.ended().await.code(), Some(2));
    let text = served.text();
    assert!(text.contains("https://127.0.0.1:1"), "{text}");
    assert!(text.contains("kubectl config get-contexts"), "{text}");
}

#[tokio::test]
async fn what_cannot_be_meant_together_is_refused_with_the_flag() {
    for (arguments, words) in [
        (
            &["--no-cluster", "--register-url", "https://127.0.0.1:1"][..],
            "--register-url",
        ),
        (&["--register-url", "http://127.0.0.1:1"], "calls only https"),
        (&["--no-cluster", "--shutdown-delay", "soon"], "not a number of seconds"),
        (&["--no-cluster", "--on-error", "panic"], "--on-error"),
        (&["--no-cluster", "--tls-cert", "a.crt"], "--tls-key"),
        (&["--no-cluster", "--tls-ca", "a.crt"], "--tls-ca"),
        (
            &["--tls-cert=a.crt", "--tls-key=a.key", "--tls-ca=ca.crt"],
            "--namespace",
        ),
        (&["--kubeconfig", "/nowhere/config"], "/nowhere/config"),
    ] {
        let served = Served::with(arguments);
        assert_eq!(served.ended().await.code(), Some(2), "{arguments:?}: {}", served.text());
        let text = served.text();
        assert!(text.contains(words), "{arguments:?}: {text}");
    }
}
