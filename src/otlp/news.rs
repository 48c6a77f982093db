//! What the audit finds anew, as it comes.

use std::sync::Arc;

use super::item::Item;
use super::queue::Queue;
use super::record::{State, record};
use crate::clock;
use crate::findings::{Change, Found, Listener, Opened};

/// Hears of what opens and closes, for as long as somebody sends it.
#[derive(Clone, Debug)]
pub struct News(pub(super) Arc<Queue>);

impl Listener for News {
    fn changed(&self, change: &Change<'_>) {
        if !self.0.is_open() {
            return;
        }
        // What a process finds when it begins may be old.
        let opened = match change.because {
            Opened::AtStart => State::Standing,
            Opened::Meanwhile => State::Open,
        };
        let now = clock::nanoseconds();
        let of = |state: State, found: &[&Found]| -> Vec<Item> {
            let records = found.iter().map(|found| record(state, change.workload, found, now));
            records.collect()
        };
        self.0.push(of(State::Closed, &change.closed));
        self.0.push(of(opened, &change.opened));
        self.0.push(of(State::Standing, &change.altered));
    }
}
