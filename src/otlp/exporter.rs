//! Sends what is found to a collector, for as long as this replica leads.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kube::Client;
use tokio::sync::OnceCell;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};
use tracing::{info, warn};

use super::answer::{Answer, Failures};
use super::cluster::Cluster;
use super::collector::Collector;
use super::endpoint::Endpoint;
use super::envelope::Envelope;
use super::queue::{News, Queue};
use super::record::Record;
use super::standing::Standing;
use crate::controller::Leadership;
use crate::findings::Store;
use crate::metrics::{Metrics, RecordFate};

/// How long news wait for further ones.
const COALESCE: Duration = Duration::from_secs(1);
/// How long the end of the process is held up by what waits to be sent.
const FLUSH: Duration = Duration::from_secs(2);

/// What an installation chooses.
#[derive(Clone, Debug)]
pub struct Settings {
    pub endpoint: Endpoint,
    /// What the cluster is called; empty where nobody says.
    pub cluster_name: String,
    /// All that stand are told again after so long.
    pub resend: Duration,
}

/// Sends what [`News`] hears, and what stands.
#[derive(Debug)]
pub struct Exporter {
    queue: Arc<Queue>,
    collector: Collector,
    resend: Duration,
    cluster: Cluster,
    envelope: OnceCell<Envelope>,
    metrics: Arc<Metrics>,
    /// A failure was told, and nothing was sent since.
    complained: AtomicBool,
}

impl Exporter {
    /// Sends nothing yet.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(settings: Settings, client: Client, metrics: &Arc<Metrics>) -> Result<Self, kube::Error> {
        Ok(Self {
            queue: Arc::new(Queue::new(metrics.clone())),
            collector: Collector::new(&settings.endpoint)?,
            resend: settings.resend,
            cluster: Cluster {
                client,
                name: settings.cluster_name,
            },
            envelope: OnceCell::new(),
            metrics: metrics.clone(),
            complained: AtomicBool::new(false),
        })
    }

    /// What is to hear of every change.
    #[must_use]
    pub fn news(&self) -> News {
        News(self.queue.clone())
    }

    /// Sends whenever this replica leads, until it shall stop; what waits then is sent if that is quick.
    pub async fn run(self, store: Arc<Store>, leadership: Leadership, stop: impl Future<Output = ()>) {
        tokio::select! {
            biased;
            () = stop => {}
            () = leadership.while_held(|| self.tell(&store)) => {}
        }
        // Whoever does not answer now hears of what stands from the next leader.
        let _ = timeout(FLUSH, self.flush()).await;
    }

    async fn tell(&self, store: &Store) {
        store.complete().await;
        let envelope = self.envelope.get_or_init(|| self.cluster.envelope()).await;
        // From now on nothing is missed.
        let _open = self.queue.open();
        let mut standing = Standing::all(store);
        let mut again = interval_at(Instant::now() + self.resend, self.resend);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let news = self.queue.take();
            let stands = if news.records.is_empty() {
                standing.next(store)
            } else {
                Vec::new()
            };
            if !news.records.is_empty() {
                self.deliver(envelope, &news.records).await;
                news.settle();
            } else if !stands.is_empty() {
                self.deliver(envelope, &stands).await;
            } else {
                tokio::select! {
                    () = self.queue.came() => sleep(COALESCE).await,
                    _ = again.tick() => standing = Standing::all(store),
                }
            }
            if self.queue.has_lost() {
                standing = Standing::all(store);
            }
        }
    }

    /// Sends a batch, again and again until somebody has answered for it. Meanwhile the queue is the bound.
    async fn deliver(&self, envelope: &Envelope, records: &[Record]) {
        let mut failures = Failures::default();
        loop {
            match self.collector.post(envelope.around(records)).await {
                Answer::Later { after, why } => {
                    self.complain(&why);
                    // The keys of a new hasher are random; no other source is needed for this.
                    sleep(failures.pause(after, RandomState::new().hash_one(()))).await;
                }
                answer => return self.count(records, &answer),
            }
        }
    }

    /// Sends what waits, once.
    async fn flush(&self) {
        let Some(envelope) = self.envelope.get() else { return };
        loop {
            let news = self.queue.take();
            if news.records.is_empty() {
                return;
            }
            let answer = self.collector.post(envelope.around(&news.records)).await;
            if let Answer::Later { why, .. } = &answer {
                return self.complain(why);
            }
            self.count(&news.records, &answer);
            news.settle();
        }
    }

    fn count(&self, records: &[Record], answer: &Answer) {
        let all = u64::try_from(records.len()).unwrap_or(u64::MAX);
        let (refused, why) = match answer {
            Answer::Taken { rejected, why } => ((*rejected).min(all), why),
            Answer::Later { why, .. } | Answer::Refused { why } => (all, why),
        };
        self.metrics.audit.records(RecordFate::Sent, all - refused);
        self.metrics.audit.records(RecordFate::Refused, refused);
        if refused > 0 {
            self.complain(why);
        } else if self.complained.swap(false, Ordering::Relaxed) {
            info!("Findings are sent again");
        }
    }

    /// Tells of the first of several failures.
    fn complain(&self, error: &str) {
        if !self.complained.swap(true, Ordering::Relaxed) {
            warn!(
                error,
                "The collector does not take findings; further failures are not told until it does"
            );
        }
    }
}
