//! Files that are wrong: at the start they are an error, later the last good ones stay.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use rcgen::date_time_ymd;

use super::client::Client;
use super::honest::Honest;
use super::pair::Pair;
use crate::controlplane::process::Scratch;
use crate::controlplane::{eventually, free_port};
use crate::served::Served;

fn make_pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().expect("mkfifo runs");
    assert!(made.success());
}

fn policy(name: &str) -> String {
    format!("apiVersion: stateward.dev/v1alpha1\nkind: WorkloadPolicy\nmetadata: {{name: {name}}}\nspec: {{}}\n")
}

async fn fails_to_start(arguments: &[&str], why: &str) {
    let served = Served::with(&[&["--no-cluster"], arguments].concat());
    let status = served.ended().await;
    let text = served.text();
    assert_eq!(status.code(), Some(2), "{text}");
    assert!(text.contains(why), "{text}");
}

#[tokio::test]
async fn a_start_with_wrong_files_is_an_error_that_says_why() {
    let scratch = Scratch::new().expect("a directory can be made");
    let pipe = scratch.path().join("pipe");
    make_pipe(&pipe);
    let pipe = pipe.display().to_string();
    fails_to_start(&["--policy", &pipe], "not a regular file").await;
    fails_to_start(&["--tls-cert", &pipe, "--tls-key", &pipe], "not a regular file").await;
    let empty = scratch.write("empty.yaml", "").expect("written").display().to_string();
    fails_to_start(&["--policy", &empty], "no policy in it").await;

    let mut params = Pair::params();
    params.not_after = date_time_ymd(2020, 1, 1);
    let [chain, key] = Pair::write(&scratch, &params).arguments();
    fails_to_start(&[&chain, &key], "the certificate expired").await;
}

/// The whole way: what is read again every some seconds, what readiness and metrics say, and that both ports and the
/// signal go on working.
#[tokio::test]
async fn files_that_go_wrong_later_change_nothing_and_are_told() {
    let scratch = Scratch::new().expect("a directory can be made");
    let policies = scratch.path().join("policies");
    fs::create_dir(&policies).expect("a directory");
    for name in ["a", "b"] {
        fs::write(policies.join(format!("{name}.yaml")), policy(name)).expect("written");
    }
    let pair = Pair::write(&scratch, &Pair::params());
    let [chain, key] = pair.arguments();
    let policies_argument = format!("--policy={}", policies.display());
    let port = free_port().expect("a port is free");
    let arguments = ["--no-cluster", "--shutdown-delay=0", &chain, &key, &policies_argument];
    let served = Served::on(port, &arguments);
    served.ready().await;

    let mut params = Pair::params();
    params.not_after = date_time_ymd(2020, 1, 1);
    Pair::write(&scratch, &params);
    fs::remove_file(policies.join("b.yaml")).expect("removed");
    let report = told(&served, "[+]policies not reloaded", "[+]certificate not reloaded").await;
    assert!(
        report.contains("2 policies are in force and the files hold 1 of them: b is gone"),
        "{report}"
    );
    assert!(report.contains("the certificate expired"), "{report}");
    let metrics = served.metrics().await;
    for labels in [
        [("what", "policies"), ("reason", "fewer")],
        [("what", "certificate"), ("reason", "expired")],
    ] {
        assert_eq!(
            metrics.series("stateward_reload_refused", &labels),
            Some(1.0),
            "{labels:?}"
        );
    }

    make_pipe(&policies.join("b.yaml"));
    told(&served, "not a regular file", "[+]certificate not reloaded").await;
    let client = Client::new(SocketAddr::from(([127, 0, 0, 1], port)), "localhost", &pair.pem);
    client
        .review(Honest::SMALL)
        .await
        .expect("an answer with the last good certificate");
    served.signal("TERM");
    assert_eq!(served.ended().await.code(), Some(0), "{}", served.text());
}

/// Waits until readiness, which stays, says both.
async fn told(served: &Served, one: &str, other: &str) -> String {
    eventually("remarks of readiness", async || {
        let (status, report) = served.admin("/readyz").await?;
        assert_eq!(status, 200, "{report}");
        (report.contains(one) && report.contains(other)).then_some(report)
    })
    .await
}
