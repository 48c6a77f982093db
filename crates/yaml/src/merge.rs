//! Merge keys: `<<: *defaults` and `<<: [*a, *b]`.

use std::collections::HashMap;

use crate::tree::{Content, Tree};

/// Returns the keys of a mapping that has merge keys: its own, and those that are merged, each once.
///
/// kubectl merges where the `<<` stands: what is merged replaces what stands above it, and what stands below replaces
/// what was merged (`goyaml.v2/decode.go`; YAML itself says that a mapping's own keys always win). Of a list of
/// mappings the first has the last word.
pub(crate) fn keys(tree: &Tree, mapping: u32) -> Vec<u32> {
    let mut merged = Merged::default();
    merged.add(tree, mapping);
    merged.keys
}

#[derive(Default)]
struct Merged<'t> {
    keys: Vec<u32>,
    places: HashMap<&'t str, usize>,
}

impl<'t> Merged<'t> {
    /// Adds a mapping's keys. The builder has made sure that merges are bounded in depth and number.
    fn add(&mut self, tree: &'t Tree, mapping: u32) {
        let Content::Mapping { next, .. } = tree.slots[mapping as usize].content else {
            return;
        };
        let mut key = mapping + 1;
        while key < next {
            match tree.slots[key as usize].content {
                Content::MergeKey => self.merge(tree, tree.value(key + 1)),
                Content::ShadowedKey => {}
                _ => self.put(tree.string(key), key),
            }
            key = tree.after(key + 1);
        }
    }

    fn merge(&mut self, tree: &'t Tree, value: u32) {
        if let Content::Sequence { next } = tree.slots[value as usize].content {
            let mut sources = Vec::new();
            let mut item = value + 1;
            while item < next {
                sources.push(tree.value(item));
                item = tree.after(item);
            }
            for source in sources.into_iter().rev() {
                self.add(tree, source);
            }
        } else {
            self.add(tree, value);
        }
    }

    fn put(&mut self, name: &'t str, key: u32) {
        let place = *self.places.entry(name).or_insert(self.keys.len());
        if place == self.keys.len() {
            self.keys.push(key);
        } else {
            self.keys[place] = key;
        }
    }
}
