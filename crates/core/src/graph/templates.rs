//! Pods of several templates, or of another workload's: what some declared kinds have, and no built-in one.

use std::sync::Arc;

use super::claim::ClaimTemplate;
use super::labels::Labels;
use super::names::ObjectRef;
use super::pods::Pods;
use super::workload::Workload;

/// Where the pods of a workload come from, if not from one template of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Templates {
    /// From the template of another workload: an Argo Rollout may borrow it.
    Of(ObjectRef),
    Several(Several),
}

/// Pods of several templates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Several {
    pub parts: Box<[Part]>,
    /// Something says that pods of one template wait for those of another to end.
    pub in_turn: bool,
    /// Templates of claims `<template>-<workload>`, one for all pods that mount it.
    pub shared: Box<[ClaimTemplate]>,
}

/// The pods of one template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// JSON pointer to the template in the object.
    pub path: Box<str>,
    /// JSON pointer to what says how many pods are made of it.
    pub count_path: Box<str>,
    pub pods: Arc<Pods>,
    /// How many are made of it for each of the workload's replicas.
    pub times: u32,
}

/// A workload that has the pods of one of several templates alone, and that template.
pub type OfPart<'a> = (Workload, &'a Part);

impl Several {
    /// The templates of which pods are made.
    pub fn in_use(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| part.times > 0)
    }

    /// All pods as if they were of one template: every volume, and of the rest what all of them have.
    #[must_use]
    pub(super) fn united(&self) -> Pods {
        let mut parts = self.in_use();
        let Some(first) = parts.next() else {
            return Pods::default();
        };
        let mut united = Pods::clone(&first.pods);
        let (mut volumes, mut mounts) = (united.volumes.into_vec(), united.mounts.into_vec());
        for part in parts {
            let pods = &part.pods;
            volumes.extend(pods.volumes.iter().cloned());
            mounts.extend(pods.mounts.iter().cloned());
            united.labels = both(&united.labels, &pods.labels);
            united.placement = united.placement.filter(|own| Some(own) == pods.placement.as_ref());
            united.selinux = united.selinux.filter(|own| Some(own) == pods.selinux.as_ref());
            united.grace_seconds = united.grace_seconds.filter(|own| Some(*own) == pods.grace_seconds);
        }
        united.volumes = volumes.into();
        united.mounts = mounts.into();
        united
    }

    /// JSON pointer to a volume of all pods.
    fn volume_path(&self, mut index: usize) -> Option<String> {
        for part in self.in_use() {
            if index < part.pods.volumes.len() {
                return Some(format!("{}/spec/volumes/{index}", part.path));
            }
            index -= part.pods.volumes.len();
        }
        None
    }
}

/// The labels that both have.
fn both(one: &Labels, other: &Labels) -> Labels {
    Labels::from_pairs(one.iter().filter(|(key, value)| other.get(key) == Some(value)))
}

impl Workload {
    /// The workload whose template its pods are made of, where that is another one.
    #[must_use]
    pub fn template_of(&self) -> Option<&ObjectRef> {
        match self.templates.as_deref()? {
            Templates::Of(lender) => Some(lender),
            Templates::Several(_) => None,
        }
    }

    /// The templates of its pods, where its kind has several.
    #[must_use]
    pub fn several(&self) -> Option<&Several> {
        match self.templates.as_deref()? {
            Templates::Several(several) => Some(several),
            Templates::Of(_) => None,
        }
    }

    /// How many pods it has with so many replicas.
    #[must_use]
    pub fn pods_at(&self, replicas: u32) -> u64 {
        let Some(several) = self.several() else {
            return replicas.into();
        };
        // Pods without volumes hold nothing that anybody could wait for.
        let holding = several.in_use().filter(|part| !part.pods.volumes.is_empty());
        holding.map(|part| u64::from(replicas) * u64::from(part.times)).sum()
    }

    /// JSON pointer to a volume of its pods.
    #[must_use]
    pub fn volume_path(&self, index: usize) -> String {
        let of_part = self.several().and_then(|several| several.volume_path(index));
        of_part.unwrap_or_else(|| format!("{}/volumes/{index}", self.id.kind.pod_spec()))
    }

    /// For each of several templates a workload that has its pods alone.
    #[must_use]
    pub fn by_template(&self) -> Vec<OfPart<'_>> {
        let parts = self.several().into_iter().flat_map(Several::in_use);
        let alone = parts.map(|part| {
            let alone = Self {
                replicas: self.replicas.saturating_mul(part.times),
                pods: part.pods.clone(),
                templates: None,
                ..self.clone()
            };
            (alone, part)
        });
        alone.collect()
    }
}
