//! Changes as admission makes them of requests.

use serde_json::Value;
use stateward::graph::project::NodeSeed;
use stateward::graph::{Actor, Change, Kind, Kinds, Name, Node, ObjectRef, Old, Operation, Shape, States};
use stateward::rules::kit::PatchOperation;

/// The kinds of workload, by name.
pub fn workload_kinds() -> Vec<Kind> {
    let mut kinds: Vec<Kind> = Kinds::builtin().iter().filter(|kind| kind.is_workload()).collect();
    kinds.sort_unstable();
    kinds
}

/// An object created, updated or deleted, by which of its states there are.
pub fn change(kind: Kind, namespace: &str, before: Option<&Value>, after: Option<&Value>) -> Change<'static> {
    let namespace: Name = namespace.into();
    let seed = NodeSeed {
        kind,
        kinds: Kinds::builtin(),
        sent_to: &namespace,
    };
    let read = |object: &Value| seed.read_to_patch(&object.to_string()).expect("a readable object");
    let (after, shape) = after.map(read).unzip();
    let before = before.map(|before| read(before).0);
    let name = after.as_ref().or(before.as_ref()).map(Node::name).expect("a state");
    Change {
        target: ObjectRef::new(kind, name.clone()),
        operation: match (&before, &after) {
            (None, _) => Operation::Create,
            (Some(_), Some(_)) => Operation::Update,
            (Some(_), None) => Operation::Delete,
        },
        actor: Actor::User,
        forced: false,
        states: States::Object {
            before: before.map_or_else(Old::none, |before| Old::lazy(move || Some(before.clone()))),
            after,
            shape: shape.unwrap_or_else(Shape::default),
        },
        namespace,
    }
}

/// A `scale` request in the namespace `shop`.
pub fn scale(kind: Kind, name: &str, before: u32, after: u32) -> Change<'static> {
    Change {
        namespace: "shop".into(),
        operation: Operation::Update,
        actor: Actor::User,
        forced: false,
        target: ObjectRef::new(kind, name),
        states: States::Scale {
            before: Some(before),
            after,
        },
    }
}

/// An object with the operations of a patch applied by an independent implementation; the error says why one fails.
pub fn applied(object: &Value, operations: &[PatchOperation]) -> Result<Value, String> {
    let patch: json_patch::Patch = serde_json::to_value(operations)
        .and_then(serde_json::from_value)
        .map_err(|error| error.to_string())?;
    let mut object = object.clone();
    json_patch::patch(&mut object, &patch).map_err(|error| error.to_string())?;
    Ok(object)
}

/// An object with a patch, which must apply.
pub fn patched(object: &Value, operations: &[PatchOperation]) -> Value {
    let patched = applied(object, operations);
    assert!(patched.is_ok(), "{patched:?}: {operations:?} on {object}");
    patched.unwrap_or_default()
}
