//! Turns of newcomers: who gets the next place, and with it the time to be greeted, which is what a connection costs.
//!
//! A runtime polls what is ready in the order in which it became so. Where hundreds are to be greeted at once, whatever
//! became ready then would wait until all of them are done; so they wait here, and the door has only the one whose turn
//! it is. First comes the address of which the fewest wait, so that a rush from one keeps others waiting for one greeting
//! at most. Of one address the newest comes first: the oldest in a rush have given up, or are the rush.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::runtime::Handle;
use tokio::task::yield_now;

/// The turn of a server, which one connection has at a time, and its places.
#[derive(Debug)]
pub(super) struct Turns {
    line: Mutex<Line>,
}

#[derive(Debug)]
struct Line {
    /// Nobody has the turn.
    turn: bool,
    /// Places that nobody has.
    places: usize,
    next: u64,
    /// Of each address from which somebody waits, those who do, by the order in which they came.
    waiting: HashMap<IpAddr, BTreeMap<u64, Waker>>,
}

impl Turns {
    pub(super) fn new(places: usize) -> Arc<Self> {
        Arc::new(Self {
            line: Mutex::new(Line {
                turn: true,
                places,
                next: 0,
                waiting: HashMap::new(),
            }),
        })
    }

    /// Waits for a place and a turn to begin there. The place is to be given back; the turn ends when it is dropped.
    pub(super) async fn place(self: &Arc<Self>, peer: IpAddr) -> Turn {
        let mut turn = self.ask(peer);
        poll_fn(|context| turn.poll(context)).await;
        turn
    }

    pub(super) fn give_back_place(&self) {
        self.line().change(|line| line.places += 1);
    }

    pub(super) fn are_places_taken(&self) -> bool {
        self.line().places == 0
    }

    /// How many of so many who wait will find no place.
    pub(super) fn lacking(&self, most: usize) -> usize {
        let line = self.line();
        let waiting: usize = line.waiting.values().map(BTreeMap::len).sum();
        waiting.min(most).saturating_sub(line.places)
    }

    fn ask(self: &Arc<Self>, peer: IpAddr) -> Turn {
        let mut line = self.line();
        let id = line.next;
        line.next += 1;
        Turn {
            turns: Arc::clone(self),
            peer,
            id,
            state: State::New,
        }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// Changes what there is, and gives it to those who wait.
    fn change(&mut self, change: impl FnOnce(&mut Self)) {
        change(self);
        while self.has_both()
            && let Some(waker) = self.take_next()
        {
            self.take_both();
            waker.wake();
        }
    }

    /// Of those who wait, the one whose turn is next.
    fn take_next(&mut self) -> Option<Waker> {
        let last = |waiting: &BTreeMap<u64, Waker>| waiting.last_key_value().map(|(id, _)| *id);
        let next = self
            .waiting
            .iter()
            .min_by_key(|(_, waiting)| (waiting.len(), Reverse(last(waiting))));
        let (&peer, waiting) = next?;
        self.take(peer, last(waiting)?)
    }

    /// Takes somebody out of those who wait, if he does.
    fn take(&mut self, peer: IpAddr, id: u64) -> Option<Waker> {
        let waiting = self.waiting.get_mut(&peer)?;
        let waker = waiting.remove(&id);
        if waiting.is_empty() {
            self.waiting.remove(&peer);
        }
        waker
    }

    fn has_both(&self) -> bool {
        self.turn && self.places > 0
    }

    fn take_both(&mut self) {
        self.turn = false;
        self.places -= 1;
    }
}

/// One's turn, or the wait for it.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Arc<Turns>,
    peer: IpAddr,
    id: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    New,
    /// It waits, or was given its turn and has not heard of that.
    Waiting,
    Taken,
}

impl Turn {
    fn poll(&mut self, context: &Context<'_>) -> Poll<()> {
        let mut line = self.turns.line();
        match self.state {
            State::New if line.has_both() => line.take_both(),
            State::New => {
                self.state = State::Waiting;
                let waiting = line.waiting.entry(self.peer).or_default();
                waiting.insert(self.id, context.waker().clone());
                return Poll::Pending;
            }
            State::Waiting => {
                let waiting = line.waiting.get_mut(&self.peer);
                if let Some(waker) = waiting.and_then(|waiting| waiting.get_mut(&self.id)) {
                    waker.clone_from(context.waker());
                    return Poll::Pending;
                }
            }
            State::Taken => {}
        }
        self.state = State::Taken;
        Poll::Ready(())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        match self.state {
            State::New => return,
            State::Waiting => {
                let mut line = self.turns.line();
                if line.take(self.peer, self.id).is_some() {
                    return;
                }
                // It goes away before it has heard.
                line.change(|line| line.places += 1);
            }
            State::Taken => {}
        }
        let spent = Spent(Arc::clone(&self.turns));
        if let Ok(runtime) = Handle::try_current() {
            // Whatever is ready by now comes before the next turn.
            runtime.spawn(async move {
                yield_now().await;
                drop(spent);
            });
        }
    }
}

/// A turn that is over; somebody else has it once this is dropped.
struct Spent(Arc<Turns>);

impl Drop for Spent {
    fn drop(&mut self) {
        self.0.line().change(|line| line.turn = true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUSH: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    fn poll(turn: &mut Turn) -> Poll<()> {
        turn.poll(&Context::from_waker(Waker::noop()))
    }

    fn taken(turns: &Arc<Turns>) -> Turn {
        let mut turn = turns.ask(RUSH);
        assert!(poll(&mut turn).is_ready());
        turn
    }

    fn waiting(turns: &Arc<Turns>) -> Turn {
        waiting_from(turns, RUSH)
    }

    fn waiting_from(turns: &Arc<Turns>, peer: IpAddr) -> Turn {
        let mut turn = turns.ask(peer);
        assert!(poll(&mut turn).is_pending());
        turn
    }

    #[test]
    fn the_newest_is_next() {
        let turns = Turns::new(9);
        let at_work = taken(&turns);
        let [mut old, mut new] = [(); 2].map(|()| waiting(&turns));
        drop(at_work);
        assert!(poll(&mut old).is_pending() && poll(&mut new).is_ready());
        drop(new);
        assert!(poll(&mut old).is_ready());
    }

    #[test]
    fn an_address_of_which_few_wait_comes_before_a_rush() {
        let turns = Turns::new(9);
        let at_work = taken(&turns);
        let _first = waiting(&turns);
        let mut other = waiting_from(&turns, OTHER);
        let mut rush = [(); 2].map(|()| waiting(&turns));
        drop(at_work);
        assert!(poll(&mut other).is_ready());
        drop(other);
        assert!(poll(&mut rush[0]).is_pending() && poll(&mut rush[1]).is_ready());
    }

    #[test]
    fn a_turn_without_a_place_is_none() {
        let turns = Turns::new(1);
        drop(taken(&turns));
        assert!(turns.are_places_taken());
        let mut next = waiting(&turns);
        assert_eq!(turns.lacking(9), 1);
        turns.give_back_place();
        assert!(poll(&mut next).is_ready());
        let _waits = waiting(&turns);
        turns.give_back_place();
        assert_eq!(turns.lacking(9), 0, "it is a turn that it waits for");
    }

    #[test]
    fn who_goes_away_takes_nothing_along() {
        let turns = Turns::new(2);
        let at_work = taken(&turns);
        let [unheard, in_line] = [(); 2].map(|()| waiting(&turns));
        drop(in_line);
        drop(at_work);
        drop(unheard);
        drop(taken(&turns));
        assert!(turns.are_places_taken());
    }

    #[tokio::test]
    async fn what_is_ready_comes_before_the_next_turn() {
        let turns = Turns::new(9);
        drop(taken(&turns));
        let mut next = waiting(&turns);
        yield_now().await;
        poll_fn(|context| next.poll(context)).await;
    }
}
