//! What came and went since the process began to look: the last changes of findings, and their counts over time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::clock;
use crate::findings::{Change, Counted, Found, Listener, Opened, Tally};
use crate::graph::{Name, ObjectRef};
use crate::time::Time;

/// So many changes are remembered: some megabytes at most.
const REMEMBERED: usize = 1_000;
/// So many points has the trend: with one more, every other goes and they come half as often.
const POINTS: usize = 240;

/// Hears of every change of findings. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct History(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    news: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    changes: VecDeque<Changed>,
    trend: Trend,
}

/// One change of one finding.
#[derive(Clone, Debug)]
pub(super) struct Changed {
    pub(super) at: Time,
    pub(super) namespace: Name,
    pub(super) object: ObjectRef,
    pub(super) rule: &'static str,
    pub(super) counted: Counted,
    pub(super) way: Way,
}

/// What became of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Came,
    Altered,
    Went,
}

impl Way {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Came => "came",
            Self::Altered => "changed",
            Self::Went => "went",
        }
    }
}

/// Counts at moments that are equally far apart.
#[derive(Clone, Debug, Default)]
pub(super) struct Trend {
    pub(super) points: Vec<(Time, Counts)>,
    /// Every so many ticks one is kept, less one.
    pub(super) skips: u32,
    pub(super) skipped: u32,
}

/// How many findings there are of each level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) errors: u64,
    pub(super) warnings: u64,
    pub(super) notes: u64,
    /// An annotation or an exception lets them pass.
    pub(super) let_pass: u64,
}

impl Counts {
    pub(super) fn of(tally: &Tally) -> Self {
        let mut counts = Self::default();
        for (_, counted, _, count) in tally.bounded(0) {
            counts.add(counted, count);
        }
        counts
    }

    pub(super) const fn add(&mut self, counted: Counted, count: u64) {
        match counted {
            Counted::Deny => self.errors += count,
            Counted::Warn => self.warnings += count,
            Counted::Audit | Counted::Unknown => self.notes += count,
            Counted::Allowed | Counted::Excepted => self.let_pass += count,
        }
    }

    /// How many somebody should look at.
    pub(super) const fn found(self) -> u64 {
        self.errors + self.warnings + self.notes
    }
}

impl Trend {
    fn add(&mut self, at: Time, counts: Counts) {
        if self.skipped < self.skips {
            self.skipped += 1;
            return;
        }
        self.skipped = 0;
        self.points.push((at, counts));
        if self.points.len() > POINTS {
            let mut keep = false;
            self.points.retain(|_| {
                keep = !keep;
                keep
            });
            self.skips = self.skips * 2 + 1;
        }
    }
}

impl History {
    /// A moment has passed: these are the counts.
    pub(super) fn tick(&self, tally: &Tally) {
        self.lock().trend.add(clock::now(), Counts::of(tally));
    }

    pub(super) fn trend(&self) -> Trend {
        self.lock().trend.clone()
    }

    /// The last changes in a namespace, the newest first.
    pub(super) fn changes(&self, namespace: &str, most: usize) -> Vec<Changed> {
        let state = self.lock();
        let here = state
            .changes
            .iter()
            .rev()
            .filter(|change| change.namespace == namespace);
        here.take(most).cloned().collect()
    }

    /// Told of whenever findings change.
    pub(super) fn news(&self) -> watch::Receiver<()> {
        self.0.news.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener for History {
    fn changed(&self, change: &Change<'_>) {
        let at = clock::now();
        let changed = |found: &&Found, way| Changed {
            at,
            namespace: change.workload.namespace.clone(),
            object: change.workload.object.clone(),
            rule: found.rule,
            counted: Counted::of(found),
            way,
        };
        let mut all: Vec<Changed> = change.closed.iter().map(|found| changed(found, Way::Went)).collect();
        all.extend(change.altered.iter().map(|found| changed(found, Way::Altered)));
        // What was there when the process began is no news.
        if change.because == Opened::Meanwhile {
            all.extend(change.opened.iter().map(|found| changed(found, Way::Came)));
        }
        if !all.is_empty() {
            let mut state = self.lock();
            state.changes.extend(all);
            let surplus = state.changes.len().saturating_sub(REMEMBERED);
            state.changes.drain(..surplus);
        }
        self.0.news.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trend_spans_all_of_the_time_with_few_points() {
        let mut trend = Trend::default();
        for second in 0..10_000 {
            trend.add(Time::from_seconds(second), Counts::default());
        }
        assert!(trend.points.len() <= POINTS && trend.points.len() > POINTS / 2 - 1);
        let times: Vec<i64> = trend.points.iter().map(|(at, _)| at.seconds()).collect();
        assert_eq!(times[0], 0);
        assert!(times.is_sorted() && *times.last().unwrap() > 9_000);
    }
}
