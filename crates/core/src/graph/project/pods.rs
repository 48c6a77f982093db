//! Pod specs and pod templates.

use std::borrow::Cow;

use super::super::labels::Labels;
use super::super::names::Name;
use super::super::placement::{NodeTerm, Placement, PodTerm};
use super::super::pods::{Mount, MountForm, MountPosition, PodVolume, Pods, RestartPolicy, VolumeSource};
use super::super::selector::{Requirement, Selector};
use super::names;
use crate::cursor::{Cursor, list, members};

/// A container, as far as its mounts go.
#[derive(Debug, Default)]
struct Container<'a> {
    name: Cow<'a, str>,
    /// The names of the volumes.
    mounts: Vec<Cow<'a, str>>,
    /// The names of the volumes.
    devices: Vec<Cow<'a, str>>,
}

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
        let there = members!(cursor, {
            "affinity" => read_affinity(cursor, &mut placement),
            "containers" => main = list(cursor, Container::read).unwrap_or_default(),
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
            "terminationGracePeriodSeconds" => pods.grace_seconds = cursor.integer(),
            "volumes" => pods.volumes = list(cursor, PodVolume::read).unwrap_or_default().into(),
        });
        let count = init.iter().chain(&main).map(Container::mount_count).sum();
        let mut mounts = Vec::with_capacity(count);
        for (is_init, containers) in [(true, init), (false, main)] {
            for (index, container) in containers.iter().enumerate() {
                mounts.extend(container.mounts(is_init, index, &pods.volumes));
            }
        }
        pods.mounts = mounts.into();
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
                key => {
                    let other = match key {
                        "emptyDir" => VolumeSource::Empty,
                        "ephemeral" => VolumeSource::Ephemeral,
                        "hostPath" => VolumeSource::HostPath,
                        _ => VolumeSource::Other,
                    };
                    if cursor.pass() && volume.source == VolumeSource::Empty {
                        volume.source = other;
                    }
                }
            }
        }
        volume
    }
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
        "podAffinity" => placement.pod_affinity = pod_terms(cursor),
        "podAntiAffinity" => placement.pod_anti_affinity = pod_terms(cursor),
    });
}

/// Reads a `core/v1.NodeSelector`: alternatives, of which none at all match no node.
pub(super) fn node_terms<'a, C: Cursor<'a>>(cursor: &mut C) -> Option<Box<[NodeTerm]>> {
    let mut terms = Vec::new();
    let there = members!(cursor, {
        "nodeSelectorTerms" => terms = list(cursor, NodeTerm::read).unwrap_or_default(),
    });
    there.then(|| terms.into())
}

fn pod_terms<'a, C: Cursor<'a>>(cursor: &mut C) -> Box<[PodTerm]> {
    let mut terms = Vec::new();
    members!(cursor, {
        "requiredDuringSchedulingIgnoredDuringExecution" => {
            terms = list(cursor, PodTerm::read).unwrap_or_default();
        },
    });
    terms.into()
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
            "namespaceSelector" => term.other_namespaces |= cursor.pass(),
            "namespaces" => term.other_namespaces |= !names(cursor).is_empty(),
            "topologyKey" => term.topology_key = cursor.text().as_deref().unwrap_or_default().into(),
        });
        term
    }
}

impl<'a> Container<'a> {
    fn read<C: Cursor<'a>>(cursor: &mut C) -> Self {
        let mut container = Self::default();
        members!(cursor, {
            "name" => container.name = cursor.text().unwrap_or_default(),
            "volumeDevices" => container.devices = list(cursor, name).unwrap_or_default(),
            "volumeMounts" => container.mounts = list(cursor, name).unwrap_or_default(),
        });
        container
    }

    fn mount_count(&self) -> usize {
        self.mounts.len() + self.devices.len()
    }

    /// The mounts and devices of the container at `index` of its list. They share the names of `volumes`.
    fn mounts(&self, init: bool, index: usize, volumes: &[PodVolume]) -> impl Iterator<Item = Mount> {
        let name: Name = (&*self.name).into();
        let directories = self.mounts.iter().enumerate();
        let devices = self.devices.iter().enumerate();
        directories
            .map(|entry| (MountForm::Directory, entry))
            .chain(devices.map(|entry| (MountForm::Device, entry)))
            .map(move |(form, (mount, volume))| Mount {
                container: name.clone(),
                volume: shared(volume, volumes),
                form,
                position: MountPosition {
                    init,
                    container: u16::try_from(index).unwrap_or(u16::MAX),
                    mount: u16::try_from(mount).unwrap_or(u16::MAX),
                },
            })
    }
}

/// Reads the name of an object in a list.
fn name<'a, C: Cursor<'a>>(cursor: &mut C) -> Cow<'a, str> {
    let mut name = Cow::default();
    members!(cursor, { "name" => name = cursor.text().unwrap_or_default() });
    name
}

fn shared(name: &str, volumes: &[PodVolume]) -> Name {
    let known = volumes.iter().find(|volume| *volume.name == *name);
    known.map_or_else(|| name.into(), |volume| volume.name.clone())
}
