//! Workloads of every kind, in one pass: the table says where their fields stand.

use std::sync::Arc;

use super::super::declared::{Bound, Declared, Replaces};
use super::super::kind::{Field, Form, Kind};
use super::super::kinds::Kinds;
use super::super::labels::Labels;
use super::super::names::{Name, ObjectRef};
use super::super::placement::Placement;
use super::super::pods::Pods;
use super::super::selector::Selector;
use super::super::set_options::SetOptions;
use super::super::templates::Templates;
use super::super::uid::Uid;
use thin_vec::ThinVec;

use super::super::workload::{Amount, Concurrency, Created, Rollout, Shape, Workload};
use super::fields::{Fields, Strategy, says};
use super::meta::ObjectMeta;
use super::{count, namespace_of};
use crate::cursor::{Cursor, Scalar};
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
    pub(super) kind: Kind,
    pub(super) form: &'static Form,
    /// The kinds that may own it.
    pub(super) kinds: &'static Kinds,
    pub(super) namespace: &'n Name,
}

impl<'n> WorkloadSeed<'n> {
    /// For a workload that was sent to `namespace`, where it names none itself, and that only built-in kinds own; `None`
    /// for a kind that runs no pods.
    #[must_use]
    pub fn new(kind: Kind, namespace: &'n Name) -> Option<Self> {
        Some(Self {
            kind,
            form: kind.form()?,
            kinds: Kinds::builtin(),
            namespace,
        })
    }

    /// For one that these kinds may own.
    #[must_use]
    pub const fn among(self, kinds: &'static Kinds) -> Self {
        Self { kinds, ..self }
    }

    /// Reads a workload from JSON text.
    ///
    /// # Errors
    /// The text is no JSON, or a field that is read has the wrong type.
    pub fn read(self, json: &str) -> Result<ProjectedWorkload, json::Error> {
        json::whole(json, |reader| self.read_from(reader))
    }

    /// Reads a workload.
    pub fn read_from<'a, C: Cursor<'a>>(self, cursor: &mut C) -> ProjectedWorkload {
        self.project(Fields::read(cursor, self.form.fields))
    }

    fn project(self, fields: Fields<'_>) -> ProjectedWorkload {
        let kind = self.kind;
        let mut workload = self.bare(&fields.metadata);
        workload.idle = fields.over || fields.suspend;
        // No more pods run at once than may be needed to complete (`pkg/controller/job/job_controller.go`).
        let replicas = self.form.declared.map_or(1, |declared| declared.replicas);
        workload.replicas = count(fields.replicas, replicas).min(count(fields.completions, u32::MAX));
        workload.selector = fields.selector;
        workload.rollout = if let Some(declared) = self.form.declared {
            declared_rollout(fields.paused, declared, &fields.rollout)
        } else if kind.has(Field::Strategy) {
            rollout(fields.paused, fields.strategy)
        } else if kind.has(Field::ConcurrencyPolicy) {
            Rollout::Cron(match fields.concurrency.as_deref() {
                Some("Forbid") => Concurrency::Forbid,
                Some("Replace") => Concurrency::Replace,
                _ => Concurrency::Allow,
            })
        } else {
            Rollout::DeleteFirst
        };
        let service = fields.service_name.as_deref().filter(|name| !name.is_empty());
        workload.service_name = service.map(Into::into);
        workload.templates = fields.template_of.map(|lender| Box::new(Templates::Of(lender)));
        workload.first_ordinal = count(fields.first_ordinal, 0);
        workload.options = (fields.options != SetOptions::DEFAULT).then(|| Box::new(fields.options));
        let shape = Shape {
            annotations: fields.metadata.annotations.is_some(),
            claim_templates: fields.claim_templates.is_some(),
            spec: fields.spec,
            pod_spec: fields.pod_spec,
        };
        workload.claim_templates = fields.claim_templates.unwrap_or_default().into();
        workload.labels = fields.metadata.labels;
        if let Some(declared) = self.form.declared.filter(|declared| !declared.templates.is_empty()) {
            let several = fields.several.unwrap_or_default();
            let several = several.several(declared, &workload, |pods| self.asked(pods));
            workload.pods = Arc::new(several.united());
            workload.templates = Some(Box::new(Templates::Several(several)));
            workload.annotations = kept(fields.metadata.annotations);
            return ProjectedWorkload { workload, shape };
        }
        let mut pods = fields.pods;
        if kind.has(Field::PodSpec) {
            pods.labels = workload.labels.clone();
        }
        workload.pods = Arc::new(self.asked(pods));
        workload.annotations = kept(fields.metadata.annotations);
        ProjectedWorkload { workload, shape }
    }

    /// Pods without what no rule asks of those of this kind.
    fn asked(self, mut pods: Pods) -> Pods {
        if !self.kind.has(Field::ServiceName) {
            pods.ports = ThinVec::new();
            pods.placement = pods.placement.and_then(Placement::without_preferences);
        }
        if !self.kind.has(Field::UpdateStrategy) {
            pods.image_digest = 0;
        }
        pods
    }

    /// What the metadata says, but for labels and annotations.
    fn bare(self, metadata: &ObjectMeta<'_>) -> Workload {
        let name = metadata.name.as_deref().filter(|name| !name.is_empty());
        let generated = metadata.generate_name.as_deref().filter(|prefix| !prefix.is_empty());
        Workload {
            id: ObjectRef::new(self.kind, name.or(generated).unwrap_or_default()),
            namespace: namespace_of(metadata, self.namespace),
            unnamed: name.is_none(),
            generation: metadata.generation.unwrap_or_default(),
            uid: metadata.uid.as_deref().and_then(Uid::parse),
            created: metadata.creation_timestamp.as_deref().map(Created::parse),
            deleting: metadata.deleting,
            labels: Labels::default(),
            annotations: None,
            owner: metadata
                .controller()
                .map(|owner| Box::new(owner.known(self.kind, &metadata.labels, self.kinds))),
            replicas: 1,
            idle: false,
            selector: Selector::default(),
            rollout: Rollout::DeleteFirst,
            pods: Arc::default(),
            service_name: None,
            first_ordinal: 0,
            claim_templates: ThinVec::new(),
            options: None,
            templates: None,
        }
    }
}

/// Annotations, where there are any.
fn kept(annotations: Option<Labels>) -> Option<Box<Labels>> {
    annotations.filter(|annotations| !annotations.is_empty()).map(Box::new)
}

/// How a workload of a declared kind replaces its pods: by the first way that applies.
fn declared_rollout(paused: bool, declared: &Declared, said: &[(&str, Option<Scalar<'_>>)]) -> Rollout {
    if paused {
        return Rollout::Paused;
    }
    let at = |path: &str| said.iter().find(|(own, _)| *own == path).map(|(_, said)| said);
    let applies = |when: Option<(&str, Option<&str>)>| match when {
        None => true,
        Some((path, word)) => at(path).is_some_and(|said| says(said.as_ref(), word)),
    };
    let way = declared.ways.iter().find(|way| applies(way.when));
    match way.map(|way| way.replaces) {
        None | Some(Replaces::EndsFirst) => Rollout::DeleteFirst,
        Some(Replaces::Overlaps) => Rollout::Overlapping,
        Some(Replaces::Rolls { surge, unavailable }) => {
            let bound = |bound: Bound| match bound.path.and_then(at) {
                Some(said) => amount_or(said.as_ref(), bound.default),
                None => bound.default,
            };
            Rollout::Rolling {
                max_surge: bound(surge),
                max_unavailable: bound(unavailable),
            }
        }
    }
}

fn rollout(paused: bool, strategy: Strategy<'_>) -> Rollout {
    match strategy.kind.as_deref() {
        _ if paused => Rollout::Paused,
        None | Some("RollingUpdate") => Rollout::Rolling {
            max_surge: amount(strategy.max_surge),
            max_unavailable: amount(strategy.max_unavailable),
        },
        // `Recreate`, and what a later Kubernetes may add.
        Some(_) => Rollout::DeleteFirst,
    }
}

pub(super) fn amount(value: Option<Scalar<'_>>) -> Amount {
    // The default of both (`pkg/apis/apps/v1/defaults.go`), and of what the API server would refuse anyway.
    const DEFAULT: Amount = Amount::Percent(25);
    amount_or(value.as_ref(), DEFAULT)
}

fn amount_or(value: Option<&Scalar<'_>>, default: Amount) -> Amount {
    match value {
        None => default,
        Some(Scalar::Number(count)) => count
            .as_u64()
            .and_then(|count| u32::try_from(count).ok())
            .map_or(default, Amount::Count),
        Some(Scalar::Text(text)) => Amount::parse(text).unwrap_or(default),
    }
}
