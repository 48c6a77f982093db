//! The connections of a server: who has a place, who has been silent or slow for too long, and who gives way.
//!
//! One clock looks at all of them, so that neither a connection nor a request has a timer of its own.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::budget::{Budget, Wait};
use super::limits::Limits;
use super::lobby::{Lobby, Stay};
use super::place::{Activity, Generation, Place, Room, Seat};
use super::rows::{Row, Rows};
use super::turns::{Turn, Turns};
use crate::metrics::{End, Traffic};

/// How often the clock ticks: deadlines are of seconds, and are met within one of these.
const TICK: Duration = Duration::from_millis(250);

/// How often it ticks while more than half of the places are taken: who has been silent for how long must be known well
/// by the time that somebody needs a place.
const CROWDED_TICK: Duration = Duration::from_millis(10);

/// How many connections of a kind end at one tick, so that requests get their turn between the ends of a thousand.
const ENDS: usize = 32;

/// Every connection of a server.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) limits: Limits,
    pub(super) budget: Budget,
    lobby: Arc<Lobby>,
    /// Connections end as soon as no request can be lost.
    pub(super) closing: AtomicBool,
    generation: AtomicUsize,
    http2: AtomicUsize,
    rows: Mutex<Rows>,
    turns: Arc<Turns>,
    /// Half of the places are taken, or somebody waits for one.
    crowded: Notify,
    traffic: Traffic,
}

impl Table {
    pub(super) fn new(limits: Limits, traffic: Traffic) -> Arc<Self> {
        Arc::new(Self {
            budget: Budget::new(limits.body_budget),
            lobby: Lobby::new(limits.lobby),
            turns: Turns::new(limits.connections),
            limits,
            closing: AtomicBool::new(false),
            generation: AtomicUsize::new(0),
            http2: AtomicUsize::new(0),
            rows: Mutex::default(),
            crowded: Notify::new(),
            traffic,
        })
    }

    /// Waits until the next connection turns nobody out who had no time to speak. Meanwhile the system keeps it.
    pub(super) async fn room(&self) {
        while let Some(left) = self.lobby.full_for(Instant::now()) {
            sleep(left).await;
        }
    }

    /// Lets a new connection wait in the lobby for its first word; `spawn` starts its task.
    pub(super) fn receive(&self, spawn: impl FnOnce(Stay) -> AbortHandle) {
        if self.lobby.enter(Instant::now(), spawn) {
            self.traffic.ended(End::Crowded);
        }
    }

    /// Gives a connection a place, as soon as there is one, and its turn to be greeted.
    pub(super) async fn seat(self: &Arc<Self>, peer: IpAddr) -> (Seat, Turn) {
        if self.turns.are_places_taken() {
            self.crowded.notify_one();
        }
        let peer = peer.to_canonical();
        let turn = self.turns.place(peer).await;
        let mut rows = self.rows();
        let place = rows.insert(Instant::now(), |id| Place::new(id, peer, Arc::clone(self)));
        if rows.len() == self.half() {
            self.crowded.notify_one();
        }
        (Seat(place), turn)
    }

    /// Connections end from now on as soon as no request can be lost.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
        self.rows().restart(Instant::now());
    }

    /// Ends a connection that can be spared; tells whether there was one.
    pub(super) fn spare_one(&self) -> bool {
        if self.lobby.turn_out() {
            self.traffic.ended(End::Crowded);
            return true;
        }
        self.spare(1, Instant::now())
    }

    /// Ends as many connections as can be spared; tells whether there was one.
    fn spare(&self, most: usize, now: Instant) -> bool {
        let mut rows = self.rows();
        let spared = rows.spare(most, now);
        for id in &spared {
            self.cut(&mut rows, *id, End::Crowded);
        }
        !spared.is_empty()
    }

    /// Tells whether a connection may read more of a body that holds so many bytes. Where the budget is spent, the one
    /// that holds the most ends: so whoever holds less than an equal share of the budget always finds room.
    /// Where it is told to wait, `waker` is called when it is to look again.
    pub(super) fn room_for(&self, place: &Place, wait: &mut Wait, held: usize, waker: &Waker) -> Room {
        if !self.budget.is_spent() {
            self.budget.give_up(wait);
            return Room::Enough;
        }
        let mut rows = self.rows();
        if !rows.are_going() {
            match rows.holds_most() {
                Some(id) if id != place.id => self.cut(&mut rows, id, End::MadeRoom),
                _ => {
                    drop(rows);
                    self.traffic.refused_bodies.inc();
                    self.budget.give_up(wait);
                    return Room::None;
                }
            }
        }
        self.budget.halt(wait, held, waker);
        if !self.budget.is_spent() || !rows.are_going() {
            drop(rows);
            self.budget.go_on();
        }
        Room::Soon
    }

    pub(super) fn generation(&self) -> Generation {
        Generation(self.generation.load(Ordering::Relaxed))
    }

    /// Tells whether one more HTTP/2 connection may come; others are offered HTTP/1.1 alone.
    pub(super) fn admits_http2(&self) -> bool {
        self.http2.load(Ordering::Relaxed) < self.limits.http2_connections
    }

    /// Counts an HTTP/2 connection for as long as the guard lives.
    pub(super) fn count_http2(self: &Arc<Self>) -> Http2 {
        self.http2.fetch_add(1, Ordering::Relaxed);
        Http2(Arc::clone(self))
    }

    /// A connection ended.
    pub(super) fn leave(&self, id: u64) {
        if self.rows().remove(id) {
            self.turns.give_back_place();
        }
    }

    /// Looks after all connections for ever.
    pub(super) async fn attend(&self) {
        // A body that began in this generation or the two before it is in time.
        let generation = self.limits.body_timeout / 2;
        let mut turn = Instant::now() + generation;
        let mut due = Due::Later;
        loop {
            let pause = match due {
                Due::Later if self.rows().len() < self.half() => TICK,
                _ => CROWDED_TICK,
            };
            // Either way it is looked.
            let _ = timeout(pause, self.crowded.notified()).await;
            let now = Instant::now();
            let turned = now >= turn;
            if turned {
                turn = now + generation;
                self.generation.fetch_add(1, Ordering::Relaxed);
            }
            due = self.look(now);
            let lacking = self.turns.lacking(ENDS);
            if lacking > 0 {
                self.spare(lacking, now);
            }
        }
    }

    fn half(&self) -> usize {
        self.limits.connections.div_ceil(2)
    }

    /// Ends what was silent for too long, and what reads a body for too long.
    fn look(&self, now: Instant) -> Due {
        let patience = if self.closing.load(Ordering::Relaxed) {
            self.limits.drain_idle
        } else {
            self.limits.handshake_timeout
        };
        let turned_out = self.lobby.turn_out_silent(patience, ENDS, now);
        for _ in 0..turned_out {
            self.traffic.ended(End::Silent);
        }
        let patience = self.limits.handshake_timeout;
        let given_up = self.lobby.turn_out_waiting(patience, ENDS, now);
        for _ in 0..given_up {
            self.traffic.ended(End::Crowded);
        }
        let mut rows = self.rows();
        let generation = self.generation();
        let mut cut = Vec::new();
        rows.see(now);
        for row in rows.each() {
            if row.place().is_overdue(generation) {
                cut.push((row.place().id, End::Slow));
            } else if let Some((end, patience)) = self.patience(row)
                && row.quiet(now) >= patience
            {
                if end == End::Idle && !row.winding {
                    row.wind(now);
                } else {
                    cut.push((row.place().id, end));
                }
            }
            if cut.len() == ENDS {
                break;
            }
        }
        let due = if turned_out.max(given_up).max(cut.len()) < ENDS {
            Due::Later
        } else {
            Due::Soon
        };
        for (id, end) in cut {
            self.cut(&mut rows, id, end);
        }
        due
    }

    /// What silence means for a connection, and how long it may last; `None` where it may last for ever.
    fn patience(&self, row: &Row) -> Option<(End, Duration)> {
        let limits = &self.limits;
        let closing = self.closing.load(Ordering::Relaxed);
        match row.seen {
            // The drain has an end of its own.
            _ if row.winding && closing => None,
            _ if row.winding => Some((End::Idle, limits.handshake_timeout)),
            Activity { greeted: false, .. } => Some((End::Handshake, limits.handshake_timeout)),
            _ if closing => Some((End::Idle, limits.drain_idle)),
            Activity { begun: 0, .. } => Some((End::Unused, limits.first_request_timeout)),
            _ => Some((End::Idle, limits.idle_timeout)),
        }
    }

    fn cut(&self, rows: &mut Rows, id: u64, end: End) {
        if rows.cut(id) {
            self.traffic.ended(end);
            self.turns.give_back_place();
        }
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether further connections are to end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Due {
    Later,
    Soon,
}

/// One of the HTTP/2 connections.
#[derive(Debug)]
pub(super) struct Http2(Arc<Table>);

impl Drop for Http2 {
    fn drop(&mut self) {
        self.0.http2.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::metrics::{Metrics, Port};
    use crate::server::place::Answering;
    use crate::server::rows::GRACE;

    const GUARDED: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const STRANGER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    fn table(connections: usize) -> Arc<Table> {
        let limits = Limits {
            connections,
            body_budget: 1_000,
            ..Limits::default()
        };
        Table::new(limits, Metrics::new(&[]).traffic(Port::Webhook))
    }

    fn seat(table: &Arc<Table>, peer: IpAddr) -> Seat {
        table.seat(peer).now_or_never().expect("a place").0
    }

    /// A connection that was used, and is idle.
    fn used(table: &Arc<Table>, peer: IpAddr) -> Seat {
        let seat = seat(table, peer);
        seat.0.greet();
        seat.0.begin();
        seat
    }

    fn room(seat: &Seat) -> Room {
        seat.0.room(&mut Wait::default(), seat.0.held(), Waker::noop())
    }

    /// Whether it was told to end.
    fn is_cut(table: &Table, seat: &Seat) -> bool {
        !table.rows().contains(seat.0.id)
    }

    #[test]
    fn the_peer_that_fills_the_table_loses_its_own_places() {
        let table = table(4);
        let guarded = used(&table, GUARDED);
        let strangers = [(); 3].map(|()| used(&table, STRANGER));
        let mut newcomer = Box::pin(table.seat(GUARDED));
        assert!((&mut newcomer).now_or_never().is_none(), "all places are taken");
        assert_eq!(table.turns.lacking(ENDS), 1);
        let now = Instant::now();
        table.look(now);
        assert!(!table.spare(1, now), "nobody was silent for long enough");
        assert!(table.spare(1, now + GRACE));
        assert_eq!(
            table.turns.lacking(ENDS),
            0,
            "there is a place, which it has not seen yet"
        );
        assert!(is_cut(&table, &strangers[0]) && !is_cut(&table, &guarded));
        assert!(newcomer.now_or_never().is_some());
    }

    #[test]
    fn who_leaves_gives_a_place_to_who_waits() {
        let table = table(1);
        let taken = used(&table, STRANGER);
        let mut waiting = Box::pin(table.seat(GUARDED));
        assert!((&mut waiting).now_or_never().is_none());
        drop(taken);
        assert!(waiting.now_or_never().is_some());
        assert!(table.seat(GUARDED).now_or_never().is_some(), "it went away again");
    }

    #[test]
    fn who_never_asked_goes_before_who_did() {
        let table = table(3);
        let used = used(&table, STRANGER);
        let [unused, younger] = [(); 2].map(|()| seat(&table, STRANGER));
        let now = Instant::now();
        table.look(now);
        table.spare(1, now + GRACE);
        assert!(is_cut(&table, &unused) && !is_cut(&table, &used) && !is_cut(&table, &younger));
        table.spare(2, now + GRACE);
        assert!(is_cut(&table, &used) && is_cut(&table, &younger));
    }

    #[test]
    fn whoever_did_something_is_left_alone_for_a_while() {
        let table = table(1);
        let seat = used(&table, STRANGER);
        let now = Instant::now();
        table.look(now);
        let answering = Answering::new(&*seat.0);
        assert!(!table.spare(1, now + GRACE), "it waits for an answer");
        drop(answering);
        let generation = seat.0.begin_reading();
        table.look(now + GRACE);
        assert!(!table.spare(1, now + GRACE));
        assert!(table.spare(1, now + 2 * GRACE), "the body does not come");
        seat.0.read(generation);
    }

    #[test]
    fn whoever_holds_the_most_gives_way() {
        let table = table(3);
        let [small, large] = [(); 2].map(|()| used(&table, STRANGER));
        large.0.hold(900);
        assert_eq!(room(&large), Room::Enough);
        small.0.hold(200);
        assert_eq!(room(&large), Room::None, "it holds the most itself");
        assert_eq!(room(&small), Room::Soon);
        assert!(is_cut(&table, &large));
        assert_eq!(room(&small), Room::Soon, "it has not given it back yet");
        large.0.release(900);
        assert_eq!(room(&small), Room::Enough);
        assert_eq!(table.budget.held(), 200);
    }

    #[test]
    fn a_body_has_three_generations() {
        let table = table(1);
        let seat = used(&table, STRANGER);
        seat.0.begin_reading();
        let now = Instant::now();
        for _ in 0..2 {
            table.generation.fetch_add(1, Ordering::Relaxed);
            table.look(now);
            assert!(!is_cut(&table, &seat));
        }
        table.generation.fetch_add(1, Ordering::Relaxed);
        table.look(now);
        assert!(is_cut(&table, &seat));
    }

    #[test]
    fn silence_ends_a_connection_in_two_steps_and_one_without_a_request_at_once() {
        let table = table(2);
        let (idle, unused) = (used(&table, GUARDED), seat(&table, GUARDED));
        unused.0.greet();
        let now = Instant::now();
        table.look(now);
        table.look(now + table.limits.first_request_timeout);
        assert!(is_cut(&table, &unused) && !is_cut(&table, &idle));
        let now = now + table.limits.idle_timeout;
        table.look(now);
        assert!(!is_cut(&table, &idle), "it may still answer what is on its way");
        table.look(now + table.limits.handshake_timeout);
        assert!(is_cut(&table, &idle));
    }

    #[test]
    fn a_thousand_that_are_due_do_not_end_at_once() {
        let table = table(2 * ENDS);
        let seats: Vec<_> = (0..2 * ENDS).map(|_| seat(&table, STRANGER)).collect();
        let now = Instant::now() + table.limits.handshake_timeout;
        let left = || seats.iter().filter(|seat| !is_cut(&table, seat)).count();
        assert_eq!((table.look(now), left()), (Due::Soon, ENDS));
        table.look(now);
        assert_eq!((table.look(now), left()), (Due::Later, 0));
    }
}
