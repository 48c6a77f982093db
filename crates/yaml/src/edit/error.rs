//! Why a document is left as it is.

use crate::node::Node;
use crate::position::Position;

/// Why a document is left as it is. Lower case, no final period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{position}: {reason}")]
pub struct EditError {
    pub position: Position,
    pub reason: &'static str,
}

impl EditError {
    pub(super) const fn new(position: Position, reason: &'static str) -> Self {
        Self { position, reason }
    }

    /// For what is written in a style that is not understood.
    pub(super) fn odd(node: Node<'_>) -> Self {
        let reason = "this is written in a way that cannot be edited safely";
        Self::new(node.position(), reason)
    }
}
