//! The connections of a server: who may come, who has been silent or slow for too long, and who gives way.
//!
//! One clock looks at all of them, so that neither a connection nor a request has a timer of its own.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::limits::Limits;
use super::place::{Activity, Generation, Place, Room, Seat, Wish};
use crate::metrics::{End, Traffic};

/// How often the clock ticks: deadlines are of seconds, and are met within one of these.
const TICK: Duration = Duration::from_millis(250);

/// For how long a connection without a request is left alone even where places are short: a client of good will greets
/// and asks within this, however many others come with it.
const GRACE: Duration = Duration::from_millis(500);

/// For how many ticks a connection is left alone after a request began whose body has not come.
const GRACE_READING: u32 = 2;

/// For how many ticks a connection that was used is left alone: the API server may be about to use it again.
const GRACE_USED: u32 = 8;

/// Every connection of a server.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) limits: Limits,
    /// Connections end as soon as no request can be lost.
    pub(super) closing: AtomicBool,
    generation: AtomicUsize,
    /// Bytes of bodies that arrived and are still needed.
    held: AtomicUsize,
    http2: AtomicUsize,
    rows: Mutex<Rows>,
    left: Notify,
    traffic: Traffic,
}

#[derive(Debug, Default)]
struct Rows {
    next: u64,
    /// By the order of acceptance.
    rows: BTreeMap<u64, Row>,
    /// Those that were told to end and still hold something.
    going: Vec<Arc<Place>>,
}

#[derive(Debug)]
struct Row {
    place: Arc<Place>,
    since: Instant,
    seen: Activity,
    /// Ticks since it last did something, or was told to wind down.
    quiet: u32,
    winding: bool,
}

impl Table {
    pub(super) fn new(limits: Limits, traffic: Traffic) -> Arc<Self> {
        Arc::new(Self {
            limits,
            closing: AtomicBool::new(false),
            generation: AtomicUsize::new(0),
            held: AtomicUsize::new(0),
            http2: AtomicUsize::new(0),
            rows: Mutex::default(),
            left: Notify::new(),
            traffic,
        })
    }

    /// Gives a newcomer a place, if need be that of another; `None` where nobody can give way.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr) -> Option<Seat> {
        let mut rows = self.rows();
        if rows.rows.len() >= self.limits.connections && !self.crowd_out(&mut rows) {
            return None;
        }
        let id = rows.next;
        rows.next += 1;
        let place = Arc::new(Place::new(id, peer.to_canonical(), Arc::clone(self)));
        let row = Row {
            place: Arc::clone(&place),
            since: Instant::now(),
            seen: Activity::default(),
            quiet: 0,
            winding: false,
        };
        rows.rows.insert(id, row);
        Some(Seat(place))
    }

    /// Connections end from now on as soon as no request can be lost.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
        for row in self.rows().rows.values_mut() {
            row.quiet = 0;
        }
    }

    /// Ends a connection that can be spared; tells whether there was one.
    pub(super) fn spare_one(&self) -> bool {
        self.crowd_out(&mut self.rows())
    }

    /// Of the peer with the most connections, ends the one that was silent for longest. One that was used goes only
    /// where all were: if need be, newcomers wait until others have had their chance.
    /// So a peer that fills the table loses its own places, and not those of others.
    fn crowd_out(&self, rows: &mut Rows) -> bool {
        let mut of_peer: BTreeMap<IpAddr, usize> = BTreeMap::new();
        for row in rows.rows.values() {
            *of_peer.entry(row.place.peer).or_default() += 1;
        }
        let all_used = rows.rows.values().all(Row::is_used);
        let spared = rows.rows.values().filter(|row| row.can_be_spared(all_used));
        let spared = spared.max_by_key(|row| {
            let crowd = of_peer.get(&row.place.peer);
            (crowd, row.quiet, Reverse(row.place.id))
        });
        let Some(id) = spared.map(|row| row.place.id) else {
            return false;
        };
        self.cut(rows, id, End::Crowded);
        true
    }

    /// Counts bytes of bodies that arrived.
    pub(super) fn hold(&self, bytes: usize) {
        self.held.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts bytes of bodies no longer.
    pub(super) fn release(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// The bytes that are held.
    pub(super) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Tells whether a connection may read more of its bodies. Where the budget is spent, the one that holds the most
    /// ends: so whoever holds less than an equal share of the budget always finds room.
    pub(super) fn room_for(&self, place: &Place) -> Room {
        if self.held() <= self.limits.body_budget {
            return Room::Enough;
        }
        let mut rows = self.rows();
        rows.going.retain(|place| place.held() > 0);
        if !rows.going.is_empty() {
            return Room::Soon;
        }
        let most = rows.rows.values().max_by_key(|row| row.place.held());
        match most.map(|row| row.place.id) {
            Some(id) if id != place.id => {
                self.cut(&mut rows, id, End::MadeRoom);
                Room::Soon
            }
            _ => {
                self.traffic.refused_bodies.inc();
                Room::None
            }
        }
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
        if self.rows().rows.remove(&id).is_some() {
            self.left.notify_one();
        }
    }

    /// Waits until a connection left, or may be spared since time has passed.
    pub(super) async fn room(&self) {
        // Either way the caller tries again.
        let _ = timeout(TICK / 10, self.left.notified()).await;
    }

    /// Looks after all connections for ever.
    pub(super) async fn attend(&self) {
        let mut clock = interval(TICK);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // A body that began in this generation or the two before it is in time.
        let generation = ticks(self.limits.body_timeout).div_ceil(2);
        let mut passed = 0;
        loop {
            clock.tick().await;
            passed += 1;
            let turned = passed == generation;
            if turned {
                passed = 0;
                self.generation.fetch_add(1, Ordering::Relaxed);
            }
            self.look(turned);
        }
    }

    /// Ends what was silent for too long, and where a generation has passed, what reads a body for too long.
    fn look(&self, turned: bool) {
        let mut rows = self.rows();
        rows.going.retain(|place| place.held() > 0);
        let now = self.generation();
        let mut cut = Vec::new();
        for row in rows.rows.values_mut() {
            row.tick();
            if turned && row.place.is_overdue(now) {
                cut.push((row.place.id, End::Slow));
            } else if let Some((end, patience)) = self.patience(row)
                && row.quiet >= ticks(patience)
            {
                if end == End::Idle && !row.winding {
                    row.wind();
                } else {
                    cut.push((row.place.id, end));
                }
            }
        }
        for (id, end) in cut {
            self.cut(&mut rows, id, end);
        }
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
        if let Some(row) = rows.rows.remove(&id) {
            self.traffic.ended(end);
            row.place.wish(Wish::Cut);
            if row.place.held() > 0 {
                rows.going.push(row.place);
            }
        }
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Row {
    fn tick(&mut self) {
        let activity = self.place.activity();
        self.quiet = if activity == self.seen { self.quiet + 1 } else { 0 };
        self.seen = activity;
    }

    /// Tells it to end as soon as nothing can be lost.
    fn wind(&mut self) {
        self.winding = true;
        self.quiet = 0;
        self.place.wish(Wish::Wind);
    }

    /// Tells whether its place may go to a newcomer.
    fn can_be_spared(&self, all_used: bool) -> bool {
        // It may have begun to do something since the clock last looked.
        match self.place.activity() {
            Activity { begun: 0, .. } => self.since.elapsed() >= GRACE,
            now if now != self.seen => false,
            Activity { reading: 1.., .. } => self.quiet >= GRACE_READING,
            _ => all_used && self.quiet >= GRACE_USED,
        }
    }

    /// Tells whether requests came, and all of their bodies.
    fn is_used(&self) -> bool {
        let activity = self.place.activity();
        activity.begun > 0 && activity.reading == 0
    }
}

/// One of the HTTP/2 connections.
#[derive(Debug)]
pub(super) struct Http2(Arc<Table>);

impl Drop for Http2 {
    fn drop(&mut self) {
        self.0.http2.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many ticks a time takes, one at least.
fn ticks(time: Duration) -> u32 {
    u32::try_from(time.as_millis().div_ceil(TICK.as_millis()))
        .unwrap_or(u32::MAX)
        .max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Metrics, Port};

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

    /// A connection that was used, and is idle.
    fn used(table: &Arc<Table>, peer: IpAddr) -> Seat {
        let seat = table.admit(peer).expect("a place");
        seat.0.greet();
        seat.0.begin();
        seat
    }

    fn pass(table: &Table, ticks: u32) {
        for _ in 0..ticks {
            table.look(false);
        }
    }

    /// Whether it was told to end.
    fn is_cut(table: &Table, seat: &Seat) -> bool {
        !table.rows().rows.contains_key(&seat.0.id)
    }

    #[test]
    fn the_peer_that_fills_the_table_loses_its_own_places() {
        let table = table(4);
        let guarded = used(&table, GUARDED);
        let strangers = [(); 3].map(|()| used(&table, STRANGER));
        assert!(table.admit(STRANGER).is_none(), "nobody was silent for long enough");
        pass(&table, GRACE_USED + 1);
        let newcomer = table.admit(GUARDED).expect("a place");
        assert!(is_cut(&table, &strangers[0]) && !is_cut(&table, &guarded));
        drop(newcomer);
    }

    #[test]
    fn a_body_that_comes_keeps_its_place_and_one_that_does_not_loses_it() {
        let table = table(1);
        let seat = used(&table, STRANGER);
        pass(&table, 1);
        let generation = seat.0.begin_reading();
        assert!(table.admit(GUARDED).is_none());
        pass(&table, GRACE_READING + 1);
        assert!(table.admit(GUARDED).is_some());
        seat.0.read(generation);
    }

    #[test]
    fn whoever_holds_the_most_gives_way() {
        let table = table(3);
        let [small, large] = [(); 2].map(|()| used(&table, STRANGER));
        large.0.hold(900);
        assert_eq!(large.0.room(), Room::Enough);
        small.0.hold(200);
        assert_eq!(large.0.room(), Room::None, "it holds the most itself");
        assert_eq!(small.0.room(), Room::Soon);
        assert!(is_cut(&table, &large));
        assert_eq!(small.0.room(), Room::Soon, "it has not given it back yet");
        large.0.release(900);
        assert_eq!(small.0.room(), Room::Enough);
        assert_eq!(table.held(), 200);
    }

    #[test]
    fn a_body_has_three_generations() {
        let table = table(1);
        let seat = used(&table, STRANGER);
        seat.0.begin_reading();
        for _ in 0..2 {
            table.generation.fetch_add(1, Ordering::Relaxed);
            table.look(true);
            assert!(!is_cut(&table, &seat));
        }
        table.generation.fetch_add(1, Ordering::Relaxed);
        table.look(true);
        assert!(is_cut(&table, &seat));
    }

    #[test]
    fn silence_ends_a_connection_in_two_steps_and_one_without_a_request_at_once() {
        let table = table(2);
        let (idle, unused) = (used(&table, GUARDED), table.admit(GUARDED).expect("a place"));
        unused.0.greet();
        pass(&table, ticks(table.limits.first_request_timeout) + 1);
        assert!(is_cut(&table, &unused) && !is_cut(&table, &idle));
        pass(
            &table,
            ticks(table.limits.idle_timeout - table.limits.first_request_timeout),
        );
        assert!(!is_cut(&table, &idle), "it may still answer what is on its way");
        pass(&table, ticks(table.limits.handshake_timeout));
        assert!(is_cut(&table, &idle));
    }
}
