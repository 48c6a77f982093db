//! Keys with their hash in front.

use std::cmp::Ordering;

use super::names::{Name, ObjectRef};
use super::sorted::{Key, Sought};

/// A key that is compared by its hash first: to find one among thousands, hardly any string is looked at, and a string is
/// a cache line of its own. Keys of one hash keep their own order, so that nobody gains by making names collide.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hashed<K> {
    hash: u64,
    key: K,
}

/// The beginning of a key's hash.
const SEED: u64 = 0x243f_6a88_85a3_08d3;

impl<K> Hashed<K> {
    #[must_use]
    pub fn key(&self) -> &K {
        &self.key
    }
}

impl<K: Ord + Clone> Key for Hashed<K> {
    fn place(&self) -> u64 {
        self.hash
    }
}

/// An edge, by its near end.
impl<A: Ord + Clone, B: Ord + Clone> Key for (Hashed<A>, B) {
    fn place(&self) -> u64 {
        self.0.hash
    }
}

impl Hashed<Name> {
    #[must_use]
    pub fn name(name: Name) -> Self {
        Self {
            hash: hash(SEED, &name),
            key: name,
        }
    }

    /// The key of this name.
    pub fn name_like(name: &str) -> Sought<impl Fn(&Self) -> Ordering> {
        let hash = hash(SEED, name);
        Sought::new(hash, move |own: &Self| {
            own.hash.cmp(&hash).then_with(|| own.key.as_str().cmp(name))
        })
    }
}

impl Hashed<ObjectRef> {
    #[must_use]
    pub fn object(object: ObjectRef) -> Self {
        Self {
            hash: of_object(&object),
            key: object,
        }
    }

    /// The key of this object.
    pub fn object_like(object: &ObjectRef) -> Sought<impl Fn(&Self) -> Ordering> {
        let hash = of_object(object);
        Sought::new(hash, move |own: &Self| {
            own.hash.cmp(&hash).then_with(|| own.key.cmp(object))
        })
    }
}

fn of_object(object: &ObjectRef) -> u64 {
    hash(SEED ^ object.kind.position() as u64, &object.name)
}

/// A hash with a text mixed in.
pub(super) fn mixed(before: u64, text: &str) -> u64 {
    hash(SEED ^ before, text)
}

/// Eight bytes at a time: names are short, and they need spreading, not secrecy.
fn hash(seed: u64, text: &str) -> u64 {
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let words = words.iter().chain([&last]).map(|word| u64::from_le_bytes(*word));
    let mixed = words.fold(seed ^ text.len() as u64, |hash, word| {
        // 2⁶⁴ divided by the golden ratio: a number without pattern.
        (hash.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    });
    mixed ^ (mixed >> 29)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::kind::Kind;
    use super::*;

    #[test]
    fn names_that_differ_little_spread() {
        let names = (0..10_000).map(|number| hash(SEED, &format!("web-{number}-data")));
        assert_eq!(names.clone().collect::<BTreeSet<_>>().len(), 10_000);
        let high = names.map(|hash| hash >> 56).collect::<BTreeSet<_>>();
        assert_eq!(
            high.len(),
            256,
            "the high bits, by which chunks are found, take every value"
        );
    }

    #[test]
    fn a_key_is_found_by_what_it_was_made_of() {
        let claim = Hashed::name("data".into());
        assert!(Hashed::name_like("data").compare(&claim).is_eq() && Hashed::name_like("date").compare(&claim).is_ne());
        let object = ObjectRef::new(Kind::JOB, "data");
        assert!(
            Hashed::object_like(&object)
                .compare(&Hashed::object(object.clone()))
                .is_eq()
        );
    }
}
