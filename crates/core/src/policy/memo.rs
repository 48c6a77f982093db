//! Settings by the policies that apply: each set of them is merged once.

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

use super::settings::Settings;

/// How many sets are kept: namespaces and labels fall into a few classes, and each set takes some kilobytes. A power
/// of two.
const KEPT: usize = 256;

/// How many places a set may stand in. Where all are taken by others its settings are merged each time, so that
/// nobody fills the memory by labelling objects.
const PLACES: usize = 8;

/// Settings that were merged before. Reading takes no lock; what stands in a place stays there.
pub(super) struct Memo(Box<[OnceLock<Kept>]>);

struct Kept {
    set: Box<[u64]>,
    settings: Settings,
}

impl Memo {
    /// The settings of a set of policies, in whatever words it is written; `merge` makes them.
    pub(super) fn settings(&self, set: &[u64], merge: impl Fn() -> Settings) -> Cow<'_, Settings> {
        let first = place(set);
        for offset in 0..PLACES {
            let kept = self.0[(first + offset) % KEPT].get_or_init(|| Kept {
                set: set.into(),
                settings: merge(),
            });
            if *kept.set == *set {
                return Cow::Borrowed(&kept.settings);
            }
        }
        Cow::Owned(merge())
    }
}

impl Default for Memo {
    fn default() -> Self {
        Self((0..KEPT).map(|_| OnceLock::new()).collect())
    }
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.0.iter().filter(|place| place.get().is_some()).count();
        write!(f, "Memo({kept} kept)")
    }
}

/// Where a set is looked for first: multiplied by a number without pattern (2⁶⁴ divided by the golden ratio), the high
/// bits depend on all others.
fn place(set: &[u64]) -> usize {
    let hash = set.iter().fold(0, |hash: u64, word| {
        (hash.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    });
    usize::from((hash >> 48) as u16) % KEPT
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Mutation, Profile};

    #[test]
    fn what_is_kept_is_bounded_and_never_mistaken() {
        let memo = Memo::default();
        let settings = |number: u64| {
            let mut settings = Settings::new(Profile::Baseline, crate::rules::RULES);
            let rule = number as usize % settings.rules.len();
            settings.rules[rule].mutation = Mutation::Quiet;
            settings
        };
        for _ in 0..2 {
            for number in 0..1_000 {
                assert_eq!(*memo.settings(&[number], || settings(number)), settings(number));
            }
        }
        let kept = |number: &u64| matches!(memo.settings(&[*number], || settings(*number)), Cow::Borrowed(_));
        let kept = (0..1_000).filter(kept).count();
        assert!((KEPT / 2..=KEPT).contains(&kept), "{kept}");
    }
}
