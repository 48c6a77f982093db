//! The nodes of a text in one flat array, in the order of the text, each with its position.

use std::sync::{Arc, OnceLock};

use crate::position::{Marks, Position};

/// All nodes of a text. Nothing is copied that stands in the text as it is.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) text: Arc<String>,
    pub(crate) slots: Vec<Slot>,
    /// What [`Content::Held`] counts in.
    pub(crate) held: Vec<Held>,
    /// Made when the first position is asked for: few texts have anything to tell of.
    marks: OnceLock<Marks>,
}

/// One node: a key, a value or an item. A collection is followed by all that is in it. There is one for every 11 bytes
/// of a manifest, so it is kept small.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    pub(crate) content: Content,
    /// Byte offsets in the text.
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// What a node is. `next` is the slot after a collection and everything in it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Content {
    Alias {
        target: u32,
    },
    Bool(bool),
    /// What does not fit into a slot, by its number in [`Tree::held`].
    Held(u32),
    /// A string that stands in the text between this many bytes of its node: its quotes, for example.
    Verbatim {
        before: u8,
        after: u8,
    },
    Mapping {
        next: u32,
        merges: bool,
    },
    /// The key `<<`.
    MergeKey,
    Null,
    Sequence {
        next: u32,
    },
    /// A key that is given again further down.
    ShadowedKey,
}

/// A number, or a string that does not stand in the text literally: unescaped, folded, or a rewritten key.
#[derive(Clone, Debug)]
pub(crate) enum Held {
    Float(f64),
    Integer(i64),
    Text(Box<str>),
    /// Only above `i64::MAX`.
    Unsigned(u64),
}

impl Tree {
    pub(crate) fn new(text: Arc<String>) -> Self {
        Self {
            // A manifest has a node for every 11 bytes or so.
            slots: Vec::with_capacity(text.len() / 8),
            text,
            ..Self::default()
        }
    }

    /// Where a byte of the text stands.
    pub(crate) fn position(&self, offset: u32) -> Position {
        let marks = self.marks.get_or_init(|| Marks::of(&self.text));
        marks.position(&self.text, offset)
    }

    /// Returns the slot after the node at `index` and everything in it.
    pub(crate) fn after(&self, index: u32) -> u32 {
        match self.slots[index as usize].content {
            Content::Mapping { next, .. } | Content::Sequence { next } => next,
            _ => index + 1,
        }
    }

    /// Returns the text of a string node or a key; empty for anything else.
    pub(crate) fn string(&self, index: u32) -> &str {
        let Slot { content, start, end } = self.slots[index as usize];
        match content {
            Content::Verbatim { before, after } => {
                &self.text[start as usize + usize::from(before)..end as usize - usize::from(after)]
            }
            Content::Held(number) => match &self.held[number as usize] {
                Held::Text(text) => text,
                Held::Float(_) | Held::Integer(_) | Held::Unsigned(_) => "",
            },
            // An alias never points at an alias.
            Content::Alias { target } => self.string(target),
            _ => "",
        }
    }

    /// Returns the slot of the value that is used at `index`: behind an alias, the anchored one.
    pub(crate) fn value(&self, index: u32) -> u32 {
        match self.slots[index as usize].content {
            Content::Alias { target } => target,
            _ => index,
        }
    }
}
