//! What is wrong with a text, and where.

use std::fmt;

/// Why a text could not be read, and where.
#[derive(Clone, Debug)]
pub struct Error {
    message: Box<str>,
    /// From 1.
    line: usize,
    /// From 1, in bytes.
    column: usize,
}

impl Error {
    /// Something is wrong `at` so many bytes of `text`.
    pub(super) fn new(message: &str, text: &str, at: usize) -> Self {
        let before = text.as_bytes().get(..at).unwrap_or_default();
        Self {
            message: message.into(),
            line: 1 + before.iter().filter(|byte| **byte == b'\n').count(),
            column: 1 + before.iter().rev().take_while(|byte| **byte != b'\n').count(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { message, line, column } = self;
        write!(f, "{message} at line {line} column {column}")
    }
}

impl std::error::Error for Error {}
