//! What is wrong with a text, and where.

use std::fmt;

/// Why a text could not be read, and where.
#[derive(Debug)]
pub struct Error {
    message: Box<str>,
    /// Line and column from 1, the latter in bytes.
    place: Option<(usize, usize)>,
}

impl Error {
    pub(super) fn new(message: &str) -> Self {
        Self {
            message: message.into(),
            place: None,
        }
    }

    /// Adds the place where an error has none: serde's come without.
    pub(super) fn or_at(mut self, text: &str, at: usize) -> Self {
        self.place.get_or_insert_with(|| {
            let before = text.as_bytes().get(..at).unwrap_or_default();
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            let column = 1 + before.iter().rev().take_while(|byte| **byte != b'\n').count();
            (line, column)
        });
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match self.place {
            Some((line, column)) => write!(f, " at line {line} column {column}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

impl serde::de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(&message.to_string())
    }
}
