//! Admitted writes that no watch has delivered yet (`ARCHITECTURE.md`, "Reservations").

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::edges::{Edges, Table, cut, ends};
use super::hashed::Hashed;
use super::names::{Name, ObjectRef, Timestamp};
use super::workload::Workload;

/// How long a write counts as done before the watch has delivered it: long enough for a slow API server, short enough
/// that a write which was refused after us blocks nobody for long.
const LASTS_MILLIS: u64 = 3_000;
/// After so long a write has been stored, or hardly will be: worth asking which.
const DOUBTFUL_AFTER_MILLIS: u64 = 1_000;
/// How long an answer may take that a reservation is given up for.
const SWIFT_MILLIS: u64 = 100;
/// What one reservation counts for at least.
const LEAST_BYTES: usize = 1 << 10;
/// What the reservations of one namespace may hold: some hundred writes, of which the watch delivers each within
/// milliseconds.
const NAMESPACE_BYTES: usize = 2 << 20;
/// What the reservations of all namespaces may hold.
const ALL_BYTES: usize = 8 << 20;

/// An admitted write of a workload.
#[derive(Clone, Debug)]
pub struct Reservation {
    /// The workload as admitted.
    pub workload: Arc<Workload>,
    pub created: bool,
    /// When it was admitted.
    pub since: Timestamp,
    /// The bytes of the request that it came with, which it may hold at most a small multiple of.
    pub bytes: usize,
}

/// How much the reservations of all namespaces hold together.
#[derive(Clone, Debug, Default)]
pub struct Room(Arc<AtomicUsize>);

/// The reservations of one namespace, at most one a workload.
#[derive(Clone, Debug, Default)]
pub(super) struct Reserved {
    by_workload: Table<ObjectRef, Held>,
    /// From the claims that they name by hand: a burst of writes must not be walked for each of them.
    users: Edges<Name, ObjectRef>,
    bytes: usize,
}

/// A reservation with what it takes of the room.
#[derive(Clone, Debug)]
struct Held {
    reservation: Reservation,
    /// Shared with snapshots, which hold the same memory.
    share: Arc<Share>,
}

/// A part of the room, given back when nobody holds it any more.
#[derive(Debug)]
struct Share {
    bytes: usize,
    room: Room,
}

impl Reservation {
    /// Returns true where something after us must have refused the write.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.since.plus_millis(LASTS_MILLIS)
    }

    /// Returns true where it is so old that the write has been stored, or hardly will be.
    #[must_use]
    pub fn is_doubtful(&self, now: Timestamp) -> bool {
        now >= self.since.plus_millis(DOUBTFUL_AFTER_MILLIS)
    }

    /// Whether a version of the workload that is stored fulfils it: of a created one any, of an updated one the
    /// same projection or a generation that has caught up.
    fn is_fulfilled_by(&self, seen: &Arc<Workload>) -> bool {
        self.created || self.workload == *seen || (seen.generation > 0 && seen.generation >= self.workload.generation)
    }
}

impl Room {
    /// Returns true where no namespace has a reservation.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    fn take(&self, bytes: usize) -> Option<Arc<Share>> {
        let more = |taken: usize| Some(taken + bytes).filter(|taken| *taken <= ALL_BYTES);
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        taken.ok().map(|_| {
            Arc::new(Share {
                bytes,
                room: self.clone(),
            })
        })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.room.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Reserved {
    pub(super) fn is_empty(&self) -> bool {
        self.by_workload.is_empty()
    }

    pub(super) fn get(&self, id: &ObjectRef) -> Option<&Reservation> {
        let held = self.by_workload.get(Hashed::object_like(id))?;
        Some(&held.reservation)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Reservation> {
        self.by_workload.iter().map(|(_, held)| &held.reservation)
    }

    pub(super) fn users(&self, claim: &str) -> impl Iterator<Item = &ObjectRef> + use<'_> {
        ends(&self.users, Hashed::name_like(claim))
    }

    /// Keeps a write; one of the same workload replaces the former (a retry). Where there is no room the oldest of this
    /// namespace give way, and where that is not enough it is not kept: whoever floods us takes nothing from others.
    pub(super) fn keep(&mut self, reservation: Reservation, room: &Room) {
        let id = reservation.workload.id.clone();
        self.release(&id);
        let bytes = reservation.bytes.max(LEAST_BYTES);
        let share = loop {
            let share = (self.bytes + bytes <= NAMESPACE_BYTES).then(|| room.take(bytes));
            if let Some(share) = share.flatten() {
                break share;
            }
            let oldest = self.iter().min_by_key(|one| one.since);
            match oldest.map(|oldest| oldest.workload.id.clone()) {
                Some(oldest) => self.release(&oldest),
                None => return,
            }
        };
        self.bytes += bytes;
        for (claim, _) in reservation.workload.claims() {
            self.users.insert((Hashed::name(claim.clone()), id.clone()), ());
        }
        self.by_workload.insert(Hashed::object(id), Held { reservation, share });
    }

    pub(super) fn release(&mut self, id: &ObjectRef) {
        if let Some(Held { reservation, share }) = self.by_workload.remove(Hashed::object_like(id)) {
            self.bytes -= share.bytes;
            for (claim, _) in reservation.workload.claims() {
                cut(&mut self.users, Hashed::name_like(claim), id);
            }
        }
    }

    /// Drops those that ran out.
    pub(super) fn expire(&mut self, now: Timestamp) {
        if !self.is_empty() {
            let over = self.iter().filter(|one| one.is_over(now));
            let over: Vec<ObjectRef> = over.map(|one| one.workload.id.clone()).collect();
            over.iter().for_each(|id| self.release(id));
        }
    }

    /// There is this version of a workload.
    pub(super) fn seen(&mut self, seen: &Arc<Workload>) {
        if self.get(&seen.id).is_some_and(|one| one.is_fulfilled_by(seen)) {
            self.release(&seen.id);
        }
    }

    /// The API server says that there is no such workload. Where it took its time to answer it is slow, and writes take
    /// theirs to be stored too.
    pub(super) fn absent(&mut self, id: &ObjectRef, asked: Timestamp, known: Timestamp) {
        let swift = known <= asked.plus_millis(SWIFT_MILLIS);
        if swift && self.get(id).is_some_and(|one| one.is_doubtful(asked)) {
            self.release(id);
        }
    }

    /// The watch says that a workload is gone: what was changed of it is. One that is created anew is on its way.
    pub(super) fn gone(&mut self, id: &ObjectRef) {
        if self.get(id).is_some_and(|one| !one.created) {
            self.release(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Kind;
    use crate::graph::project::WorkloadSeed;

    fn reservation(name: &str, since: u64, bytes: usize) -> Reservation {
        let volume = r#"{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}"#;
        let text = format!(
            r#"{{"metadata": {{"name": "{name}"}}, "spec": {{"template": {{"spec": {{"volumes": [{volume}]}}}}}}}}"#
        );
        let seed = WorkloadSeed::new(Kind::DEPLOYMENT, &"shop".into()).unwrap().read(&text);
        Reservation {
            workload: Arc::new(seed.unwrap().workload),
            created: true,
            since: Timestamp(since),
            bytes,
        }
    }

    fn names(reserved: &Reserved) -> Vec<String> {
        let mut names: Vec<String> = reserved.users("data").map(|id| id.name.to_string()).collect();
        names.sort_unstable();
        assert_eq!(names.len(), reserved.iter().count());
        names
    }

    #[test]
    fn the_oldest_of_a_namespace_give_way_and_what_is_too_large_is_not_kept() {
        let room = Room::default();
        let mut reserved = Reserved::default();
        for (name, since) in [("b", 2), ("a", 1), ("c", 3)] {
            reserved.keep(reservation(name, since, NAMESPACE_BYTES / 3), &room);
        }
        assert_eq!(names(&reserved), ["a", "b", "c"]);
        reserved.keep(reservation("d", 4, 1), &room);
        assert_eq!(names(&reserved), ["b", "c", "d"]);
        // A retry takes its own place.
        reserved.keep(reservation("c", 5, NAMESPACE_BYTES / 3), &room);
        assert_eq!(names(&reserved), ["b", "c", "d"]);
        for number in 0..10_000 {
            reserved.keep(reservation(&format!("flood-{number}"), 10 + number, 0), &room);
        }
        assert_eq!(reserved.iter().count(), NAMESPACE_BYTES / LEAST_BYTES);
    }

    #[test]
    fn all_namespaces_share_a_room_and_give_back_what_they_hold() {
        let room = Room::default();
        let mut spaces = vec![Reserved::default(); ALL_BYTES / NAMESPACE_BYTES + 1];
        for (number, reserved) in spaces.iter_mut().enumerate() {
            for part in 0..2 {
                reserved.keep(
                    reservation(&format!("{number}-{part}"), part, NAMESPACE_BYTES / 2),
                    &room,
                );
            }
        }
        let (last, full) = spaces.split_last_mut().unwrap();
        assert!(full.iter().all(|reserved| reserved.iter().count() == 2));
        assert_eq!(last.iter().count(), 0, "no namespace takes anything from another");

        // A snapshot holds the same memory.
        let snapshot = full[0].clone();
        full[0].expire(Timestamp(LASTS_MILLIS + 1));
        last.keep(reservation("late", 0, NAMESPACE_BYTES / 2), &room);
        assert_eq!(last.iter().count(), 0);
        drop(snapshot);
        last.keep(reservation("late", 0, NAMESPACE_BYTES / 2), &room);
        assert_eq!(names(last), ["late"]);
        drop(spaces);
        assert!(room.is_empty());
    }

    #[test]
    fn a_removal_ends_what_was_changed_and_not_what_is_created_anew() {
        let room = Room::default();
        let mut reserved = Reserved::default();
        let created = reservation("new", 0, 0);
        let changed = Reservation {
            created: false,
            ..reservation("old", 0, 0)
        };
        let ids = [created.workload.id.clone(), changed.workload.id.clone()];
        reserved.keep(created, &room);
        reserved.keep(changed, &room);
        ids.iter().for_each(|id| reserved.gone(id));
        assert_eq!(names(&reserved), ["new"]);
    }
}
