//! Recognises what a Go template (a Helm chart before `helm template`) leaves in a text.
//!
//! Braces in quoted and block strings are mostly somebody else's: alert texts, dashboards, workflow parameters. So they
//! count only outside of strings, or if they name what only Helm knows.

use crate::position::small;
use crate::problem::{Fault, ProblemKind};
use crate::scalar::shortened;
use crate::tree::{Content, Tree};

/// What an action begins with that only a chart can mean (Helm's built-in objects and `include`).
const CHART_ACTIONS: [&str; 9] = [
    ".Values",
    ".Release",
    ".Chart",
    ".Capabilities",
    ".Template.",
    ".Files.",
    "include \"",
    "template \"",
    "tpl ",
];

/// Finds an action in a string that only Helm can resolve, and returns the string from there on.
pub(crate) fn chart_action(string: &str) -> Option<&str> {
    string.match_indices("{{").map(|(at, _)| &string[at..]).find(|action| {
        let inner = action[2..]
            .trim_start_matches('-')
            .trim_start()
            .trim_start_matches(['$', '(']);
        CHART_ACTIONS.iter().any(|known| inner.starts_with(known))
    })
}

/// Finds an action in a document that could not be read: outside of its strings and comments, and not behind the line
/// on which reading failed. `first` is the document's first slot, `comments` are byte ranges in order.
pub(crate) fn unread_action(
    tree: &Tree,
    first: usize,
    comments: &[std::ops::Range<usize>],
    start: u32,
    failed: u32,
) -> Option<Fault> {
    let text = &tree.text;
    let from = start as usize;
    let line_end = text.as_bytes()[failed as usize..]
        .iter()
        .position(|&byte| byte == b'\n');
    let until = line_end.map_or(text.len(), |end| failed as usize + end);
    let slots = &tree.slots[first..];
    let action = text
        .get(from..until)?
        .match_indices("{{")
        .map(|(at, _)| from + at)
        .find(|&at| {
            let slot = slots
                .partition_point(|slot| slot.start as usize <= at)
                .checked_sub(1)
                .map(|index| slots[index]);
            let in_string = slot.is_some_and(|slot| {
                let collection = matches!(
                    slot.content,
                    Content::Mapping { .. } | Content::Sequence { .. } | Content::Null
                );
                !collection && at < slot.end as usize
            });
            let comment = comments
                .partition_point(|comment| comment.start <= at)
                .checked_sub(1)
                .map(|index| &comments[index]);
            !in_string && comment.is_none_or(|comment| comment.end <= at) && !is_quoted(text, at)
        })?;
    let line = text[action..].lines().next().unwrap_or_default();
    Some(Fault::new(ProblemKind::Template, small(action), message(line)))
}

/// The message for a template's leftover; `action` is the text from the braces on.
pub(crate) fn message(action: &str) -> String {
    let action = action.find("}}").map_or(action, |end| &action[..end + 2]);
    let action = shortened(action.lines().next().unwrap_or_default());
    format!("a Go template (`{action}`): render it first, for example with `helm template`")
}

/// Whether an odd number of quotes stands before this place on its line: strings that were not read to their end.
fn is_quoted(text: &str, at: usize) -> bool {
    let line = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let quotes = |quote: char| text[line..at].matches(quote).count() % 2 == 1;
    quotes('"') || quotes('\'')
}
