//! The watches of all kinds: their objects go into the graph as projections.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::Client;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio::time::sleep;
use tracing::{error, warn};

use super::changes::Changes;
use super::feed::Feed;
pub use super::follow::Pace;
use super::follow::{Intake, Watch};
use super::freshness::{Clock, Keeper};
use super::version;
use crate::graph::{Graph, Kind, Kinds, Role};
use crate::metrics::Metrics;

/// How many pages are under way at once: each is some megabytes of text.
const PAGES: usize = 4;
/// How often kinds are looked at for staleness.
const REFRESH: Duration = Duration::from_secs(5);

/// The watches of all kinds; dropping them ends them.
pub struct Watches {
    watching: Watching,
    /// By the position of the kind.
    running: BTreeMap<usize, AbortHandle>,
    tasks: JoinSet<()>,
    wishes: mpsc::UnboundedReceiver<Wish>,
    wish: mpsc::UnboundedSender<Wish>,
}

/// What a watch needs, whatever its kind.
#[derive(Clone)]
struct Watching {
    client: Client,
    graph: Arc<Graph>,
    keeper: Arc<Keeper>,
    changes: Arc<Changes>,
    pages: Arc<Semaphore>,
    pace: Pace,
}

/// By whom the kinds that are watched are told to be others.
#[derive(Clone, Debug)]
pub struct Watched {
    wish: mpsc::UnboundedSender<Wish>,
    keeper: Arc<Keeper>,
}

/// What is asked of the watches.
#[derive(Debug)]
enum Wish {
    /// These kinds from now on.
    Kinds(&'static Kinds, oneshot::Sender<()>),
    /// To look for this kind now: it is there.
    Again(Kind),
}

impl Watched {
    /// Watches these kinds from now on, and returns when each of them was listed or refused.
    pub async fn set_kinds(&self, kinds: &'static Kinds) {
        let (done, told) = oneshot::channel();
        // Where nobody watches any more the process ends, or has told why.
        let _ = self.wish.send(Wish::Kinds(kinds, done));
        if told.await.is_ok() {
            self.keeper.synced().await;
        }
    }

    /// Looks for a kind now, which may have been waited for.
    pub fn again(&self, kind: Kind) {
        let _ = self.wish.send(Wish::Again(kind));
    }
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
        let (wish, wishes) = mpsc::unbounded_channel();
        let mut watches = Self {
            watching: Watching {
                client: client.clone(),
                graph: graph.clone(),
                keeper: keeper.clone(),
                changes: changes.clone(),
                pages: Arc::new(Semaphore::new(PAGES)),
                pace,
            },
            running: BTreeMap::new(),
            tasks: JoinSet::new(),
            wishes,
            wish,
        };
        for kind in graph.facts().kinds.iter() {
            watches.watch(kind, false);
        }
        let refreshed = keeper.clone();
        watches.tasks.spawn(async move {
            loop {
                sleep(REFRESH).await;
                refreshed.refresh();
            }
        });
        watches
            .tasks
            .spawn(version::follow(client.clone(), graph.clone(), changes, pace));
        metrics.watch_age.observe_each(move || keeper.ages());
        let counted = graph.clone();
        metrics.graph_objects.observe_each(move || {
            #[expect(clippy::cast_precision_loss, reason = "no cluster holds 2^52 objects")]
            let count = |(kind, count): (Kind, usize)| (kind.label(), count as f64);
            counted.counts().into_iter().map(count).collect()
        });
        watches
    }

    /// Waits for the first sync: every kind was listed, or may not be.
    pub fn synced(&self) -> impl Future<Output = ()> + Send + use<> {
        let keeper = self.watching.keeper.clone();
        async move { keeper.synced().await }
    }

    /// What they touch from now on.
    #[must_use]
    pub fn changes(&self) -> Arc<Changes> {
        self.watching.changes.clone()
    }

    /// By whom they are told of other kinds.
    #[must_use]
    pub fn watched(&self) -> Watched {
        Watched {
            wish: self.wish.clone(),
            keeper: self.watching.keeper.clone(),
        }
    }

    /// Goes on for as long as they do, and tells of one that ends, which none does by itself: its kind becomes stale.
    pub async fn attend(mut self) {
        loop {
            tokio::select! {
                Some(ended) = self.tasks.join_next() => tell(ended),
                Some(wish) = self.wishes.recv() => match wish {
                    Wish::Kinds(kinds, done) => {
                        self.set_kinds(kinds).await;
                        // Whoever asked may have gone.
                        let _ = done.send(());
                    }
                    Wish::Again(kind) => {
                        self.end(&[kind]).await;
                        self.watch(kind, true);
                    }
                },
            }
        }
    }

    /// Finds out which kinds have become stale; done every few seconds anyway.
    pub fn refresh(&self) {
        self.watching.keeper.refresh();
    }

    /// What workloads and autoscalers are taken for rests on the kinds that may own them, or that they may scale: these
    /// are read anew. What is in the graph stays meanwhile.
    async fn set_kinds(&mut self, kinds: &'static Kinds) {
        let former = self.watching.graph.facts().kinds;
        let is_one = |kinds: &Kinds, kind: Kind| kinds.iter().any(|one| one.is_row_of(kind));
        let refers = |kind: Kind| matches!(kind.role(), Role::Autoscaler(_) | Role::Workload(_));
        let ended: Vec<Kind> = former
            .iter()
            .filter(|kind| refers(*kind) || !is_one(kinds, *kind))
            .collect();
        self.end(&ended).await;
        self.watching.keeper.set_kinds(kinds);
        for kind in kinds.iter() {
            if !self.running.contains_key(&kind.position()) {
                self.watch(kind, true);
            }
        }
    }

    fn watch(&mut self, kind: Kind, filled: bool) {
        let Watching {
            client,
            graph,
            keeper,
            changes,
            pages,
            pace,
        } = self.watching.clone();
        let projected = Projected {
            kind,
            feed: Feed::new(kind, graph, changes, filled),
            keeper,
        };
        let watch = Watch::new(kind.into(), client, projected, pages, pace);
        self.running.insert(kind.position(), self.tasks.spawn(watch.run()));
    }

    /// Ends the watches of some kinds: when this returns, none of them writes any more.
    async fn end(&mut self, kinds: &[Kind]) {
        let ended: Vec<AbortHandle> = kinds
            .iter()
            .filter_map(|kind| self.running.remove(&kind.position()))
            .collect();
        ended.iter().for_each(AbortHandle::abort);
        while ended.iter().any(|handle| !handle.is_finished()) {
            match self.tasks.join_next().await {
                Some(ended) => tell(ended),
                None => return,
            }
        }
    }
}

impl fmt::Debug for Watches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watches").finish_non_exhaustive()
    }
}

fn tell(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && !error.is_cancelled()
    {
        error!(%error, "A watch ended; what it watched becomes unknown");
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
