//! Parts of a picture: the neighbourhood of an object, and what matters of too many.

use std::collections::BTreeSet;

use super::model::{Change, Column, Id, Picture};

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

/// The picture itself, if it is small enough; else what something was found of, what changes, and the neighbours of both.
#[must_use]
pub fn limited(picture: Picture) -> Picture {
    if picture.nodes.len() <= MOST {
        return picture;
    }
    let marked = picture
        .nodes
        .iter()
        .filter(|node| !node.marks.is_empty() || node.change != Change::Stays);
    let mut kept: BTreeSet<Id> = marked.map(|node| node.id.clone()).collect();
    let edges = picture
        .edges
        .iter()
        .filter(|edge| !edge.marks.is_empty() || edge.change != Change::Stays);
    kept.extend(edges.flat_map(|edge| [edge.from.clone(), edge.to.clone()]));
    // One walk over the edges, for there may be tens of thousands.
    let mut around = BTreeSet::new();
    for edge in &picture.edges {
        if kept.contains(&edge.from) || kept.contains(&edge.to) {
            around.extend([edge.from.clone(), edge.to.clone()]);
        }
    }
    kept.extend(around);
    leave_out(&picture, &kept)
}

/// As [`limited`], and never more objects than fit on a page: where more have findings, those with the worst. What
/// changes comes before them.
#[must_use]
pub fn bounded(picture: Picture) -> Picture {
    if picture.nodes.len() <= MOST {
        return picture;
    }
    let picture = limited(picture);
    let changing = picture.nodes.iter().filter(|node| node.change != Change::Stays);
    let worst = changing
        .map(|node| &node.id)
        .chain(picture.marks.iter().map(|mark| &mark.on));
    let mut kept = BTreeSet::new();
    for id in worst {
        let group = std::iter::once(id.clone()).chain(neighbours(&picture, id));
        for one in group {
            if kept.len() < MOST {
                kept.insert(one);
            }
        }
        if kept.len() == MOST {
            break;
        }
    }
    leave_out(&picture, &kept)
}

/// The objects of a set, and how many others there are.
fn leave_out(picture: &Picture, kept: &BTreeSet<Id>) -> Picture {
    let left_out = picture.left_out + picture.nodes.len() - kept.len();
    Picture {
        left_out,
        ..only(picture, kept, |_| true)
    }
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
    }
}
