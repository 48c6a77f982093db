//! A change to the graph: what every admission request is.

use std::cell::OnceCell;
use std::fmt;
use std::sync::Arc;

use super::autoscaler::Autoscaler;
use super::claim::Claim;
use super::names::{Name, ObjectKind, ObjectRef, WorkloadId};
use super::overlay::Overlay;
use super::service::Service;
use super::view::View;
use super::workload::{Shape, Workload};

/// One object of a namespace, before and after.
#[derive(Debug)]
pub struct Change<'a> {
    pub namespace: Name,
    pub operation: Operation,
    pub actor: Actor,
    pub object: Changed<'a>,
}

/// What is done to the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Create,
    Delete,
    Update,
}

/// Who does it, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The garbage collector, the namespace controller or the whole controller manager: its deletes follow from a
    /// decision made before, and refusing them wedges the cluster.
    Cleanup,
    User,
}

/// The object that changes.
#[derive(Debug)]
pub enum Changed<'a> {
    Autoscaler {
        name: Name,
        before: Old<'a, Autoscaler>,
        after: Option<Arc<Autoscaler>>,
    },
    Claim {
        name: Name,
        before: Old<'a, Claim>,
        after: Option<Arc<Claim>>,
    },
    /// A `scale` request: the parent with other replicas.
    Scale {
        id: WorkloadId,
        before: Option<u32>,
        after: u32,
    },
    Service {
        name: Name,
        before: Old<'a, Service>,
        after: Option<Arc<Service>>,
    },
    Workload {
        id: WorkloadId,
        before: Old<'a, Workload>,
        after: Option<Arc<Workload>>,
        shape: Shape,
    },
}

/// The old object: parsed only when something was found in the new one, so that the common request never pays.
pub struct Old<'a, T> {
    parse: Option<Box<dyn Fn() -> Option<T> + Send + 'a>>,
    parsed: OnceCell<Option<Arc<T>>>,
}

impl<'a, T> Old<'a, T> {
    /// There was no object.
    #[must_use]
    pub fn none() -> Self {
        Self {
            parse: None,
            parsed: OnceCell::new(),
        }
    }

    /// There was one; `parse` makes its node, or nothing where it cannot be read.
    pub fn lazy(parse: impl Fn() -> Option<T> + Send + 'a) -> Self {
        Self {
            parse: Some(Box::new(parse)),
            parsed: OnceCell::new(),
        }
    }

    /// There was this one.
    pub fn known(node: T) -> Self
    where
        T: Clone + Send + 'a,
    {
        Self::lazy(move || Some(node.clone()))
    }

    /// The old node; `None` where there was none, or where it cannot be read ([`Old::is_unreadable`]).
    pub fn node(&self) -> Option<&Arc<T>> {
        self.parsed
            .get_or_init(|| self.parse.as_ref().and_then(|parse| parse()).map(Arc::new))
            .as_ref()
    }

    /// There was an object and it cannot be read: the state before is unknown.
    pub fn is_unreadable(&self) -> bool {
        self.parse.is_some() && self.node().is_none()
    }
}

impl<T> fmt::Debug for Old<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.parse.is_some() { "Old(..)" } else { "Old(none)" })
    }
}

impl Change<'_> {
    /// The object that changes.
    #[must_use]
    pub fn target(&self) -> ObjectRef {
        match &self.object {
            Changed::Autoscaler { name, .. } => ObjectRef::new(ObjectKind::Autoscaler, name.clone()),
            Changed::Claim { name, .. } => ObjectRef::new(ObjectKind::Claim, name.clone()),
            Changed::Service { name, .. } => ObjectRef::new(ObjectKind::Service, name.clone()),
            Changed::Scale { id, .. } | Changed::Workload { id, .. } => id.into(),
        }
    }

    /// Lays the state after the change over `overlay`. For a `scale` the parent must be `known`.
    pub fn lay_after(&self, known: &View<'_>, overlay: &mut Overlay) {
        match &self.object {
            Changed::Autoscaler { name, after, .. } => overlay.autoscalers.push((name.clone(), after.clone())),
            Changed::Claim { name, after, .. } => overlay.claims.push((name.clone(), after.clone())),
            Changed::Service { name, after, .. } => overlay.services.push((name.clone(), after.clone())),
            Changed::Workload { id, after, .. } => overlay.workloads.push((id.clone(), after.clone())),
            Changed::Scale { id, after, .. } => lay_scaled(known, id, *after, overlay),
        }
    }

    /// Lays the state before the change over `overlay`: the request's own old object, never the cached one, which
    /// may lag or lead. Returns false where that state is not known.
    pub fn lay_before(&self, known: &View<'_>, overlay: &mut Overlay) -> bool {
        match &self.object {
            Changed::Autoscaler { name, before, .. } => {
                overlay.autoscalers.push((name.clone(), before.node().cloned()));
                !before.is_unreadable()
            }
            Changed::Claim { name, before, .. } => {
                overlay.claims.push((name.clone(), before.node().cloned()));
                !before.is_unreadable()
            }
            Changed::Service { name, before, .. } => {
                overlay.services.push((name.clone(), before.node().cloned()));
                !before.is_unreadable()
            }
            Changed::Workload { id, before, .. } => {
                overlay.workloads.push((id.clone(), before.node().cloned()));
                !before.is_unreadable()
            }
            Changed::Scale { id, before, .. } => {
                if let Some(before) = before {
                    lay_scaled(known, id, *before, overlay);
                }
                before.is_some()
            }
        }
    }

    /// The workloads whose judgement may differ, by kind and name. `after` is the graph with the change.
    #[must_use]
    pub fn affected(&self, after: &View<'_>) -> Vec<WorkloadId> {
        let mut affected = match &self.object {
            Changed::Workload { id, after, .. } => after.iter().map(|_| id.clone()).collect(),
            Changed::Scale { id, .. } => vec![id.clone()],
            Changed::Claim { name, .. } => {
                let mut users: Vec<WorkloadId> = ids(after.claim_users(name));
                users.extend(after.template_user(name).map(|(set, _)| set.id.clone()));
                users
            }
            Changed::Service { name, .. } => ids(after.governed(name)),
            // A former target is never worse off.
            Changed::Autoscaler { after, .. } => after
                .iter()
                .filter_map(|autoscaler| autoscaler.target.clone())
                .collect(),
        };
        affected.sort_unstable();
        affected.dedup();
        affected
    }
}

fn ids(workloads: Vec<&Workload>) -> Vec<WorkloadId> {
    workloads.into_iter().map(|workload| workload.id.clone()).collect()
}

fn lay_scaled(known: &View<'_>, id: &WorkloadId, replicas: u32, overlay: &mut Overlay) {
    if let Some(parent) = known.workload(id).known() {
        overlay
            .workloads
            .push((id.clone(), Some(Arc::new(parent.scaled(replicas)))));
    }
}
