//! The page about who may call, followed: an API server that shows a certificate, and a webhook that wants one.

use std::path::Path;

use super::Identity;
use crate::controlplane::process::Scratch;
use crate::controlplane::{ControlPlane, free_port};
use crate::served::Served;
use crate::served::objects::{claim, deployment};

const PAGE: &str = include_str!("../../../docs/who-may-call.md");

/// The YAML blocks of the page.
fn blocks() -> Vec<&'static str> {
    let blocks = PAGE.split("```yaml\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap_or(block)).collect()
}

#[tokio::test]
async fn an_api_server_set_up_as_the_page_says_is_answered() {
    let scratch = Scratch::new().expect("a directory can be made");
    let write = |name: &str, text: &str| scratch.write(name, text).expect("written").display().to_string();
    let identity = Identity::new();
    let port = free_port().expect("a port is free");
    let address = format!("127.0.0.1:{port}");
    let ca = write("clients.crt", &identity.ca);
    write("webhooks.crt", &identity.certificate);
    write("webhooks.key", &identity.key);
    let here = |text: &str| {
        let text = text.replace("/etc/kubernetes/admission", &Path::display(scratch.path()).to_string());
        text.replace("stateward.stateward-system.svc", &address)
    };
    let [admission, kubeconfig] = blocks()[..] else {
        unreachable!("the page has two files");
    };
    write("kubeconfig.yaml", &here(kubeconfig));
    let admission = write("admission.yaml", &here(admission));
    let cluster = ControlPlane::start_with([format!("--admission-control-config-file={admission}")]).await;

    let admin = cluster.kubeconfig().display().to_string();
    let url = format!("https://{address}");
    let arguments = ["--kubeconfig", &admin, "--register-url", &url, "--client-ca", &ca];
    let served = Served::on(port, &arguments);
    served.ready().await;
    served.called(&cluster).await;
    let namespace = cluster.namespace("guarded").await;
    let objects = [claim("data", "ReadWriteOnce"), deployment("web", "data", 3)].join("\n---\n");
    let create = ["create", "-n", &namespace, "-f", "-"];
    let refused = cluster.kubectl_stdin(create, &objects).await.failed();
    assert!(refused.stderr.contains("rwo-replicas"), "{}", refused.stderr);
}
