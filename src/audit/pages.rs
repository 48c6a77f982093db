//! The page of everything that a report can find: the rules, and what is said of files and annotations besides.

use super::report::{DUPLICATE_KEY, IGNORED_OVERRIDE};
use crate::rules::RULES;

/// What there is to read of a kind of finding.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    pub id: &'static str,
    /// One sentence, lower-case, without a final period.
    pub summary: &'static str,
    /// Markdown.
    pub text: &'static str,
}

/// What is found besides what rules find, whatever the policies say.
const BESIDES: [Page; 2] = [
    Page {
        id: DUPLICATE_KEY,
        summary: "a key stands twice in one mapping, and only the last one counts",
        text: include_str!("pages/duplicate-key.md"),
    },
    Page {
        id: IGNORED_OVERRIDE,
        summary: "an annotation stateward.dev/allow has no effect",
        text: include_str!("pages/ignored-override.md"),
    },
];

/// All pages: those of the rules in their order, then the others.
pub fn pages() -> impl Iterator<Item = Page> {
    let rules = RULES.iter().map(|rule| Page {
        id: rule.id,
        summary: rule.summary,
        text: rule.page,
    });
    rules.chain(BESIDES)
}
