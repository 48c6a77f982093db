//! What happens to replicas.

use std::process::Command;
use std::time::Duration;
use std::{fs, io};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::join_all;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::time::{sleep, timeout};

use super::happens;
use crate::client::{Client, MOST_BYTES, head};
use crate::cluster::Cluster;
use crate::controlplane::eventually;
use crate::release::{NAMESPACE, Release};

/// More than there is memory for, from somebody who reaches a pod: none of them is killed for it.
pub async fn bodies_that_never_end() {
    const BODIES: usize = 48;
    let tally = happens(
        &[],
        "48 bodies of 8 MiB that never end, to one replica",
        async |release| {
            let address = format!("{}:8443", address(&release.pods()[0]));
            let client = Client::new(
                address.parse().expect("an address"),
                SERVER,
                &authority(release.cluster),
            );
            let body = [head(MOST_BYTES), vec![b' '; MOST_BYTES - 1]].concat();
            let send = async || {
                let mut stream = client.connect("http/1.1").await?;
                // It may be told to give way.
                let _ = stream.write_all(&body).await;
                io::Result::Ok(stream)
            };
            let held = join_all((0..BODIES).map(|_| send()));
            let _ = timeout(Duration::from_secs(5), held).await;
        },
    )
    .await;
    tally.nobody_was_refused();
    tally.nothing_passed();
    for pod in Release::at_peace(&[]).await.pods() {
        assert_eq!(pod["status"]["containerStatuses"][0]["restartCount"], 0, "{pod}");
    }
}

/// By which name a replica's certificate calls it.
const SERVER: &str = "stateward.stateward-system.svc";

fn address(pod: &Value) -> String {
    pod["status"]["podIP"].as_str().expect("an address").to_owned()
}

/// Whom the API server trusts.
fn authority(cluster: &Cluster) -> String {
    let path = "jsonpath={.webhooks[0].clientConfig.caBundle}";
    let bundle = cluster.told(["get", "validatingwebhookconfiguration", "stateward", "-o", path]);
    let bundle = STANDARD.decode(bundle).expect("base64");
    String::from_utf8(bundle).expect("PEM")
}

pub async fn a_rolling_restart() {
    let tally = happens(&[], "rolling restart", async |release| {
        let restart = ["rollout", "restart", "deployment/stateward", "-n", NAMESPACE];
        release.cluster.told(restart);
        release.is_whole().await;
    })
    .await;
    tally.nobody_was_refused();
    tally.nothing_passed();
}

/// The kubelet starts it anew; what it was asked meanwhile is lost.
pub async fn a_process_that_is_killed() {
    let tally = happens(&[], "kill -9 of one replica's process", async |_| {
        let process = processes().into_iter().next().expect("a process of the release");
        kill(process);
        eventually("the end of the process", async || {
            (!processes().contains(&process)).then_some(())
        })
        .await;
    })
    .await;
    tally.nothing_passed();
}

pub async fn a_pod_that_is_deleted_by_force() {
    let tally = happens(&[], "deletion of one pod by force", async |release| {
        let pod = release.pod();
        let delete = ["delete", "pod", &pod, "--force", "--grace-period=0", "-n", NAMESPACE];
        release.cluster.told(delete);
    })
    .await;
    tally.nothing_passed();
}

/// The second one waits for the first, since one alone may be missing.
pub async fn a_pod_that_is_evicted() {
    let tally = happens(&[], "eviction of both pods, as in a drain", async |release| {
        for pod in release.pods() {
            let name = &pod["metadata"]["name"];
            eventually("an eviction", async || evict(release, name.as_str().expect("a name"))).await;
        }
    })
    .await;
    tally.nobody_was_refused();
    tally.nothing_passed();
}

fn evict(release: &Release, pod: &str) -> Option<()> {
    let path = format!("/api/v1/namespaces/{NAMESPACE}/pods/{pod}/eviction");
    let eviction =
        json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": NAMESPACE}});
    let create = ["create", "--raw", &path, "-f", "-"];
    let output = release.cluster.kubectl_stdin(create, &eviction.to_string());
    output.status.success().then_some(())
}

/// What is sent to it is lost until the kubelet's probes have failed.
pub async fn a_replica_that_nobody_reaches() {
    let tally = happens(&[], "one replica that nobody reaches for 15 s", async |release| {
        let address = address(&release.pods()[0]);
        let rules = [["OUTPUT", "-d", &address], ["INPUT", "-s", &address]];
        let each = |action: &str| {
            for [chain, way, address] in rules {
                let mut iptables = Command::new("/usr/sbin/iptables");
                let arguments = ["--wait", action, chain, way, address, "-j", "DROP"];
                assert!(iptables.args(arguments).status().expect("iptables starts").success());
            }
        };
        each("-I");
        sleep(Duration::from_secs(15)).await;
        each("-D");
    })
    .await;
    tally.nothing_passed();
}

/// The processes of the release, as the node sees them.
pub fn processes() -> Vec<u32> {
    let own = |pid: &u32| {
        let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.starts_with("/stateward\0serve")
    };
    numbers().filter(own).collect()
}

/// All processes in here.
pub fn numbers() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

pub fn kill(pid: u32) {
    signal(pid, "KILL");
}

pub fn signal(pid: u32, name: &str) {
    // It may be gone already.
    let _ = Command::new("kill").args(["-s", name, &pid.to_string()]).status();
}
