//! Pictures in Mermaid's language, which GitHub and others draw.

use std::fmt::Write as _;

use super::labels;
use super::model::{Meaning, Picture, Presence};

/// Writes pictures as one flow chart, a subgraph each.
#[must_use]
pub fn mermaid(pictures: &[Picture]) -> String {
    let mut text = String::from("flowchart LR\n");
    for (number, picture) in pictures.iter().enumerate() {
        let _ = writeln!(text, "  subgraph s{number}[{}]", quoted(&picture.title));
        for (place, node) in picture.nodes.iter().enumerate() {
            let label = quoted(&labels::node(node, picture));
            // Another outline for what is not there.
            let (open, close) = match node.presence {
                Presence::Here => ("[", "]"),
                Presence::Missing | Presence::Unknown => ("{{", "}}"),
            };
            let _ = writeln!(text, "    n{number}_{place}{open}{label}{close}");
        }
        for edge in &picture.edges {
            let place = |id| super::layout::place(picture, id);
            if let (Some(from), Some(to)) = (place(&edge.from), place(&edge.to)) {
                let words = quoted(&labels::edge(edge, picture));
                let _ = writeln!(
                    text,
                    "    n{number}_{from} {}|{words}| n{number}_{to}",
                    line(edge.meaning)
                );
            }
        }
        text.push_str("  end\n");
    }
    text
}

const fn line(meaning: Meaning) -> &'static str {
    match meaning {
        Meaning::Governs | Meaning::Scales | Meaning::Selects => "-.->",
        Meaning::Makes => "==>",
        Meaning::Binds => "---",
        Meaning::Conflicts => "<-->",
        Meaning::Mounts => "-->",
    }
}

/// A string in double quotes; whatever Mermaid or HTML could take for more is written by its number.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '\n' => quoted.push_str("<br/>"),
            '"' | '#' | '&' | '<' | '>' | '`' | ';' | '[' | ']' | '{' | '}' | '(' | ')' | '|' | '\\' | '*' | '_' => {
                let _ = write!(quoted, "#{};", u32::from(c));
            }
            c if c.is_control() => quoted.push('\u{fffd}'),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
