//! Changes documents in their text: only what differs is written, everything else stays byte for byte.
//!
//! What is written is read again and compared before anybody gets to see it: a text that turns out to mean anything
//! but what was asked for is never returned.

mod block;
mod change;
mod error;
mod flow;
mod write;

use serde_json::Value as Json;

use crate::node::NodeId;
use crate::reading::{Reading, read};
use change::{Changes, Edit};

pub use error::EditError;

/// A text in which nodes hold something else.
#[derive(Debug)]
pub struct Rewritten {
    /// `None` where nothing is written.
    pub text: Option<String>,
    /// Why nodes are left as they are, in their order: what is to be changed is written elsewhere (aliases, merge keys),
    /// or in a style that is not understood.
    pub left: Vec<EditError>,
}

/// What a node shall hold, and how it is found in a text that is read again.
#[derive(Clone, Debug)]
struct Wanted<'j> {
    id: NodeId,
    /// The number of its document.
    document: usize,
    /// From the root of the document.
    pointer: String,
    new: &'j Json,
}

/// Lets nodes hold something else than what they hold ([`Node::to_json`](crate::Node::to_json)). They are documents, or
/// parts of documents of which none is within another.
#[must_use]
pub fn rewrite(reading: &Reading, wanted: &[(NodeId, &Json)]) -> Rewritten {
    let (mut found, mut left) = (Vec::new(), Vec::new());
    for &(id, new) in wanted {
        match Wanted::of(reading, id, new) {
            Some(wanted) => found.push(wanted),
            None => left.push((id, EditError::odd(reading.node(id)))),
        }
    }
    let text = edited(reading, reading, &found, &mut left).map(|again| again.text().to_owned());
    left.sort_by_key(|(id, _)| *id);
    Rewritten {
        text,
        left: left.into_iter().map(|(_, error)| error).collect(),
    }
}

/// The text without some of its documents, by their numbers: with their `---` and the comments under it.
#[must_use]
pub fn without(reading: &Reading, documents: &[usize]) -> String {
    let mut text = reading.text().to_owned();
    let mut gone: Vec<_> = documents
        .iter()
        .filter_map(|number| reading.document(*number))
        .collect();
    gone.sort_by_key(|document| std::cmp::Reverse(document.part.bytes.start));
    for document in gone {
        let bytes = &document.part.bytes;
        text.replace_range(bytes.start as usize..bytes.end as usize, "");
    }
    text
}

/// Changes all nodes at once; where the result is not what was asked for, half of them and then the others, so that
/// one that cannot be changed is found. `original` is what was read before anything was changed.
fn edited(
    original: &Reading,
    reading: &Reading,
    wanted: &[Wanted<'_>],
    left: &mut Vec<(NodeId, EditError)>,
) -> Option<Reading> {
    let (mut possible, mut all) = (Vec::new(), Vec::new());
    for one in wanted {
        match one.edits(reading) {
            Ok(edits) => {
                possible.push(one.clone());
                all.extend(edits);
            }
            Err(error) => left.push((one.id, error)),
        }
    }
    if all.is_empty() {
        return None;
    }
    let again = change::apply(reading.text(), all).map(read);
    if again
        .as_ref()
        .is_some_and(|again| is_as_asked(reading, &possible, again))
    {
        return again;
    }
    if let [one] = &possible[..] {
        let position = original.node(one.id).position();
        let reason = "the document is written in a way that cannot be edited safely";
        left.push((one.id, EditError::new(position, reason)));
        return None;
    }
    let (former, latter) = possible.split_at(possible.len() / 2);
    let first = edited(original, reading, former, left);
    let second = edited(original, first.as_ref().unwrap_or(reading), latter, left);
    second.or(first)
}

/// Whether the text that was read again holds what it shall, and nothing else has changed.
fn is_as_asked(before: &Reading, wanted: &[Wanted<'_>], after: &Reading) -> bool {
    let mut expected: Vec<Json> = before.documents().map(|document| document.root().to_json()).collect();
    for Wanted {
        document, pointer, new, ..
    } in wanted
    {
        if let Some(place) = expected[*document].pointer_mut(pointer) {
            *place = Json::clone(new);
        }
    }
    before.problems().len() == after.problems().len()
        && expected
            .into_iter()
            .eq(after.documents().map(|document| document.root().to_json()))
}

impl<'j> Wanted<'j> {
    fn of(reading: &Reading, id: NodeId, new: &'j Json) -> Option<Self> {
        let document = reading.number_of(id)?;
        Some(Self {
            id,
            document,
            pointer: reading.document(document)?.root().pointer_to(id)?,
            new,
        })
    }

    fn edits(&self, reading: &Reading) -> Result<Vec<Edit>, EditError> {
        let document = reading
            .document(self.document)
            .expect("invariant: a text that is read again has the documents of the one before");
        let node = document.root().locate(&self.pointer).node;
        Changes::of(reading.text(), node).into(node, self.new)
    }
}

#[cfg(test)]
mod tests;
