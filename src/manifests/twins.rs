//! Twins: objects of the same kind, namespace and name, of which only one can be there at a time.

use std::collections::{BTreeMap, BTreeSet};

use super::file::{Key, Placed};

/// Objects without twins between them.
#[derive(Debug, Default)]
pub(super) struct Variant<'c> {
    /// What is judged: all of a file, or nothing of it.
    pub(super) own: Vec<Placed<'c>>,
    /// What stands in the place of twins that no file of this variant has: it is judged elsewhere, with its own file.
    pub(super) borrowed: Vec<Placed<'c>>,
}

/// Sorts objects into variants, so that each file with a twin is in one as a whole; in as few as that takes, in the order
/// of the files' names. A file that has an object twice is one file with the former and another with the latter. What
/// stands in a file without twins is in every variant.
pub(super) fn variants<'c>(objects: impl IntoIterator<Item = Placed<'c>>) -> Vec<Variant<'c>> {
    let mut files: BTreeMap<&str, BTreeMap<Key<'_>, Vec<Placed<'_>>>> = BTreeMap::new();
    let mut counts: BTreeMap<Key<'_>, usize> = BTreeMap::new();
    for placed in objects {
        let file = files.entry(&placed.file.name).or_default();
        file.entry(placed.key()).or_default().push(placed);
        *counts.entry(placed.key()).or_default() += 1;
    }
    let has_twin = |part: &Vec<Placed<'_>>| part.iter().any(|placed| counts[&placed.key()] > 1);
    let parts = files.values().flat_map(parts);
    let (twins, others): (Vec<_>, Vec<_>) = parts.partition(has_twin);

    let mut variants: Vec<(BTreeSet<Key<'_>>, Variant<'_>)> = Vec::new();
    for part in &twins {
        let fits = |keys: &BTreeSet<Key<'_>>| part.iter().all(|placed| !keys.contains(&placed.key()));
        let fitting = variants.iter().position(|(keys, _)| fits(keys));
        let number = fitting.unwrap_or_else(|| {
            variants.push(Default::default());
            variants.len() - 1
        });
        let (keys, variant) = &mut variants[number];
        keys.extend(part.iter().map(|placed| placed.key()));
        variant.own.extend(part);
    }
    if variants.is_empty() {
        variants.push(Default::default());
    }
    for (keys, variant) in &mut variants {
        variant.own.extend(others.iter().flatten());
        let twins = twins.iter().flatten();
        variant
            .borrowed
            .extend(twins.filter(|placed| keys.insert(placed.key())));
    }
    variants.into_iter().map(|(_, variant)| variant).collect()
}

/// The objects of a file; where it has some of them twice, first with the former, then with the latter.
fn parts<'c>(file: &BTreeMap<Key<'c>, Vec<Placed<'c>>>) -> impl Iterator<Item = Vec<Placed<'c>>> {
    let most = file.values().map(Vec::len).max().unwrap_or_default();
    (0..most).map(|number| file.values().map(|all| all[number.min(all.len() - 1)]).collect())
}
