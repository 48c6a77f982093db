//! One beat for all that may have changed on a page: objects, findings, decisions.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, select_all};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::History;
use crate::findings::Store;

/// How long it is waited for further news after some: a rollout is many.
const COALESCE: Duration = Duration::from_millis(200);
/// How often the counts are noted, at first.
const TICK: Duration = Duration::from_secs(5);

/// Counts the beats. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Pulse(Arc<watch::Sender<u64>>);

impl Pulse {
    /// Told of every beat by its number.
    pub(super) fn beats(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }

    /// The number of the last beat.
    pub(super) fn beat(&self) -> u64 {
        *self.0.borrow()
    }

    /// Beats whenever there are news, for as long as anybody has some, and notes the counts of findings.
    pub async fn run(self, news: Vec<watch::Receiver<()>>, history: History, store: Arc<Store>) {
        let judged = async {
            store.complete().await;
            history.tick(&store.tally());
            self.count();
            let mut ticks = interval(TICK);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                history.tick(&store.tally());
            }
        };
        tokio::join!(judged, self.follow(news, &history));
    }

    async fn follow(&self, mut news: Vec<watch::Receiver<()>>, history: &History) {
        news.push(history.news());
        while !news.is_empty() {
            let each = news
                .iter_mut()
                .map(|one| -> BoxFuture<'_, _> { Box::pin(one.changed()) });
            let (changed, place, _) = select_all(each).await;
            if changed.is_err() {
                drop(news.remove(place));
                continue;
            }
            sleep(COALESCE).await;
            self.count();
        }
    }

    fn count(&self) {
        self.0.send_modify(|beats| *beats += 1);
    }
}
