//! Merge keys: `<<: *defaults` and `<<: [*a, *b]`.

use std::collections::HashMap;

use super::tree::{Content, Entry, Tree};

/// Returns the entries of a mapping that has merge keys.
///
/// kubectl merges where the `<<` stands: what is merged replaces what stands above it, and what stands below replaces
/// what was merged (`goyaml.v2/decode.go`; YAML itself says that a mapping's own keys always win). Of a list of
/// mappings the first has the last word.
pub(super) fn entries(tree: &Tree, mapping: u32) -> Vec<Entry<'_>> {
    let mut merged = Merged::default();
    merged.add(tree, mapping);
    merged.entries
}

#[derive(Default)]
struct Merged<'t> {
    entries: Vec<Entry<'t>>,
    places: HashMap<&'t str, usize>,
}

impl<'t> Merged<'t> {
    /// Adds a mapping's entries. The builder has made sure that merges are bounded in depth and number.
    fn add(&mut self, tree: &'t Tree, mapping: u32) {
        let Content::Mapping { next, .. } = tree.slots[mapping as usize].content else {
            return;
        };
        let mut key = mapping + 1;
        while key < next {
            match tree.slots[key as usize].content {
                Content::MergeKey => self.merge(tree, tree.node(key + 1).value),
                Content::ShadowedKey => {}
                _ => self.put(Entry::new(tree, key)),
            }
            key = tree.after(key + 1);
        }
    }

    fn merge(&mut self, tree: &'t Tree, value: u32) {
        if let Content::Sequence { next } = tree.slots[value as usize].content {
            let mut sources = Vec::new();
            let mut item = value + 1;
            while item < next {
                sources.push(tree.node(item).value);
                item = tree.after(item);
            }
            for source in sources.into_iter().rev() {
                self.add(tree, source);
            }
        } else {
            self.add(tree, value);
        }
    }

    fn put(&mut self, entry: Entry<'t>) {
        let place = *self.places.entry(entry.key()).or_insert(self.entries.len());
        if place == self.entries.len() {
            self.entries.push(entry);
        } else {
            self.entries[place] = entry;
        }
    }
}
