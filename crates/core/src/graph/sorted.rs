//! A sorted map whose copies share all that has not changed since.

use std::cmp::Ordering;
use std::iter::Take;
use std::slice;
use std::sync::Arc;

/// The most entries of a chunk: what a write to a map that somebody has a copy of may have to copy.
const MOST: usize = 64;

/// Entries sorted by key, in chunks. A copy is one reference; a write copies the chunk that it changes, and the list of
/// chunks, where a copy still needs them, and nothing else.
///
/// Chunks are filled to the brim where keys arrive in order, which is how an API server lists.
#[derive(Debug)]
pub struct Sorted<K, V> {
    /// None of them is empty, and `None` where there are none: most namespaces have no autoscaler.
    chunks: Option<Arc<Vec<Chunk<K, V>>>>,
}

/// Some entries, and what their keys are not less than: all keys of the chunks before are. Kept beside the reference, so
/// that finding a chunk looks into no other.
#[derive(Clone, Debug)]
struct Chunk<K, V> {
    least: K,
    entries: Arc<Vec<(K, V)>>,
}

impl<K, V> Clone for Sorted<K, V> {
    fn clone(&self) -> Self {
        Self {
            chunks: self.chunks.clone(),
        }
    }
}

impl<K, V> Default for Sorted<K, V> {
    fn default() -> Self {
        Self { chunks: None }
    }
}

impl<K: Ord + Clone, V: Clone> Sorted<K, V> {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.chunks.is_none()
    }

    /// The value of the key that is equal by `compare`, by which keys are sorted.
    pub fn get(&self, compare: impl Fn(&K) -> Ordering) -> Option<&V> {
        self.entry(compare).map(|(_, value)| value)
    }

    /// The entry of the key that is equal by `compare`, with the key as it is kept.
    pub fn entry(&self, compare: impl Fn(&K) -> Ordering) -> Option<&(K, V)> {
        let chunk = &self.list().get(self.chunk_of(&compare)?)?.entries;
        let position = chunk.binary_search_by(|(own, _)| compare(own)).ok()?;
        chunk.get(position)
    }

    /// Every entry, by key.
    #[must_use]
    pub fn iter(&self) -> Entries<'_, K, V> {
        Entries {
            chunk: [].iter(),
            chunks: self.list().iter(),
        }
    }

    /// The entries from the first one on whose key is not less by `compare`, by which keys are sorted too.
    pub fn starting(&self, compare: impl Fn(&K) -> Ordering) -> Entries<'_, K, V> {
        let list = self.list();
        // Equal keys may begin in the chunk before the first one that begins with such a key.
        let first = list
            .partition_point(|chunk| compare(&chunk.least).is_lt())
            .saturating_sub(1);
        let mut chunks = list[first..].iter();
        let chunk = chunks.next().map_or(&[][..], |chunk| {
            let skipped = chunk.entries.partition_point(|(key, _)| compare(key).is_lt());
            &chunk.entries[skipped..]
        });
        Entries {
            chunk: chunk.iter(),
            chunks,
        }
    }

    /// The entries whose keys are equal by `compare`, by which keys are sorted too. They are few: each is looked at.
    pub fn equal(&self, compare: impl Fn(&K) -> Ordering) -> Take<Entries<'_, K, V>> {
        let entries = self.starting(&compare);
        let count = entries.clone().take_while(|(key, _)| compare(key).is_eq()).count();
        entries.take(count)
    }

    /// Puts a value in, in the place of the former one.
    pub fn insert(&mut self, key: K, value: V) {
        let at = self.chunk_of(|own| own.cmp(&key));
        let chunks = Arc::make_mut(self.chunks.get_or_insert_default());
        let Some(at) = at else {
            chunks.push(Chunk::of(vec![(key.clone(), value)], key));
            return;
        };
        let is_last = at + 1 == chunks.len();
        let chunk = Arc::make_mut(&mut chunks[at].entries);
        let position = match chunk.binary_search_by(|(own, _)| own.cmp(&key)) {
            Ok(position) => {
                chunk[position].1 = value;
                return;
            }
            Err(position) => position,
        };
        if chunk.len() < MOST {
            reserve_one(chunk);
            chunk.insert(position, (key, value));
        } else if is_last && position == MOST {
            chunks.push(Chunk::of(vec![(key.clone(), value)], key));
        } else {
            let mut upper = chunk.split_off(MOST / 2);
            let least = upper[0].0.clone();
            match position.checked_sub(MOST / 2) {
                None | Some(0) => chunk.insert(position, (key, value)),
                Some(above) => upper.insert(above, (key, value)),
            }
            chunks.insert(at + 1, Chunk::of(upper, least));
        }
    }

    /// Takes the entry out whose key is equal by `compare`, by which keys are sorted.
    pub fn remove(&mut self, compare: impl Fn(&K) -> Ordering) -> Option<V> {
        let at = self.chunk_of(&compare)?;
        let chunk = &self.list()[at].entries;
        let position = chunk.binary_search_by(|(own, _)| compare(own)).ok()?;
        let chunks = Arc::make_mut(self.chunks.as_mut()?);
        let chunk = Arc::make_mut(&mut chunks[at].entries);
        let (_, value) = chunk.remove(position);
        if chunk.is_empty() {
            chunks.remove(at);
        }
        if chunks.is_empty() {
            self.chunks = None;
        }
        Some(value)
    }

    fn list(&self) -> &[Chunk<K, V>] {
        self.chunks.as_deref().map_or(&[], Vec::as_slice)
    }

    /// The chunk that holds a key, or would; `None` in an empty map.
    fn chunk_of(&self, compare: impl Fn(&K) -> Ordering) -> Option<usize> {
        let chunks = self.list();
        let after = chunks.partition_point(|chunk| compare(&chunk.least).is_le());
        (!chunks.is_empty()).then(|| after.saturating_sub(1))
    }
}

impl<K, V> Chunk<K, V> {
    fn of(entries: Vec<(K, V)>, least: K) -> Self {
        Self {
            least,
            entries: Arc::new(entries),
        }
    }
}

/// Entries of a map, by key.
#[derive(Debug)]
pub struct Entries<'a, K, V> {
    chunk: slice::Iter<'a, (K, V)>,
    chunks: slice::Iter<'a, Chunk<K, V>>,
}

impl<K, V> Clone for Entries<'_, K, V> {
    fn clone(&self) -> Self {
        Self {
            chunk: self.chunk.clone(),
            chunks: self.chunks.clone(),
        }
    }
}

impl<'a, K, V> Iterator for Entries<'a, K, V> {
    type Item = &'a (K, V);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.chunk.next() {
                return Some(entry);
            }
            self.chunk = self.chunks.next()?.entries.iter();
        }
    }
}

/// Makes room without doubling: there are as many of these lists as namespaces have kinds of objects.
fn reserve_one<T>(list: &mut Vec<T>) {
    if list.len() == list.capacity() {
        list.reserve_exact((list.len() / 4).max(2));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_sorted_map(steps in prop::collection::vec((any::<bool>(), 0..400_u16), 0..1_500)) {
            let (mut map, mut model) = (Sorted::default(), BTreeMap::new());
            for (step, (inserts, key)) in steps.into_iter().enumerate() {
                let value = u32::try_from(step).unwrap();
                if inserts {
                    map.insert(key, value);
                    model.insert(key, value);
                } else {
                    prop_assert_eq!(map.remove(|own| own.cmp(&key)), model.remove(&key));
                }
                prop_assert_eq!(map.get(|own| own.cmp(&key)), model.get(&key));
            }
            prop_assert_eq!(map.is_empty(), model.is_empty());
            prop_assert!(map.list().iter().all(|chunk| (1..=MOST).contains(&chunk.entries.len())));
            let all: Vec<_> = model.iter().map(|(key, value)| (*key, *value)).collect();
            prop_assert_eq!(map.iter().copied().collect::<Vec<_>>(), all);
            for from in [0, 7, 200, 399, 400] {
                let rest = map.starting(|key| key.cmp(&from)).map(|(key, _)| *key);
                let expected = model.range(from..).map(|(key, _)| *key);
                prop_assert_eq!(rest.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn equal_keys_are_found_over_several_chunks() {
        let mut map: Sorted<(u16, u16), ()> = Sorted::default();
        for second in 0..200 {
            (0..3).for_each(|first| map.insert((first, second), ()));
        }
        for first in 0..3 {
            let found: Vec<u16> = map
                .equal(|key| key.0.cmp(&first))
                .map(|((_, second), ())| *second)
                .collect();
            assert_eq!(found, (0..200).collect::<Vec<_>>());
        }
        assert_eq!(map.equal(|key| key.0.cmp(&3)).count(), 0);
    }

    #[test]
    fn a_copy_shares_all_but_the_chunk_that_changes() {
        let mut map: Sorted<u16, u32> = Sorted::default();
        (0..1_000).for_each(|key| map.insert(key, 0));
        assert_eq!(
            map.list().len(),
            1_000_usize.div_ceil(MOST),
            "keys in order fill chunks to the brim"
        );
        let copy = map.clone();
        assert!(Arc::ptr_eq(map.chunks.as_ref().unwrap(), copy.chunks.as_ref().unwrap()));
        map.insert(500, 1);
        let both = map.list().iter().zip(copy.list());
        let changed = both
            .filter(|(one, other)| !Arc::ptr_eq(&one.entries, &other.entries))
            .count();
        assert_eq!(
            (changed, copy.get(|key| key.cmp(&500)), map.get(|key| key.cmp(&500))),
            (1, Some(&0), Some(&1))
        );
    }
}
