//! All findings there are, told one batch after the other.

use std::collections::VecDeque;

use super::batch;
use super::item::Item;
use super::record::{State, record};
use crate::clock;
use crate::findings::{Store, Workload};

/// Those of all workloads that were not told yet. They are asked for when it is their turn, so that hardly any wait.
#[derive(Debug, Default)]
pub(super) struct Standing {
    workloads: std::vec::IntoIter<Workload>,
    ready: VecDeque<Item>,
}

impl Standing {
    /// Everything that stands now.
    pub(super) fn all(store: &Store) -> Self {
        Self {
            workloads: store.workloads().into_iter(),
            ready: VecDeque::new(),
        }
    }

    /// The next batch; an empty one where all were told.
    pub(super) fn next(&mut self, store: &Store) -> Vec<Item> {
        let now = clock::nanoseconds();
        while !batch::is_full(&self.ready)
            && let Some(workload) = self.workloads.next()
        {
            let findings = store.findings(&workload).into_iter();
            self.ready
                .extend(findings.map(|found| record(State::Standing, &workload, &found, now)));
        }
        batch::take(&mut self.ready)
    }
}
