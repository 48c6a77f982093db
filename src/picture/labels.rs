//! What stands in a box and on a line, for those who lay them out themselves.

use super::model::{Edge, Node, Picture};

/// A fact a line, and a line a finding.
pub(super) fn node(node: &Node, picture: &Picture) -> String {
    let mut lines = vec![node.id.title()];
    lines.extend(node.change.sign().map(|(sign, word)| format!("{sign} {word}")));
    lines.extend(node.lines.iter().cloned());
    lines.extend(node.presence.note().map(str::to_owned));
    lines.extend(found(&node.marks, picture));
    lines.join("\n")
}

/// The verb, what else is said of it, and a line a finding.
pub(super) fn edge(edge: &Edge, picture: &Picture) -> String {
    let mut lines = vec![edge.meaning.as_str().to_owned()];
    lines.extend(edge.change.sign().map(|(sign, word)| format!("{sign} {word}")));
    lines.extend(Some(edge.label.clone()).filter(|label| !label.is_empty()));
    lines.extend(found(&edge.marks, picture));
    lines.join("\n")
}

fn found<'p>(marks: &'p [usize], picture: &'p Picture) -> impl Iterator<Item = String> {
    picture
        .marks(marks)
        .map(|mark| format!("{} {}", mark.symbol(), mark.rule))
}
