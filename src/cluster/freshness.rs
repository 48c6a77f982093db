//! How far each kind may be believed: synced, stale, refused, or with a hole in it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::graph::{Graph, Knowledge, ObjectKind};

/// A kind of which nothing was heard for so long is stale. A healthy watch brings a bookmark every minute.
const STALE: Duration = Duration::from_mins(5);

/// What the watches have told of themselves, by kind. Pure: time is an argument.
#[derive(Debug, Default)]
pub struct Freshness {
    kinds: [State; ObjectKind::ALL.len()],
}

#[derive(Debug, Default)]
struct State {
    /// The first list is in, or was refused.
    synced: bool,
    listed: bool,
    refused: bool,
    alive: Option<Instant>,
    unreadable: usize,
}

impl Freshness {
    /// An event or a bookmark came.
    pub fn alive(&mut self, kind: ObjectKind, now: Instant) {
        self.kinds[kind.index()].alive = Some(now);
    }

    /// A whole list is in the graph.
    pub fn listed(&mut self, kind: ObjectKind, now: Instant) {
        let state = &mut self.kinds[kind.index()];
        state.synced = true;
        state.listed = true;
        state.refused = false;
        state.alive = Some(now);
    }

    /// We may not read the kind, or it does not exist. Readiness does not wait for it.
    pub fn refused(&mut self, kind: ObjectKind) {
        let state = &mut self.kinds[kind.index()];
        state.synced = true;
        state.refused = true;
    }

    /// How many objects of the kind exist that cannot be read.
    pub fn unreadable(&mut self, kind: ObjectKind, count: usize) {
        self.kinds[kind.index()].unreadable = count;
    }

    /// Whether every kind was listed or refused once. Never goes back.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.kinds.iter().all(|state| state.synced)
    }

    /// Time since the last sign of life, where there was one.
    #[must_use]
    pub fn age(&self, kind: ObjectKind, now: Instant) -> Option<Duration> {
        let alive = self.kinds[kind.index()].alive?;
        Some(now.saturating_duration_since(alive))
    }

    /// How far the kind is known. An object that cannot be read leaves a hole: what is missing is then unknown,
    /// not absent. A list of nodes with a hole tells nothing, for it is only ever counted and matched as a whole.
    #[must_use]
    pub fn knowledge(&self, kind: ObjectKind, now: Instant) -> Knowledge {
        let state = &self.kinds[kind.index()];
        let stale = self.age(kind, now).is_none_or(|age| age >= STALE);
        if !state.listed || state.refused || stale {
            return Knowledge::Unavailable;
        }
        match (state.unreadable, kind) {
            (0, _) => Knowledge::Complete,
            (_, ObjectKind::Node) => Knowledge::Unavailable,
            _ => Knowledge::Partial,
        }
    }
}

/// Tells the time; tests bring their own.
pub type Clock = Arc<dyn Fn() -> Instant + Send + Sync>;

/// Keeps what the graph says of its knowledge in step with the watches.
pub struct Keeper {
    graph: Arc<Graph>,
    clock: Clock,
    freshness: Mutex<Freshness>,
    synced: watch::Sender<bool>,
}

impl Keeper {
    /// Begins with nothing known.
    #[must_use]
    pub fn new(graph: Arc<Graph>, clock: Clock) -> Self {
        let keeper = Self {
            graph,
            clock,
            freshness: Mutex::default(),
            synced: watch::Sender::new(false),
        };
        keeper.refresh();
        keeper
    }

    /// Notes news of a kind.
    pub fn note(&self, kind: ObjectKind, news: impl FnOnce(&mut Freshness, Instant)) {
        let now = (self.clock)();
        let mut freshness = self.lock();
        news(&mut freshness, now);
        // Under the lock, so that an older finding never overtakes a newer one.
        self.graph.set_knowledge(kind, freshness.knowledge(kind, now));
        if freshness.is_synced() {
            self.synced.send_if_modified(|synced| !std::mem::replace(synced, true));
        }
    }

    /// Finds out which kinds have become stale.
    pub fn refresh(&self) {
        for kind in ObjectKind::ALL {
            self.note(kind, |_, _| {});
        }
    }

    /// Waits until every kind was listed or refused once.
    pub async fn synced(&self) {
        // The sender is ours, so that waiting cannot fail.
        let _ = self.synced.subscribe().wait_for(|synced| *synced).await;
    }

    /// Seconds since the last sign of life, by kind.
    #[must_use]
    pub fn ages(&self) -> Vec<(&'static str, f64)> {
        let now = (self.clock)();
        let freshness = self.lock();
        let age = |kind: ObjectKind| Some((kind.as_str(), freshness.age(kind, now)?.as_secs_f64()));
        ObjectKind::ALL.into_iter().filter_map(age).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Freshness> {
        self.freshness.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Kind;

    const KIND: ObjectKind = ObjectKind::Claim;

    #[test]
    fn knowledge_needs_a_list_and_ages() {
        let (mut freshness, start) = (Freshness::default(), Instant::now());
        assert_eq!(freshness.knowledge(KIND, start), Knowledge::Unavailable);
        freshness.listed(KIND, start);
        assert_eq!(freshness.knowledge(KIND, start), Knowledge::Complete);
        let later = start + STALE;
        assert_eq!(freshness.knowledge(KIND, later), Knowledge::Unavailable);
        freshness.alive(KIND, later);
        assert_eq!(freshness.knowledge(KIND, later), Knowledge::Complete);
        assert_eq!(freshness.age(KIND, later + STALE), Some(STALE));
    }

    #[test]
    fn a_refused_kind_is_synced_and_unknown_until_it_is_listed() {
        let (mut freshness, now) = (Freshness::default(), Instant::now());
        for kind in ObjectKind::ALL {
            assert!(!freshness.is_synced());
            freshness.refused(kind);
        }
        assert!(freshness.is_synced());
        assert_eq!(freshness.knowledge(KIND, now), Knowledge::Unavailable);
        freshness.listed(KIND, now);
        assert_eq!(freshness.knowledge(KIND, now), Knowledge::Complete);
        freshness.refused(KIND);
        assert_eq!(freshness.knowledge(KIND, now), Knowledge::Unavailable);
        assert!(freshness.is_synced());
    }

    #[test]
    fn an_unreadable_object_leaves_a_hole() {
        let (mut freshness, now) = (Freshness::default(), Instant::now());
        let set = ObjectKind::Workload(Kind::StatefulSet);
        for (kind, wanted) in [(set, Knowledge::Partial), (ObjectKind::Node, Knowledge::Unavailable)] {
            freshness.listed(kind, now);
            freshness.unreadable(kind, 1);
            assert_eq!(freshness.knowledge(kind, now), wanted);
            freshness.unreadable(kind, 0);
            assert_eq!(freshness.knowledge(kind, now), Knowledge::Complete);
        }
    }
}
