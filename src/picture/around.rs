//! Parts of a picture: the neighbourhood of an object, and what matters of too many.

use std::collections::BTreeSet;

use super::model::{Change, Column, Edge, Id, Picture};

/// So many objects still fit on a page that is read.
const MOST: usize = 150;

/// What has to do with one object: its neighbours, who else uses the same claims, and where these are.
#[must_use]
pub fn around(picture: &Picture, id: &Id) -> Picture {
    let mut kept = BTreeSet::from([id.clone()]);
    kept.extend(neighbours(picture, id));
    let claims: Vec<Id> = kept.iter().filter(|id| id.column == Column::Claims).cloned().collect();
    for claim in &claims {
        kept.extend(neighbours(picture, claim));
    }
    // What is wrong with others elsewhere is another picture's.
    let mut own: BTreeSet<usize> = picture
        .node(id)
        .into_iter()
        .flat_map(|node| node.marks.clone())
        .collect();
    let between = picture
        .edges
        .iter()
        .filter(|edge| kept.contains(&edge.from) && kept.contains(&edge.to));
    own.extend(between.flat_map(|edge| edge.marks.clone()));
    let mut part = only(picture, &kept, |mark| own.contains(&mark));
    part.title = format!("{} in {}", id.title(), picture.title.to_lowercase());
    part
}

/// The picture itself, if it fits on a page that is read; else what changes and what something was found of, the worst
/// first, and the neighbours of both, as far as they fit.
#[must_use]
pub fn limited(picture: Picture) -> Picture {
    if picture.nodes.len() <= MOST {
        return picture;
    }
    let (mut kept, mut asked) = (BTreeSet::new(), BTreeSet::new());
    let ends = Ends::of(&picture);
    for id in weighty(&picture) {
        if kept.len() == MOST {
            break;
        }
        // Its neighbours are those of before.
        if !asked.insert(id) {
            continue;
        }
        for one in std::iter::once(id).chain(ends.neighbours(id)) {
            if kept.len() < MOST {
                kept.insert(one.clone());
            }
        }
    }
    let part = only(&picture, &kept, |_| true);
    Picture {
        left_out: picture.left_out + picture.nodes.len() - part.nodes.len(),
        untold: picture.untold + picture.marks.len() - part.marks.len(),
        ..part
    }
}

/// The edges of a picture by where they end too, for hundreds of objects to be asked for among tens of thousands of edges.
struct Ends<'p> {
    by_from: &'p [Edge],
    by_to: Vec<&'p Edge>,
}

impl<'p> Ends<'p> {
    fn of(picture: &'p Picture) -> Self {
        let mut by_to: Vec<&Edge> = picture.edges.iter().collect();
        by_to.sort_by(|one, other| one.to.cmp(&other.to));
        Self {
            by_from: &picture.edges,
            by_to,
        }
    }

    fn neighbours(&self, id: &Id) -> impl Iterator<Item = &'p Id> {
        let from = self.by_from.partition_point(|edge| edge.from < *id);
        let to = self.by_to.partition_point(|edge| edge.to < *id);
        let from = self.by_from[from..].iter().take_while(move |edge| edge.from == *id);
        let to = self.by_to[to..].iter().take_while(move |edge| edge.to == *id);
        from.map(|edge| &edge.to).chain(to.map(|edge| &edge.from))
    }
}

/// What changes, and then what something was found of, in the order of what was found.
fn weighty(picture: &Picture) -> impl Iterator<Item = &Id> {
    let mut changing = Vec::new();
    let mut found: Vec<Vec<&Id>> = picture.marks.iter().map(|mark| vec![&mark.on]).collect();
    let nodes = picture
        .nodes
        .iter()
        .map(|node| (node.change, &node.marks, [&node.id, &node.id]));
    let edges = picture
        .edges
        .iter()
        .map(|edge| (edge.change, &edge.marks, [&edge.from, &edge.to]));
    // One walk, for there may be tens of thousands.
    for (change, marks, ids) in nodes.chain(edges) {
        if change != Change::Stays {
            changing.extend(ids);
        }
        for mark in marks {
            found[*mark].extend(ids);
        }
    }
    changing.into_iter().chain(found.into_iter().flatten())
}

fn neighbours<'p>(picture: &'p Picture, id: &'p Id) -> impl Iterator<Item = Id> {
    picture.edges_of(id).map(move |edge| {
        if edge.from == *id {
            edge.to.clone()
        } else {
            edge.from.clone()
        }
    })
}

/// The objects of a set, the edges between them, and of what was found of them what is `wanted`.
fn only(picture: &Picture, kept: &BTreeSet<Id>, wanted: impl Fn(usize) -> bool) -> Picture {
    let numbers: Vec<usize> = (0..picture.marks.len())
        .filter(|number| kept.contains(&picture.marks[*number].on) && wanted(*number))
        .collect();
    let renumbered = |marks: &[usize]| {
        marks
            .iter()
            .filter_map(|mark| numbers.binary_search(mark).ok())
            .collect()
    };
    let nodes = picture.nodes.iter().filter(|node| kept.contains(&node.id));
    let edges = picture.edges.iter();
    let edges = edges.filter(|edge| kept.contains(&edge.from) && kept.contains(&edge.to));
    Picture {
        title: picture.title.clone(),
        nodes: nodes
            .cloned()
            .map(|mut node| {
                node.marks = renumbered(&node.marks);
                node
            })
            .collect(),
        edges: edges
            .cloned()
            .map(|mut edge| {
                edge.marks = renumbered(&edge.marks);
                edge
            })
            .collect(),
        marks: numbers.iter().map(|number| picture.marks[*number].clone()).collect(),
        left_out: picture.left_out,
        untold: picture.untold,
    }
}
