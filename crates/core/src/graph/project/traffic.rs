//! Services, autoscalers and `scale` requests.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};

use super::super::autoscaler::Autoscaler;
use super::super::kinds::Kinds;
use super::super::labels::Labels;
use super::super::names::ObjectRef;
use super::super::service::{Exposure, Service};
use super::meta::ObjectMeta;
use super::text::Text;
use crate::json;

#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "S: Deserialize<'de>"))]
struct Wire<'a, S> {
    #[serde(borrow, default)]
    metadata: ObjectMeta<'a>,
    spec: Option<S>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ServiceSpec<'a> {
    #[serde(borrow, rename = "clusterIP")]
    cluster_ip: Option<Text<'a>>,
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    selector: Labels,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct AutoscalerSpec<'a> {
    max_replicas: i64,
    #[serde(borrow)]
    scale_target_ref: Option<Target<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Target<'a> {
    #[serde(borrow)]
    api_version: Option<Text<'a>>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ScaleSpec {
    replicas: i64,
}

impl<'de> Deserialize<'de> for Service {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Wire { metadata, spec } = Wire::<ServiceSpec<'de>>::deserialize(deserializer)?;
        let spec = spec.unwrap_or_default();
        let exposure = match (spec.kind.as_deref(), spec.cluster_ip.as_deref()) {
            (Some("ExternalName"), _) => Exposure::ExternalName,
            (_, Some("None")) => Exposure::Headless,
            _ => Exposure::ClusterIp,
        };
        Ok(Self {
            name: metadata.name(),
            exposure,
            selector: spec.selector,
            deleting: metadata.deletion_timestamp.is_some(),
        })
    }
}

/// Reads a HorizontalPodAutoscaler (any version since v1), whose target is one of `kinds`.
pub(super) fn autoscaler<'de, D: Deserializer<'de>>(deserializer: D, kinds: &Kinds) -> Result<Autoscaler, D::Error> {
    let Wire { metadata, spec } = Wire::<AutoscalerSpec<'de>>::deserialize(deserializer)?;
    let spec = spec.unwrap_or_default();
    let keda = metadata.labels.get("scaledobject.keda.sh/name").is_some()
        || metadata.owner_kinds().any(|kind| kind == "ScaledObject");
    Ok(Autoscaler {
        name: metadata.name(),
        target: spec.scale_target_ref.as_ref().and_then(|target| target.workload(kinds)),
        max_replicas: u32::try_from(spec.max_replicas.max(0)).unwrap_or(u32::MAX),
        keda,
        deleting: metadata.deletion_timestamp.is_some(),
    })
}

/// Reads the replicas of an `autoscaling/v1 Scale`. Zero is left out on the wire (`autoscaling/v1/types.go`).
pub fn scale_replicas(json: &str) -> Result<u32, json::Error> {
    let Wire { spec, .. } = json::from_str::<Wire<'_, ScaleSpec>>(json)?;
    Ok(u32::try_from(spec.unwrap_or_default().replicas.max(0)).unwrap_or(u32::MAX))
}

impl Target<'_> {
    /// The workload that is scaled. A kind of the same name in another group is somebody else's; without a version
    /// the built-in one is meant.
    fn workload(&self, kinds: &Kinds) -> Option<ObjectRef> {
        let kind = match &self.api_version {
            Some(version) => kinds.of(version, &self.kind),
            None => kinds.iter().find(|kind| kind.as_str() == self.kind),
        };
        let kind = kind.filter(|kind| kind.is_workload())?;
        Some(ObjectRef::new(kind, &*self.name))
    }
}
