//! Changes a document in its text: only what differs is written, everything else stays byte for byte.
//!
//! What is written is read again and compared before anybody gets to see it: a text that turns out to mean anything
//! but what was asked for is never returned.

mod block;
mod change;
mod flow;
mod write;

use serde_json::Value as Json;

use super::position::Position;
use super::reading::{Reading, read};
use change::Changes;

/// Why a document is left as it is. Lower case, no final period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{position}: {reason}")]
pub struct EditError {
    pub position: Position,
    pub reason: &'static str,
}

/// Returns the text in which the document at `index` holds `new`, in place of what its root holds
/// ([`Node::to_json`](super::Node::to_json)).
///
/// # Errors
/// A change that would touch what is written elsewhere (aliases, merge keys), or a style that is not understood.
pub fn rewrite(reading: &Reading, index: usize, new: &Json) -> Result<String, EditError> {
    let Some(document) = reading.documents().nth(index) else {
        return Err(EditError::new(Position::START, "there is no such document"));
    };
    let mut changes = Changes::of(reading.text(), document.root());
    changes.change(document.root(), new)?;
    let edited = changes.apply().map(|text| (read(text.clone()), text));
    match edited {
        Some((again, text)) if is_as_asked(reading, index, new, &again) => Ok(text),
        _ => Err(EditError::new(
            document.position(),
            "the document is written in a way that cannot be edited safely",
        )),
    }
}

impl EditError {
    const fn new(position: Position, reason: &'static str) -> Self {
        Self { position, reason }
    }
}

/// Whether the text that was read again holds what it shall, and nothing else has changed.
fn is_as_asked(before: &Reading, index: usize, new: &Json, after: &Reading) -> bool {
    let expected = before.documents().enumerate().map(|(at, document)| {
        if at == index {
            new.clone()
        } else {
            document.root().to_json()
        }
    });
    before.problems().len() == after.problems().len()
        && before.documents().count() == after.documents().count()
        && expected
            .zip(after.documents())
            .all(|(expected, document)| expected == document.root().to_json())
}

#[cfg(test)]
mod tests;
