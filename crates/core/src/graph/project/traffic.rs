//! Services, autoscalers and `scale` requests.

use std::borrow::Cow;

use super::super::autoscaler::Autoscaler;
use super::super::kind::{Kind, Scaler};
use super::super::kinds::Kinds;
use super::super::labels::Labels;
use super::super::names::{Name, ObjectRef};
use super::super::service::{Exposure, Service};
use super::super::uid::Uid;
use super::count;
use super::meta::ObjectMeta;
use crate::cursor::{Cursor, Scalar, list, members};
use crate::json;

/// How many replicas a ScaledObject makes at most, where it does not say.
const KEDA_MOST: u32 = 100;

/// `spec.scaleTargetRef` of an autoscaler.
#[derive(Debug, Default)]
struct Target<'a> {
    api_version: Option<Cow<'a, str>>,
    kind: Cow<'a, str>,
    name: Cow<'a, str>,
}

/// A port of a Service.
#[derive(Debug, Default)]
struct Port {
    named: bool,
    /// The port of a container that it leads to, where that is a name.
    target: Option<Name>,
}

impl Port {
    fn read<'a, C: Cursor<'a>>(cursor: &mut C) -> Self {
        let mut port = Self::default();
        members!(cursor, {
            "name" => port.named = cursor.text().is_some_and(|name| !name.is_empty()),
            "targetPort" => port.target = match cursor.scalar() {
                Some(Scalar::Text(name)) if name.parse::<u16>().is_err() => Some((&*name).into()),
                _ => None,
            },
        });
        port
    }
}

impl Service {
    /// Reads a Service.
    pub fn read<'a, C: Cursor<'a>>(cursor: &mut C) -> Self {
        let mut metadata = ObjectMeta::default();
        let (mut cluster_ip, mut kind, mut selector) = (None, None, Labels::default());
        let (mut ports, mut publishes_unready) = (Vec::new(), false);
        members!(cursor, {
            "metadata" => metadata = ObjectMeta::read(cursor),
            "spec" => members!(cursor, {
                "clusterIP" => cluster_ip = cursor.text(),
                "ports" => ports = list(cursor, Port::read).unwrap_or_default(),
                "publishNotReadyAddresses" => publishes_unready = cursor.boolean() == Some(true),
                "selector" => selector = Labels::read(cursor).unwrap_or_default(),
                "type" => kind = cursor.text(),
            }),
        });
        let exposure = match (kind.as_deref(), cluster_ip.as_deref()) {
            (Some("ExternalName"), _) => Exposure::ExternalName,
            (_, Some("None")) => Exposure::Headless,
            (Some("LoadBalancer" | "NodePort"), _) => Exposure::NodePort,
            _ => Exposure::ClusterIp,
        };
        Self {
            name: metadata.name(),
            exposure,
            selector,
            unnamed_port: ports.iter().any(|port| !port.named),
            target_ports: ports.into_iter().filter_map(|port| port.target).collect(),
            publishes_unready,
            controlled: metadata.controller().is_some(),
            deleting: metadata.deleting,
        }
    }
}

impl Autoscaler {
    /// Reads an autoscaler of a kind that is written in this way, whose target is one of `kinds`.
    pub(super) fn read<'a, C: Cursor<'a>>(cursor: &mut C, kind: Kind, scaler: Scaler, kinds: &Kinds) -> Self {
        match scaler {
            Scaler::Horizontal => Self::read_horizontal(cursor, kind, kinds),
            Scaler::Keda => Self::read_keda(cursor, kind, kinds),
        }
    }

    /// Reads a HorizontalPodAutoscaler (any version since v1).
    fn read_horizontal<'a, C: Cursor<'a>>(cursor: &mut C, kind: Kind, kinds: &Kinds) -> Self {
        let mut metadata = ObjectMeta::default();
        let (mut min_replicas, mut max_replicas, mut target) = (None, None, None);
        members!(cursor, {
            "metadata" => metadata = ObjectMeta::read(cursor),
            "spec" => members!(cursor, {
                "maxReplicas" => max_replicas = cursor.integer(),
                "minReplicas" => min_replicas = cursor.integer(),
                "scaleTargetRef" => target = Target::read(cursor),
            }),
        });
        let keda = metadata.labels.get("scaledobject.keda.sh/name").is_some()
            || metadata.owner_kinds().any(|kind| kind == "ScaledObject");
        Self {
            id: ObjectRef::new(kind, metadata.name()),
            uid: metadata.uid.as_deref().and_then(Uid::parse),
            target: target.and_then(|target| target.workload(kinds)),
            min_replicas: count(min_replicas, 1),
            max_replicas: count(max_replicas, 0),
            keda,
            deleting: metadata.deleting,
        }
    }

    /// Reads a ScaledObject (`apis/keda/v1alpha1/scaledobject_types.go`): without a maximum it is 100, and without a kind
    /// a Deployment is meant. While it is paused it scales nothing, or to the one number that it names.
    fn read_keda<'a, C: Cursor<'a>>(cursor: &mut C, kind: Kind, kinds: &Kinds) -> Self {
        let mut metadata = ObjectMeta::default();
        let (mut idle, mut least, mut most, mut target) = (None, None, None, None);
        members!(cursor, {
            "metadata" => metadata = ObjectMeta::read(cursor),
            "spec" => members!(cursor, {
                "idleReplicaCount" => idle = cursor.integer(),
                "maxReplicaCount" => most = cursor.integer(),
                "minReplicaCount" => least = cursor.integer(),
                "scaleTargetRef" => target = Target::read(cursor),
            }),
        });
        let mut target = target.unwrap_or_default();
        if target.kind.is_empty() {
            target.kind = Cow::Borrowed("Deployment");
        }
        let (mut least, mut most) = (count(idle.or(least), 0), count(most, KEDA_MOST));
        let paused = |name: &str| metadata.annotation(&format!("autoscaling.keda.sh/{name}"));
        // What is no boolean counts as true.
        let is_paused = |name: &str| {
            paused(name).is_some_and(|value| !matches!(value, "false" | "False" | "FALSE" | "f" | "F" | "0"))
        };
        if let Some(held) = paused("paused-replicas").and_then(|held| held.parse().ok()) {
            (least, most) = (held, held);
        } else if is_paused("paused") || is_paused("paused-scale-out") {
            (least, most) = (0, 0);
        }
        Self {
            id: ObjectRef::new(kind, metadata.name()),
            uid: metadata.uid.as_deref().and_then(Uid::parse),
            target: target.workload(kinds),
            min_replicas: least,
            max_replicas: most,
            keda: true,
            deleting: metadata.deleting,
        }
    }
}

/// Reads the replicas of an `autoscaling/v1 Scale`. Zero is left out on the wire (`autoscaling/v1/types.go`).
///
/// # Errors
/// The text is no JSON, or a field that is read has the wrong type.
pub fn scale_replicas(json: &str) -> Result<u32, json::Error> {
    let replicas = json::whole(json, |reader| {
        let mut replicas = 0;
        members!(reader, {
            "spec" => members!(reader, { "replicas" => replicas = reader.integer().unwrap_or_default() }),
        });
        replicas
    })?;
    Ok(count(Some(replicas), 0))
}

impl<'a> Target<'a> {
    fn read<C: Cursor<'a>>(cursor: &mut C) -> Option<Self> {
        let mut target = Self::default();
        let there = members!(cursor, {
            "apiVersion" => target.api_version = cursor.text(),
            "kind" => target.kind = cursor.text().unwrap_or_default(),
            "name" => target.name = cursor.text().unwrap_or_default(),
        });
        there.then_some(target)
    }

    /// The workload that is scaled. A kind of the same name in another group is somebody else's; without a version
    /// the built-in one is meant.
    fn workload(&self, kinds: &Kinds) -> Option<ObjectRef> {
        let kind = match &self.api_version {
            Some(version) if !version.is_empty() => kinds.of(version, &self.kind),
            _ => kinds.iter().find(|kind| kind.as_str() == self.kind),
        };
        let kind = kind.filter(|kind| kind.is_workload())?;
        Some(ObjectRef::new(kind, &*self.name))
    }
}
