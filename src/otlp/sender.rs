//! Sends the items of one kind to a collector, and tells what becomes of them.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kube::Client;
use tokio::sync::OnceCell;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::answer::{Answer, Failures};
use super::cluster::Cluster;
use super::collector::Collector;
use super::endpoint::Endpoint;
use super::envelope::Envelope;
use super::item::Item;
use super::queue::Queue;
use super::signal::Signal;
use crate::metrics::{Fates, Metrics, SentFate};

/// How long the end of the process is held up by what waits to be sent.
const FLUSH: Duration = Duration::from_secs(2);

/// Where items are sent to, and in whose name.
#[derive(Clone, Debug)]
pub struct Target {
    pub endpoint: Endpoint,
    /// What the cluster is called; empty where nobody says.
    pub cluster_name: String,
}

/// Sends what waits in its queue, and whatever else it is given.
pub(super) struct Sender {
    pub(super) queue: Arc<Queue>,
    signal: Signal,
    collector: Collector,
    cluster: Cluster,
    envelope: OnceCell<Envelope>,
    fates: Fates,
    /// A failure was told, and nothing was sent since.
    complained: AtomicBool,
}

impl Sender {
    /// Sends nothing yet. The client asks which cluster this is.
    pub(super) fn new(
        signal: Signal,
        target: Target,
        client: Option<Client>,
        metrics: &Metrics,
    ) -> Result<Self, kube::Error> {
        let fates = signal.fates(&metrics.sent);
        Ok(Self {
            queue: Arc::new(Queue::new(fates.clone())),
            signal,
            collector: Collector::new(&target.endpoint)?,
            cluster: Cluster {
                client,
                name: target.cluster_name,
            },
            envelope: OnceCell::new(),
            fates: fates.clone(),
            complained: AtomicBool::new(false),
        })
    }

    /// What batches are sent in, as soon as it is known.
    pub(super) async fn envelope(&self) -> &Envelope {
        self.envelope.get_or_init(|| self.cluster.envelope(self.signal)).await
    }

    /// Sends a batch, again and again until somebody has answered for it. Meanwhile the queue is the bound.
    pub(super) async fn deliver(&self, items: &[Item]) {
        let envelope = self.envelope().await;
        let mut failures = Failures::default();
        loop {
            match self.collector.post(envelope.around(items)).await {
                Answer::Later { after, why } => {
                    self.complain(&why);
                    // The keys of a new hasher are random; no other source is needed for this.
                    sleep(failures.pause(after, RandomState::new().hash_one(()))).await;
                }
                answer => return self.count(items, &answer),
            }
        }
    }

    /// Sends what waits once, if that is quick.
    pub(super) async fn flush(&self) {
        let _ = timeout(FLUSH, self.send_once()).await;
    }

    async fn send_once(&self) {
        let Some(envelope) = self.envelope.get() else { return };
        loop {
            let waiting = self.queue.take();
            if waiting.items.is_empty() {
                return;
            }
            let answer = self.collector.post(envelope.around(&waiting.items)).await;
            if let Answer::Later { why, .. } = &answer {
                return self.complain(why);
            }
            self.count(&waiting.items, &answer);
            waiting.settle();
        }
    }

    fn count(&self, items: &[Item], answer: &Answer) {
        let all = u64::try_from(items.len()).unwrap_or(u64::MAX);
        let (refused, why) = match answer {
            Answer::Taken { rejected, why } => ((*rejected).min(all), why),
            Answer::Later { why, .. } | Answer::Refused { why } => (all, why),
        };
        self.fates.count(SentFate::Sent, all - refused);
        self.fates.count(SentFate::Refused, refused);
        if refused > 0 {
            self.complain(why);
        } else if self.complained.swap(false, Ordering::Relaxed) {
            info!(flag = self.signal.flag(), "The collector takes what it is sent again");
        }
    }

    /// Tells of the first of several failures.
    fn complain(&self, error: &str) {
        if !self.complained.swap(true, Ordering::Relaxed) {
            warn!(
                error,
                flag = self.signal.flag(),
                "The collector does not take what it is sent; further failures are not told until it does"
            );
        }
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("signal", &self.signal)
            .field("collector", &self.collector)
            .finish_non_exhaustive()
    }
}
