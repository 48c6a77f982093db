//! Pictures in Graphviz' language.

use std::fmt::Write as _;

use super::labels;
use super::model::{Change, Edge, Meaning, Node, Picture, Presence};
use crate::audit::Level;

/// Writes pictures as one directed graph, a cluster each.
#[must_use]
pub fn dot(pictures: &[Picture]) -> String {
    let mut text = String::from(
        "digraph stateward {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n  edge [fontname=\"sans-serif\"];\n",
    );
    for (number, picture) in pictures.iter().enumerate() {
        let _ = writeln!(
            text,
            "  subgraph cluster_{number} {{\n    label={};",
            quoted(&picture.title)
        );
        for (place, node) in picture.nodes.iter().enumerate() {
            let _ = writeln!(
                text,
                "    n{number}_{place} [label={}{}];",
                quoted(&labels::node(node, picture)),
                style(node, picture)
            );
        }
        for edge in &picture.edges {
            let place = |id| super::layout::place(picture, id);
            if let (Some(from), Some(to)) = (place(&edge.from), place(&edge.to)) {
                let words = labels::edge(edge, picture);
                let line = line(edge);
                let _ = writeln!(
                    text,
                    "    n{number}_{from} -> n{number}_{to} [label={}{line}];",
                    quoted(&words)
                );
            }
        }
        text.push_str("  }\n");
    }
    text.push_str("}\n");
    text
}

fn style(node: &Node, picture: &Picture) -> &'static str {
    let worst = picture.marks(&node.marks).map(|mark| mark.level).max();
    match (worst, node.presence, node.change) {
        (_, Presence::Missing | Presence::Unknown, _) | (_, _, Change::Removed) => ", style=dashed",
        (Some(Level::Error), ..) => ", penwidth=3",
        (Some(Level::Warning), ..) => ", penwidth=2",
        _ => "",
    }
}

fn line(edge: &Edge) -> &'static str {
    match edge.meaning {
        Meaning::Governs | Meaning::Selects => ", style=dashed",
        Meaning::Scales => ", style=dotted",
        Meaning::Makes => ", style=bold",
        Meaning::Conflicts => ", dir=both",
        Meaning::Binds | Meaning::Mounts => "",
    }
}

/// A string in double quotes, with line breaks as Graphviz reads them.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            c if c.is_control() => quoted.push('\u{fffd}'),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
