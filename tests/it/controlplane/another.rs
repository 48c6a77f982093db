//! One more API server of a cluster, as every cluster has that survives the loss of a machine.

use std::fs;
use std::time::Duration;

use kube::Client;
use tokio::time::timeout;

use super::binaries::Program;
use super::process::Process;
use super::{ControlPlane, client, eventually, free_port};

/// Dropping it ends it.
pub struct AnotherApiServer {
    pub client: Client,
    _process: Process,
}

impl ControlPlane {
    /// Starts one with the same etcd, certificate and tokens, which learns of what the first wrote as others do.
    pub async fn another_api_server(&self) -> AnotherApiServer {
        let port = free_port().expect("a port is free");
        let mut command = self.binaries.command(Program::KubeApiserver);
        command.args(self.files.api_server_flags()).args(&self.flags);
        command.arg(format!("--etcd-servers=http://127.0.0.1:{}", self.etcd_port));
        // Of a flag that is given twice the last counts.
        let audit = self.files.directory().join("another-audit.log");
        command.arg(format!("--secure-port={port}"));
        command.arg(format!("--audit-log-path={}", audit.display()));
        let log = self.files.log("another-kube-apiserver");
        let process = Process::start(&command, &log).expect("the API server starts");
        let first = fs::read_to_string(self.kubeconfig()).expect("the kubeconfig");
        let kubeconfig = self.files.directory().join("another.kubeconfig");
        let (before, after) = first.split_once("https://127.0.0.1:").expect("an address");
        let after = after.trim_start_matches(|digit: char| digit.is_ascii_digit());
        fs::write(&kubeconfig, format!("{before}https://127.0.0.1:{port}{after}")).expect("written");
        let client = client(&kubeconfig).await.expect("the kubeconfig is usable");
        eventually("another API server", async || {
            let ready = http::Request::get("/readyz").body(Vec::new()).expect("a request");
            let ready = timeout(Duration::from_secs(5), client.request_text(ready)).await;
            matches!(ready, Ok(Ok(_))).then_some(())
        })
        .await;
        AnotherApiServer {
            client,
            _process: process,
        }
    }
}
