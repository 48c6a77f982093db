//! `inline-disk`: data on a disk or a directory of a node that the pod names itself.

use super::kit::{Action, Case, Finding, Rule, Surroundings, bond, sharing, text};
use crate::graph::{Disk, Lookup, PodVolume, Runs, VolumeSource, Workload};

/// See `inline-disk.md`.
pub(super) static RULE: Rule = Rule {
    id: "inline-disk",
    summary: "a pod names a cloud disk or a directory of its node as the place of its data",
    page: include_str!("inline-disk.md"),
    since: "0.1.0",
    cases: &[Case::always(Action::Warn)],
    judge: Some(judge),
    ..Rule::DEFAULTS
};

/// What belongs to the node: no application keeps its data there, but agents look after it.
const OF_NODE: &[&str] = &[
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib64",
    "/opt/cni",
    "/proc",
    "/run",
    "/sbin",
    "/sys",
    "/tmp/.X11-unix",
    "/usr",
    "/var/lib/cni",
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/docker",
    "/var/lib/kubelet",
    "/var/log",
    "/var/run",
];

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    for (index, volume) in workload.pods.volumes.iter().enumerate() {
        match &volume.source {
            VolumeSource::Disk { disk, read_only } => {
                // Of these only one may be read from several nodes at once.
                let shared = *read_only && *disk == Disk::GcePersistentDisk;
                if !shared && may_be_two(workload, cx) && !workload.is_shadowed(volume) {
                    findings.push(disk_finding(workload, volume, *disk, index));
                }
            }
            VolumeSource::HostPath { path, may_be_directory }
                if *may_be_directory && keeps_data(workload, volume, path) =>
            {
                findings.push(directory_finding(workload, volume, path, index));
            }
            _ => {}
        }
    }
}

/// Whether two pods of the workload may want a disk at once, on two nodes.
fn may_be_two(workload: &Workload, cx: &Surroundings<'_>) -> bool {
    let several = match sharing::pods(workload, cx.view) {
        Lookup::Known(pods) => pods > 1,
        Lookup::Absent | Lookup::Unknown => true,
    };
    (several || sharing::surge(workload).is_some()) && !bond::shares_node_with_itself(workload, cx.view)
}

/// Whether what pods write into a directory of the node is theirs, and stays behind when they move.
fn keeps_data(workload: &Workload, volume: &PodVolume, path: &str) -> bool {
    let pods = &workload.pods;
    let moves = !workload.id.kind.runs(Runs::PerNode)
        && pods.placement.as_deref().is_none_or(|own| own.hostname().is_none())
        && workload.namespace != "kube-system";
    let written = || {
        pods.mounts
            .iter()
            .any(|mount| mount.volume == volume.name && !mount.read_only)
    };
    let of_node = || path == "/" || path.ends_with(".sock") || OF_NODE.iter().any(|above| text::is_below(path, above));
    moves && written() && !of_node() && !workload.is_shadowed(volume)
}

fn disk_finding(workload: &Workload, volume: &PodVolume, disk: Disk, index: usize) -> Finding {
    let (name, disk) = (&volume.name, disk.as_str());
    let pods = if workload.replicas > 1 && workload.id.kind.runs(Runs::Replicas) {
        text::counted(u64::from(workload.replicas), "replica")
    } else {
        "several pods".to_owned()
    };
    Finding::violation(&RULE, &workload.id, name)
        .extent(workload.replicas.max(1))
        .says(
            format!(
                "volume \"{name}\" is one {disk} for {pods}, and such a disk is on one node at a time: pods on other \
                 nodes wait for it in ContainerCreating"
            ),
            format!("volume \"{name}\" is one {disk} for {pods}; others wait"),
        )
        .remedy("Use a StatefulSet with volumeClaimTemplates, which gives each pod a disk of its own")
        .at(format!("{}/volumes/{index}/{disk}", workload.id.kind.pod_spec()))
}

fn directory_finding(workload: &Workload, volume: &PodVolume, path: &str, index: usize) -> Finding {
    let name = &volume.name;
    // Nobody checks what a path is made of.
    let path = path.escape_debug();
    Finding::violation(&RULE, &workload.id, name)
        .says(
            format!(
                "volume \"{name}\" is {path} of whichever node a pod is on: on another node it starts without what it \
                 wrote"
            ),
            format!("volume \"{name}\" is a directory of one node; on another the data is not there"),
        )
        .remedy("Mount a PersistentVolumeClaim; for a directory of one node, use a local volume")
        .at(format!("{}/volumes/{index}/hostPath", workload.id.kind.pod_spec()))
}
