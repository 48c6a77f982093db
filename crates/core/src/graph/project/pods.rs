//! Pod specs and pod templates.

use std::borrow::Cow;

use thin_vec::ThinVec;

use super::super::hashed::mixed;
use super::super::labels::Labels;
use super::super::placement::{NodeTerm, Placement, PodTerm, Spread};
use super::super::pods::{Disk, PodVolume, Pods, RestartPolicy, SeLinux, VolumeSource};
use super::super::selector::{Requirement, Selector};
use super::containers::{Container, read_level};
use super::names;
use crate::cursor::{Cursor, list, members};

impl Pods {
    /// Reads a pod template, and whether it has a `spec`.
    pub(super) fn read_template<'a, C: Cursor<'a>>(cursor: &mut C) -> (Self, bool) {
        let (mut labels, mut pods) = (Labels::default(), None);
        members!(cursor, {
            "metadata" => members!(cursor, { "labels" => labels = Labels::read(cursor).unwrap_or_default() }),
            "spec" => pods = Self::read(cursor),
        });
        let has_spec = pods.is_some();
        let pods = pods.unwrap_or_default();
        (Self { labels, ..pods }, has_spec)
    }

    /// Reads a pod spec; the labels of the pods stand elsewhere.
    pub(super) fn read<'a, C: Cursor<'a>>(cursor: &mut C) -> Option<Self> {
        let mut pods = Self::default();
        let (mut init, mut main) = (Vec::new(), Vec::new());
        let mut placement = Placement::default();
        let (mut host_network, mut selinux) = (false, SeLinux::default());
        let there = members!(cursor, {
            "affinity" => read_affinity(cursor, &mut placement),
            "containers" => main = list(cursor, Container::read).unwrap_or_default(),
            "hostNetwork" => host_network = cursor.boolean() == Some(true),
            "initContainers" => init = list(cursor, Container::read).unwrap_or_default(),
            "nodeName" => {
                let name = cursor.text().filter(|name| !name.is_empty());
                placement.node_name = name.map(|name| (&*name).into());
            },
            "nodeSelector" => placement.node_selector = Labels::read(cursor).unwrap_or_default(),
            "restartPolicy" => pods.restart = match cursor.text().as_deref() {
                Some("Never") => RestartPolicy::Never,
                Some("OnFailure") => RestartPolicy::OnFailure,
                _ => RestartPolicy::Always,
            },
            "securityContext" => members!(cursor, {
                "seLinuxChangePolicy" => selinux.recursive = cursor.text().as_deref() == Some("Recursive"),
                "seLinuxOptions" => selinux.level = read_level(cursor),
            }),
            "terminationGracePeriodSeconds" => {
                pods.grace_seconds = cursor.integer().and_then(|seconds| seconds.try_into().ok());
            },
            "topologySpreadConstraints" => placement.spread = list(cursor, Spread::read).unwrap_or_default().into(),
            "volumes" => pods.volumes = list(cursor, PodVolume::read).unwrap_or_default().into(),
        });
        let count = init.iter().chain(&main).map(Container::mount_count).sum();
        let mut mounts = Vec::with_capacity(count);
        let mut levels = Vec::new();
        let named = init.iter().chain(&main).map(Container::image_name);
        let digest = named.fold(1, mixed);
        pods.image_digest = (digest >> 32) as u32 | 1;
        pods.host_port = main.iter().any(|container| container.has_host_port(host_network));
        pods.interactive = main.iter().any(Container::is_interactive);
        let images = main.iter().enumerate().filter_map(|(index, one)| one.image(index));
        pods.images = images.collect();
        pods.ports = init
            .iter()
            .chain(&main)
            .flat_map(|container| container.port_names.iter().cloned())
            .collect();
        for (is_init, containers) in [(true, init), (false, main)] {
            for (index, container) in containers.iter().enumerate() {
                mounts.extend(container.mounts(is_init, index, &pods.volumes));
                levels.extend(container.level(is_init, index));
            }
        }
        pods.mounts = mounts.into();
        selinux.containers = levels.into();
        pods.selinux = (selinux != SeLinux::default()).then(|| Box::new(selinux));
        pods.placement = (placement != Placement::default()).then(|| Box::new(placement));
        there.then_some(pods)
    }
}

impl PodVolume {
    /// One without any source is an empty disk (`pkg/apis/core/v1/defaults.go`).
    fn read<'a, C: Cursor<'a>>(cursor: &mut C) -> Self {
        let mut volume = Self {
            name: "".into(),
            source: VolumeSource::Empty,
        };
        let Some(mut members) = cursor.object() else {
            return volume;
        };
        while let Some(key) = cursor.entry(&mut members) {
            match &*key {
                "name" => volume.name = (&*cursor.text().unwrap_or_default()).into(),
                "persistentVolumeClaim" => {
                    if let Some(claim) = read_claim(cursor) {
                        volume.source = claim;
                    }
                }
                "hostPath" => {
                    if let Some(path) = read_host_path(cursor) {
                        volume.source = path;
                    }
                }
                key => {
                    if let Some(other) = read_other(key, cursor)
                        && volume.source == VolumeSource::Empty
                    {
                        volume.source = other;
                    }
                }
            }
        }
        volume
    }
}

fn read_host_path<'a, C: Cursor<'a>>(cursor: &mut C) -> Option<VolumeSource> {
    let (mut path, mut kind) = (Cow::default(), None);
    let there = members!(cursor, {
        "path" => path = cursor.text().unwrap_or_default(),
        "type" => kind = cursor.text(),
    });
    there.then(|| VolumeSource::HostPath {
        path: (&*path).into(),
        may_be_directory: matches!(kind.as_deref(), None | Some("" | "Directory" | "DirectoryOrCreate")),
    })
}

/// Reads the source of this name, which is none that more is asked of.
fn read_other<'a, C: Cursor<'a>>(name: &str, cursor: &mut C) -> Option<VolumeSource> {
    if let Some(disk) = Disk::of(name) {
        let mut read_only = false;
        let there = members!(cursor, { "readOnly" => read_only = cursor.boolean() == Some(true) });
        return there.then_some(VolumeSource::Disk { disk, read_only });
    }
    let source = match name {
        "emptyDir" => VolumeSource::Empty,
        "ephemeral" => VolumeSource::Ephemeral,
        "configMap" | "downwardAPI" | "gitRepo" | "image" | "projected" | "secret" => VolumeSource::Provided,
        _ => VolumeSource::Other,
    };
    cursor.pass().then_some(source)
}

fn read_claim<'a, C: Cursor<'a>>(cursor: &mut C) -> Option<VolumeSource> {
    let (mut claim, mut read_only) = (Cow::default(), false);
    let there = members!(cursor, {
        "claimName" => claim = cursor.text().unwrap_or_default(),
        "readOnly" => read_only = cursor.boolean() == Some(true),
    });
    there.then(|| VolumeSource::Claim {
        claim: (&*claim).into(),
        read_only,
    })
}

fn read_affinity<'a, C: Cursor<'a>>(cursor: &mut C, placement: &mut Placement) {
    members!(cursor, {
        "nodeAffinity" => members!(cursor, {
            "requiredDuringSchedulingIgnoredDuringExecution" => placement.node_terms = node_terms(cursor),
        }),
        "podAffinity" => members!(cursor, {
            "requiredDuringSchedulingIgnoredDuringExecution" => placement.pod_affinity = pod_terms(cursor),
        }),
        "podAntiAffinity" => members!(cursor, {
            "preferredDuringSchedulingIgnoredDuringExecution" => {
                placement.preferred_anti_affinity = weighted_terms(cursor);
            },
            "requiredDuringSchedulingIgnoredDuringExecution" => placement.pod_anti_affinity = pod_terms(cursor),
        }),
    });
}

/// Reads a `core/v1.NodeSelector`: alternatives, of which none at all match no node.
pub(super) fn node_terms<'a, C: Cursor<'a>>(cursor: &mut C) -> Option<ThinVec<NodeTerm>> {
    let mut terms = Vec::new();
    let there = members!(cursor, {
        "nodeSelectorTerms" => terms = list(cursor, NodeTerm::read).unwrap_or_default(),
    });
    there.then(|| terms.into())
}

fn pod_terms<'a, C: Cursor<'a>>(cursor: &mut C) -> ThinVec<PodTerm> {
    list(cursor, PodTerm::read).unwrap_or_default().into()
}

/// Reads terms that the scheduler weighs, whatever they weigh.
fn weighted_terms<'a, C: Cursor<'a>>(cursor: &mut C) -> ThinVec<PodTerm> {
    let weighted = list(cursor, |cursor| {
        let mut term = PodTerm::default();
        members!(cursor, { "podAffinityTerm" => term = PodTerm::read(cursor) });
        term
    });
    weighted.unwrap_or_default().into()
}

impl NodeTerm {
    fn read<'a, C: Cursor<'a>>(cursor: &mut C) -> Self {
        let mut term = Self::default();
        members!(cursor, {
            "matchExpressions" => term.labels = Requirement::read_list(cursor),
            "matchFields" => term.fields = Requirement::read_list(cursor),
        });
        term
    }
}

impl PodTerm {
    fn read<'a, C: Cursor<'a>>(cursor: &mut C) -> Self {
        let mut term = Self::default();
        members!(cursor, {
            "labelSelector" => term.selector = Selector::read(cursor),
            "matchLabelKeys" => term.match_label_keys = names(cursor),
            "mismatchLabelKeys" => term.mismatch_label_keys = names(cursor),
            "namespaceSelector" => term.other_namespaces |= cursor.pass(),
            "namespaces" => term.other_namespaces |= !names(cursor).is_empty(),
            "topologyKey" => term.topology_key = cursor.text().as_deref().unwrap_or_default().into(),
        });
        term
    }
}

impl Spread {
    fn read<'a, C: Cursor<'a>>(cursor: &mut C) -> Self {
        let mut spread = Self::default();
        members!(cursor, {
            "labelSelector" => spread.selector = Selector::read(cursor),
            "maxSkew" => spread.max_skew = u32::try_from(cursor.integer().unwrap_or_default()).unwrap_or_default(),
            "nodeAffinityPolicy" => spread.ignores_affinity = cursor.text().as_deref() == Some("Ignore"),
            "topologyKey" => spread.topology_key = cursor.text().as_deref().unwrap_or_default().into(),
            "whenUnsatisfiable" => spread.hard = cursor.text().as_deref() == Some("DoNotSchedule"),
        });
        spread
    }
}
