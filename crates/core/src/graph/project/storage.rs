//! Claims, claim templates, volumes, classes, drivers; and the two cluster-wide kinds beside them.

use std::borrow::Cow;

use thin_vec::ThinVec;

use super::super::claim::{
    Claim, ClaimTemplate, ClassName, Modes, Unread, Volatile, Volume, VolumeKind, VolumeTraits, Written,
};
use super::super::facts::{Class, ClusterNode, Driver};
use super::super::lookup::Lookup;
use super::super::names::Name;
use super::super::placement::{NodeTerm, Placement};
use super::super::shard::NamespaceFacts;
use super::digest::digest;
use super::meta::ObjectMeta;
use super::pods;
use crate::cursor::{Cursor, Scalar, members};

const LEGACY_CLASS: &str = "volume.beta.kubernetes.io/storage-class";

/// What is read of the spec of a claim template.
const READ: &[&str] = &[
    "/accessModes",
    "/resources/requests/storage",
    "/storageClassName",
    "/volumeMode",
];

/// The spec of a claim or of a claim template.
#[derive(Debug, Default)]
struct ClaimSpec<'a> {
    modes: Modes,
    class: Option<Cow<'a, str>>,
    volume_name: Option<Cow<'a, str>>,
    block: bool,
    storage: Option<Scalar<'a>>,
    written: Written,
}

impl<'a> ClaimSpec<'a> {
    fn read<C: Cursor<'a>>(cursor: &mut C) -> Self {
        let mut spec = Self::default();
        let (mut resources, mut requests) = (false, false);
        let there = members!(cursor, {
            "accessModes" => spec.modes = Modes::read(cursor),
            "resources" => resources = members!(cursor, {
                "requests" => requests = members!(cursor, { "storage" => spec.storage = cursor.scalar() }),
            }),
            "storageClassName" => spec.class = cursor.text(),
            "volumeMode" => spec.block = cursor.text().as_deref() == Some("Block"),
            "volumeName" => spec.volume_name = cursor.text(),
        });
        spec.written = match (there, resources, requests) {
            (_, _, true) => Written::Requests,
            (_, true, false) => Written::Resources,
            (true, false, false) => Written::Spec,
            (false, false, false) => Written::Nothing,
        };
        spec
    }

    fn class(&self, legacy: Option<&str>) -> ClassName {
        match self.class.as_deref().or(legacy) {
            None => ClassName::Default,
            Some("") => ClassName::None,
            Some(name) => ClassName::Named(name.into()),
        }
    }
}

impl Modes {
    fn read<'a, C: Cursor<'a>>(cursor: &mut C) -> Self {
        let mut modes = Self::default();
        if let Some(mut elements) = cursor.array() {
            while cursor.element(&mut elements) {
                modes.insert(&cursor.text().unwrap_or_default());
            }
        }
        modes
    }
}

impl ClaimTemplate {
    pub(super) fn read<'a, C: Cursor<'a>>(cursor: &mut C) -> Self {
        let (mut name, mut legacy_class) = (Cow::default(), None);
        let (mut labels, mut annotations) = (Vec::new(), Vec::new());
        let (mut spec, mut unread) = (ClaimSpec::default(), Unread::default());
        members!(cursor, {
            "metadata" => {
                let mut again = cursor.clone();
                members!(cursor, {
                    "annotations" => legacy_class = read_volatile(cursor, &mut annotations),
                    "labels" => {
                        read_volatile(cursor, &mut labels);
                    },
                    "name" => name = cursor.text().unwrap_or_default(),
                });
                members!(again, {
                    "labels" => unread.labels = digest(&mut again, &[]),
                    "annotations" => unread.annotations = digest(&mut again, &[]),
                });
            },
            "spec" => {
                let mut again = cursor.clone();
                spec = ClaimSpec::read(cursor);
                unread.spec = digest(&mut again, READ);
            },
        });
        let volatile = !labels.is_empty() || !annotations.is_empty();
        Self {
            name: (&*name).into(),
            modes: spec.modes,
            class: spec.class(legacy_class.as_deref()),
            storage: spec.storage.map(quantity),
            block: spec.block,
            written: spec.written,
            unread,
            volatile: volatile.then(|| {
                Box::new(Volatile {
                    labels: labels.into(),
                    annotations: annotations.into(),
                })
            }),
        }
    }
}

/// A quantity as it is written.
fn quantity(storage: Scalar<'_>) -> Name {
    match storage {
        Scalar::Text(text) => (&*text).into(),
        Scalar::Number(number) => number.to_string().into(),
    }
}

/// Adds the keys of a map whose values change with releases; returns the value of [`LEGACY_CLASS`].
fn read_volatile<'a, C: Cursor<'a>>(cursor: &mut C, keys: &mut Vec<Name>) -> Option<Cow<'a, str>> {
    let mut class = None;
    let mut members = cursor.object()?;
    while let Some(key) = cursor.entry(&mut members) {
        if key == LEGACY_CLASS {
            class = cursor.text();
            continue;
        }
        if is_volatile(&key) {
            keys.push((&*key).into());
        }
        cursor.pass();
    }
    keys.sort_unstable();
    class
}

/// Returns true for what charts change with every release: by Helm's best practices (`chart`, in the old form, and
/// `version`), by its tips on rolling Deployments (`checksum/config`, `rollme`).
fn is_volatile(key: &str) -> bool {
    matches!(key, "app.kubernetes.io/version" | "chart" | "helm.sh/chart" | "rollme") || key.contains("checksum")
}

impl Claim {
    /// Reads a PersistentVolumeClaim. Its volume is still to be resolved (`Graph::insert_claim`).
    pub fn read<'a, C: Cursor<'a>>(cursor: &mut C) -> Self {
        let (mut metadata, mut spec) = (ObjectMeta::default(), ClaimSpec::default());
        let (mut granted, mut capacity, mut lost) = (Modes::default(), None, false);
        members!(cursor, {
            "metadata" => metadata = ObjectMeta::read(cursor),
            "spec" => spec = ClaimSpec::read(cursor),
            "status" => members!(cursor, {
                "accessModes" => granted = Modes::read(cursor),
                "capacity" => members!(cursor, { "storage" => capacity = cursor.scalar() }),
                "phase" => lost = cursor.text().as_deref() == Some("Lost"),
            }),
        });
        let volume_name = spec.volume_name.as_deref().filter(|name| !name.is_empty());
        Self {
            name: metadata.name(),
            requested: spec.modes,
            granted,
            class: spec.class(metadata.annotation(LEGACY_CLASS)),
            storage: capacity.or(spec.storage).map(quantity),
            lost,
            volume: Lookup::Unknown,
            volume_name: volume_name.map(Into::into),
            deleting: metadata.deleting,
        }
    }
}

/// The spec of a volume.
#[derive(Debug, Default)]
struct VolumeSpec<'a> {
    modes: Modes,
    claim: (Option<Cow<'a, str>>, Option<Cow<'a, str>>),
    driver: Option<Cow<'a, str>>,
    node_terms: Option<ThinVec<NodeTerm>>,
    /// A directory of a host.
    on_host: bool,
    /// An in-tree plugin with an attacher (`pkg/volume/*/attacher.go`, and those that CSI migration replaced).
    attachable: bool,
}

impl<'a> VolumeSpec<'a> {
    fn read<C: Cursor<'a>>(cursor: &mut C) -> Self {
        let mut spec = Self::default();
        members!(cursor, {
            "accessModes" => spec.modes = Modes::read(cursor),
            "claimRef" => members!(cursor, {
                "name" => spec.claim.1 = cursor.text(),
                "namespace" => spec.claim.0 = cursor.text(),
            }),
            "csi" => if members!(cursor, { "driver" => spec.driver = cursor.text() }) {
                spec.driver.get_or_insert_default();
            },
            "nodeAffinity" => members!(cursor, { "required" => spec.node_terms = pods::node_terms(cursor) }),
            "hostPath" => spec.on_host |= cursor.pass(),
            "local" => spec.on_host |= cursor.pass(),
            "awsElasticBlockStore" => spec.attachable |= cursor.pass(),
            "azureDisk" => spec.attachable |= cursor.pass(),
            "cinder" => spec.attachable |= cursor.pass(),
            "fc" => spec.attachable |= cursor.pass(),
            "flexVolume" => spec.attachable |= cursor.pass(),
            "gcePersistentDisk" => spec.attachable |= cursor.pass(),
            "iscsi" => spec.attachable |= cursor.pass(),
            "rbd" => spec.attachable |= cursor.pass(),
            "vsphereVolume" => spec.attachable |= cursor.pass(),
        });
        spec
    }
}

impl Volume {
    pub(super) fn read<'a, C: Cursor<'a>>(cursor: &mut C) -> Self {
        let (mut metadata, mut spec) = (ObjectMeta::default(), VolumeSpec::default());
        members!(cursor, {
            "metadata" => metadata = ObjectMeta::read(cursor),
            "spec" => spec = VolumeSpec::read(cursor),
        });
        let kind = match &spec.driver {
            Some(driver) => VolumeKind::Csi((&**driver).into()),
            None if spec.attachable => VolumeKind::InTreeAttachable,
            None => VolumeKind::NotAttachable,
        };
        let placement = Placement {
            node_terms: spec.node_terms,
            ..Placement::default()
        };
        let confined = placement.hostname().is_some();
        let claim = match &spec.claim {
            (Some(namespace), Some(name)) => Some(((&**namespace).into(), (&**name).into())),
            _ => None,
        };
        Self {
            name: metadata.name(),
            claim,
            traits: VolumeTraits {
                modes: spec.modes,
                kind,
                pinned: spec.on_host || confined,
                confined,
            },
        }
    }
}

impl Class {
    pub(super) fn read<'a, C: Cursor<'a>>(cursor: &mut C) -> Self {
        let (mut metadata, mut provisioner) = (ObjectMeta::default(), None);
        let (mut topologies, mut waits) = (false, false);
        members!(cursor, {
            "allowedTopologies" => topologies = cursor.pass(),
            "metadata" => metadata = ObjectMeta::read(cursor),
            "provisioner" => provisioner = cursor.text(),
            "volumeBindingMode" => waits = cursor.text().is_some_and(|mode| mode != "Immediate"),
        });
        let marks = [
            "storageclass.kubernetes.io/is-default-class",
            "storageclass.beta.kubernetes.io/is-default-class",
        ];
        Self {
            name: metadata.name(),
            provisioner: provisioner.as_deref().unwrap_or_default().into(),
            immediate: !topologies && !waits,
            is_default: marks.into_iter().any(|mark| metadata.annotation(mark) == Some("true")),
        }
    }
}

impl Driver {
    pub(super) fn read<'a, C: Cursor<'a>>(cursor: &mut C) -> Self {
        let (mut metadata, mut attach_required, mut selinux_mount) = (ObjectMeta::default(), None, false);
        members!(cursor, {
            "metadata" => metadata = ObjectMeta::read(cursor),
            "spec" => members!(cursor, {
                "attachRequired" => attach_required = cursor.boolean(),
                "seLinuxMount" => selinux_mount = cursor.boolean() == Some(true),
            }),
        });
        Self {
            name: metadata.name(),
            attach_required: attach_required.unwrap_or(true),
            selinux_mount,
        }
    }
}

impl ClusterNode {
    pub(super) fn read<'a, C: Cursor<'a>>(cursor: &mut C) -> Self {
        let mut metadata = ObjectMeta::default();
        members!(cursor, { "metadata" => metadata = ObjectMeta::read(cursor) });
        Self {
            name: metadata.name(),
            labels: metadata.labels,
        }
    }
}

impl NamespaceFacts {
    /// Reads a Namespace: its name and what the graph keeps of it.
    pub(super) fn read<'a, C: Cursor<'a>>(cursor: &mut C) -> (Name, Self) {
        let (mut metadata, mut phase) = (ObjectMeta::default(), None);
        members!(cursor, {
            "metadata" => metadata = ObjectMeta::read(cursor),
            "status" => members!(cursor, { "phase" => phase = cursor.text() }),
        });
        let terminating = metadata.deleting || phase.as_deref() == Some("Terminating");
        let labels = std::mem::take(&mut metadata.labels);
        (metadata.name(), Self { labels, terminating })
    }
}
