//! Changes a document in its text: only what differs is written, everything else stays byte for byte.
//!
//! What is written is read again and compared before anybody gets to see it: a text that turns out to mean anything
//! but what was asked for is never returned.

mod block;
mod change;
mod error;
mod flow;
mod write;

use serde_json::Value as Json;

use super::document::Document;
use super::position::Position;
use super::reading::{Reading, read};
use change::{Changes, Edit};

pub use error::EditError;

/// A text with other documents in it.
#[derive(Debug)]
pub struct Rewritten {
    /// `None` where nothing is written.
    pub text: Option<String>,
    /// Why documents are left as they are, in their order: what is to be changed is written elsewhere (aliases, merge
    /// keys), or in a style that is not understood.
    pub left: Vec<EditError>,
}

/// Lets documents, named by their numbers in ascending order, hold something else than what their roots hold
/// ([`Node::to_json`](super::Node::to_json)).
#[must_use]
pub fn rewrite(reading: &Reading, wanted: &[(usize, &Json)]) -> Rewritten {
    let mut left = Vec::new();
    let text = edited(reading, reading, wanted, &mut left).map(|again| again.text().to_owned());
    left.sort_by_key(|(index, _)| *index);
    Rewritten {
        text,
        left: left.into_iter().map(|(_, error)| error).collect(),
    }
}

/// Changes all documents at once; where the result is not what was asked for, half of them and then the others, so that
/// one that cannot be changed is found. `original` is what was read before anything was changed.
fn edited(
    original: &Reading,
    reading: &Reading,
    wanted: &[(usize, &Json)],
    left: &mut Vec<(usize, EditError)>,
) -> Option<Reading> {
    let (mut possible, mut all) = (Vec::new(), Vec::new());
    for &(index, new) in wanted {
        match edits(reading, index, new) {
            Ok(edits) => {
                possible.push((index, new));
                all.extend(edits);
            }
            Err(error) => left.push((index, error)),
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
    if let [(index, _)] = possible[..] {
        let position = original.document(index).map_or(Position::START, Document::position);
        let reason = "the document is written in a way that cannot be edited safely";
        left.push((index, EditError::new(position, reason)));
        return None;
    }
    let (former, latter) = possible.split_at(possible.len() / 2);
    let first = edited(original, reading, former, left);
    let second = edited(original, first.as_ref().unwrap_or(reading), latter, left);
    second.or(first)
}

fn edits(reading: &Reading, index: usize, new: &Json) -> Result<Vec<Edit>, EditError> {
    let Some(document) = reading.document(index) else {
        return Err(EditError::new(Position::START, "there is no such document"));
    };
    Changes::of(reading.text(), document.root()).into(document.root(), new)
}

/// Whether the text that was read again holds what it shall, and nothing else has changed.
fn is_as_asked(before: &Reading, wanted: &[(usize, &Json)], after: &Reading) -> bool {
    let mut wanted = wanted.iter().peekable();
    let mut expected = before.documents().enumerate().map(|(at, document)| {
        let new = wanted.next_if(|(index, _)| *index == at);
        new.map_or_else(|| document.root().to_json(), |&(_, new)| new.clone())
    });
    before.problems().len() == after.problems().len()
        && before.documents().count() == after.documents().count()
        && after
            .documents()
            .all(|document| expected.next() == Some(document.root().to_json()))
}

#[cfg(test)]
mod tests;
