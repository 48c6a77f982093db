//! The watches of all kinds: their objects go into the graph as projections.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::Client;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::{error, warn};

use super::changes::Changes;
use super::feed::Feed;
pub use super::follow::Pace;
use super::follow::{Intake, Watch};
use super::freshness::{Clock, Keeper};
use super::version;
use crate::graph::{Graph, Kind};
use crate::metrics::Metrics;

/// How many pages are under way at once: each is some megabytes of text.
const PAGES: usize = 4;
/// How often kinds are looked at for staleness.
const REFRESH: Duration = Duration::from_secs(5);

/// The watches of all kinds; dropping them ends them.
#[derive(Debug)]
pub struct Watches {
    keeper: Arc<Keeper>,
    changes: Arc<Changes>,
    tasks: JoinSet<()>,
}

impl Watches {
    /// Begins to fill the graph, and to tell what it holds.
    #[must_use]
    pub fn start(client: &Client, graph: &Arc<Graph>, metrics: &Metrics) -> Self {
        Self::start_with(client, graph, metrics, Pace::default(), Arc::new(Instant::now))
    }

    /// As [`Watches::start`], at another pace and by another clock.
    #[must_use]
    pub fn start_with(client: &Client, graph: &Arc<Graph>, metrics: &Metrics, pace: Pace, clock: Clock) -> Self {
        let changes = Arc::new(Changes::default());
        let keeper = Arc::new(Keeper::new(graph.clone(), clock, changes.clone()));
        let pages = Arc::new(Semaphore::new(PAGES));
        let mut tasks = JoinSet::new();
        for kind in graph.facts().kinds.iter() {
            let projected = Projected {
                kind,
                feed: Feed::new(kind, graph.clone(), changes.clone()),
                keeper: keeper.clone(),
            };
            tasks.spawn(Watch::new(kind.into(), client.clone(), projected, pages.clone(), pace).run());
        }
        let refreshed = keeper.clone();
        tasks.spawn(async move {
            loop {
                sleep(REFRESH).await;
                refreshed.refresh();
            }
        });
        tasks.spawn(version::follow(client.clone(), graph.clone(), changes.clone(), pace));
        let aged = keeper.clone();
        metrics.watch_age.observe_each(move || aged.ages());
        let counted = graph.clone();
        metrics.graph_objects.observe_each(move || {
            #[expect(clippy::cast_precision_loss, reason = "no cluster holds 2^52 objects")]
            let count = |(kind, count): (Kind, usize)| (kind.label(), count as f64);
            counted.counts().into_iter().map(count).collect()
        });
        Self { keeper, changes, tasks }
    }

    /// Waits for the first sync: every kind was listed, or may not be.
    pub fn synced(&self) -> impl Future<Output = ()> + Send + use<> {
        let keeper = self.keeper.clone();
        async move { keeper.synced().await }
    }

    /// What they touch from now on.
    #[must_use]
    pub fn changes(&self) -> Arc<Changes> {
        self.changes.clone()
    }

    /// Goes on for as long as they do, and tells of one that ends, which none does by itself: its kind becomes stale.
    pub async fn attend(mut self) {
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                error!(%error, "A watch ended; what it watched becomes unknown");
            }
        }
    }

    /// Finds out which kinds have become stale; done every few seconds anyway.
    pub fn refresh(&self) {
        self.keeper.refresh();
    }
}

/// One kind's objects on their way into the graph.
struct Projected {
    kind: Kind,
    feed: Feed,
    keeper: Arc<Keeper>,
}

impl Intake for Projected {
    fn begin_list(&mut self) {
        self.feed.begin_list();
    }

    fn take<'a>(&mut self, objects: impl Iterator<Item = &'a str>) {
        self.feed.take(objects);
    }

    fn delete(&mut self, object: &str) {
        self.feed.delete(object);
    }

    fn end_list(&mut self) {
        self.feed.end_list();
        let unreadable = self.feed.unreadable();
        self.keeper.note(self.kind, |freshness, now| {
            freshness.listed(self.kind, now);
            freshness.unreadable(self.kind, unreadable);
        });
        if unreadable > 0 {
            let kind = self.kind.as_str();
            warn!(
                kind,
                unreadable, "Some objects cannot be read: what is missing is unknown"
            );
        }
    }

    fn alive(&mut self) {
        let unreadable = self.feed.unreadable();
        self.keeper.note(self.kind, |freshness, now| {
            freshness.alive(self.kind, now);
            freshness.unreadable(self.kind, unreadable);
        });
    }

    fn refused(&mut self, code: u16) {
        // Where there is no definition of a kind there are none of it; it may come at any time.
        if code == 404 && !self.kind.is_builtin() {
            self.feed.begin_list();
            self.end_list();
            return;
        }
        self.keeper.note(self.kind, |freshness, _| freshness.refused(self.kind));
    }
}
