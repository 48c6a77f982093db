//! What a namespace keeps its objects in: tables by name, and edges between two kinds of ends.

use std::cmp::Ordering;
use std::iter::{Map, Take};

use super::hashed::Hashed;
use super::names::Name;
use super::sorted::{Entries, Key, Sorted, Sought};

/// Objects by name, in no order that means anything.
pub(super) type Table<K, V> = Sorted<Hashed<K>, V>;

/// Edges between two kinds of ends; those of one end are sorted by the other.
pub(super) type Edges<A, B> = Sorted<(Hashed<A>, B), ()>;

/// Edges from names, in the order of these: of all that begin alike.
pub(super) type Ordered<B> = Sorted<(Name, B), ()>;

impl<B: Ord + Clone> Key for (Name, B) {
    fn place(&self) -> u64 {
        place(&self.0)
    }
}

/// By its first eight bytes.
fn place(name: &str) -> u64 {
    let mut first = [0; 8];
    let length = name.len().min(first.len());
    first[..length].copy_from_slice(&name.as_bytes()[..length]);
    u64::from_be_bytes(first)
}

/// The edges from all names that begin with `prefix`, by name.
pub(super) fn from_prefix<'a, B: Ord + Clone>(
    edges: &'a Ordered<B>,
    prefix: &'a str,
) -> impl Iterator<Item = &'a (Name, B)> {
    let sought = Sought::new(place(prefix), |(name, _): &(Name, B)| name.as_str().cmp(prefix));
    let starting = edges.starting(&sought).map(|(edge, ())| edge);
    starting.take_while(move |(name, _)| name.starts_with(prefix))
}

/// Takes the edge out that goes from `name` to `end`.
pub(super) fn cut_ordered<B: Ord + Clone>(edges: &mut Ordered<B>, name: &Name, end: &B) {
    edges.remove(Sought::new(place(name), |(own, other): &(Name, B)| {
        own.cmp(name).then_with(|| other.cmp(end))
    }));
}

/// The far ends of some edges.
pub(super) type Ends<'a, A, B> = Map<Take<Entries<'a, (Hashed<A>, B), ()>>, fn(&'a ((Hashed<A>, B), ())) -> &'a B>;

/// The ends of the edges that begin where keys are like this.
pub(super) fn ends<A, B>(edges: &Edges<A, B>, like: Sought<impl Fn(&Hashed<A>) -> Ordering>) -> Ends<'_, A, B>
where
    A: Ord + Clone,
    B: Ord + Clone,
{
    let like = like.as_part(|(near, _): &(Hashed<A>, B)| near);
    edges.equal(like).map(|((_, end), ())| end)
}

/// Takes the edge out that begins where keys are like this and ends at `end`.
pub(super) fn cut<A, B>(edges: &mut Edges<A, B>, like: Sought<impl Fn(&Hashed<A>) -> Ordering>, end: &B)
where
    A: Ord + Clone,
    B: Ord + Clone,
{
    let like = like.as_part(|(near, _): &(Hashed<A>, B)| near);
    edges.remove(like.then(|(_, other): &(Hashed<A>, B)| other.cmp(end)));
}
