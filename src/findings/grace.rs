//! How long a finding that may vanish by itself waits before anybody hears of it.

use std::time::{Duration, Instant};

/// Unless the rule's parameter says otherwise, for so long something must have been missing, or not known, before a finding that rests on it is told: objects of one
/// application come in any order, and a controller may take its time.
pub(super) const GRACE: Duration = Duration::from_secs(60);

/// Whether a finding may be told yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grace {
    /// From then on, if it is still there.
    Until(Instant),
    Over,
}

impl Grace {
    /// What follows for a finding that is judged now, where `former` is what followed last time.
    pub(super) fn next(former: Option<Self>, waits: Option<Duration>, now: Instant) -> Self {
        match (former, waits) {
            (_, None) => Self::Over,
            // What was told already is not taken back because it could not be told now.
            (Some(former), Some(_)) => former.at(now),
            (None, Some(grace)) => Self::Until(now + grace).at(now),
        }
    }

    /// The same, a while later.
    pub(super) fn at(self, now: Instant) -> Self {
        match self {
            Self::Until(due) if due > now => self,
            _ => Self::Over,
        }
    }
}
