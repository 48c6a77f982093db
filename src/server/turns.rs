//! Turns of newcomers: who gets the next place, and with it the time to be greeted, which is what a connection costs.
//!
//! A runtime polls what is ready in the order in which it became so. Where hundreds are to be greeted at once, whatever
//! became ready then would wait until all of them are done; so they wait here, and the door has only the one whose turn
//! it is. The newest comes first: the oldest in a rush have given up, or are the rush.

use std::collections::BTreeMap;
use std::future::poll_fn;
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
    /// By the order in which they came.
    waiting: BTreeMap<u64, Waker>,
}

impl Turns {
    pub(super) fn new(places: usize) -> Arc<Self> {
        Arc::new(Self {
            line: Mutex::new(Line {
                turn: true,
                places,
                next: 0,
                waiting: BTreeMap::new(),
            }),
        })
    }

    /// Waits for a place and a turn to begin there. The place is to be given back; the turn ends when it is dropped.
    pub(super) async fn place(self: &Arc<Self>) -> Turn {
        let mut turn = self.ask();
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
        line.waiting.len().min(most).saturating_sub(line.places)
    }

    fn ask(self: &Arc<Self>) -> Turn {
        let mut line = self.line();
        let id = line.next;
        line.next += 1;
        Turn {
            turns: Arc::clone(self),
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
            && let Some((_, waker)) = self.waiting.pop_last()
        {
            self.take_both();
            waker.wake();
        }
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
                line.waiting.insert(self.id, context.waker().clone());
                return Poll::Pending;
            }
            State::Waiting => {
                if let Some(waker) = line.waiting.get_mut(&self.id) {
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
                if line.waiting.remove(&self.id).is_some() {
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

    fn poll(turn: &mut Turn) -> Poll<()> {
        turn.poll(&Context::from_waker(Waker::noop()))
    }

    fn taken(turns: &Arc<Turns>) -> Turn {
        let mut turn = turns.ask();
        assert!(poll(&mut turn).is_ready());
        turn
    }

    fn waiting(turns: &Arc<Turns>) -> Turn {
        let mut turn = turns.ask();
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
