//! The text of an error with what caused it.

use std::error::Error;

/// What caused an error in the end, without the layers in between: `Connection refused (os error 111)`.
#[must_use]
pub fn root(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(further) = cause.source() {
        cause = further;
    }
    cause.to_string()
}

/// An error with all its causes, in one line. What a cause says is said once, though many errors repeat theirs.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let further = error.to_string();
        if !text.contains(&further) {
            text = format!("{text}: {further}");
        }
        cause = error.source();
    }
    text
}
