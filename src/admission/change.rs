//! An admission request as a change to the graph.

use super::review::{Object, Request};
use crate::graph::{Actor, Change, Changed, Kind, Name, ObjectKind, Old, Operation, WorkloadId, project};
use crate::json;
use std::sync::Arc;

/// What a request is to us.
#[derive(Debug)]
pub(super) enum Meaning<'a> {
    Change(Change<'a>),
    /// A subresource, an operation or a place that plays no part.
    Irrelevant,
    /// A kind that nobody should have sent.
    UnknownKind,
    /// An object that should be understood and cannot be read.
    Unreadable(json::Error),
}

/// Users whose deletes follow from a decision made before (`docs/limits.md`, "Never denied").
const CLEANERS: [&str; 3] = [
    "system:serviceaccount:kube-system:generic-garbage-collector",
    "system:serviceaccount:kube-system:namespace-controller",
    "system:kube-controller-manager",
];

/// Makes a change of a request; `error` is why its object could not be projected while parsing.
pub(super) fn meaning<'a>(request: &mut Request<'a>, error: Option<json::Error>) -> Meaning<'a> {
    let Some(namespace) = request.namespace.clone() else {
        return Meaning::Irrelevant;
    };
    let operation = match &*request.operation {
        "CREATE" => Operation::Create,
        "DELETE" => Operation::Delete,
        "UPDATE" => Operation::Update,
        _ => return Meaning::Irrelevant,
    };
    let actor = if CLEANERS.contains(&&*request.user) {
        Actor::Cleanup
    } else {
        Actor::User
    };
    let Some(what) = What::of(request) else {
        return if request.sub_resource.is_empty() {
            Meaning::UnknownKind
        } else {
            Meaning::Irrelevant
        };
    };
    if let Some(error) = error {
        return Meaning::Unreadable(error);
    }
    match changed(what, request, operation, &namespace) {
        Ok(Some(object)) => Meaning::Change(Change {
            namespace,
            operation,
            actor,
            object,
        }),
        Ok(None) => Meaning::Irrelevant,
        Err(error) => Meaning::Unreadable(error),
    }
}

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Dependency(ObjectKind),
    Scale(Kind),
    Workload(Kind),
}

impl What {
    fn of(request: &Request<'_>) -> Option<Self> {
        if let Some(kind) = request.workload_kind() {
            return Some(Self::Workload(kind));
        }
        match (&*request.group, &*request.kind, &*request.sub_resource) {
            ("", "PersistentVolumeClaim", "") => Some(Self::Dependency(ObjectKind::Claim)),
            ("", "Service", "") => Some(Self::Dependency(ObjectKind::Service)),
            ("autoscaling", "HorizontalPodAutoscaler", "") => Some(Self::Dependency(ObjectKind::Autoscaler)),
            ("autoscaling", "Scale", "scale") => Kind::ALL
                .into_iter()
                .find(|kind| kind.resource() == request.resource)
                .map(Self::Scale),
            _ => None,
        }
    }
}

fn changed<'a>(
    what: What,
    request: &mut Request<'a>,
    operation: Operation,
    namespace: &Name,
) -> Result<Option<Changed<'a>>, json::Error> {
    let old = request.old_object;
    Ok(Some(match what {
        What::Workload(kind) => {
            let (after, shape) = match std::mem::take(&mut request.object) {
                Object::None => (None, Default::default()),
                Object::Workload(projected) => (Some(projected.workload), projected.shape),
                Object::Raw(raw) => {
                    let projected = project::workload(kind, namespace, raw)?;
                    (Some(projected.workload), projected.shape)
                }
            };
            let before = old_workload(old, kind, namespace);
            let id = match &after {
                Some(workload) => Some(workload.id.clone()),
                None => named(request, before.node().map(|old| &old.id.name)).map(|name| WorkloadId { kind, name }),
            };
            let Some(id) = id else { return Ok(None) };
            Changed::Workload {
                id,
                before,
                after: after.map(Arc::new),
                shape,
            }
        }
        What::Scale(kind) => {
            let (Object::Raw(raw), Operation::Update) = (&request.object, operation) else {
                return Ok(None);
            };
            let after = project::scale_replicas(raw)?;
            let before = old.and_then(|old| project::scale_replicas(old).ok());
            Changed::Scale {
                id: WorkloadId::new(kind, &*request.name),
                before,
                after,
            }
        }
        What::Dependency(ObjectKind::Claim) => {
            let before = lazily(old, project::claim);
            let after = node(&request.object, project::claim)?;
            let name = after.as_ref().map(|claim| claim.name.clone());
            let Some(name) = name.or_else(|| named(request, before.node().map(|old| &old.name))) else {
                return Ok(None);
            };
            Changed::Claim { name, before, after }
        }
        What::Dependency(ObjectKind::Service) => {
            let before = lazily(old, project::service);
            let after = node(&request.object, project::service)?;
            let name = after.as_ref().map(|service| service.name.clone());
            let Some(name) = name.or_else(|| named(request, before.node().map(|old| &old.name))) else {
                return Ok(None);
            };
            Changed::Service { name, before, after }
        }
        What::Dependency(_) => {
            let before = lazily(old, project::autoscaler);
            let after = node(&request.object, project::autoscaler)?;
            let name = after.as_ref().map(|autoscaler| autoscaler.name.clone());
            let Some(name) = name.or_else(|| named(request, before.node().map(|old| &old.name))) else {
                return Ok(None);
            };
            Changed::Autoscaler { name, before, after }
        }
    }))
}

/// The name of what is deleted: of a collection the request itself has none (`docs/kubernetes-facts.md` §3.2).
fn named(request: &Request<'_>, old: Option<&Name>) -> Option<Name> {
    if request.name.is_empty() {
        old.cloned()
    } else {
        Some((&*request.name).into())
    }
}

fn old_workload<'a>(old: Option<&'a str>, kind: Kind, namespace: &Name) -> Old<'a, crate::graph::Workload> {
    let Some(old) = old else { return Old::none() };
    let namespace = namespace.clone();
    Old::lazy(move || {
        project::workload(kind, &namespace, old)
            .ok()
            .map(|projected| projected.workload)
    })
}

fn lazily<'a, T: 'a>(old: Option<&'a str>, read: fn(&str) -> Result<T, json::Error>) -> Old<'a, T> {
    old.map_or_else(Old::none, |old| Old::lazy(move || read(old).ok()))
}

fn node<T>(object: &Object<'_>, read: fn(&str) -> Result<T, json::Error>) -> Result<Option<Arc<T>>, json::Error> {
    match object {
        Object::Raw(raw) => read(raw).map(|node| Some(Arc::new(node))),
        Object::None | Object::Workload(_) => Ok(None),
    }
}
