//! The lobby: connections that have not said a word yet, and those that wait for a place.
//!
//! A guest costs a descriptor and less than a kilobyte: no buffer, no TLS, and no place that another could have.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::AbortHandle;

/// What everybody has to say a first word, however many come: on a busy machine it takes a moment to be heard.
const MOMENT: Duration = Duration::from_millis(50);

/// The guests of a lobby.
#[derive(Debug)]
pub(super) struct Lobby {
    most: usize,
    guests: Mutex<Guests>,
}

/// By the order of acceptance.
#[derive(Debug, Default)]
struct Guests {
    next: u64,
    silent: BTreeMap<u64, Guest>,
    waiting: BTreeMap<u64, Guest>,
}

#[derive(Debug)]
struct Guest {
    since: Instant,
    /// Of its task, as soon as that is known.
    task: Option<AbortHandle>,
}

impl Lobby {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            guests: Mutex::default(),
        })
    }

    /// Lets a connection in, whose task `spawn` starts. Tells whether another was turned out for it: where the lobby is
    /// full the one that has been silent for longest goes, at once, for whoever is honest has long said something.
    pub(super) fn enter(self: &Arc<Self>, now: Instant, spawn: impl FnOnce(Stay) -> AbortHandle) -> bool {
        let (id, turned_out) = self.guests().insert(now, self.most);
        // The guests are not locked meanwhile: a runtime that ends drops the task at once, and its stay with it.
        let task = spawn(Stay {
            lobby: Arc::clone(self),
            id,
        });
        if let Some(guest) = self.guests().of(id) {
            guest.task = Some(task);
        }
        turned_out
    }

    /// Where the lobby is full: how much of its moment is left to the one that would be turned out next.
    pub(super) fn full_for(&self, now: Instant) -> Option<Duration> {
        let guests = self.guests();
        let is_full = guests.silent.len() + guests.waiting.len() >= self.most;
        let (_, first) = guests.silent.first_key_value().filter(|_| is_full)?;
        let left = MOMENT.saturating_sub(now.saturating_duration_since(first.since));
        Some(left).filter(|left| !left.is_zero())
    }

    /// Turns out the one that can be spared best; tells whether there was one.
    pub(super) fn turn_out(&self) -> bool {
        self.guests().turn_out()
    }

    /// Turns out whoever has been silent for so long, but no more than so many; tells how many.
    pub(super) fn turn_out_silent(&self, patience: Duration, most: usize, now: Instant) -> usize {
        turn_out_since(&mut self.guests().silent, patience, most, now)
    }

    /// Turns out whoever has been here for so long and found no place, but no more than so many; tells how many. The
    /// newest come first, and the peers of the others have given up.
    pub(super) fn turn_out_waiting(&self, patience: Duration, most: usize, now: Instant) -> usize {
        turn_out_since(&mut self.guests().waiting, patience, most, now)
    }

    fn guests(&self) -> MutexGuard<'_, Guests> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guests {
    fn insert(&mut self, since: Instant, most: usize) -> (u64, bool) {
        let full = self.silent.len() + self.waiting.len() >= most;
        let turned_out = full && self.turn_out();
        let id = self.next;
        self.next += 1;
        self.silent.insert(id, Guest { since, task: None });
        (id, turned_out)
    }

    fn of(&mut self, id: u64) -> Option<&mut Guest> {
        let Self { silent, waiting, .. } = self;
        silent.get_mut(&id).or_else(|| waiting.get_mut(&id))
    }

    fn turn_out(&mut self) -> bool {
        let first = self.silent.pop_first().or_else(|| self.waiting.pop_first());
        first.map(|(_, guest)| guest.abort()).is_some()
    }
}

fn turn_out_since(guests: &mut BTreeMap<u64, Guest>, patience: Duration, most: usize, now: Instant) -> usize {
    for count in 0..most {
        match guests.first_entry() {
            Some(first) if now.saturating_duration_since(first.get().since) >= patience => first.remove().abort(),
            _ => return count,
        }
    }
    most
}

impl Guest {
    fn abort(self) {
        if let Some(task) = self.task {
            task.abort();
        }
    }
}

/// A guest's hold on the lobby; dropped when it has a place, or goes.
#[derive(Debug)]
pub(super) struct Stay {
    lobby: Arc<Lobby>,
    id: u64,
}

impl Stay {
    /// It said something, and waits for a place.
    pub(super) fn spoke(&self) {
        let mut guests = self.lobby.guests();
        if let Some(guest) = guests.silent.remove(&self.id) {
            guests.waiting.insert(self.id, guest);
        }
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        let mut guests = self.lobby.guests();
        guests.silent.remove(&self.id);
        guests.waiting.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::task::{JoinHandle, spawn};

    use super::*;

    /// A guest that stays until it is turned out, and its stay as its task would hold it.
    fn guest(lobby: &Arc<Lobby>, now: Instant) -> (bool, Stay, JoinHandle<()>) {
        let mut guest = None;
        let turned_out = lobby.enter(now, |stay| {
            let task = spawn(pending::<()>());
            let handle = task.abort_handle();
            guest = Some((stay, task));
            handle
        });
        let (stay, task) = guest.expect("a guest");
        (turned_out, stay, task)
    }

    #[tokio::test]
    async fn the_oldest_that_is_silent_goes_first_and_one_that_spoke_last() {
        let lobby = Lobby::new(3);
        let now = Instant::now();
        let [spoke, oldest, younger] = [(); 3].map(|()| guest(&lobby, now));
        assert!(!spoke.0 && !oldest.0 && !younger.0);
        spoke.1.spoke();
        let newcomer = guest(&lobby, now);
        assert!(newcomer.0);
        assert!(oldest.2.await.expect_err("turned out").is_cancelled());
        assert!(lobby.turn_out() && lobby.turn_out());
        assert!(younger.2.await.is_err() && newcomer.2.await.is_err());
        assert!(!spoke.2.is_finished());
        assert!(lobby.turn_out() && !lobby.turn_out());
        assert!(spoke.2.await.is_err());
    }

    #[tokio::test]
    async fn everybody_has_a_moment_to_speak() {
        let lobby = Lobby::new(2);
        let now = Instant::now();
        let first = guest(&lobby, now);
        assert_eq!(lobby.full_for(now), None);
        let _second = guest(&lobby, now + MOMENT / 2);
        assert_eq!(lobby.full_for(now), Some(MOMENT));
        assert_eq!(lobby.full_for(now + MOMENT / 2), Some(MOMENT / 2));
        assert_eq!(lobby.full_for(now + MOMENT), None);
        // Who spoke is not the next to go.
        first.1.spoke();
        assert_eq!(lobby.full_for(now + MOMENT), Some(MOMENT / 2));
        assert_eq!(lobby.full_for(now + 2 * MOMENT), None);
    }

    #[tokio::test]
    async fn who_left_is_not_turned_out() {
        let lobby = Lobby::new(1);
        let now = Instant::now();
        let (_, stay, task) = guest(&lobby, now);
        drop(stay);
        assert!(!guest(&lobby, now).0);
        assert!(!task.is_finished());
    }

    #[tokio::test]
    async fn silence_ends_some_at_a_time() {
        let lobby = Lobby::new(4);
        let now = Instant::now();
        let stays = [(); 4].map(|()| guest(&lobby, now).1);
        stays[0].spoke();
        let patience = Duration::from_secs(5);
        assert_eq!(lobby.turn_out_silent(patience, 2, now), 0);
        assert_eq!(lobby.turn_out_silent(patience, 2, now + patience), 2);
        assert_eq!(lobby.turn_out_silent(patience, 2, now + patience), 1);
        assert_eq!(lobby.turn_out_waiting(patience, 2, now), 0);
        assert_eq!(lobby.turn_out_waiting(patience, 2, now + patience), 1);
    }
}
