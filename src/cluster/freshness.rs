//! How far each kind may be believed: synced, stale, refused, or with a hole in it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::changes::Changes;
use crate::graph::{Graph, Kind, Kinds, Knowledge};

/// A kind of which nothing was heard for so long is stale. A healthy watch brings a bookmark every minute.
const STALE: Duration = Duration::from_mins(5);

/// What the watches have told of themselves, by kind. Pure: time is an argument.
#[derive(Debug)]
pub struct Freshness {
    kinds: BTreeMap<Kind, State>,
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
    /// Nothing was told of these kinds yet.
    #[must_use]
    pub fn of(kinds: &Kinds) -> Self {
        Self {
            kinds: kinds.iter().map(|kind| (kind, State::default())).collect(),
        }
    }

    /// These are the kinds from now on; nothing was told yet of those that are new, or that the graph takes for new.
    fn set_kinds(&mut self, kinds: &Kinds) {
        self.kinds
            .retain(|kind, _| kinds.iter().any(|one| one.is_row_of(*kind)));
        for kind in kinds.iter() {
            self.kinds.entry(kind).or_default();
        }
    }

    /// An event or a bookmark came.
    pub fn alive(&mut self, kind: Kind, now: Instant) {
        self.state(kind).alive = Some(now);
    }

    /// A whole list is in the graph.
    pub fn listed(&mut self, kind: Kind, now: Instant) {
        let state = self.state(kind);
        state.synced = true;
        state.listed = true;
        state.refused = false;
        state.alive = Some(now);
    }

    /// We may not read the kind, or it does not exist. Readiness does not wait for it.
    pub fn refused(&mut self, kind: Kind) {
        let state = self.state(kind);
        state.synced = true;
        state.refused = true;
    }

    /// How many objects of the kind exist that cannot be read.
    pub fn unreadable(&mut self, kind: Kind, count: usize) {
        self.state(kind).unreadable = count;
    }

    /// Whether every kind was listed or refused once. Goes back for a kind that comes later alone.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.kinds.values().all(|state| state.synced)
    }

    /// Time since the last sign of life, where there was one.
    #[must_use]
    pub fn age(&self, kind: Kind, now: Instant) -> Option<Duration> {
        let alive = self.kinds.get(&kind)?.alive?;
        Some(now.saturating_duration_since(alive))
    }

    /// How far the kind is known. An object that cannot be read leaves a hole: what is missing is then unknown,
    /// not absent. A list of nodes with a hole tells nothing, for it is only ever counted and matched as a whole.
    #[must_use]
    pub fn knowledge(&self, kind: Kind, now: Instant) -> Knowledge {
        let Some(state) = self.kinds.get(&kind) else {
            return Knowledge::Unavailable;
        };
        let stale = self.age(kind, now).is_none_or(|age| age >= STALE);
        if !state.listed || state.refused || stale {
            return Knowledge::Unavailable;
        }
        match (state.unreadable, kind) {
            (0, _) => Knowledge::Complete,
            (_, kind) if kind == Kind::NODE => Knowledge::Unavailable,
            _ => Knowledge::Partial,
        }
    }

    fn state(&mut self, kind: Kind) -> &mut State {
        self.kinds.entry(kind).or_default()
    }
}

/// Tells the time; tests bring their own.
pub type Clock = Arc<dyn Fn() -> Instant + Send + Sync>;

/// Keeps what the graph says of its knowledge in step with the watches.
pub struct Keeper {
    graph: Arc<Graph>,
    /// Who hears that what is known is more, or less.
    changes: Arc<Changes>,
    clock: Clock,
    freshness: Mutex<Freshness>,
    synced: watch::Sender<bool>,
}

impl Keeper {
    /// Begins with nothing known.
    #[must_use]
    pub fn new(graph: Arc<Graph>, clock: Clock, changes: Arc<Changes>) -> Self {
        let kinds = graph.facts().kinds;
        let keeper = Self {
            graph,
            changes,
            clock,
            freshness: Mutex::new(Freshness::of(kinds)),
            synced: watch::Sender::new(false),
        };
        keeper.refresh();
        keeper
    }

    /// These are the kinds from now on: the graph forgets what it has of others.
    pub fn set_kinds(&self, kinds: &'static Kinds) {
        let mut freshness = self.lock();
        self.changes.add(self.graph.set_kinds(kinds));
        freshness.set_kinds(kinds);
        self.synced.send_replace(freshness.is_synced());
    }

    /// Notes news of a kind.
    pub fn note(&self, kind: Kind, news: impl FnOnce(&mut Freshness, Instant)) {
        let now = (self.clock)();
        let mut freshness = self.lock();
        news(&mut freshness, now);
        // Under the lock, so that an older finding never overtakes a newer one.
        self.changes
            .add(self.graph.set_knowledge(kind, freshness.knowledge(kind, now)));
        if freshness.is_synced() {
            self.synced.send_if_modified(|synced| !std::mem::replace(synced, true));
        }
    }

    /// Finds out which kinds have become stale.
    pub fn refresh(&self) {
        for kind in self.graph.facts().kinds.iter() {
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
        let age = |kind: Kind| Some((kind.label(), freshness.age(kind, now)?.as_secs_f64()));
        freshness.kinds.keys().copied().filter_map(age).collect()
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

    const KIND: Kind = Kind::CLAIM;

    #[test]
    fn knowledge_needs_a_list_and_ages() {
        let (mut freshness, start) = (Freshness::of(Kinds::builtin()), Instant::now());
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
        let (mut freshness, now) = (Freshness::of(Kinds::builtin()), Instant::now());
        for kind in Kinds::builtin().iter() {
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
        let (mut freshness, now) = (Freshness::of(Kinds::builtin()), Instant::now());
        let set = Kind::STATEFUL_SET;
        for (kind, wanted) in [(set, Knowledge::Partial), (Kind::NODE, Knowledge::Unavailable)] {
            freshness.listed(kind, now);
            freshness.unreadable(kind, 1);
            assert_eq!(freshness.knowledge(kind, now), wanted);
            freshness.unreadable(kind, 0);
            assert_eq!(freshness.knowledge(kind, now), Knowledge::Complete);
        }
    }
}
