//! A look at a text's nodes: values with places, aliases followed, keys merged.

use std::ops::Range;

use crate::merge;
use crate::position::Position;
use crate::tree::{Content, Held, Tree};

/// A node of a text: a value with a place.
#[derive(Clone, Copy)]
pub struct Node<'t> {
    pub(crate) tree: &'t Tree,
    /// The slot of the value: behind an alias, the anchored one.
    pub(crate) value: u32,
    /// The slot where the value is used.
    pub(crate) place: u32,
}

/// What finds a node of a reading again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId(pub(crate) u32);

/// What a node holds.
#[derive(Clone, Debug)]
pub enum Value<'t> {
    Bool(bool),
    Float(f64),
    Integer(i64),
    Mapping(Entries<'t>),
    Null,
    Sequence(Items<'t>),
    Text(&'t str),
    /// Only above `i64::MAX`.
    Unsigned(u64),
}

impl<'t> Node<'t> {
    /// The node in a slot.
    pub(crate) fn at(tree: &'t Tree, place: u32) -> Self {
        Self {
            tree,
            value: tree.value(place),
            place,
        }
    }

    /// Returns what the node holds. Aliases are followed, merge keys merged, shadowed keys left out.
    #[must_use]
    pub fn value(self) -> Value<'t> {
        let tree = self.tree;
        match tree.slots[self.value as usize].content {
            Content::Bool(bool) => Value::Bool(bool),
            Content::Held(number) => match &tree.held[number as usize] {
                Held::Float(float) => Value::Float(*float),
                Held::Integer(integer) => Value::Integer(*integer),
                Held::Text(text) => Value::Text(text),
                Held::Unsigned(unsigned) => Value::Unsigned(*unsigned),
            },
            Content::Verbatim { .. } => Value::Text(tree.string(self.value)),
            Content::Mapping { next, merges: false } => Value::Mapping(Entries {
                walk: Walk::Plain {
                    tree,
                    at: self.value + 1,
                    end: next,
                },
            }),
            Content::Mapping { merges: true, .. } => Value::Mapping(Entries {
                walk: Walk::Merged {
                    tree,
                    keys: merge::keys(tree, self.value).into_iter(),
                },
            }),
            Content::Sequence { next } => Value::Sequence(Items {
                tree,
                at: self.value + 1,
                end: next,
            }),
            // An alias never points at an alias, and keys are read as strings.
            Content::Alias { .. } | Content::MergeKey | Content::Null | Content::ShadowedKey => Value::Null,
        }
    }

    /// Returns the string, if the node is one.
    #[must_use]
    pub fn as_str(self) -> Option<&'t str> {
        if let Value::Text(text) = self.value() {
            Some(text)
        } else {
            None
        }
    }

    /// Returns the value of a key, if the node is a mapping that has it.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Self> {
        self.entry(key).map(|entry| entry.value)
    }

    /// Returns a key with its value, if the node is a mapping that has it.
    #[must_use]
    pub fn entry(self, key: &str) -> Option<Entry<'t>> {
        let Value::Mapping(mut entries) = self.value() else {
            return None;
        };
        entries.find(|entry| entry.key() == key)
    }

    /// Returns the items, or none where the node is no sequence.
    #[must_use]
    pub fn items(self) -> Items<'t> {
        match self.value() {
            Value::Sequence(items) => items,
            _ => Items {
                tree: self.tree,
                at: 0,
                end: 0,
            },
        }
    }

    /// Returns the entries, or none where the node is no mapping.
    pub(crate) fn entries(self) -> Vec<Entry<'t>> {
        match self.value() {
            Value::Mapping(entries) => entries.collect(),
            _ => Vec::new(),
        }
    }

    /// Whether the node is a collection in braces or brackets.
    pub(crate) fn is_flow(self) -> bool {
        self.tree.text[self.span()].starts_with(['{', '['])
    }

    /// What finds the node again, by [`Reading::node`](super::Reading::node).
    #[must_use]
    pub fn id(self) -> NodeId {
        NodeId(self.place)
    }

    /// Whether a node is this one or is written in it.
    pub(crate) fn contains(self, id: NodeId) -> bool {
        (self.place..self.tree.after(self.place)).contains(&id.0)
    }

    /// Where the node begins. A block mapping begins at its first key.
    #[must_use]
    pub fn position(self) -> Position {
        self.tree.position(self.tree.slots[self.place as usize].start)
    }

    /// The bytes of the node in the text, quotes included; for an alias those of the alias.
    #[must_use]
    pub fn span(self) -> Range<usize> {
        let slot = self.tree.slots[self.place as usize];
        slot.start as usize..slot.end as usize
    }

    /// Copies the node into a JSON value.
    #[must_use]
    pub fn to_json(self) -> serde_json::Value {
        use serde_json::Value as Json;
        match self.value() {
            Value::Bool(bool) => Json::Bool(bool),
            Value::Float(float) => Json::from(float),
            Value::Integer(integer) => Json::from(integer),
            Value::Mapping(entries) => Json::Object(
                entries
                    .map(|entry| (entry.key().to_owned(), entry.value.to_json()))
                    .collect(),
            ),
            Value::Null => Json::Null,
            Value::Sequence(items) => Json::Array(items.map(Self::to_json).collect()),
            Value::Text(text) => Json::String(text.to_owned()),
            Value::Unsigned(unsigned) => Json::from(unsigned),
        }
    }
}

impl std::fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {}", self.to_json(), self.position())
    }
}

/// A key with its value.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'t> {
    /// The key's node, for its position; its text is [`Entry::key`].
    pub name: Node<'t>,
    pub value: Node<'t>,
}

impl<'t> Entry<'t> {
    fn new(tree: &'t Tree, key: u32) -> Self {
        Self {
            name: Node {
                tree,
                value: key,
                place: key,
            },
            value: Node::at(tree, key + 1),
        }
    }

    /// The key as kubectl writes it: `yes`, for example, is `true`.
    #[must_use]
    pub fn key(&self) -> &'t str {
        self.name.tree.string(self.name.place)
    }
}

/// The items of a sequence.
#[derive(Clone, Copy)]
pub struct Items<'t> {
    tree: &'t Tree,
    at: u32,
    end: u32,
}

impl<'t> Iterator for Items<'t> {
    type Item = Node<'t>;

    fn next(&mut self) -> Option<Node<'t>> {
        (self.at < self.end).then(|| {
            let node = Node::at(self.tree, self.at);
            self.at = self.tree.after(self.at);
            node
        })
    }
}

impl std::fmt::Debug for Items<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(*self).finish()
    }
}

/// The entries of a mapping, in the order of the text; each key once.
#[derive(Clone)]
pub struct Entries<'t> {
    walk: Walk<'t>,
}

#[derive(Clone)]
enum Walk<'t> {
    Merged {
        tree: &'t Tree,
        keys: std::vec::IntoIter<u32>,
    },
    Plain {
        tree: &'t Tree,
        at: u32,
        end: u32,
    },
}

impl<'t> Iterator for Entries<'t> {
    type Item = Entry<'t>;

    fn next(&mut self) -> Option<Entry<'t>> {
        match &mut self.walk {
            Walk::Merged { tree, keys } => keys.next().map(|key| Entry::new(tree, key)),
            Walk::Plain { tree, at, end } => {
                while *at < *end {
                    let key = *at;
                    *at = tree.after(key + 1);
                    if !matches!(tree.slots[key as usize].content, Content::ShadowedKey) {
                        return Some(Entry::new(tree, key));
                    }
                }
                None
            }
        }
    }
}

impl std::fmt::Debug for Entries<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}
