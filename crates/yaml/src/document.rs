//! One document of a text.

use std::ops::Range;

use crate::node::Node;
use crate::position::{BYTE_ORDER_MARK, Position};
use crate::problem::{Fault, Problem};
use crate::tree::Tree;

/// A document of a text, which is not empty.
#[derive(Clone, Copy)]
pub struct Document<'r> {
    pub(crate) tree: &'r Tree,
    pub(crate) part: &'r Part,
}

/// Where a document is kept.
#[derive(Debug)]
pub(crate) struct Part {
    /// The slot of its root.
    pub(crate) slot: u32,
    /// Where the document before it ended.
    pub(crate) above: u32,
    /// From its `---`, or else its content, to its end.
    pub(crate) bytes: Range<u32>,
    pub(crate) leftover: Option<Box<Fault>>,
}

impl<'r> Document<'r> {
    /// What the document holds; it need not be a mapping.
    #[must_use]
    pub fn root(self) -> Node<'r> {
        Node::at(self.tree, self.part.slot)
    }

    /// Where its content begins.
    #[must_use]
    pub fn position(self) -> Position {
        self.root().position()
    }

    /// The comments above the content, from their `#` on.
    pub fn comments(self) -> impl Iterator<Item = &'r str> {
        let above = self.part.above as usize..self.root().span().start;
        let lines = self.tree.text.get(above).unwrap_or_default().lines();
        lines.filter_map(comment)
    }

    /// What looks like an action of a Helm chart's template in a string of the document; whether it is one depends on
    /// what the document is for.
    #[must_use]
    pub fn leftover(self) -> Option<Problem> {
        let fault = self.part.leftover.as_deref()?;
        Some(Problem {
            kind: fault.kind,
            position: self.tree.position(fault.at),
            message: fault.message.clone(),
        })
    }
}

impl std::fmt::Debug for Document<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&self.root(), f)
    }
}

/// The comment in a line without content, though perhaps with `---`, a directive or a tag.
fn comment(line: &str) -> Option<&str> {
    let begins = |at: usize| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|before| before.is_whitespace() || before == BYTE_ORDER_MARK)
    };
    let (at, _) = line.match_indices('#').find(|(at, _)| begins(*at))?;
    Some(line[at..].trim_end())
}
