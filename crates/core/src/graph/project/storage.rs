//! Claims, claim templates, volumes, classes, drivers; and the two cluster-wide kinds beside them.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::super::claim::{Claim, ClaimTemplate, ClassName, Modes, Volume, VolumeKind, VolumeTraits, Written};
use super::super::facts::{Class, ClusterNode, Driver};
use super::super::lookup::Lookup;
use super::super::names::Name;
use super::super::placement::Placement;
use super::super::shard::NamespaceFacts;
use super::meta::ObjectMeta;
use super::pods::NodeSelector;
use super::text::{Scalar, Text};

const LEGACY_CLASS: &str = "volume.beta.kubernetes.io/storage-class";

/// A claim template as written.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireTemplate<'a> {
    #[serde(borrow)]
    metadata: Option<ObjectMeta<'a>>,
    #[serde(borrow)]
    spec: Option<ClaimSpec<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ClaimSpec<'a> {
    #[serde(borrow)]
    access_modes: Option<Vec<Text<'a>>>,
    #[serde(borrow)]
    storage_class_name: Option<Text<'a>>,
    #[serde(borrow)]
    volume_name: Option<Text<'a>>,
    #[serde(borrow)]
    volume_mode: Option<Text<'a>>,
    #[serde(borrow)]
    resources: Option<Resources<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Resources<'a> {
    #[serde(borrow)]
    requests: Option<Requests<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Requests<'a> {
    #[serde(borrow)]
    storage: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct WireClaim<'a> {
    #[serde(borrow, default)]
    metadata: ObjectMeta<'a>,
    #[serde(borrow)]
    spec: Option<ClaimSpec<'a>>,
    #[serde(borrow)]
    status: Option<ClaimStatus<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ClaimStatus<'a> {
    #[serde(borrow)]
    access_modes: Option<Vec<Text<'a>>>,
}

#[derive(Debug, Deserialize)]
struct WireVolume<'a> {
    #[serde(borrow, default)]
    metadata: ObjectMeta<'a>,
    #[serde(borrow)]
    spec: Option<VolumeSpec<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct VolumeSpec<'a> {
    #[serde(borrow)]
    access_modes: Option<Vec<Text<'a>>>,
    #[serde(borrow)]
    claim_ref: Option<ClaimRef<'a>>,
    node_affinity: Option<VolumeAffinity>,
    #[serde(borrow)]
    csi: Option<CsiSource<'a>>,
    host_path: Option<IgnoredAny>,
    local: Option<IgnoredAny>,
    // The in-tree plugins with an attacher (`pkg/volume/*/attacher.go`, and those that CSI migration replaced).
    aws_elastic_block_store: Option<IgnoredAny>,
    azure_disk: Option<IgnoredAny>,
    cinder: Option<IgnoredAny>,
    fc: Option<IgnoredAny>,
    flex_volume: Option<IgnoredAny>,
    gce_persistent_disk: Option<IgnoredAny>,
    iscsi: Option<IgnoredAny>,
    rbd: Option<IgnoredAny>,
    vsphere_volume: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
struct ClaimRef<'a> {
    #[serde(borrow)]
    namespace: Option<Text<'a>>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct VolumeAffinity {
    required: Option<NodeSelector>,
}

#[derive(Debug, Deserialize)]
struct CsiSource<'a> {
    #[serde(borrow)]
    driver: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
struct WireClass<'a> {
    #[serde(borrow, default)]
    metadata: ObjectMeta<'a>,
    #[serde(borrow)]
    provisioner: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct WireDriver<'a> {
    #[serde(borrow, default)]
    metadata: ObjectMeta<'a>,
    spec: Option<DriverSpec>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DriverSpec {
    attach_required: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct WireNamed<'a> {
    #[serde(borrow, default)]
    metadata: ObjectMeta<'a>,
    #[serde(borrow)]
    status: Option<NamespaceStatus<'a>>,
}

#[derive(Debug, Deserialize)]
struct NamespaceStatus<'a> {
    #[serde(borrow)]
    phase: Option<Text<'a>>,
}

/// A PersistentVolumeClaim. Its volume is still to be resolved (`Graph::insert_claim`).
impl<'de> Deserialize<'de> for Claim {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let WireClaim { metadata, spec, status } = WireClaim::deserialize(deserializer)?;
        let spec = spec.unwrap_or_default();
        let volume_name = spec
            .volume_name
            .as_deref()
            .filter(|name| !name.is_empty())
            .map(Into::into);
        Ok(Self {
            name: metadata.name(),
            requested: modes(spec.access_modes.as_deref()),
            granted: modes(status.unwrap_or_default().access_modes.as_deref()),
            class: class_name(spec.storage_class_name.as_deref(), &metadata),
            volume: Lookup::Unknown,
            volume_name,
            deleting: metadata.deletion_timestamp.is_some(),
        })
    }
}

impl<'de> Deserialize<'de> for Volume {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let WireVolume { metadata, spec } = WireVolume::deserialize(deserializer)?;
        let spec = spec.unwrap_or_default();
        let on_host = spec.host_path.is_some() || spec.local.is_some();
        let in_tree = [
            &spec.aws_elastic_block_store,
            &spec.azure_disk,
            &spec.cinder,
            &spec.fc,
            &spec.flex_volume,
            &spec.gce_persistent_disk,
            &spec.iscsi,
            &spec.rbd,
            &spec.vsphere_volume,
        ];
        let kind = match &spec.csi {
            Some(csi) => VolumeKind::Csi((&*csi.driver).into()),
            None if in_tree.into_iter().any(Option::is_some) => VolumeKind::InTreeAttachable,
            None => VolumeKind::NotAttachable,
        };
        let terms = spec
            .node_affinity
            .and_then(|affinity| affinity.required)
            .map(|required| required.terms());
        let bound_to_host = Placement {
            node_terms: terms,
            ..Placement::default()
        }
        .hostname()
        .is_some();
        let claim = spec
            .claim_ref
            .and_then(|claim| Some(((&*claim.namespace?).into(), (&*claim.name?).into())));
        Ok(Self {
            name: metadata.name(),
            claim,
            traits: VolumeTraits {
                modes: modes(spec.access_modes.as_deref()),
                kind,
                pinned: on_host || bound_to_host,
            },
        })
    }
}

impl<'de> Deserialize<'de> for Class {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let WireClass { metadata, provisioner } = WireClass::deserialize(deserializer)?;
        let marks = [
            "storageclass.kubernetes.io/is-default-class",
            "storageclass.beta.kubernetes.io/is-default-class",
        ];
        Ok(Self {
            name: metadata.name(),
            provisioner: provisioner.as_deref().unwrap_or_default().into(),
            is_default: marks
                .into_iter()
                .any(|mark| metadata.annotations.kept.get(mark) == Some("true")),
        })
    }
}

impl<'de> Deserialize<'de> for Driver {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let WireDriver { metadata, spec } = WireDriver::deserialize(deserializer)?;
        Ok(Self {
            name: metadata.name(),
            attach_required: spec.and_then(|spec| spec.attach_required).unwrap_or(true),
        })
    }
}

impl<'de> Deserialize<'de> for ClusterNode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let WireNamed { metadata, .. } = WireNamed::deserialize(deserializer)?;
        Ok(Self {
            name: metadata.name(),
            labels: metadata.labels,
        })
    }
}

/// Reads a Namespace: its name and what the graph keeps of it.
pub(super) fn namespace<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(Name, NamespaceFacts), D::Error> {
    let WireNamed { metadata, status } = WireNamed::deserialize(deserializer)?;
    let phase = status.as_ref().and_then(|status| status.phase.as_deref());
    let terminating = metadata.deletion_timestamp.is_some() || phase == Some("Terminating");
    Ok((
        metadata.name(),
        NamespaceFacts {
            labels: metadata.labels,
            terminating,
        },
    ))
}

impl WireTemplate<'_> {
    fn written(&self) -> Written {
        let Some(spec) = &self.spec else {
            return Written::Nothing;
        };
        match &spec.resources {
            None => Written::Spec,
            Some(resources) if resources.requests.is_none() => Written::Resources,
            Some(_) => Written::Requests,
        }
    }
}

impl From<WireTemplate<'_>> for ClaimTemplate {
    fn from(wire: WireTemplate<'_>) -> Self {
        let written = wire.written();
        let metadata = wire.metadata.unwrap_or_default();
        let spec = wire.spec.unwrap_or_default();
        let block = spec.volume_mode.as_deref() == Some("Block");
        let storage = spec
            .resources
            .and_then(|resources| resources.requests)
            .and_then(|requests| requests.storage);
        Self {
            name: metadata.name(),
            modes: modes(spec.access_modes.as_deref()),
            class: class_name(spec.storage_class_name.as_deref(), &metadata),
            storage: storage.map(|storage| match storage {
                Scalar::Text(text) => (&*text).into(),
                Scalar::Number(number) => number.to_string().into(),
            }),
            block,
            written,
        }
    }
}

fn modes(list: Option<&[Text<'_>]>) -> Modes {
    let mut modes = Modes::default();
    for mode in list.into_iter().flatten() {
        modes.insert(mode);
    }
    modes
}

fn class_name(name: Option<&str>, metadata: &ObjectMeta<'_>) -> ClassName {
    match name.or_else(|| metadata.annotations.kept.get(LEGACY_CLASS)) {
        None => ClassName::Default,
        Some("") => ClassName::None,
        Some(name) => ClassName::Named(name.into()),
    }
}
