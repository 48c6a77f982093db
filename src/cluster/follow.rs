//! One list and watch of a collection, for ever: objects go from the wire to whoever takes them, as text.
//!
//! Our own loop instead of a reflector's, because whole objects are never built: a page is text, and each object in
//! it is read straight into what is kept of it.

use std::hash::{BuildHasher as _, RandomState};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::AsyncBufReadExt as _;
use kube::Client;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

use super::wire::{self, Collection, Event, Head, Page, Status};
use crate::causes::chain;

/// An API server that takes longer for a page, or to begin a watch, has lost the request.
const ANSWER: Duration = Duration::from_secs(60);
/// A watch without even a bookmark for so long is dead, whatever TCP says: bookmarks come every minute.
const SILENCE: Duration = Duration::from_mins(3);
/// After so many watches in a row that brought nothing, our version may be one that the API server never had.
const FRUITLESS: u32 = 5;
/// So many refusals in a row are believed where there was permission before: an API server that has just started refuses
/// everybody until it knows its roles.
const REFUSALS: u32 = 5;
/// A failure that goes on is told again after so long.
const TELL_AGAIN: Duration = Duration::from_mins(1);

/// How long to wait before asking again.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// After the first failure; doubled with each further one.
    pub first: Duration,
    pub last: Duration,
    /// The longest wait after refusals: somebody has to grant something first.
    pub refused: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(500),
            last: Duration::from_secs(10),
            refused: Duration::from_mins(1),
        }
    }
}

/// Who takes the objects of a collection, and is told how its watch fares.
pub trait Intake: Send + 'static {
    /// A list begins. Until it ends, what it has not named yet stays as it was.
    fn begin_list(&mut self);

    /// Takes some objects of a list, or the one of an event.
    fn take<'a>(&mut self, objects: impl Iterator<Item = &'a str>);

    /// Takes the object of a deletion event.
    fn delete(&mut self, object: &str);

    /// The list is complete: what it did not name has vanished.
    fn end_list(&mut self);

    /// An event or a bookmark came.
    fn alive(&mut self);

    /// There is no permission (403), or no such kind (404).
    fn refused(&mut self, code: u16);

    /// What has to be asked of others before the next event is taken; after a list and after each event.
    fn settle(&mut self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

/// Why a list or a watch ended.
#[derive(Debug)]
enum Failure {
    /// Our version is too old to go on from: list again.
    Gone,
    /// No permission (403), or no such kind (404).
    Refused {
        verb: &'static str,
        code: u16,
    },
    Other(String),
}

/// The watch of one collection.
pub(super) struct Watch<I> {
    collection: Collection,
    client: Client,
    intake: I,
    pages: Arc<Semaphore>,
    backoff: Backoff,
    /// There was permission once.
    listed: bool,
    /// When a failure was told.
    told: Instant,
    /// In a row.
    refusals: u32,
    /// Told, and noted.
    refused: bool,
    /// The present watch has brought something, if only a bookmark.
    heard: bool,
}

impl<I: Intake> Watch<I> {
    /// `pages` bounds how many pages of lists are under way at once.
    pub(super) fn new(collection: Collection, client: Client, intake: I, pages: Arc<Semaphore>, pace: Pace) -> Self {
        Self {
            collection,
            client,
            intake,
            pages,
            backoff: Backoff { pace, failures: 0 },
            listed: false,
            told: Instant::now(),
            refusals: 0,
            refused: false,
            heard: false,
        }
    }

    /// Lists and watches until it is dropped.
    pub(super) async fn run(mut self) {
        loop {
            let failure = match self.list().await {
                Ok(version) => self.follow(version).await,
                Err(failure) => failure,
            };
            self.pause(&failure).await;
        }
    }

    /// Lists everything, page by page, and returns the version of the list.
    async fn list(&mut self) -> Result<String, Failure> {
        self.intake.begin_list();
        let mut next = String::new();
        let version = loop {
            let permit = self.pages.clone().acquire_owned().await;
            let request = request(wire::page(&self.collection.path(), &next))?;
            let text = timeout(ANSWER, self.client.request_text(request))
                .await
                .map_err(|_| Failure::Other("no answer to a list".to_owned()))?
                .map_err(|error| Failure::of(&error, "list"))?;
            let page = Page::read(&text).map_err(|error| Failure::Other(format!("unreadable list: {error}")))?;
            self.intake.take(page.items.into_iter());
            drop(permit);
            if page.next.is_empty() {
                break page.resource_version;
            }
            next = page.next;
        };
        self.intake.end_list();
        self.intake.settle().await;
        self.listed = true;
        if std::mem::take(&mut self.refused) {
            self.backoff.failures = 0;
            info!(kind = self.collection.kind, "Objects of this kind can be read now");
        }
        self.recovered();
        Ok(version)
    }

    /// Follows the changes from a version on, until only a new list helps.
    async fn follow(&mut self, mut version: String) -> Failure {
        let mut fruitless = 0;
        loop {
            self.heard = false;
            let ended = self.watch(&mut version).await;
            fruitless = if self.heard { 0 } else { fruitless + 1 };
            let failure = match ended {
                Err(Failure::Gone) => return Failure::Gone,
                Ok(()) if self.heard => continue,
                Ok(()) => Failure::Other("the watch ended at once".to_owned()),
                Err(failure) => failure,
            };
            if fruitless >= FRUITLESS {
                return failure;
            }
            self.pause(&failure).await;
        }
    }

    /// One watch, to its end; `version` moves on with it.
    async fn watch(&mut self, version: &mut String) -> Result<(), Failure> {
        let request = request(wire::watch(&self.collection.path(), version))?;
        let lines = timeout(ANSWER, self.client.request_stream(request))
            .await
            .map_err(|_| Failure::Other("no answer to a watch".to_owned()))?
            .map_err(|error| Failure::of(&error, "watch"))?;
        let mut lines = pin!(lines);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = timeout(SILENCE, lines.read_until(b'\n', &mut line)).await;
            match read {
                Err(_) => return Err(Failure::Other("the watch fell silent".to_owned())),
                Ok(Err(error)) => return Err(Failure::Other(format!("the watch broke: {error}"))),
                // The end, maybe amid a line.
                Ok(Ok(_)) if !line.ends_with(b"\n") => return Ok(()),
                Ok(Ok(_)) => {
                    let event = Event::read(&line)
                        .map_err(|error| Failure::Other(format!("unreadable watch event: {error}")))?
                        .ok_or_else(|| Failure::Other("a watch event has no type or no object".to_owned()))?;
                    self.event(&event, version)?;
                    self.intake.settle().await;
                }
            }
        }
    }

    fn event(&mut self, event: &Event<'_>, version: &mut String) -> Result<(), Failure> {
        let object = event.object;
        match &*event.kind {
            "ADDED" | "MODIFIED" => self.intake.take(std::iter::once(object)),
            "DELETED" => self.intake.delete(object),
            "ERROR" => {
                let status = Status::of(object);
                return Err(match status.code {
                    410 => Failure::Gone,
                    _ => Failure::Other(status.message),
                });
            }
            // BOOKMARK, and what a later Kubernetes may add.
            _ => {}
        }
        self.heard = true;
        self.recovered();
        if let Some(reached) = Head::of(object).resource_version() {
            reached.clone_into(version);
        }
        self.intake.alive();
        Ok(())
    }

    /// Tells of a failure, once, and waits before the next try.
    async fn pause(&mut self, failure: &Failure) {
        let kind = self.collection.kind;
        self.refusals = match failure {
            Failure::Refused { .. } => self.refusals.saturating_add(1),
            _ => 0,
        };
        match failure {
            Failure::Gone => {
                debug!(kind, "Watch is too old to go on; listing again");
                sleep(jittered(self.backoff.pace.first)).await;
            }
            Failure::Refused { verb, code } if !self.listed || self.refusals >= REFUSALS => {
                if !std::mem::replace(&mut self.refused, true) {
                    self.tell_refusal(verb, *code);
                }
                self.intake.refused(*code);
                sleep(self.backoff.next(self.backoff.pace.refused)).await;
            }
            Failure::Refused { verb, code } => self.again(&format!("{verb} refused ({code})")).await,
            Failure::Other(error) => self.again(error).await,
        }
    }

    /// Tells of the first of several failures, and once a minute of the further ones; waits.
    async fn again(&mut self, error: &str) {
        let kind = self.collection.kind;
        let failures = self.backoff.failures;
        if failures == 0 {
            self.told = Instant::now();
            warn!(kind, error, "Watch failed; trying again");
        } else if self.told.elapsed() >= TELL_AGAIN {
            self.told = Instant::now();
            warn!(kind, error, failures, "Watch still fails; trying on");
        } else {
            debug!(kind, error, failures, "Watch failed again");
        }
        sleep(self.backoff.next(self.backoff.pace.last)).await;
    }

    fn tell_refusal(&self, verb: &str, code: u16) {
        let Collection { kind, resource, .. } = &self.collection;
        let group = self.collection.group();
        if code == 403 {
            warn!(
                kind,
                verb,
                resource,
                group,
                "No permission: objects of this kind are unknown until this verb is granted in a ClusterRole"
            );
        } else if self.collection.awaited {
            info!(
                kind,
                resource, group, "The API server does not have this kind yet; it is looked for again every minute"
            );
        } else {
            warn!(
                kind,
                resource, group, "The API server has no such kind: its objects are unknown"
            );
        }
    }

    fn recovered(&mut self) {
        self.refusals = 0;
        if std::mem::take(&mut self.backoff.failures) > 0 {
            info!(kind = self.collection.kind, "Watch works again");
        }
    }
}

impl Failure {
    fn of(error: &kube::Error, verb: &'static str) -> Self {
        match error {
            kube::Error::Api(status) if status.code == 410 => Self::Gone,
            kube::Error::Api(status) if matches!(status.code, 403 | 404) => Self::Refused {
                verb,
                code: status.code,
            },
            kube::Error::Api(status) => Self::Other(format!("{} ({})", status.message, status.code)),
            error => Self::Other(chain(error)),
        }
    }
}

struct Backoff {
    pace: Pace,
    failures: u32,
}

impl Backoff {
    /// The next delay, `longest` at most.
    fn next(&mut self, longest: Duration) -> Duration {
        let delay = self.pace.first.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        jittered(delay.min(longest))
    }
}

/// Between half of it and all of it, so that sixteen watches do not come back in step.
fn jittered(delay: Duration) -> Duration {
    // The keys of a new hasher are random; no other source is needed for this.
    let random = u32::try_from(RandomState::new().hash_one(()) % 1_000).unwrap_or_default();
    delay / 2 + delay * random / 2_000
}

fn request(path: String) -> Result<http::Request<Vec<u8>>, Failure> {
    http::Request::get(path)
        .body(Vec::new())
        .map_err(|error| Failure::Other(error.to_string()))
}
