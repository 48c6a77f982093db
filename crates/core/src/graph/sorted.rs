//! A sorted map whose copies share all that has not changed since.

use std::cmp::Ordering;
use std::iter::Take;
use std::slice;
use std::sync::Arc;

/// The most entries of a chunk: what a write to a map that somebody has a copy of may have to copy.
const MOST: usize = 64;

/// The most room that is made at once in a chunk for entries to come: most chunks grow seldom once a namespace is listed.
const SPARE: usize = 4;

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

/// What a map is sorted by.
pub trait Key: Ord + Clone {
    /// Where it stands among all keys, were these spread evenly over all numbers; a greater key is nowhere before.
    /// A search begins there: it reads a line or two of a chunk, where halving reads five.
    fn place(&self) -> u64;
}

/// Where an entry stands as long as the map does not change.
#[derive(Clone, Copy, Debug)]
pub struct Spot {
    chunk: usize,
    position: usize,
}

/// What is looked for: the place of such keys, and how a key compares with it.
#[derive(Clone, Copy, Debug)]
pub struct Sought<F> {
    place: u64,
    compare: F,
}

impl<F> Sought<F> {
    pub const fn new(place: u64, compare: F) -> Self {
        Self { place, compare }
    }

    /// The same, of keys of which `part` is such a key.
    pub fn as_part<K, Whole>(self, part: impl Fn(&Whole) -> &K) -> Sought<impl Fn(&Whole) -> Ordering>
    where
        F: Fn(&K) -> Ordering,
    {
        let Self { place, compare } = self;
        Sought::new(place, move |whole: &Whole| compare(part(whole)))
    }

    /// The same, and of equal keys the one that is equal by `further` too.
    pub fn then<K>(self, further: impl Fn(&K) -> Ordering) -> Sought<impl Fn(&K) -> Ordering>
    where
        F: Fn(&K) -> Ordering,
    {
        let Self { place, compare } = self;
        Sought::new(place, move |key: &K| compare(key).then_with(|| further(key)))
    }

    /// How a key compares with it.
    pub fn compare<K>(&self, key: &K) -> Ordering
    where
        F: Fn(&K) -> Ordering,
    {
        (self.compare)(key)
    }
}

impl<K: Key, V: Clone> Sorted<K, V> {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.chunks.is_none()
    }

    /// The value of the key that is sought.
    pub fn get(&self, sought: Sought<impl Fn(&K) -> Ordering>) -> Option<&V> {
        self.entry(sought).map(|(_, value)| value)
    }

    /// The entry of the key that is sought, with the key as it is kept.
    pub fn entry(&self, sought: Sought<impl Fn(&K) -> Ordering>) -> Option<&(K, V)> {
        self.at(self.spot(sought)?)
    }

    /// Where the key that is sought stands now.
    pub fn spot(&self, sought: Sought<impl Fn(&K) -> Ordering>) -> Option<Spot> {
        let chunk = self.chunk_of(&sought)?;
        let position = self.position_in(chunk, &sought);
        let (key, _) = self.list()[chunk].entries.get(position)?;
        sought.compare(key).is_eq().then_some(Spot { chunk, position })
    }

    /// The entry that stands there, if one does.
    pub fn at(&self, spot: Spot) -> Option<&(K, V)> {
        self.list().get(spot.chunk)?.entries.get(spot.position)
    }

    /// Every entry, by key.
    #[must_use]
    pub fn iter(&self) -> Entries<'_, K, V> {
        Entries {
            chunk: [].iter(),
            chunks: self.list().iter(),
        }
    }

    /// The entries from the first one on whose key is not less than what is sought.
    pub fn starting(&self, sought: &Sought<impl Fn(&K) -> Ordering>) -> Entries<'_, K, V> {
        let list = self.list();
        // Equal keys may begin in the chunk before the first one that begins with such a key.
        let after = first_not_before(list, guess(sought.place, 0, u64::MAX, list.len()), |chunk| {
            sought.compare(&chunk.least).is_lt()
        });
        let first = after.saturating_sub(1);
        let skipped = list.get(first).map_or(0, |_| self.position_in(first, sought));
        let mut chunks = list[first..].iter();
        let chunk = chunks.next().map_or(&[][..], |chunk| &chunk.entries[skipped..]);
        Entries {
            chunk: chunk.iter(),
            chunks,
        }
    }

    /// The entries whose keys are equal to what is sought. They are few: each is looked at.
    pub fn equal(&self, sought: Sought<impl Fn(&K) -> Ordering>) -> Take<Entries<'_, K, V>> {
        let entries = self.starting(&sought);
        let count = entries
            .clone()
            .take_while(|(key, _)| sought.compare(key).is_eq())
            .count();
        entries.take(count)
    }

    /// Puts a value in, in the place of the former one.
    pub fn insert(&mut self, key: K, value: V) {
        let sought = Sought::new(key.place(), |own: &K| own.cmp(&key));
        let Some(at) = self.chunk_of(&sought) else {
            let chunk = Chunk::of(vec![(key.clone(), value)], key);
            Arc::make_mut(self.chunks.get_or_insert_default()).push(chunk);
            return;
        };
        let position = self.position_in(at, &sought);
        let chunks = Arc::make_mut(self.chunks.get_or_insert_default());
        let is_last = at + 1 == chunks.len();
        // Only the first chunk is ever asked to take what is less than all.
        if key < chunks[at].least {
            chunks[at].least = key.clone();
        }
        let chunk = Arc::make_mut(&mut chunks[at].entries);
        if let Some((_, kept)) = chunk.get_mut(position).filter(|(own, _)| *own == key) {
            *kept = value;
        } else if chunk.len() < MOST {
            reserve_one(chunk);
            chunk.insert(position, (key, value));
        } else if is_last && position == MOST {
            chunks.push(Chunk::of(vec![(key.clone(), value)], key));
        } else {
            let mut upper = chunk.split_off(MOST / 2);
            chunk.shrink_to(MOST / 2 + SPARE);
            let least = upper[0].0.clone();
            match position.checked_sub(MOST / 2) {
                None | Some(0) => chunk.insert(position, (key, value)),
                Some(above) => upper.insert(above, (key, value)),
            }
            chunks.insert(at + 1, Chunk::of(upper, least));
        }
    }

    /// Takes the entry out whose key is sought.
    pub fn remove(&mut self, sought: Sought<impl Fn(&K) -> Ordering>) -> Option<V> {
        let Spot { chunk: at, position } = self.spot(sought)?;
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
    fn chunk_of(&self, sought: &Sought<impl Fn(&K) -> Ordering>) -> Option<usize> {
        let list = self.list();
        let after = first_not_before(list, guess(sought.place, 0, u64::MAX, list.len()), |chunk| {
            sought.compare(&chunk.least).is_le()
        });
        (!list.is_empty()).then(|| after.saturating_sub(1))
    }

    /// Where in a chunk the first key stands that is not less than what is sought.
    fn position_in(&self, at: usize, sought: &Sought<impl Fn(&K) -> Ordering>) -> usize {
        let list = self.list();
        let end = list.get(at + 1).map_or(u64::MAX, |next| next.least.place());
        let chunk = &list[at];
        let guess = guess(sought.place, chunk.least.place(), end, chunk.entries.len());
        first_not_before(&chunk.entries, guess, |(own, _)| sought.compare(own).is_lt())
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

/// Where among `count` items, spread evenly from `first` to `end`, one with this place may stand.
const fn guess(place: u64, first: u64, end: u64, count: usize) -> usize {
    let (part, whole) = (place.saturating_sub(first), end.saturating_sub(first));
    if part >= whole {
        return count;
    }
    // The upper halves of both will do, and their product with a count fits.
    let shift = whole.leading_zeros();
    let (part, whole) = ((part << shift) >> 32, (whole << shift) >> 32);
    (part * count as u64 / whole) as usize
}

/// The position of the first item that is not before what is sought. The search starts at `guess`, and goes twice as far
/// with every step.
fn first_not_before<T>(items: &[T], guess: usize, is_before: impl Fn(&T) -> bool) -> usize {
    let (mut low, mut high) = (0, items.len());
    let Some(guess) = high.checked_sub(1).map(|last| guess.min(last)) else {
        return 0;
    };
    let mut step = 1;
    if is_before(&items[guess]) {
        low = guess + 1;
        while low + step <= high {
            let at = low + step - 1;
            if !is_before(&items[at]) {
                high = at;
                break;
            }
            low = at + 1;
            step *= 2;
        }
    } else {
        high = guess;
        while low + step <= high {
            let at = high - step;
            if is_before(&items[at]) {
                low = at + 1;
                break;
            }
            high = at;
            step *= 2;
        }
    }
    low + items[low..high].partition_point(is_before)
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
        list.reserve_exact((list.len() / 4).clamp(2, SPARE));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    impl Key for u16 {
        fn place(&self) -> u64 {
            u64::from(*self) << 48
        }
    }

    impl Key for (u16, u16) {
        fn place(&self) -> u64 {
            self.0.place()
        }
    }

    fn sought(key: u16) -> Sought<impl Fn(&u16) -> Ordering> {
        Sought::new(key.place(), move |own: &u16| own.cmp(&key))
    }

    proptest! {
        #[test]
        fn a_wrong_guess_only_takes_longer(guess in 0..200_usize, count in 0..150_usize, place in 0..160_usize) {
            let items: Vec<usize> = (0..count).collect();
            prop_assert_eq!(first_not_before(&items, guess, |own| *own < place), place.min(count));
        }


        #[test]
        fn it_is_a_sorted_map(steps in prop::collection::vec((any::<bool>(), 0..400_u16), 0..1_500)) {
            let (mut map, mut model) = (Sorted::default(), BTreeMap::new());
            for (step, (inserts, key)) in steps.into_iter().enumerate() {
                let value = u32::try_from(step).unwrap();
                if inserts {
                    map.insert(key, value);
                    model.insert(key, value);
                } else {
                    prop_assert_eq!(map.remove(sought(key)), model.remove(&key));
                }
                prop_assert_eq!(map.get(sought(key)), model.get(&key));
            }
            prop_assert_eq!(map.is_empty(), model.is_empty());
            prop_assert!(map.list().iter().all(|chunk| (1..=MOST).contains(&chunk.entries.len())));
            let all: Vec<_> = model.iter().map(|(key, value)| (*key, *value)).collect();
            prop_assert_eq!(map.iter().copied().collect::<Vec<_>>(), all);
            for from in [0, 7, 200, 399, 400] {
                let rest = map.starting(&sought(from)).map(|(key, _)| *key);
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
                .equal(sought(first).as_part(|key: &(u16, u16)| &key.0))
                .map(|((_, second), ())| *second)
                .collect();
            assert_eq!(found, (0..200).collect::<Vec<_>>());
        }
        assert_eq!(map.equal(sought(3).as_part(|key: &(u16, u16)| &key.0)).count(), 0);
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
            (changed, copy.get(sought(500)), map.get(sought(500))),
            (1, Some(&0), Some(&1))
        );
    }
}
