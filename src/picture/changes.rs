//! Two pictures of one namespace as one: what a change adds, removes, breaks and mends.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::model::{Change, Edge, Id, Mark, Meaning, Node, Picture};

/// Lays the picture after a change over that before.
#[must_use]
pub fn changes(before: &Picture, after: &Picture) -> Picture {
    let (marks, of_before, of_after) = marks(before, after);
    let renumbered = |marks: &[usize], numbers: &[usize]| -> Vec<usize> {
        let mut marks: Vec<usize> = marks.iter().map(|mark| numbers[*mark]).collect();
        marks.sort_unstable();
        marks
    };

    let mut nodes: BTreeMap<&Id, Node> = BTreeMap::new();
    for node in &after.nodes {
        let mut node_after = node.clone();
        node_after.marks = renumbered(&node.marks, &of_after);
        match before.node(&node.id) {
            None => node_after.change = Change::Added,
            Some(former) => compare(former, &mut node_after),
        }
        nodes.insert(&node.id, node_after);
    }
    for node in &before.nodes {
        let marks = renumbered(&node.marks, &of_before);
        let merged = nodes.entry(&node.id).or_insert_with(|| Node {
            change: Change::Removed,
            marks: Vec::new(),
            ..node.clone()
        });
        add(&mut merged.marks, marks);
    }

    let mut edges: BTreeMap<(&Id, &Id, Meaning), Edge> = BTreeMap::new();
    fn key(edge: &Edge) -> (&Id, &Id, Meaning) {
        (&edge.from, &edge.to, edge.meaning)
    }
    let former: BTreeMap<_, &Edge> = before.edges.iter().map(|edge| (key(edge), edge)).collect();
    for edge in &after.edges {
        let change = match former.get(&key(edge)) {
            None => Change::Added,
            Some(former) if former.label != edge.label => Change::Changed,
            Some(_) => Change::Stays,
        };
        let marks = renumbered(&edge.marks, &of_after);
        edges.insert(
            key(edge),
            Edge {
                change,
                marks,
                ..edge.clone()
            },
        );
    }
    for edge in &before.edges {
        let marks = renumbered(&edge.marks, &of_before);
        let merged = edges.entry(key(edge)).or_insert_with(|| Edge {
            change: Change::Removed,
            marks: Vec::new(),
            ..edge.clone()
        });
        add(&mut merged.marks, marks);
    }

    Picture {
        title: format!("{}: what changes", after.title),
        nodes: nodes.into_values().collect(),
        edges: edges.into_values().collect(),
        marks,
        left_out: 0,
        untold: 0,
    }
}

/// Says what differs; the lines that are gone follow those that are there.
fn compare(former: &Node, node: &mut Node) {
    let gone: Vec<&String> = former.lines.iter().filter(|line| !node.lines.contains(line)).collect();
    if former.presence != node.presence && former.presence != super::Presence::Here {
        node.change = Change::Added;
        return;
    }
    if former.presence != node.presence {
        node.change = Change::Removed;
        node.lines = former.lines.clone();
        return;
    }
    if !gone.is_empty() || former.lines.len() != node.lines.len() {
        node.change = Change::Changed;
    }
    let was: Vec<String> = gone.iter().map(|line| format!("was: {line}")).collect();
    node.lines.extend(was);
}

fn add(marks: &mut Vec<usize>, more: Vec<usize>) {
    marks.extend(more);
    marks.sort_unstable();
    marks.dedup();
}

/// The findings of both, those that the change is to blame for first; and which of them each finding of either is.
fn marks(before: &Picture, after: &Picture) -> (Vec<Mark>, Vec<usize>, Vec<usize>) {
    fn key(mark: &Mark) -> (&str, &Id, &str, bool) {
        (mark.rule, &mark.on, &mark.subject, mark.is_unknown)
    }
    // Of those that are the same the first, for there may be tens of thousands.
    let mut known = BTreeMap::new();
    for (number, mark) in before.marks.iter().enumerate() {
        known.entry(key(mark)).or_insert(number);
    }
    let mut is_left = vec![false; before.marks.len()];
    // With the place that each has in either.
    let mut all: Vec<(Mark, Option<usize>, Option<usize>)> = Vec::new();
    for (number, mark) in after.marks.iter().enumerate() {
        let former = known.get(&key(mark)).copied();
        former.into_iter().for_each(|former| is_left[former] = true);
        let change = match former.map(|former| &before.marks[former]) {
            None => Change::Added,
            Some(former) if mark.level > former.level || mark.extent > former.extent => Change::Changed,
            Some(_) => Change::Stays,
        };
        let mark = Mark { change, ..mark.clone() };
        all.push((mark, former, Some(number)));
    }
    for (number, mark) in before.marks.iter().enumerate() {
        if !is_left[number] {
            let mark = Mark {
                change: Change::Removed,
                ..mark.clone()
            };
            all.push((mark, Some(number), None));
        }
    }
    let turn = |change| match change {
        Change::Added | Change::Changed => 0,
        Change::Stays => 1,
        Change::Removed => 2,
    };
    all.sort_by_key(|(mark, ..)| (turn(mark.change), Reverse(mark.level)));
    let (mut of_before, mut of_after) = (vec![0; before.marks.len()], vec![0; after.marks.len()]);
    for (number, (_, former, latter)) in all.iter().enumerate() {
        if let Some(former) = former {
            of_before[*former] = number;
        }
        if let Some(latter) = latter {
            of_after[*latter] = number;
        }
    }
    (all.into_iter().map(|(mark, ..)| mark).collect(), of_before, of_after)
}
