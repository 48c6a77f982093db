//! The ordinals of a StatefulSet's pods, which have holes where the kind lets some be reserved.

use std::iter;
use std::ops::Range;

use super::kind::Field;
use super::workload::Workload;
use crate::cursor::{Cursor, Scalar, list};

/// From the first on, as many as there are pods, without those that are reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ordinals<'w> {
    first: u64,
    end: u64,
    reserved: &'w [Range<u64>],
}

/// Ordinals that no pod has: sorted, none empty, none touching the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reserved(Option<Box<[Range<u64>]>>);

impl<'w> Ordinals<'w> {
    pub(super) fn new(first: u64, count: u64, reserved: &'w Reserved) -> Self {
        let reserved = reserved.0.as_deref().unwrap_or_default();
        let mut end = first + count;
        for hole in reserved {
            if hole.start.max(first) >= end {
                break;
            }
            end += hole.end.saturating_sub(hole.start.max(first));
        }
        Self { first, end, reserved }
    }

    #[must_use]
    pub fn contains(self, ordinal: u64) -> bool {
        let is_reserved = || self.reserved.iter().any(|hole| hole.contains(&ordinal));
        (self.first..self.end).contains(&ordinal) && !is_reserved()
    }

    #[must_use]
    pub fn count(self) -> u64 {
        self.runs().map(|run| run.end - run.start).sum()
    }

    /// The lowest; where there is none, the one that the first pod will have.
    #[must_use]
    pub fn first(self) -> u64 {
        let hole = self.reserved.iter().find(|hole| hole.contains(&self.first));
        hole.map_or(self.first, |hole| hole.end)
    }

    /// The highest.
    #[must_use]
    pub fn last(self) -> Option<u64> {
        self.runs().last().map(|run| run.end - 1)
    }

    pub fn iter(self) -> impl Iterator<Item = u64> {
        self.runs().flatten()
    }

    /// Those that `other` has not.
    #[must_use]
    pub fn without(self, other: Ordinals<'_>) -> Vec<Range<u64>> {
        let mut left = Vec::new();
        let mut theirs = other.runs().peekable();
        for mut own in self.runs() {
            while let Some(their) = theirs.peek().filter(|their| their.start < own.end) {
                if own.start < their.start {
                    left.push(own.start..their.start);
                }
                own.start = own.start.max(their.end);
                // It may go on into the next run.
                if their.end >= own.end {
                    break;
                }
                theirs.next();
            }
            if own.start < own.end {
                left.push(own);
            }
        }
        left
    }

    /// What is between the holes.
    fn runs(self) -> impl Iterator<Item = Range<u64>> + 'w {
        let holes = self.reserved.iter().cloned().chain(iter::once(self.end..self.end));
        let mut next = self.first;
        let runs = holes.map(move |hole| {
            let run = next..hole.start.min(self.end);
            next = next.max(hole.end);
            run
        });
        runs.filter(|run| !run.is_empty())
    }
}

impl Workload {
    /// JSON pointer to what gives its pods other ordinals than those of `before`.
    #[must_use]
    pub fn ordinals_path(&self, before: &Self) -> &'static str {
        let is_reserved = self.replicas == before.replicas && self.options().reserved != before.options().reserved;
        let reserved = self.id.kind.path_of(Field::ReservedOrdinals).filter(|_| is_reserved);
        reserved.or(self.id.kind.path_of(Field::Replicas)).unwrap_or_default()
    }
}

impl Reserved {
    /// None.
    pub(super) const NONE: Self = Self(None);

    /// Reads a list of numbers and of ranges such as `3-5`. As OpenKruise's controller, of a list with anything else in it
    /// this takes nothing (`pkg/util/api/asts.go`).
    pub(super) fn read<'a, C: Cursor<'a>>(cursor: &mut C) -> Self {
        let said = list(cursor, |cursor| cursor.scalar().as_ref().and_then(holes)).unwrap_or_default();
        let Some(mut holes) = said.into_iter().collect::<Option<Vec<Range<u64>>>>() else {
            return Self::NONE;
        };
        holes.sort_unstable_by_key(|hole| hole.start);
        holes.dedup_by(|next, hole| {
            let meets = next.start <= hole.end;
            hole.end = if meets { hole.end.max(next.end) } else { hole.end };
            meets
        });
        Self((!holes.is_empty()).then(|| holes.into()))
    }
}

/// The ordinals of one entry; `None` where it is no such entry.
fn holes(said: &Scalar<'_>) -> Option<Range<u64>> {
    let ordinal = |text: &str| text.parse::<u32>().ok().map(u64::from);
    let (low, high) = match said {
        Scalar::Number(number) => {
            let one = ordinal(&number.to_string())?;
            (one, one)
        }
        Scalar::Text(text) => {
            let (low, high) = text.split_once('-')?;
            (ordinal(low)?, ordinal(high)?)
        }
    };
    (low <= high).then_some(low..high + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn reserved(text: &str) -> Reserved {
        json::whole(text, Reserved::read).expect("JSON")
    }

    fn ordinals(first: u64, count: u64, reserved: &Reserved) -> Vec<u64> {
        Ordinals::new(first, count, reserved).iter().collect()
    }

    #[test]
    fn reserved_ordinals_are_skipped_as_the_controller_skips_them() {
        for (first, count, said, expected) in [
            (0, 3, "[]", vec![0, 1, 2]),
            (0, 3, "[1]", vec![0, 2, 3]),
            (0, 2, "[1]", vec![0, 2]),
            (0, 2, "[2]", vec![0, 1]),
            (0, 3, r#"[1, "3-5"]"#, vec![0, 2, 6]),
            (0, 3, r#"["3-5", "0-1", 2]"#, vec![6, 7, 8]),
            (0, 0, "[0]", vec![]),
            (0, 3, r#"[7, 1, 1, "0-2", 9]"#, vec![3, 4, 5]),
            // As its own comment has it.
            (2, 4, "[1, 3]", vec![2, 4, 5, 6]),
            (2, 2, r#"["0-3"]"#, vec![4, 5]),
            // Of a mistake its API server lets nobody make.
            (0, 3, r#"[1, "x"]"#, vec![0, 1, 2]),
            (0, 3, r#"[1, "5-3"]"#, vec![0, 1, 2]),
            (0, 3, r#"[1, "1"]"#, vec![0, 1, 2]),
            (0, 3, "null", vec![0, 1, 2]),
        ] {
            let reserved = reserved(said);
            assert_eq!(ordinals(first, count, &reserved), expected, "{said}");
            let all = Ordinals::new(first, count, &reserved);
            assert_eq!(all.count(), count, "{said}");
            assert_eq!(all.last(), expected.last().copied(), "{said}");
            assert!(expected.first().is_none_or(|first| *first == all.first()), "{said}");
            assert!(
                (0..20).all(|one| all.contains(one) == expected.contains(&one)),
                "{said}"
            );
        }
        assert_eq!(Ordinals::new(0, 0, &reserved(r#"["0-4"]"#)).first(), 5);
    }

    #[test]
    fn what_others_have_is_left_out() {
        let lists = [
            "[]",
            "[0]",
            "[1]",
            "[2, 4]",
            r#"["1-3"]"#,
            r#"[0, "2-3", 6]"#,
            r#"["0-9"]"#,
        ];
        let reserved = lists.map(reserved);
        for (ours, theirs) in reserved
            .iter()
            .flat_map(|ours| reserved.iter().map(move |theirs| (ours, theirs)))
        {
            for (first, count, other, others) in [
                (0, 3, 0, 3),
                (0, 5, 0, 2),
                (0, 2, 0, 5),
                (3, 4, 0, 4),
                (0, 4, 3, 4),
                (0, 0, 0, 3),
            ] {
                let (own, other) = (Ordinals::new(first, count, ours), Ordinals::new(other, others, theirs));
                let expected: Vec<u64> = own.iter().filter(|one| !other.contains(*one)).collect();
                let left: Vec<u64> = own.without(other).into_iter().flatten().collect();
                assert_eq!(left, expected, "{own:?} without {other:?}");
            }
        }
        let none = Reserved::NONE;
        let many = Ordinals::new(0, 4_000_000_000, &none);
        let left = many.without(Ordinals::new(0, 3_999_999_999, &none));
        assert_eq!(left.into_iter().flatten().collect::<Vec<u64>>(), [3_999_999_999]);
    }
}
