//! An admission request as a change to the graph.

use super::review::{Payload, Request};
use crate::graph::project::{self, NodeSeed};
use crate::graph::{Actor, Change, Kind, Name, Node, ObjectRef, Old, Operation, Reach, Shape, States};
use crate::json;

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
const CLEANERS: [&str; 5] = [
    "system:serviceaccount:kube-system:generic-garbage-collector",
    "system:serviceaccount:kube-system:namespace-controller",
    "system:serviceaccount:kube-system:pod-garbage-collector",
    "system:serviceaccount:kube-system:taint-eviction-controller",
    "system:kube-controller-manager",
];
/// What the names of kubelets begin with: they remove the pods that have stopped.
const NODES: &str = "system:node:";

/// Users that scale by themselves. KEDA's scales to and from nothing; what is between it leaves to the other.
const AUTOSCALERS: [&str; 2] = [
    "system:serviceaccount:keda:keda-operator",
    "system:serviceaccount:kube-system:horizontal-pod-autoscaler",
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
    let user = &*request.user;
    let actor = if CLEANERS.contains(&user) || user.starts_with(NODES) {
        Actor::Cleanup
    } else if AUTOSCALERS.contains(&user) {
        Actor::Autoscaler
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
    let states = match what {
        What::Object(kind) => object(kind, request, &namespace),
        What::Scale(kind) => scale(kind, request, operation),
    };
    match states {
        Ok(Some((target, states))) => Meaning::Change(Change {
            namespace,
            operation,
            actor,
            forced: operation == Operation::Delete && request.grace_seconds == Some(0),
            target,
            states,
        }),
        Ok(None) => Meaning::Irrelevant,
        Err(error) => Meaning::Unreadable(error),
    }
}

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Object(Kind),
    Scale(Kind),
}

impl What {
    fn of(request: &Request<'_>) -> Option<Self> {
        if let Some(kind) = request.object_kind() {
            return Some(Self::Object(kind));
        }
        match (&*request.group, &*request.kind, &*request.sub_resource) {
            ("autoscaling", "Scale", "scale") => {
                let parent = request.kinds.of_resource(&request.resource_group, &request.resource)?;
                let scales = matches!(parent.reach(), Reach::Review { scale: true, .. });
                scales.then_some(Self::Scale(parent))
            }
            _ => None,
        }
    }
}

/// The object of a change with its states; `None` where nobody can tell which it is.
type Changed<'a> = Option<(ObjectRef, States<'a>)>;

fn object<'a>(kind: Kind, request: &mut Request<'a>, namespace: &Name) -> Result<Changed<'a>, json::Error> {
    let (old, kinds) = (request.old_object, request.kinds);
    let seed = move |sent_to| NodeSeed { kind, kinds, sent_to };
    let (after, shape) = match std::mem::take(&mut request.object) {
        Payload::None => (None, Shape::default()),
        Payload::Projected(node, shape) => (Some(node), shape),
        // Where the kind came after the object.
        Payload::Raw(raw) => {
            let (node, shape) = seed(namespace).read_to_patch(raw)?;
            (Some(node), shape)
        }
    };
    let sent_to = namespace.clone();
    let before = old.map_or_else(Old::none, |old| {
        Old::lazy(move || {
            NodeSeed {
                kind,
                kinds,
                sent_to: &sent_to,
            }
            .read(old)
            .ok()
        })
    });
    let name = match &after {
        Some(node) => Some(node.name().clone()),
        None => named(request, before.node().map(Node::name)),
    };
    let states = States::Object { before, after, shape };
    Ok(name.map(|name| (ObjectRef { kind, name }, states)))
}

fn scale<'a>(kind: Kind, request: &Request<'a>, operation: Operation) -> Result<Changed<'a>, json::Error> {
    let (Payload::Raw(raw), Operation::Update) = (&request.object, operation) else {
        return Ok(None);
    };
    let after = project::scale_replicas(raw)?;
    let before = request.old_object.and_then(|old| project::scale_replicas(old).ok());
    Ok(Some((
        ObjectRef::new(kind, &*request.name),
        States::Scale { before, after },
    )))
}

/// The name of what is deleted: of a collection the request itself has none (`docs/kubernetes-facts.md` §3.2).
fn named(request: &Request<'_>, old: Option<&Name>) -> Option<Name> {
    if request.name.is_empty() {
        old.cloned()
    } else {
        Some((&*request.name).into())
    }
}
