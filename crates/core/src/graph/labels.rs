//! Labels (and the few annotations we keep) as one packed, sorted string.

use std::borrow::Cow;
use std::fmt;

use crate::cursor::Cursor;

/// A sorted string map in one allocation: `key\0value\0key\0value\0`, where a well-known key is one control character.
///
/// A namespace holds thousands of small label sets, each read far more often than built;
/// a linear scan over some hundred bytes beats a tree of strings in time and in memory.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels(Box<str>);

/// Keys that every second object carries, each stored as its place here, counted from 1.
const WELL_KNOWN: [&str; 20] = [
    "app",
    "app.kubernetes.io/component",
    "app.kubernetes.io/created-by",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/name",
    "app.kubernetes.io/part-of",
    "app.kubernetes.io/version",
    "argocd.argoproj.io/instance",
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/os",
    "helm.sh/chart",
    "k8s-app",
    "kubernetes.io/arch",
    "kubernetes.io/hostname",
    "kubernetes.io/metadata.name",
    "kubernetes.io/os",
    "node.kubernetes.io/instance-type",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
];

impl Labels {
    /// Packs pairs; of a repeated key the last one counts, as in JSON.
    #[must_use]
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self::pack(
            pairs
                .into_iter()
                .map(|(key, value)| (Cow::Borrowed(key), Cow::Borrowed(value)))
                .collect(),
        )
    }

    /// Returns the value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        let stored = stored(key);
        self.stored()
            .find(|(candidate, _)| *candidate == stored)
            .map(|(_, value)| value)
    }

    /// Returns the pairs, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.stored().map(|(key, value)| (written(key), value))
    }

    /// The pairs with keys as they are stored, in the order of the keys as they are written.
    pub(super) fn stored(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut rest = &*self.0;
        std::iter::from_fn(move || {
            let (key, after) = part(rest)?;
            let (value, after) = part(after)?;
            rest = after;
            Some((key, value))
        })
    }

    /// Returns true where there is no pair.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns true where every pair of `other` is also here: `other`, as a selector, selects this.
    #[must_use]
    pub fn contains_all(&self, other: &Self) -> bool {
        other.stored().all(|pair| self.stored().any(|own| own == pair))
    }

    /// Reads a map of strings.
    pub fn read<'a, C: Cursor<'a>>(cursor: &mut C) -> Option<Self> {
        Self::read_pairs(cursor, |_| true)
    }

    /// Reads annotations, of which only those are kept that mean something to us.
    pub fn read_kept<'a, C: Cursor<'a>>(cursor: &mut C) -> Option<Self> {
        Self::read_pairs(cursor, is_kept)
    }

    fn read_pairs<'a, C: Cursor<'a>>(cursor: &mut C, keep: fn(&str) -> bool) -> Option<Self> {
        let mut members = cursor.object()?;
        let mut pairs = Vec::new();
        while let Some(key) = cursor.entry(&mut members) {
            if keep(&key) {
                pairs.push((key, cursor.text().unwrap_or_default()));
            } else {
                cursor.pass();
            }
        }
        Some(Self::pack(pairs))
    }

    fn pack(mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)>) -> Self {
        if pairs.is_empty() {
            return Self::default();
        }
        // The API server sends maps sorted; the stable sort is then one comparison a pair.
        pairs.sort_by(|left, right| left.0.cmp(&right.0));
        let size = pairs.iter().map(|(key, value)| key.len() + value.len() + 2).sum();
        let mut packed = String::with_capacity(size);
        for (position, (key, value)) in pairs.iter().enumerate() {
            if pairs.get(position + 1).is_some_and(|(next, _)| next == key) {
                continue;
            }
            for part in [stored(key), value] {
                // NUL is legal in JSON but in no label; an annotation that holds one loses it.
                if part.contains('\0') {
                    packed.push_str(&part.replace('\0', "\u{fffd}"));
                } else {
                    packed.push_str(part);
                }
                packed.push('\0');
            }
        }
        Self(packed.into_boxed_str())
    }
}

/// A text up to the NUL that ends its first part, and what follows.
fn part(text: &str) -> Option<(&str, &str)> {
    // Parts are of a few bytes: to count them is faster than to search.
    let end = text.bytes().position(|byte| byte == 0)?;
    Some((&text[..end], &text[end + 1..]))
}

/// A key as it is stored. A key that looks like a stored one is in no label, and loses its control character.
fn stored(key: &str) -> &str {
    if let Some(place) = WELL_KNOWN.iter().position(|known| *known == key) {
        const CODES: &str =
            "\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}\u{8}\u{9}\u{a}\u{b}\u{c}\u{d}\u{e}\u{f}\u{10}\u{11}\u{12}\u{13}\u{14}";
        return &CODES[place..=place];
    }
    match key.as_bytes() {
        [..=0x1f] => "\u{fffd}",
        _ => key,
    }
}

/// A stored key as it was written.
fn written(key: &str) -> &str {
    match key.as_bytes() {
        [code @ 1..=0x1f] => WELL_KNOWN.get(usize::from(*code) - 1).copied().unwrap_or(key),
        _ => key,
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// The annotations that mean something to us.
fn is_kept(key: &str) -> bool {
    key.starts_with("stateward.dev/")
        || key.starts_with("autoscaling.keda.sh/paused")
        || key == "volume.beta.kubernetes.io/storage-class"
        || key == "storageclass.kubernetes.io/is-default-class"
        || key == "storageclass.beta.kubernetes.io/is-default-class"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Reader;

    #[test]
    fn packs_sorted_and_finds() {
        let labels = Labels::from_pairs([("b", "2"), ("a", ""), ("b", "3")]);
        assert_eq!(labels.iter().collect::<Vec<_>>(), [("a", ""), ("b", "3")]);
        assert_eq!(labels.get("a"), Some(""));
        assert_eq!(labels.get("c"), None);
        assert!(labels.contains_all(&Labels::from_pairs([("b", "3")])));
        assert!(!labels.contains_all(&Labels::from_pairs([("b", "2")])));
        assert!(labels.contains_all(&Labels::default()));
    }

    #[test]
    fn well_known_keys_are_stored_short_and_read_whole() {
        let pairs = [("app", "web"), ("helm.sh/chart", "a"), ("zone", "b")];
        let labels = Labels::from_pairs(pairs);
        assert_eq!(labels.iter().collect::<Vec<_>>(), pairs);
        assert_eq!(labels.get("helm.sh/chart"), Some("a"));
        assert_eq!(labels.0.len(), "1.web.1.a.zone.b.".len());
        let all = Labels::from_pairs(WELL_KNOWN.map(|key| (key, "")));
        assert_eq!(all.iter().map(|(key, _)| key).collect::<Vec<_>>(), WELL_KNOWN);
        assert_eq!(Labels::from_pairs([("\u{1}", "x")]).get("app"), None);
    }

    #[test]
    fn reads_json_with_nulls_and_nul() {
        let read = |json| Labels::read(&mut Reader::new(json));
        let labels = read(r#"{"x":"a\u0000b","y":null}"#).unwrap();
        assert_eq!(labels.iter().collect::<Vec<_>>(), [("x", "a\u{fffd}b"), ("y", "")]);
        assert!(read("null").is_none());
    }
}
