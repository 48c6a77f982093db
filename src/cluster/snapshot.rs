//! The cluster once: every kind listed in pages, straight into the graph's projections. No watches.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube::Client;
use tokio::time::{sleep, timeout};

use super::feed::Feed;
use super::version;
use super::wire::{self, Page};
use crate::graph::{Graph, Kind, Knowledge, Name};

/// How many kinds are listed at once: each has a page of some megabytes under way.
const KINDS: usize = 4;
/// An API server that takes longer for a page has lost the request.
const ANSWER: Duration = Duration::from_secs(60);
/// How often a kind is listed anew because its list expired underway, or a page asked for again.
const TRIES: u32 = 4;
/// How long to wait before the first further try; doubled with each.
const PAUSE: Duration = Duration::from_millis(500);

/// Which part of the cluster is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    Cluster,
    /// One namespace, which has to be there.
    Namespace(Name),
    /// Some namespaces; one that is not there is empty.
    Namespaces(BTreeSet<Name>),
}

/// How far reading has come.
#[derive(Debug, Default)]
pub struct Progress {
    pub objects: AtomicUsize,
    pub kinds: AtomicUsize,
}

/// A kind that is not known, or not wholly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    pub kind: Kind,
    pub cause: Cause,
}

/// Why a kind is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    Forbidden,
    /// The API server has no such kind.
    NoSuchKind,
    /// So many objects of it cannot be read.
    Unreadable(usize),
}

/// The cluster cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error("cannot list {resource}")]
    List {
        resource: &'static str,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("there is no namespace {0:?}")]
    NoNamespace(Name),
}

/// Fills an empty graph and says what it could not learn; sorted by kind.
///
/// # Errors
/// An API server that does not answer, or a namespace that is not there. A refusal is a gap.
pub async fn take(
    client: &Client,
    graph: &Arc<Graph>,
    scope: &Scope,
    progress: &Progress,
) -> Result<Vec<Gap>, SnapshotError> {
    let lists = graph.facts().kinds.iter().map(|kind| {
        let list = List {
            client,
            graph,
            scope,
            progress,
            kind,
        };
        async move {
            let gap = list.run().await?;
            progress.kinds.fetch_add(1, Ordering::Relaxed);
            Ok::<_, SnapshotError>(gap)
        }
    });
    let mut gaps: Vec<Gap> = stream::iter(lists)
        .buffer_unordered(KINDS)
        .try_filter_map(|gap| std::future::ready(Ok(gap)))
        .try_collect()
        .await?;
    gaps.sort_by_key(|gap| gap.kind);
    if let Some(version) = version::ask(client).await {
        graph.set_version(version);
    }
    Ok(gaps)
}

/// The list of one kind.
struct List<'a> {
    client: &'a Client,
    graph: &'a Arc<Graph>,
    scope: &'a Scope,
    progress: &'a Progress,
    kind: Kind,
}

impl List<'_> {
    async fn run(&self) -> Result<Option<Gap>, SnapshotError> {
        if !self.is_served().await? {
            self.graph.set_knowledge(self.kind, Knowledge::Complete);
            return Ok(None);
        }
        let mut feed = Feed::new(self.kind, self.graph.clone(), Arc::default(), false);
        let mut tries = 0;
        let cause = loop {
            feed.begin_list();
            let is_namespace = self.kind == Kind::NAMESPACE;
            let listed = match self.scope {
                Scope::Namespace(name) if is_namespace => self.one_namespace(name, &mut feed).await,
                Scope::Namespace(name) if self.kind.is_namespaced() => self.pages(Some(name), &mut feed).await,
                Scope::Namespaces(names) if self.kind.is_namespaced() || is_namespace => {
                    self.each(names, &mut feed).await
                }
                _ => self.pages(None, &mut feed).await,
            };
            match listed {
                Ok(()) => break (feed.unreadable() > 0).then(|| Cause::Unreadable(feed.unreadable())),
                Err(error) => match status(&error) {
                    Some(403) => break Some(Cause::Forbidden),
                    Some(404) => match self.scope {
                        Scope::Namespace(name) if is_namespace => return Err(SnapshotError::NoNamespace(name.clone())),
                        _ => break Some(Cause::NoSuchKind),
                    },
                    // The list is too old to go on with: others wrote faster than we read.
                    Some(410) if tries + 1 < TRIES => tries += 1,
                    _ => {
                        return Err(SnapshotError::List {
                            resource: self.kind.resource(),
                            source: error,
                        });
                    }
                },
            }
        };
        feed.end_list();
        let knowledge = match cause {
            None => Knowledge::Complete,
            // Counting nodes is what they are for: a part of them tells nothing.
            Some(Cause::Unreadable(_)) if self.kind != Kind::NODE => Knowledge::Partial,
            Some(_) => Knowledge::Unavailable,
        };
        self.graph.set_knowledge(self.kind, knowledge);
        Ok(cause.map(|cause| Gap { kind: self.kind, cause }))
    }

    /// Whether the API server may have objects of the kind. Every cluster has the built-in kinds; where there is no
    /// definition of another, there are none of it, whoever may list them.
    async fn is_served(&self) -> Result<bool, SnapshotError> {
        if self.kind.is_builtin() {
            return Ok(true);
        }
        let group = format!("/apis/{}", self.kind.group());
        let found = match self.get(format!("{group}/{}", self.kind.version())).await {
            Ok(text) => Ok(wire::has_resource(&text, self.kind.resource())),
            // Another version of it may be served.
            Err(error) if status(&error) == Some(404) => match self.get(group).await {
                Err(error) if status(&error) == Some(404) => Ok(false),
                answer => answer.map(|_| true),
            },
            Err(error) => Err(error),
        };
        match found {
            // Who may not ask may still list.
            Err(error) if status(&error) == Some(403) => Ok(true),
            found => found.map_err(|source| SnapshotError::List {
                resource: self.kind.resource(),
                source,
            }),
        }
    }

    async fn pages(&self, namespace: Option<&Name>, feed: &mut Feed) -> Result<(), BoxError> {
        let collection = wire::collection(self.kind, namespace.map(|name| &**name));
        let mut next = String::new();
        loop {
            let text = self.get(wire::page(&collection, &next)).await?;
            let page = Page::read(&text)?;
            self.progress.objects.fetch_add(page.items.len(), Ordering::Relaxed);
            feed.take(page.items.into_iter());
            if page.next.is_empty() {
                return Ok(());
            }
            next = page.next;
        }
    }

    async fn each(&self, namespaces: &BTreeSet<Name>, feed: &mut Feed) -> Result<(), BoxError> {
        for name in namespaces {
            if self.kind != Kind::NAMESPACE {
                self.pages(Some(name), feed).await?;
                continue;
            }
            match self.one_namespace(name, feed).await {
                Err(error) if status(&error) == Some(404) => {}
                answer => answer?,
            }
        }
        Ok(())
    }

    async fn one_namespace(&self, name: &Name, feed: &mut Feed) -> Result<(), BoxError> {
        let text = self.get(wire::namespace(name)).await?;
        feed.take(std::iter::once(text.as_str()));
        self.progress.objects.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Asks again where the API server is busy: an audit must not give up for a moment's load.
    async fn get(&self, path: String) -> Result<String, BoxError> {
        let mut pause = PAUSE;
        for _ in 1..TRIES {
            match self.get_once(&path).await {
                Err(error) if status(&error).is_some_and(|code| code == 429 || code >= 500) => {
                    sleep(pause).await;
                    pause *= 2;
                }
                answer => return answer,
            }
        }
        self.get_once(&path).await
    }

    async fn get_once(&self, path: &str) -> Result<String, BoxError> {
        let request = http::Request::get(path).body(Vec::new())?;
        let answer = timeout(ANSWER, self.client.request_text(request));
        Ok(answer.await.map_err(|_| "no answer within a minute")??)
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The status code of the API server's answer, if it gave one.
fn status(error: &BoxError) -> Option<u16> {
    match error.downcast_ref() {
        Some(kube::Error::Api(status)) => Some(status.code),
        _ => None,
    }
}
