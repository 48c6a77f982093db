//! What is wrong with a text, and where.

use std::fmt;

use crate::position::Position;

/// Something wrong with one document, or with the text as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub kind: ProblemKind,
    pub position: Position,
    /// Lower case, no final period.
    pub message: String,
}

/// The sorts of problems, which callers treat differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// A key stands twice in one mapping; the document is still read, the last one counts (as for kubectl).
    DuplicateKey {
        /// Where the key stood before.
        first: Position,
    },
    /// The text is not UTF-8.
    Encoding,
    /// The document is not YAML, or YAML that has no JSON form.
    Syntax,
    /// The document still has Go-template text in it, as a Helm chart's templates do.
    Template,
    /// The document is too large, too deep, or grows too much through its aliases.
    TooLarge,
}

/// Why a document cannot be read.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) kind: ProblemKind,
    /// Byte offset in the text.
    pub(crate) at: u32,
    pub(crate) message: String,
}

impl Fault {
    pub(crate) fn new(kind: ProblemKind, at: u32, message: impl Into<String>) -> Self {
        Self {
            kind,
            at,
            message: message.into(),
        }
    }
}

impl Problem {
    /// Whether the document was read in spite of the problem.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        matches!(self.kind, ProblemKind::DuplicateKey { .. })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.position, self.message)
    }
}
