//! The eight kinds of workload.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny};

use super::super::claim::ClaimTemplate;
use super::super::labels::Labels;
use super::super::names::{Kind, Name, WorkloadId};
use super::super::selector::Selector;
use super::super::workload::{Amount, Concurrency, Created, Rollout, Shape, Workload};
use super::meta::ObjectMeta;
use super::pods::{PodSpec, Template};
use super::storage::WireTemplate;
use super::text::{Scalar, Text};
use super::{namespace_of, null_default};
use crate::json;

/// A workload, and what a patch of it may rely on.
#[derive(Debug)]
pub struct ProjectedWorkload {
    pub workload: Workload,
    pub shape: Shape,
}

/// Deserialises a workload of a kind that is known from outside the object.
#[derive(Clone, Copy, Debug)]
pub struct WorkloadSeed<'n> {
    pub kind: Kind,
    /// The namespace it was sent to, where the object itself names none.
    pub namespace: &'n Name,
}

/// Reads a workload from JSON text.
pub fn workload(kind: Kind, namespace: &Name, json: &str) -> Result<ProjectedWorkload, json::Error> {
    json::from_str_seed(json, WorkloadSeed { kind, namespace })
}

#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "S: Default + Deserialize<'de>, T: Default + Deserialize<'de>"))]
struct Object<'a, S, T> {
    #[serde(borrow, default)]
    metadata: ObjectMeta<'a>,
    spec: Option<S>,
    #[serde(default, deserialize_with = "null_default")]
    status: T,
}

/// The spec of every kind that has a pod template at `spec.template`; `S` is its selector.
#[derive(Debug, Default, Deserialize)]
#[serde(
    default,
    rename_all = "camelCase",
    bound(deserialize = "S: Default + Deserialize<'de>")
)]
struct TemplateSpec<'a, S> {
    replicas: Option<i64>,
    #[serde(deserialize_with = "null_default")]
    selector: S,
    #[serde(borrow)]
    template: Option<Template<'a>>,
    #[serde(borrow)]
    strategy: Option<Strategy<'a>>,
    paused: Option<bool>,
    suspend: Option<bool>,
    parallelism: Option<i64>,
    completions: Option<i64>,
    #[serde(borrow)]
    service_name: Option<Text<'a>>,
    ordinals: Option<Ordinals>,
    #[serde(borrow)]
    volume_claim_templates: Option<Vec<WireTemplate<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct CronSpec<'a> {
    #[serde(borrow)]
    concurrency_policy: Option<Text<'a>>,
    suspend: Option<bool>,
    #[serde(borrow)]
    job_template: Option<JobTemplate<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct JobTemplate<'a> {
    #[serde(borrow)]
    spec: Option<TemplateSpec<'a, IgnoredSelector>>,
}

/// A selector that nobody asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
struct IgnoredSelector(IgnoredDefault);

#[derive(Debug, Default)]
struct IgnoredDefault;

impl<'de> Deserialize<'de> for IgnoredDefault {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Strategy<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    rolling_update: Option<RollingUpdate<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RollingUpdate<'a> {
    #[serde(borrow)]
    max_surge: Option<Scalar<'a>>,
    #[serde(borrow)]
    max_unavailable: Option<Scalar<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ordinals {
    start: Option<i64>,
}

/// The status of a Job or Pod: whether it is over.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status<'a> {
    #[serde(borrow)]
    phase: Option<Text<'a>>,
    #[serde(borrow)]
    conditions: Option<Vec<Condition<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Condition<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
}

impl<'de> DeserializeSeed<'de> for WorkloadSeed<'_> {
    type Value = ProjectedWorkload;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<ProjectedWorkload, D::Error> {
        match self.kind {
            Kind::Pod => Object::<PodSpec<'de>, Status<'de>>::deserialize(deserializer).map(|object| self.pod(object)),
            Kind::CronJob => {
                Object::<CronSpec<'de>, IgnoredDefault>::deserialize(deserializer).map(|object| self.cron_job(object))
            }
            Kind::Job => Object::<TemplateSpec<'de, IgnoredSelector>, Status<'de>>::deserialize(deserializer)
                .map(|object| self.job(object)),
            Kind::ReplicationController => {
                Object::<TemplateSpec<'de, Labels>, IgnoredDefault>::deserialize(deserializer).map(|object| {
                    let selector = |labels| Selector {
                        match_labels: labels,
                        ..Selector::default()
                    };
                    self.templated(object, selector)
                })
            }
            Kind::DaemonSet | Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet => {
                Object::<TemplateSpec<'de, Selector>, IgnoredDefault>::deserialize(deserializer)
                    .map(|object| self.templated(object, |selector| selector))
            }
        }
    }
}

impl WorkloadSeed<'_> {
    fn pod(self, object: Object<'_, PodSpec<'_>, Status<'_>>) -> ProjectedWorkload {
        let Object { metadata, spec, status } = object;
        let mut projected = self.bare(&metadata);
        projected.shape.spec = spec.is_some();
        projected.shape.pod_spec = spec.is_some();
        projected.workload.idle = matches!(status.phase.as_deref(), Some("Succeeded" | "Failed"));
        projected.workload.labels = metadata.labels.clone();
        projected.workload.pods = Arc::new(spec.unwrap_or_default().into_pods(metadata.labels));
        projected
    }

    fn cron_job(self, object: Object<'_, CronSpec<'_>, IgnoredDefault>) -> ProjectedWorkload {
        let Object {
            metadata,
            spec,
            status: IgnoredDefault,
        } = object;
        let mut projected = self.bare(&metadata);
        projected.shape.spec = spec.is_some();
        let spec = spec.unwrap_or_default();
        projected.workload.labels = metadata.labels;
        projected.workload.idle = spec.suspend == Some(true);
        projected.workload.rollout = Rollout::Cron(match spec.concurrency_policy.as_deref() {
            Some("Forbid") => Concurrency::Forbid,
            Some("Replace") => Concurrency::Replace,
            _ => Concurrency::Allow,
        });
        let job = spec.job_template.and_then(|template| template.spec).unwrap_or_default();
        projected.workload.replicas = job_pods(&job);
        projected.take_template(job.template);
        projected
    }

    fn job(self, object: Object<'_, TemplateSpec<'_, IgnoredSelector>, Status<'_>>) -> ProjectedWorkload {
        let Object { metadata, spec, status } = object;
        let mut projected = self.bare(&metadata);
        projected.shape.spec = spec.is_some();
        let spec = spec.unwrap_or_default();
        let over = status.conditions.iter().flatten().any(|condition| {
            matches!(condition.kind.as_deref(), Some("Complete" | "Failed"))
                && condition.status.as_deref() == Some("True")
        });
        projected.workload.labels = metadata.labels;
        projected.workload.idle = over || spec.suspend == Some(true);
        projected.workload.replicas = job_pods(&spec);
        projected.take_template(spec.template);
        projected
    }

    fn templated<S: Default>(
        self,
        object: Object<'_, TemplateSpec<'_, S>, IgnoredDefault>,
        selector: impl Fn(S) -> Selector,
    ) -> ProjectedWorkload {
        let Object {
            metadata,
            spec,
            status: IgnoredDefault,
        } = object;
        let mut projected = self.bare(&metadata);
        projected.shape.spec = spec.is_some();
        let spec = spec.unwrap_or_default();
        let workload = &mut projected.workload;
        workload.labels = metadata.labels;
        workload.replicas = count(spec.replicas, 1);
        workload.selector = selector(spec.selector);
        if self.kind == Kind::Deployment {
            workload.rollout = rollout(spec.paused == Some(true), spec.strategy);
        }
        if self.kind == Kind::StatefulSet {
            projected.shape.claim_templates = spec.volume_claim_templates.is_some();
            workload.service_name = spec
                .service_name
                .as_deref()
                .filter(|name| !name.is_empty())
                .map(Into::into);
            workload.first_ordinal = count(spec.ordinals.and_then(|ordinals| ordinals.start), 0);
            let templates = spec.volume_claim_templates.into_iter().flatten();
            workload.claim_templates = templates.map(ClaimTemplate::from).collect();
        }
        projected.take_template(spec.template);
        projected
    }

    /// All that every kind has in common, without labels, spec and template.
    fn bare(self, metadata: &ObjectMeta<'_>) -> ProjectedWorkload {
        let name = metadata.name.as_deref().filter(|name| !name.is_empty());
        let generated = metadata.generate_name.as_deref().filter(|prefix| !prefix.is_empty());
        let workload = Workload {
            id: WorkloadId::new(self.kind, name.or(generated).unwrap_or_default()),
            namespace: namespace_of(metadata, self.namespace),
            unnamed: name.is_none(),
            generation: metadata.generation.unwrap_or_default(),
            created: metadata.creation_timestamp.as_deref().map(Created::parse),
            deleting: metadata.deletion_timestamp.is_some(),
            labels: Labels::default(),
            annotations: metadata.annotations.kept.clone(),
            owner: metadata.controller(),
            replicas: 1,
            idle: false,
            selector: Selector::default(),
            rollout: Rollout::DeleteFirst,
            pods: Arc::default(),
            service_name: None,
            first_ordinal: 0,
            claim_templates: Box::default(),
        };
        ProjectedWorkload {
            workload,
            shape: Shape {
                annotations: metadata.annotations.present,
                ..Shape::default()
            },
        }
    }
}

impl ProjectedWorkload {
    fn take_template(&mut self, template: Option<Template<'_>>) {
        self.shape.pod_spec = template.as_ref().is_some_and(|template| template.spec.is_some());
        self.workload.pods = Arc::new(template.unwrap_or_default().into_pods());
    }
}

fn count(value: Option<i64>, default: u32) -> u32 {
    value.map_or(default, |value| u32::try_from(value.max(0)).unwrap_or(u32::MAX))
}

/// No more pods run at once than may be needed to complete (`pkg/controller/job/job_controller.go`).
fn job_pods<S>(spec: &TemplateSpec<'_, S>) -> u32 {
    count(spec.parallelism, 1).min(count(spec.completions, u32::MAX))
}

fn rollout(paused: bool, strategy: Option<Strategy<'_>>) -> Rollout {
    let strategy = strategy.unwrap_or_default();
    match strategy.kind.as_deref() {
        _ if paused => Rollout::Paused,
        None | Some("RollingUpdate") => {
            let update = strategy.rolling_update.unwrap_or_default();
            Rollout::Rolling {
                max_surge: amount(update.max_surge),
                max_unavailable: amount(update.max_unavailable),
            }
        }
        // `Recreate`, and what a later Kubernetes may add.
        Some(_) => Rollout::DeleteFirst,
    }
}

fn amount(value: Option<Scalar<'_>>) -> Amount {
    // The default of both (`pkg/apis/apps/v1/defaults.go`), and of what the API server would refuse anyway.
    const DEFAULT: Amount = Amount::Percent(25);
    match value {
        None => DEFAULT,
        Some(Scalar::Number(count)) => count
            .as_u64()
            .and_then(|count| u32::try_from(count).ok())
            .map_or(DEFAULT, Amount::Count),
        Some(Scalar::Text(text)) => text
            .strip_suffix('%')
            .and_then(|percent| percent.parse().ok())
            .map_or(DEFAULT, Amount::Percent),
    }
}
