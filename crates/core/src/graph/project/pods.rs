//! Pod specs and pod templates.

use std::borrow::Cow;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::super::labels::Labels;
use super::super::names::Name;
use super::super::placement::{NodeTerm, Placement, PodTerm};
use super::super::pods::{Mount, MountForm, MountPosition, PodVolume, Pods, RestartPolicy, VolumeSource};
use super::super::selector::{Requirement, Selector};
use super::meta::ObjectMeta;
use super::null_default;
use super::text::Text;

/// A pod template.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Template<'a> {
    #[serde(borrow)]
    metadata: Option<ObjectMeta<'a>>,
    #[serde(borrow)]
    pub(super) spec: Option<PodSpec<'a>>,
}

/// A pod spec.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PodSpec<'a> {
    #[serde(borrow)]
    volumes: Option<Vec<WireVolume<'a>>>,
    #[serde(borrow)]
    init_containers: Option<Vec<Container<'a>>>,
    #[serde(borrow)]
    containers: Option<Vec<Container<'a>>>,
    #[serde(borrow)]
    node_name: Option<Text<'a>>,
    node_selector: Labels,
    affinity: Option<Affinity>,
    #[serde(borrow)]
    restart_policy: Option<Text<'a>>,
    termination_grace_period_seconds: Option<i64>,
}

/// A volume of a pod. By hand, because one without any source is an empty disk (`pkg/apis/core/v1/defaults.go`).
#[derive(Debug, Default)]
struct WireVolume<'a> {
    name: Cow<'a, str>,
    persistent_volume_claim: Option<ClaimSource<'a>>,
    ephemeral: bool,
    host_path: bool,
    other: bool,
}

impl<'de: 'a, 'a> Deserialize<'de> for WireVolume<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(VolumeVisitor)
    }
}

struct VolumeVisitor;

impl<'de> Visitor<'de> for VolumeVisitor {
    type Value = WireVolume<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a volume")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WireVolume<'de>, A::Error> {
        let mut volume = WireVolume::default();
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "name" => volume.name = map.next_value::<Option<Text<'de>>>()?.unwrap_or_default().0,
                "persistentVolumeClaim" => volume.persistent_volume_claim = map.next_value()?,
                key => {
                    let is_set = map.next_value::<Option<IgnoredAny>>()?.is_some();
                    match key {
                        "emptyDir" => {}
                        "ephemeral" => volume.ephemeral = is_set,
                        "hostPath" => volume.host_path = is_set,
                        _ => volume.other |= is_set,
                    }
                }
            }
        }
        Ok(volume)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ClaimSource<'a> {
    #[serde(borrow)]
    claim_name: Option<Text<'a>>,
    read_only: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Container<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    volume_mounts: Option<Vec<Named<'a>>>,
    #[serde(borrow)]
    volume_devices: Option<Vec<Named<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Affinity {
    node_affinity: Option<Required<NodeSelector>>,
    pod_affinity: Option<Required<Vec<AffinityTerm>>>,
    pod_anti_affinity: Option<Required<Vec<AffinityTerm>>>,
}

#[derive(Debug, Deserialize)]
struct Required<T> {
    #[serde(rename = "requiredDuringSchedulingIgnoredDuringExecution")]
    required: Option<T>,
}

/// `core/v1.NodeSelector`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct NodeSelector {
    node_selector_terms: Option<Vec<SelectorTerm>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SelectorTerm {
    #[serde(deserialize_with = "null_default")]
    match_expressions: Box<[Requirement]>,
    #[serde(deserialize_with = "null_default")]
    match_fields: Box<[Requirement]>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct AffinityTerm {
    topology_key: Option<Name>,
    label_selector: Option<Selector>,
    #[serde(deserialize_with = "null_default")]
    namespaces: Vec<IgnoredAny>,
    namespace_selector: Option<IgnoredAny>,
    #[serde(deserialize_with = "null_default")]
    match_label_keys: Box<[Name]>,
}

impl Template<'_> {
    pub(super) fn into_pods(self) -> Pods {
        let labels = self.metadata.map(|metadata| metadata.labels).unwrap_or_default();
        self.spec.unwrap_or_default().into_pods(labels)
    }
}

impl PodSpec<'_> {
    pub(super) fn into_pods(self, labels: Labels) -> Pods {
        let placement = self.placement();
        let volumes: Box<[PodVolume]> = self
            .volumes
            .unwrap_or_default()
            .into_iter()
            .map(WireVolume::into_volume)
            .collect();
        let (init, main) = (
            self.init_containers.unwrap_or_default(),
            self.containers.unwrap_or_default(),
        );
        let mut mounts = Vec::with_capacity(init.iter().chain(&main).map(Container::mount_count).sum());
        for (is_init, containers) in [(true, init), (false, main)] {
            for (index, container) in containers.iter().enumerate() {
                mounts.extend(container.mounts(is_init, index, &volumes));
            }
        }
        Pods {
            labels,
            volumes,
            mounts: mounts.into_boxed_slice(),
            placement,
            restart: match self.restart_policy.as_deref() {
                Some("Never") => RestartPolicy::Never,
                Some("OnFailure") => RestartPolicy::OnFailure,
                _ => RestartPolicy::Always,
            },
            grace_seconds: self.termination_grace_period_seconds,
        }
    }

    fn placement(&self) -> Option<Box<Placement>> {
        let affinity = self.affinity.as_ref();
        let pod_terms = |terms: Option<&Required<Vec<AffinityTerm>>>| -> Box<[PodTerm]> {
            let terms = terms.and_then(|terms| terms.required.as_ref());
            terms.into_iter().flatten().map(AffinityTerm::to_term).collect()
        };
        let node_terms = affinity.and_then(|affinity| affinity.node_affinity.as_ref()?.required.as_ref());
        let placement = Placement {
            node_name: self
                .node_name
                .as_deref()
                .filter(|name| !name.is_empty())
                .map(Into::into),
            node_selector: self.node_selector.clone(),
            node_terms: node_terms.map(NodeSelector::terms),
            pod_affinity: pod_terms(affinity.and_then(|affinity| affinity.pod_affinity.as_ref())),
            pod_anti_affinity: pod_terms(affinity.and_then(|affinity| affinity.pod_anti_affinity.as_ref())),
        };
        (placement != Placement::default()).then(|| Box::new(placement))
    }
}

impl Container<'_> {
    fn mount_count(&self) -> usize {
        let count = |list: &Option<Vec<Named<'_>>>| list.as_ref().map_or(0, Vec::len);
        count(&self.volume_mounts) + count(&self.volume_devices)
    }

    /// The mounts and devices of the container at `index` of its list. They share the names of `volumes`.
    fn mounts(&self, init: bool, index: usize, volumes: &[PodVolume]) -> impl Iterator<Item = Mount> {
        let name: Name = (&*self.name).into();
        let directories = self.volume_mounts.iter().flatten().enumerate();
        let devices = self.volume_devices.iter().flatten().enumerate();
        directories
            .map(|entry| (MountForm::Directory, entry))
            .chain(devices.map(|entry| (MountForm::Device, entry)))
            .map(move |(form, (mount, volume))| Mount {
                container: name.clone(),
                volume: shared(&volume.name, volumes),
                form,
                position: MountPosition {
                    init,
                    container: u16::try_from(index).unwrap_or(u16::MAX),
                    mount: u16::try_from(mount).unwrap_or(u16::MAX),
                },
            })
    }
}

fn shared(name: &str, volumes: &[PodVolume]) -> Name {
    let known = volumes.iter().find(|volume| *volume.name == *name);
    known.map_or_else(|| name.into(), |volume| volume.name.clone())
}

impl WireVolume<'_> {
    fn into_volume(self) -> PodVolume {
        let source = match self {
            Self {
                persistent_volume_claim: Some(source),
                ..
            } => VolumeSource::Claim {
                claim: source.claim_name.as_deref().unwrap_or_default().into(),
                read_only: source.read_only.unwrap_or_default(),
            },
            Self { ephemeral: true, .. } => VolumeSource::Ephemeral,
            Self { host_path: true, .. } => VolumeSource::HostPath,
            Self { other: true, .. } => VolumeSource::Other,
            _ => VolumeSource::Empty,
        };
        PodVolume {
            name: (&*self.name).into(),
            source,
        }
    }
}

impl NodeSelector {
    /// The alternatives; none at all match no node.
    pub(super) fn terms(&self) -> Box<[NodeTerm]> {
        let terms = self.node_selector_terms.iter().flatten();
        terms
            .map(|term| NodeTerm {
                labels: term.match_expressions.clone(),
                fields: term.match_fields.clone(),
            })
            .collect()
    }
}

impl AffinityTerm {
    fn to_term(&self) -> PodTerm {
        PodTerm {
            topology_key: self.topology_key.clone().unwrap_or_else(|| "".into()),
            selector: self.label_selector.clone(),
            other_namespaces: !self.namespaces.is_empty() || self.namespace_selector.is_some(),
            match_label_keys: self.match_label_keys.clone(),
        }
    }
}
