//! What a namespace keeps its objects in: tables by name, and edges between two kinds of ends.

use std::cmp::Ordering;
use std::iter::{Map, Take};

use super::hashed::Hashed;
use super::sorted::{Entries, Sorted};

/// Objects by name, in no order that means anything.
pub(super) type Table<K, V> = Sorted<Hashed<K>, V>;

/// Edges between two kinds of ends; those of one end are sorted by the other.
pub(super) type Edges<A, B> = Sorted<(Hashed<A>, B), ()>;

/// The far ends of some edges.
pub(super) type Ends<'a, A, B> = Map<Take<Entries<'a, (Hashed<A>, B), ()>>, fn(&'a ((Hashed<A>, B), ())) -> &'a B>;

/// The ends of the edges that begin where keys are equal by `like`.
pub(super) fn ends<A, B>(edges: &Edges<A, B>, like: impl Fn(&Hashed<A>) -> Ordering) -> Ends<'_, A, B>
where
    A: Ord + Clone,
    B: Ord + Clone,
{
    edges.equal(|(one, _)| like(one)).map(|((_, end), ())| end)
}

/// Takes the edge out that begins where keys are equal by `like` and ends at `end`.
pub(super) fn cut<A, B>(edges: &mut Edges<A, B>, like: impl Fn(&Hashed<A>) -> Ordering, end: &B)
where
    A: Ord + Clone,
    B: Ord + Clone,
{
    edges.remove(|(one, other)| like(one).then_with(|| other.cmp(end)));
}
