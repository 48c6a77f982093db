//! `docs/troubleshooting.md` has the words of the API server.

use tokio::net::TcpListener;

use super::Served;
use super::installation::{ENFORCE, Installed, NAMESPACE};
use super::objects::deployment;
use crate::controlplane::eventually;

const PAGE: &str = include_str!("../../../docs/troubleshooting.md");

/// Waits until the API server refuses a workload that waits for us for this reason, and finds what it says in the page,
/// but for addresses, which differ from machine to machine.
async fn told(installed: &Installed, namespace: &str, reason: &str) {
    let said = eventually(reason, async || {
        let create = ["create", "-n", namespace, "--dry-run=server", "-f", "-"];
        let web = deployment("web", "data", 1);
        let output = installed.cluster.kubectl_stdin(create, &web).await;
        output.stderr.contains(reason).then_some(output.stderr)
    })
    .await;
    let (_, said) = said.split_once("Internal error occurred: ").expect("an error");
    let port = format!(":{}", installed.balancer.port);
    let said = said
        .replace(&port, ":443")
        .replace("127.0.0.1", "10.96.0.7")
        .replace("[::1]", "10.96.0.7");
    assert!(PAGE.contains(said.trim_end()), "the page lacks: {said}");
}

#[tokio::test]
async fn the_page_has_the_words_of_the_api_server() {
    let mut installed = Installed::bare().await;
    let namespace = installed.cluster.namespace("guarded").await;
    installed.manifests(ENFORCE).await;
    told(&installed, &namespace, "not found").await;

    installed.lead_here().await;
    // One that takes the connection and says nothing, then nobody.
    let silent = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    installed.balancer.port = silent.local_addr().expect("an address").port();
    installed.manifests(ENFORCE).await;
    told(&installed, &namespace, "deadline").await;
    drop(silent);
    told(&installed, &namespace, "refused").await;

    // Its certificate is of nobody that the configurations trust.
    let scratch = tempfile::tempdir().expect("a directory");
    let name = format!("stateward.{NAMESPACE}.svc");
    let pair = rcgen::generate_simple_self_signed([name]).expect("a certificate");
    let write = |name: &str, text: String| {
        let file = scratch.path().join(name);
        std::fs::write(&file, text).expect("written");
        file.display().to_string()
    };
    let (certificate, key) = (
        write("tls.crt", pair.cert.pem()),
        write("tls.key", pair.signing_key.serialize_pem()),
    );
    let own = ["--no-cluster", "--tls-cert", &certificate, "--tls-key", &key];
    let stranger = Served::on(installed.balancer.port, &own);
    stranger.ready().await;
    told(&installed, &namespace, "x509").await;
}
