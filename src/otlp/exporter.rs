//! Sends what is found to a collector, for as long as this replica leads.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::news::News;
use super::sender::{Sender, Target};
use super::signal::Signal;
use super::standing::Standing;
use crate::controller::Leadership;
use crate::findings::Store;
use crate::metrics::Metrics;

/// What an installation chooses.
#[derive(Clone, Debug)]
pub struct Settings {
    pub target: Target,
    /// All that stand are told again after so long.
    pub resend: Duration,
}

/// Sends what [`News`] hears, and what stands.
#[derive(Debug)]
pub struct Exporter {
    sender: Sender,
    resend: Duration,
}

impl Exporter {
    /// Sends nothing yet.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(settings: Settings, client: Client, metrics: &Metrics) -> Result<Self, kube::Error> {
        Ok(Self {
            sender: Sender::new(Signal::Logs, settings.target, Some(client), metrics)?,
            resend: settings.resend,
        })
    }

    /// What is to hear of every change.
    #[must_use]
    pub fn news(&self) -> News {
        News(self.sender.queue.clone())
    }

    /// Sends whenever this replica leads, until it shall stop; what waits then is sent if that is quick.
    pub async fn run(self, store: Arc<Store>, leadership: Leadership, stop: impl Future<Output = ()>) {
        tokio::select! {
            biased;
            () = stop => {}
            () = leadership.while_held(|| self.tell(&store)) => {}
        }
        // Whoever does not answer now hears of what stands from the next leader.
        self.sender.flush().await;
    }

    async fn tell(&self, store: &Store) {
        store.complete().await;
        self.sender.envelope().await;
        let queue = &self.sender.queue;
        // From now on nothing is missed.
        let _open = queue.open();
        let mut standing = Standing::all(store);
        let mut again = interval_at(Instant::now() + self.resend, self.resend);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let news = queue.take();
            let stands = if news.items.is_empty() {
                standing.next(store)
            } else {
                Vec::new()
            };
            if !news.items.is_empty() {
                self.sender.deliver(&news.items).await;
                news.settle();
            } else if !stands.is_empty() {
                self.sender.deliver(&stands).await;
            } else {
                tokio::select! {
                    () = queue.came() => {}
                    _ = again.tick() => standing = Standing::all(store),
                }
            }
            if queue.has_lost() {
                standing = Standing::all(store);
            }
        }
    }
}
