//! The rows of the table: what each connection with a place was last seen to do, and who gives way.
//!
//! Time is an argument: the table has the clock.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::place::{Activity, Place, Wish};

/// For how long a connection is left alone where places are short: a client of good will does within this what it
/// does next, be it to end its handshake, to ask, to go on with a body or to ask again. Shorter than a rush takes to
/// fill all places, since each handshake costs us more than the time between two of them.
pub(super) const GRACE: Duration = Duration::from_millis(50);

/// Those that have a place, by the order in which they took it.
#[derive(Debug, Default)]
pub(super) struct Rows {
    next: u64,
    rows: BTreeMap<u64, Row>,
    /// Those that were told to end and still hold something.
    going: Vec<Arc<Place>>,
}

/// A connection with a place.
#[derive(Debug)]
pub(super) struct Row {
    place: Arc<Place>,
    pub(super) seen: Activity,
    /// When it was seen to have done something, took its place, or was told to wind down.
    since: Instant,
    pub(super) winding: bool,
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    #[cfg(test)]
    pub(super) fn contains(&self, id: u64) -> bool {
        self.rows.contains_key(&id)
    }

    /// Gives a newcomer a row; `place` makes its place from an id.
    pub(super) fn insert(&mut self, now: Instant, place: impl FnOnce(u64) -> Place) -> Arc<Place> {
        let place = Arc::new(place(self.next));
        let row = Row {
            place: Arc::clone(&place),
            seen: Activity::default(),
            since: now,
            winding: false,
        };
        self.rows.insert(self.next, row);
        self.next += 1;
        place
    }

    /// Ends a row without a word; tells whether it was there.
    pub(super) fn remove(&mut self, id: u64) -> bool {
        self.rows.remove(&id).is_some()
    }

    /// Tells a connection to end now; tells whether it was there.
    pub(super) fn cut(&mut self, id: u64) -> bool {
        let Some(row) = self.rows.remove(&id) else {
            return false;
        };
        row.place.wish(Wish::Cut);
        if row.place.held() > 0 {
            self.going.push(row.place);
        }
        true
    }

    /// Looks at what each has done.
    pub(super) fn see(&mut self, now: Instant) {
        for row in self.rows.values_mut() {
            row.see(now);
        }
    }

    pub(super) fn each(&mut self) -> impl Iterator<Item = &mut Row> {
        self.rows.values_mut()
    }

    /// Silence is counted anew from now on.
    pub(super) fn restart(&mut self, now: Instant) {
        for row in self.rows.values_mut() {
            row.since = now;
        }
    }

    /// Whose places may go to so many newcomers. A peer with more connections than any other loses one of its own: one
    /// without a request before others, the most silent first.
    /// So a peer that fills the table loses its own places, and not those of others.
    pub(super) fn spare(&mut self, most: usize, now: Instant) -> Vec<u64> {
        let mut of_peer: BTreeMap<IpAddr, usize> = BTreeMap::new();
        let mut can_go = Vec::new();
        self.see(now);
        for row in self.rows.values() {
            *of_peer.entry(row.place.peer).or_default() += 1;
            if row.quiet(now) >= GRACE && !row.is_served() {
                can_go.push((row.place.peer, !row.is_used(), Reverse((row.since, row.place.id))));
            }
        }
        let mut spared = Vec::new();
        while spared.len() < most {
            let crowd = |peer: &IpAddr| of_peer.get(peer).copied();
            let next = (0..can_go.len()).max_by_key(|at| {
                let (peer, unused, silent) = &can_go[*at];
                (crowd(peer), *unused, *silent)
            });
            let Some(at) = next else { break };
            let (peer, _, Reverse((_, id))) = can_go.swap_remove(at);
            of_peer.entry(peer).and_modify(|count| *count -= 1);
            spared.push(id);
        }
        spared
    }

    /// Tells whether one of those that were told to end still holds bytes of bodies.
    pub(super) fn are_going(&mut self) -> bool {
        self.going.retain(|place| place.held() > 0);
        !self.going.is_empty()
    }

    /// Whose bodies take the most.
    pub(super) fn holds_most(&self) -> Option<u64> {
        let most = self.rows.values().max_by_key(|row| row.place.held());
        most.map(|row| row.place.id)
    }
}

impl Row {
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// For how long it has been silent.
    pub(super) fn quiet(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }

    /// Tells it to end as soon as nothing can be lost.
    pub(super) fn wind(&mut self, now: Instant) {
        self.winding = true;
        self.since = now;
        self.place.wish(Wish::Wind);
    }

    fn see(&mut self, now: Instant) {
        let activity = self.place.activity();
        if activity != self.seen {
            self.seen = activity;
            self.since = now;
        }
    }

    /// Tells whether it waits for an answer, and has sent all that there is to answer.
    fn is_served(&self) -> bool {
        self.seen.reading == 0 && self.place.is_answering()
    }

    /// Tells whether requests came, and all of their bodies.
    fn is_used(&self) -> bool {
        self.seen.begun > 0 && self.seen.reading == 0
    }
}
