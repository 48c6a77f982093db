//! Pictures for programs: version v1.

use serde_json::{Value, json as value};

use super::layout::place;
use super::model::{Change, Column, Edge, Mark, Node, Picture, Presence};

/// Writes pictures as JSON; edges and findings refer to objects, and objects and edges to findings, by place.
#[must_use]
pub fn json(pictures: &[Picture]) -> String {
    let pictures: Vec<Value> = pictures.iter().map(picture).collect();
    format!("{:#}\n", value!({"version": "v1", "pictures": pictures}))
}

fn picture(picture: &Picture) -> Value {
    value!({
        "title": picture.title,
        "objects": picture.nodes.iter().map(node).collect::<Vec<_>>(),
        "edges": picture.edges.iter().map(|one| edge(one, picture)).collect::<Vec<_>>(),
        "findings": picture.marks.iter().map(|one| mark(one, picture)).collect::<Vec<_>>(),
        "leftOut": picture.left_out,
        "findingsLeftOut": picture.untold,
    })
}

fn node(node: &Node) -> Value {
    value!({
        "column": match node.id.column {
            Column::Steering => "steering",
            Column::Workloads => "workloads",
            Column::Claims => "claims",
            Column::Volumes => "volumes",
        },
        "apiVersion": node.id.api_version,
        "kind": node.id.kind,
        "name": *node.id.name,
        "of": *node.id.of,
        "facts": node.lines,
        "presence": match node.presence {
            Presence::Here => "here",
            Presence::Missing => "missing",
            Presence::Unknown => "unknown",
        },
        "change": change(node.change),
        "findings": node.marks,
    })
}

fn edge(edge: &Edge, picture: &Picture) -> Value {
    value!({
        "from": place(picture, &edge.from),
        "to": place(picture, &edge.to),
        "meaning": edge.meaning.as_str(),
        "label": edge.label,
        "change": change(edge.change),
        "findings": edge.marks,
    })
}

fn mark(mark: &Mark, picture: &Picture) -> Value {
    value!({
        "rule": mark.rule,
        "level": mark.level.as_str(),
        "verdict": if mark.is_unknown { "unknown" } else { "violation" },
        "letPass": mark.is_let_pass,
        "object": place(picture, &mark.on),
        "subject": *mark.subject,
        "message": mark.message,
        "remedy": mark.remedy,
        "change": change(mark.change),
    })
}

const fn change(change: Change) -> &'static str {
    match change {
        Change::Added => "added",
        Change::Changed => "changed",
        Change::Removed => "removed",
        Change::Stays => "stays",
    }
}
