//! From what a document holds and shall hold to edits of its text.

use std::ops::Range;

use serde_json::{Map, Value as Json};

use super::error::EditError;
use super::write::{self, Style};
use crate::node::{Entry, Node, Value};
use crate::tree::Content;

/// The edits of one document.
pub(super) struct Changes<'t> {
    pub(super) text: &'t str,
    /// By how many columns a block mapping of this document is indented.
    pub(super) step: usize,
    /// How flow collections of this document are written that show no style of their own.
    pub(super) style: Style,
    edits: Vec<Edit>,
}

/// Another text for a range of bytes.
pub(super) struct Edit {
    range: Range<usize>,
    text: String,
}

impl<'t> Changes<'t> {
    pub(super) fn of(text: &'t str, root: Node<'t>) -> Self {
        let step = root
            .entries()
            .into_iter()
            .find(|entry| matches!(entry.value.value(), Value::Mapping(_)) && !entry.value.is_flow())
            .map(|entry| {
                entry
                    .value
                    .position()
                    .column
                    .saturating_sub(entry.name.position().column) as usize
            });
        Self {
            text,
            step: step.filter(|step| *step > 0).unwrap_or(2),
            style: Style::of(text, root),
            edits: Vec::new(),
        }
    }

    /// The edits that make the root hold `new`.
    pub(super) fn into(mut self, root: Node<'t>, new: &Json) -> Result<Vec<Edit>, EditError> {
        self.change(root, new)?;
        Ok(self.edits)
    }

    /// Makes `node` hold `new`.
    fn change(&mut self, node: Node<'t>, new: &Json) -> Result<(), EditError> {
        if node.to_json() == *new {
            return Ok(());
        }
        if node.place != node.value {
            return Err(EditError::new(
                node.position(),
                "what is to be changed stands behind an alias",
            ));
        }
        match (node.value(), new) {
            (Value::Mapping(_), Json::Object(members)) => self.change_mapping(node, members),
            (Value::Sequence(items), Json::Array(list)) => {
                let items: Vec<_> = items.collect();
                if list.len() >= items.len() {
                    self.change_sequence(node, list)
                } else {
                    self.shorten_sequence(node, &items, list)
                }
            }
            _ => self.replace(node, new),
        }
    }

    fn change_mapping(&mut self, node: Node<'t>, members: &Map<String, Json>) -> Result<(), EditError> {
        if let Content::Mapping { merges: true, .. } = node.tree.slots[node.value as usize].content {
            return Err(EditError::new(
                node.position(),
                "what is to be changed is merged from elsewhere",
            ));
        }
        let entries = node.entries();
        let flow = node.is_flow();
        if !entries.iter().any(|entry| members.contains_key(entry.key())) {
            // Nothing is kept that the new could be put beside.
            return if flow {
                self.replace(node, &Json::Object(members.clone()))
            } else {
                Err(EditError::odd(node))
            };
        }
        for entry in &entries {
            match members.get(entry.key()) {
                Some(new) if !flow && is_nothing(*entry) => self.fill(*entry, new)?,
                Some(new) => self.change(entry.value, new)?,
                None => {}
            }
        }
        let (kept, gone): (Vec<&Entry<'_>>, Vec<&Entry<'_>>) =
            entries.iter().partition(|entry| members.contains_key(entry.key()));
        for (key, value) in members {
            if entries.iter().any(|entry| entry.key() == key) {
                continue;
            }
            // kubectl writes keys in the order of the alphabet, and most people follow it.
            let next = kept
                .iter()
                .position(|entry| entry.key() > key.as_str())
                .unwrap_or(kept.len());
            let before = next.checked_sub(1).map(|before| kept[before]);
            if flow {
                self.add_to_flow(kept[0], before, key, value)?;
            } else {
                self.add_to_block(entries[0], before, key, value)?;
            }
        }
        if flow {
            self.remove_from_flow(&entries, members);
        } else {
            gone.into_iter().try_for_each(|entry| self.remove_from_block(entry))?;
        }
        Ok(())
    }

    fn change_sequence(&mut self, node: Node<'t>, list: &[Json]) -> Result<(), EditError> {
        let Value::Sequence(items) = node.value() else {
            return Err(EditError::odd(node));
        };
        let items: Vec<_> = items.collect();
        let Some(last) = items.last() else {
            return self.replace(node, &Json::Array(list.to_vec()));
        };
        for (item, new) in items.iter().zip(list) {
            self.change(*item, new)?;
        }
        let added = &list[items.len()..];
        if node.is_flow() {
            added.iter().try_for_each(|new| self.append_to_flow(*last, new))
        } else {
            added.iter().try_for_each(|new| self.append_to_block(node, *last, new))
        }
    }

    /// Takes items out of a sequence, where those that are left stay as they are.
    fn shorten_sequence(&mut self, node: Node<'t>, items: &[Node<'t>], list: &[Json]) -> Result<(), EditError> {
        let mut left = list.iter().peekable();
        let is_kept: Vec<bool> = items
            .iter()
            .map(|item| left.next_if(|new| item.to_json() == **new).is_some())
            .collect();
        if list.is_empty() || left.peek().is_some() {
            return self.replace(node, &Json::Array(list.to_vec()));
        }
        // The parser lets a sequence that is not indented begin behind its first dash, at what may be a brace.
        if node.is_flow() && !self.is_behind_dash(items[0]) {
            self.take_out_of_flow(items, &is_kept);
            return Ok(());
        }
        let gone = items.iter().zip(is_kept).filter(|(_, is_kept)| !is_kept);
        gone.into_iter()
            .try_for_each(|(item, _)| self.take_out_of_block(node, *item))
    }

    /// Writes another value in the place of one that stands there as a whole.
    fn replace(&mut self, node: Node<'t>, new: &Json) -> Result<(), EditError> {
        let span = node.span();
        let old = &self.text[span.clone()];
        let is_block = match node.value() {
            Value::Mapping(_) | Value::Sequence(_) => !node.is_flow(),
            _ => old.starts_with(['|', '>']) || old.contains('\n'),
        };
        if is_block || span.is_empty() {
            return Err(EditError::odd(node));
        }
        let text = match (new, old.as_bytes()[0]) {
            (Json::String(new), b'"') => write::double_quoted(new),
            (Json::String(new), b'\'') => write::single_quoted(new),
            _ => self.style.value(new),
        };
        self.edit(span, text);
        Ok(())
    }

    pub(super) fn insert(&mut self, at: usize, text: String) {
        self.edit(at..at, text);
    }

    pub(super) fn edit(&mut self, range: Range<usize>, text: String) {
        self.edits.push(Edit { range, text });
    }
}

/// The edited text; none where edits are in one another's way.
pub(super) fn apply(text: &str, mut edits: Vec<Edit>) -> Option<String> {
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let mut result = String::with_capacity(text.len() + 256);
    let mut done = 0;
    for edit in &edits {
        result.push_str(text.get(done..edit.range.start)?);
        result.push_str(&edit.text);
        done = edit.range.end;
    }
    result.push_str(&text[done..]);
    Some(result)
}

/// Whether a key has no value at all, not even `null`.
fn is_nothing(entry: Entry<'_>) -> bool {
    matches!(entry.value.value(), Value::Null)
        && entry.value.place == entry.value.value
        && entry.value.span().is_empty()
}
