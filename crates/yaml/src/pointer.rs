//! JSON pointers (RFC 6901) into a text.

use crate::node::{Node, NodeId, Value};
use crate::position::Position;

/// The deepest node that exists on the way to a JSON pointer.
#[derive(Clone, Copy, Debug)]
pub struct Place<'t> {
    pub node: Node<'t>,
    /// Whether it is the node that was asked for.
    pub exact: bool,
}

impl<'t> Node<'t> {
    /// Finds the value at a JSON pointer (RFC 6901), or else its nearest existing parent.
    #[must_use]
    pub fn locate(self, pointer: &str) -> Place<'t> {
        let mut node = self;
        for step in pointer.split('/').skip(1) {
            let child = match node.value() {
                Value::Sequence(mut items) => step.parse().ok().and_then(|index| items.nth(index)),
                Value::Mapping(_) if step.contains('~') => node.get(&step.replace("~1", "/").replace("~0", "~")),
                Value::Mapping(_) => node.get(step),
                _ => None,
            };
            match child {
                Some(child) => node = child,
                None => return Place { node, exact: false },
            }
        }
        Place { node, exact: true }
    }

    /// The position of the value at a JSON pointer, or else of its nearest existing parent.
    #[must_use]
    pub fn position_of(self, pointer: &str) -> Position {
        self.locate(pointer).node.position()
    }

    /// The JSON pointer of the key that stands at a byte of the text, or of the nearest collection around it.
    #[must_use]
    pub fn pointer_near(self, offset: usize) -> String {
        let mut pointer = String::new();
        let mut node = self;
        loop {
            let children: Vec<(String, usize, Node<'t>)> = match node.value() {
                Value::Mapping(entries) => entries
                    .map(|entry| (escaped(entry.key()), entry.name.span().start, entry.value))
                    .collect(),
                Value::Sequence(items) => items
                    .enumerate()
                    .map(|(index, item)| (index.to_string(), item.span().start, item))
                    .collect(),
                _ => return pointer,
            };
            let before = children.into_iter().filter(|(_, start, _)| *start <= offset);
            let Some((step, start, child)) = before.max_by_key(|(_, start, _)| *start) else {
                return pointer;
            };
            let key = start == offset && matches!(node.value(), Value::Mapping(_));
            let inside =
                child.span().start <= offset && matches!(child.value(), Value::Mapping(_) | Value::Sequence(_));
            if key || inside {
                pointer.push('/');
                pointer.push_str(&step);
            }
            if key || !inside {
                return pointer;
            }
            node = child;
        }
    }

    /// The JSON pointer of a node in this one, where it is written.
    pub(crate) fn pointer_to(self, wanted: NodeId) -> Option<String> {
        let mut pointer = String::new();
        let mut node = self;
        while node.id() != wanted {
            let (step, child) = match node.value() {
                Value::Mapping(mut entries) => {
                    let entry = entries.find(|entry| entry.value.contains(wanted))?;
                    (escaped(entry.key()), entry.value)
                }
                Value::Sequence(items) => {
                    let (index, item) = items.enumerate().find(|(_, item)| item.contains(wanted))?;
                    (index.to_string(), item)
                }
                _ => return None,
            };
            pointer.push('/');
            pointer.push_str(&step);
            node = child;
        }
        Some(pointer)
    }
}

/// A key as a step of a pointer.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
