//! One object of a text: a whole document, or one item of a list.

use std::ops::Range;

use serde::Deserialize;

use super::de::ShapeError;
use super::node::{Node, Value};
use super::position::Position;
use super::tree::Tree;
use crate::graph::Kinds;

/// An object of a text, as `kubectl apply` would send it.
#[derive(Clone, Copy)]
pub struct Document<'r> {
    pub(super) tree: &'r Tree,
    pub(super) part: &'r Part,
}

/// Where an object is kept.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// Its slot, and that of the list that it is an item of.
    slot: u32,
    list: Option<u32>,
    /// The bytes of the whole document.
    pub(super) bytes: Range<u32>,
    source: Option<Range<usize>>,
}

/// The deepest node that exists on the way to a JSON pointer.
#[derive(Clone, Copy, Debug)]
pub struct Place<'r> {
    pub node: Node<'r>,
    /// Whether it is the node that was asked for.
    pub exact: bool,
}

impl<'r> Document<'r> {
    /// The object itself; it need not be a mapping.
    #[must_use]
    pub fn root(self) -> Node<'r> {
        Node::at(self.tree, self.part.slot)
    }

    /// Where the object begins.
    #[must_use]
    pub fn position(self) -> Position {
        self.root().position()
    }

    /// The template that Helm made the object from, out of its `# Source:` comment.
    #[must_use]
    pub fn source(self) -> Option<&'r str> {
        self.part.source.clone().map(|source| &self.tree.text[source])
    }

    /// The object's `apiVersion`; an item of a typed list need not have one.
    #[must_use]
    pub fn api_version(self) -> Option<&'r str> {
        let own = self.root().get("apiVersion").and_then(Node::as_str);
        own.or_else(|| Some(self.implied()?.0))
    }

    /// The object's `kind`; an item of a typed list need not have one.
    #[must_use]
    pub fn kind(self) -> Option<&'r str> {
        let own = self.root().get("kind").and_then(Node::as_str);
        own.or_else(|| Some(self.implied()?.1))
    }

    /// A string of the object's metadata, unless it is empty.
    #[must_use]
    pub fn metadata(self, key: &str) -> Option<&'r str> {
        let own = self.root().get("metadata")?.get(key)?.as_str();
        own.filter(|text| !text.is_empty())
    }

    /// Finds the value at a JSON pointer (RFC 6901), or else its nearest existing parent.
    #[must_use]
    pub fn locate(self, pointer: &str) -> Place<'r> {
        let mut node = self.root();
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
        let mut node = self.root();
        loop {
            let children: Vec<(String, usize, Node<'r>)> = match node.value() {
                Value::Mapping(entries) => entries
                    .map(|entry| {
                        let step = entry.key().replace('~', "~0").replace('/', "~1");
                        (step, entry.name.span().start, entry.value)
                    })
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

    /// Reads the object into a type. Fields that are null count as absent, as for the API server.
    pub fn to<T: Deserialize<'r>>(self) -> Result<T, ShapeError> {
        T::deserialize(self.root())
    }

    /// Copies the object into a JSON value, with `apiVersion` and `kind` if they come from its list.
    #[must_use]
    pub fn to_json(self) -> serde_json::Value {
        let mut json = self.root().to_json();
        if let (Some(object), Some((api_version, kind))) = (json.as_object_mut(), self.implied()) {
            object.insert("apiVersion".to_owned(), api_version.into());
            object.insert("kind".to_owned(), kind.into());
        }
        json
    }

    /// What the items of a `DeploymentList` are when they do not say it (apimachinery's `unstructured/helpers.go`,
    /// `decodeToList`: only if they say neither).
    fn implied(self) -> Option<(&'r str, &'r str)> {
        let list = Node::at(self.tree, self.part.list?);
        let said = |key| {
            self.root()
                .get(key)
                .and_then(Node::as_str)
                .is_some_and(|value| !value.is_empty())
        };
        if said("apiVersion") || said("kind") {
            return None;
        }
        let kind = list.get("kind")?.as_str()?.strip_suffix("List")?;
        (!kind.is_empty()).then_some((list.get("apiVersion")?.as_str()?, kind))
    }
}

impl std::fmt::Debug for Document<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&self.root(), f)
    }
}

impl Node<'_> {
    /// Returns true for an object of a kind that the graph does not know, and that is no list of others.
    pub(super) fn plays_no_part(self) -> bool {
        let text = |key| self.get(key).and_then(Node::as_str);
        text("apiVersion")
            .zip(text("kind"))
            .is_some_and(|(version, kind)| !kind.ends_with("List") && Kinds::builtin().of(version, kind).is_none())
    }
}

/// Splits the document at `slot` into its objects: one, or the items of a list, or none if it is empty.
pub(super) fn parts(tree: &Tree, slot: u32, bytes: &Range<u32>, source: Option<&Range<usize>>, found: &mut Vec<Part>) {
    let mut push = |slot, list| {
        found.push(Part {
            slot,
            list,
            bytes: bytes.clone(),
            source: source.cloned(),
        })
    };
    open_list(Node::at(tree, slot), None, &mut push);
}

/// Lists may be nested; the tree's depth is bounded, and with it this recursion.
fn open_list(node: Node<'_>, list: Option<u32>, push: &mut impl FnMut(u32, Option<u32>)) {
    if matches!(node.value(), Value::Null) {
        return;
    }
    let is_list = node
        .get("kind")
        .and_then(Node::as_str)
        .is_some_and(|kind| kind.ends_with("List"));
    match node.get("items").filter(|_| is_list).map(Node::value) {
        Some(Value::Sequence(items)) => items.for_each(|item| open_list(item, Some(node.place), push)),
        _ => push(node.place, list),
    }
}
