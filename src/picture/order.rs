//! Which objects stand beside and below each other.

use std::collections::BTreeMap;

use super::model::{Column, Id, Picture};

/// Sweeps over the columns until no crossing is worth another one: a handful settle what a person would see.
const SWEEPS: usize = 6;

/// Objects that hang together, by place in the picture: a band across the columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Band {
    /// From the top, by column.
    pub(super) columns: [Vec<usize>; 4],
}

/// The bands of a picture from the top: those with workloads by the name of the first, then the others.
pub(super) fn bands(picture: &Picture) -> Vec<Band> {
    let places: BTreeMap<&Id, usize> = picture.nodes.iter().map(|node| &node.id).zip(0..).collect();
    let edges: Vec<(usize, usize)> = picture
        .edges
        .iter()
        .filter_map(|edge| Some((*places.get(&edge.from)?, *places.get(&edge.to)?)))
        .collect();
    let mut neighbours = vec![Vec::new(); picture.nodes.len()];
    for (from, to) in edges {
        neighbours[from].push(to);
        neighbours[to].push(from);
    }
    let mut bands: Vec<Band> = together(&neighbours)
        .into_iter()
        .map(|members| band(&members, picture, &neighbours))
        .collect();
    bands.sort_by_key(|band| {
        let first = |column: Column| {
            let ids = band.columns[column as usize]
                .iter()
                .map(|node| &picture.nodes[*node].id);
            ids.map(|id| (id.name.clone(), id.clone())).min()
        };
        let workload = first(Column::Workloads);
        (workload.is_none(), workload, Column::ALL.into_iter().find_map(first))
    });
    bands
}

/// The sets of nodes that edges connect.
fn together(neighbours: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut seen = vec![false; neighbours.len()];
    let mut sets = Vec::new();
    for start in 0..neighbours.len() {
        let (mut pending, mut members) = (vec![start], Vec::new());
        while let Some(node) = pending.pop() {
            if !std::mem::replace(&mut seen[node], true) {
                members.push(node);
                pending.extend(&neighbours[node]);
            }
        }
        if !members.is_empty() {
            members.sort_unstable();
            sets.push(members);
        }
    }
    sets
}

/// Orders the columns of a band so that few edges cross: each object goes to the middle of its neighbours.
fn band(members: &[usize], picture: &Picture, neighbours: &[Vec<usize>]) -> Band {
    let mut band = Band::default();
    for node in members {
        band.columns[picture.nodes[*node].id.column as usize].push(*node);
    }
    for column in &mut band.columns {
        column.sort_by_key(|node| (&picture.nodes[*node].id.name, *node));
    }
    let mut height = vec![0.0; picture.nodes.len()];
    for sweep in 0..SWEEPS {
        for step in 0..4 {
            let column = if sweep % 2 == 0 { step } else { 3 - step };
            for nodes in &band.columns {
                for (place, node) in nodes.iter().enumerate() {
                    // Of columns of any length the middles stand beside each other.
                    height[*node] = (2 * place + 1) as f64 / (2 * nodes.len()) as f64;
                }
            }
            let own = |node: &usize| picture.nodes[*node].id.column as usize == column;
            let middle = |node: usize| {
                let others: Vec<f64> = neighbours[node]
                    .iter()
                    .filter(|other| !own(other))
                    .map(|other| height[*other])
                    .collect();
                if others.is_empty() {
                    height[node]
                } else {
                    others.iter().sum::<f64>() / others.len() as f64
                }
            };
            band.columns[column].sort_by(|one, other| middle(*one).total_cmp(&middle(*other)));
        }
    }
    band
}
