//! What happens to the control plane, and to all at once.

use std::fs;
use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use super::happens;
use super::replicas::{kill, numbers, processes, signal};
use crate::cluster::Part;
use crate::controlplane::eventually;
use crate::release::NAMESPACE;

pub async fn an_api_server_that_is_killed() {
    let tally = happens(&[], "API server killed, and started 5 s later", async |release| {
        release.cluster.kill(Part::ApiServer);
        sleep(Duration::from_secs(5)).await;
        release.cluster.start_all().await;
    })
    .await;
    tally.nobody_was_refused();
    tally.nothing_passed();
}

pub async fn an_etcd_that_pauses() {
    let tally = happens(&[], "etcd paused for 20 s", async |release| {
        release.cluster.signal(Part::Etcd, "STOP");
        sleep(Duration::from_secs(20)).await;
        release.cluster.signal(Part::Etcd, "CONT");
    })
    .await;
    tally.nobody_was_refused();
    tally.nothing_passed();
}

/// Everything that makes the API server trust the replicas is gone.
pub async fn authorities_that_are_lost() {
    let tally = happens(&[], "authority and every caBundle deleted", async |release| {
        let cluster = release.cluster;
        cluster.told(["delete", "secret", "-n", NAMESPACE, "--all"]);
        for kind in ["validatingwebhookconfiguration", "mutatingwebhookconfiguration"] {
            let text = cluster.told(["get", kind, "stateward", "-o", "json"]);
            let configuration: Value = serde_json::from_str(&text).expect("JSON");
            let count = configuration["webhooks"].as_array().map_or(0, Vec::len);
            let remove = |entry| format!(r#"{{"op":"remove","path":"/webhooks/{entry}/clientConfig/caBundle"}}"#);
            let patch: Vec<_> = (0..count).map(remove).collect();
            let patch = format!("[{}]", patch.join(","));
            cluster.told(["patch", kind, "stateward", "--type=json", "--patch", &patch]);
        }
    })
    .await;
    tally.nothing_passed();
}

/// Nobody could renew them in time: both replicas stood still.
pub async fn certificates_that_are_over() {
    let send = |name: &str| processes().into_iter().for_each(|process| signal(process, name));
    let what = "both replicas stopped for 20 s, and their certificates over";
    let short = "--set=extraArgs={--certificate-lifetime=15s}";
    let tally = happens(&[short], what, async |_| {
        send("STOP");
        sleep(Duration::from_secs(20)).await;
        send("CONT");
    })
    .await;
    tally.nothing_passed();
}

pub async fn a_policy_with_a_mistake() {
    const POLICY: &str = r#"
apiVersion: stateward.dev/v1alpha1
kind: WorkloadPolicy
metadata: {name: ours}
spec: {rules: [{id: rwo-replica, actions: [Deny]}]}
"#;
    let tally = happens(&[], "a policy with a mistake", async |release| {
        let output = release.cluster.kubectl_stdin(["apply", "-f", "-"], POLICY);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && error.contains("rwo-replicas"), "{error}");
    })
    .await;
    tally.nobody_was_refused();
    tally.nothing_passed();
}

/// Every process of the cluster dies at once, and all begin again: nothing may wait for a webhook that waits for it.
pub async fn a_cold_start() {
    let tally = happens(
        &[],
        "every process of the cluster killed, and a cold start",
        async |release| {
            let cluster = release.cluster;
            for part in [
                Part::Kubelet,
                Part::Proxy,
                Part::Scheduler,
                Part::ControllerManager,
                Part::ApiServer,
                Part::Etcd,
                Part::Containerd,
            ] {
                cluster.kill(part);
            }
            eventually("the end of every container", async || {
                let pods: Vec<_> = numbers().filter(is_of_a_pod).collect();
                pods.iter().copied().for_each(kill);
                pods.is_empty().then_some(())
            })
            .await;
            cluster.start_all().await;
        },
    )
    .await;
    tally.nothing_passed();
}

/// A container, or what stands between it and the runtime.
fn is_of_a_pod(pid: &u32) -> bool {
    let read = |file| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    // Of a process that is dead already nothing is left but its number.
    let is_dead = read("stat").contains(") Z ");
    !is_dead && (read("comm").starts_with("containerd-shim") || read("cgroup").contains("kubepods"))
}
