//! `daemonset-shaped`: a Deployment that is to run once on every node.

use super::kit::{Action, Case, Finding, Rule, Surroundings, sharing, text};
use crate::graph::{Features, Field, PodVolume, VolumeSource, Workload};

/// See `daemonset-shaped.md`.
pub(super) static RULE: Rule = Rule {
    id: "daemonset-shaped",
    summary: "a Deployment is spread by hand over nodes whose ports or directories it uses",
    page: include_str!("daemonset-shaped.md"),
    since: "0.1.0",
    cases: &[Case {
        when: "",
        baseline: None,
        strict: Some(Action::Warn),
    }],
    judges: Features::having(Field::Strategy),
    judge: Some(judge),
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let pods = &workload.pods;
    let Some(placement) = pods.placement.as_deref() else {
        return;
    };
    if workload.replicas <= 1 || placement.pod_anti_affinity.is_empty() {
        return;
    }
    let what = match pods.volumes.iter().find(|volume| is_of_node(volume)) {
        _ if pods.host_port => "host ports".to_owned(),
        Some(volume) => format!("hostPath volume \"{}\"", volume.name),
        None => return,
    };
    let is_apart = placement.pod_anti_affinity.iter().any(|term| term.parts(&pods.labels));
    if !is_apart || !cx.view.autoscalers(&workload.id).is_empty() {
        return;
    }
    // Fewer than there are nodes are meant to be few.
    if sharing::admitting_nodes(workload, cx.view)
        .known()
        .is_some_and(|nodes| nodes > u64::from(workload.replicas))
    {
        return;
    }
    let replicas = text::counted(u64::from(workload.replicas), "replica");
    findings.push(
        Finding::violation(&RULE, &workload.id, "kind")
            .says(
                format!(
                    "{replicas} with {what} and required anti-affinity, one on each node: a node that joins gets \
                     none, and one that leaves makes a pod Pending"
                ),
                format!("{replicas} with {what}, one a node; a new node gets none"),
            )
            .remedy("If each node is to run one, write a DaemonSet")
            .at("/spec/replicas"),
    );
}

/// A file or directory that makes a pod a part of its node, and not one that every node has alike.
fn is_of_node(volume: &PodVolume) -> bool {
    const ALIKE: &[&str] = &["/etc", "/usr"];
    match &volume.source {
        VolumeSource::HostPath { path, .. } => !ALIKE.iter().any(|above| text::is_below(path, above)),
        _ => false,
    }
}
