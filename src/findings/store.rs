//! The findings of all workloads, and who hears of their changes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::iter;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

use super::found::{Found, Workload};
use super::grace::Grace;
use super::tally::Tally;
use crate::graph::{Name, ObjectRef, Uid};
use crate::judge::Judged;

/// What changed of one workload. Not told are findings whose grace is not over.
#[derive(Debug)]
pub struct Change<'a> {
    pub workload: &'a Workload,
    /// New, or to be told from now on.
    pub opened: Vec<&'a Found>,
    /// Why they are new.
    pub because: Opened,
    /// Told before, and other now in what they say.
    pub altered: Vec<&'a Found>,
    /// Told before, and no longer there.
    pub closed: Vec<&'a Found>,
}

/// Why a finding is new to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// The process has only begun to look: it may have been there for long.
    AtStart,
    Meanwhile,
}

/// Hears of every change, on the thread that judges: it must not wait for anything.
pub trait Listener: Send + Sync {
    /// A workload has other findings than before.
    fn changed(&self, change: &Change<'_>);
}

/// The findings of all workloads.
pub struct Store {
    state: Mutex<State>,
    listeners: Vec<Box<dyn Listener>>,
    patience: Patience,
    /// When everything was judged last, in Unix seconds.
    complete: watch::Sender<Option<i64>>,
}

/// Whether findings that may vanish by themselves wait before they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    Grace,
    None,
}

#[derive(Default)]
struct State {
    /// By namespace; of workloads without findings there is nothing.
    namespaces: BTreeMap<Name, BTreeMap<ObjectRef, Entry>>,
    tally: Tally,
    /// Nothing is told by the mere passing of time before then.
    ripe_at: Option<Instant>,
}

struct Entry {
    uid: Option<Uid>,
    /// By rule and subject; no longer than needed, since most workloads that have any have one.
    findings: Box<[Held]>,
}

struct Held {
    found: Found,
    grace: Grace,
    since: Opened,
}

/// What one judgement says of a workload.
#[derive(Debug)]
pub(super) struct Judgement {
    pub(super) object: ObjectRef,
    pub(super) uid: Option<Uid>,
    /// The policies that apply, by name.
    pub(super) policies: Name,
    /// Whom to talk to.
    pub(super) owner: Name,
    pub(super) findings: Vec<Judged>,
}

/// The time of a judgement.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub(super) now: Instant,
    /// In Unix seconds, for people.
    pub(super) wall: i64,
}

impl Store {
    /// An empty store.
    #[must_use]
    pub fn new(listeners: Vec<Box<dyn Listener>>) -> Self {
        Self::with(listeners, Patience::Grace)
    }

    /// An empty store in which nothing waits, for whoever looks at it at this moment.
    #[must_use]
    pub fn at_once(listeners: Vec<Box<dyn Listener>>) -> Self {
        Self::with(listeners, Patience::None)
    }

    fn with(listeners: Vec<Box<dyn Listener>>, patience: Patience) -> Self {
        Self {
            state: Mutex::default(),
            listeners,
            patience,
            complete: watch::Sender::new(None),
        }
    }

    /// Waits until everything was judged once.
    pub async fn complete(&self) {
        // The sender is ours, so that waiting cannot fail.
        let _ = self.complete.subscribe().wait_for(Option::is_some).await;
    }

    /// The findings on a workload that may be told, by rule and subject.
    #[must_use]
    pub fn findings(&self, workload: &Workload) -> Vec<Found> {
        let state = self.lock();
        let entry = state.entry(&workload.namespace, &workload.object);
        let entry = entry.filter(|entry| entry.uid == workload.uid);
        entry.into_iter().flat_map(Entry::told).cloned().collect()
    }

    /// Every workload with findings that may be told.
    #[must_use]
    pub fn workloads(&self) -> Vec<Workload> {
        let state = self.lock();
        let mut workloads = Vec::new();
        for (namespace, entries) in &state.namespaces {
            for (object, entry) in entries.iter().filter(|(_, entry)| entry.told().next().is_some()) {
                workloads.push(workload(namespace, object, entry.uid));
            }
        }
        workloads
    }

    /// Shows every finding that may be told. Nothing else goes on in the store meanwhile.
    pub fn each(&self, mut look: impl FnMut(&Found)) {
        let state = self.lock();
        let entries = state.namespaces.values().flat_map(BTreeMap::values);
        entries.flat_map(Entry::told).for_each(&mut look);
    }

    /// The counts of the findings that may be told.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.lock().tally.clone()
    }

    /// Takes in what an earlier process has told of, by the id of the finding: what it saw is told on, with the time when
    /// it saw that first.
    pub fn recall(&self, told: impl IntoIterator<Item = (String, i64)>) {
        let told: HashMap<String, i64> = told.into_iter().collect();
        let mut state = self.lock();
        let State { namespaces, tally, .. } = &mut *state;
        for (namespace, entries) in namespaces {
            for (object, entry) in entries {
                let on = workload(namespace, object, entry.uid);
                for held in &mut entry.findings {
                    if let Some(first_seen) = told.get(&held.found.id(&on)) {
                        held.found.first_seen = held.found.first_seen.min(*first_seen);
                        if std::mem::replace(&mut held.grace, Grace::Over) != Grace::Over {
                            tally.add(namespace, &held.found);
                        }
                    }
                }
            }
        }
    }

    /// When everything was judged last, in Unix seconds.
    #[must_use]
    pub fn judged_all(&self) -> Option<i64> {
        *self.complete.borrow()
    }

    /// Everything was judged.
    pub(super) fn completed(&self, at: At) {
        self.complete.send_replace(Some(at.wall));
    }

    /// The namespaces in which something was found.
    pub(super) fn namespaces(&self) -> Vec<Name> {
        self.lock().namespaces.keys().cloned().collect()
    }

    /// The workloads of a namespace in which something was found.
    pub(super) fn objects(&self, namespace: &Name) -> Vec<ObjectRef> {
        let state = self.lock();
        let entries = state.namespaces.get(namespace).into_iter();
        entries.flat_map(BTreeMap::keys).cloned().collect()
    }

    /// Takes in what was judged of a namespace: all that is in it, where `all` says so.
    pub(super) fn take(&self, namespace: &Name, judged: Vec<Judgement>, all: bool, at: At) {
        let mut state = self.lock();
        if all {
            let present: BTreeSet<&ObjectRef> = judged.iter().map(|one| &one.object).collect();
            let entries = state.namespaces.get(namespace);
            let gone: Vec<ObjectRef> = entries
                .into_iter()
                .flat_map(BTreeMap::keys)
                .filter(|object| !present.contains(object))
                .cloned()
                .collect();
            for object in gone {
                self.replace(&mut state, namespace, &object, None, at);
            }
        }
        for judgement in judged {
            let object = judgement.object.clone();
            self.replace(&mut state, namespace, &object, Some(judgement), at);
        }
        if state.namespaces.get(namespace).is_some_and(BTreeMap::is_empty) {
            state.namespaces.remove(namespace);
        }
    }

    /// Tells of what has waited for long enough; returns when the next one has.
    pub(super) fn ripen(&self, now: Instant) -> Option<Instant> {
        let mut state = self.lock();
        let State {
            namespaces,
            tally,
            ripe_at,
        } = &mut *state;
        if ripe_at.is_none_or(|at| at > now) {
            return *ripe_at;
        }
        let mut next = None;
        for (namespace, entries) in namespaces {
            for (object, entry) in entries {
                let mut ripe = [Vec::new(), Vec::new()];
                for held in &mut entry.findings {
                    let Grace::Until(due) = held.grace else { continue };
                    held.grace = held.grace.at(now);
                    if held.grace == Grace::Over {
                        tally.add(namespace, &held.found);
                        ripe[held.since as usize].push(&held.found);
                    } else {
                        next = sooner(next, due);
                    }
                }
                let on = workload(namespace, object, entry.uid);
                for (opened, because) in ripe.into_iter().zip([Opened::AtStart, Opened::Meanwhile]) {
                    if !opened.is_empty() {
                        self.tell(&Change {
                            workload: &on,
                            opened,
                            because,
                            altered: Vec::new(),
                            closed: Vec::new(),
                        });
                    }
                }
            }
        }
        *ripe_at = next;
        next
    }

    /// Puts the findings of a workload in the place of its former ones; `None` where it is not there.
    fn replace(&self, state: &mut State, namespace: &Name, object: &ObjectRef, judged: Option<Judgement>, at: At) {
        let entries = state.namespaces.entry(namespace.clone()).or_default();
        let former = entries.remove(object);
        let uid = judged.as_ref().and_then(|judged| judged.uid);
        // A later object of the same name has nothing to do with it.
        let (former, stranger) = match former {
            Some(former) if judged.is_some() && former.uid == uid => (Some(former), None),
            other => (None, other),
        };
        if let Some(stranger) = stranger {
            let closed: Vec<&Found> = stranger
                .told()
                .inspect(|found| state.tally.take(namespace, found))
                .collect();
            if !closed.is_empty() {
                let on = workload(namespace, object, stranger.uid);
                self.tell(&Change {
                    workload: &on,
                    opened: Vec::new(),
                    because: Opened::Meanwhile,
                    altered: Vec::new(),
                    closed,
                });
            }
        }
        let Some(judged) = judged else { return };
        let since = if self.judged_all().is_some() {
            Opened::Meanwhile
        } else {
            Opened::AtStart
        };
        let on = workload(namespace, object, uid);
        let mut before = former
            .map(|former| former.findings)
            .unwrap_or_default()
            .into_iter()
            .peekable();
        let mut gone = Vec::new();
        let mut findings = Vec::with_capacity(judged.findings.len());
        let (mut opened, mut altered): (Vec<usize>, Vec<usize>) = Default::default();
        for mut now in Found::all_of(judged.findings, &judged.policies, &judged.owner, at.wall) {
            gone.extend(iter::from_fn(|| {
                before.next_if(|held| held.found.identity() < now.found.identity())
            }));
            let former = before.next_if(|held| held.found.identity() == now.found.identity());
            let waits = now.waits.filter(|_| self.patience == Patience::Grace);
            let grace = Grace::next(former.as_ref().map(|held| held.grace), waits, at.now);
            let was_told = former.as_ref().is_some_and(|held| held.grace == Grace::Over);
            if let Some(former) = &former {
                now.found.first_seen = former.found.first_seen;
                if was_told {
                    state.tally.take(namespace, &former.found);
                    if former.found != now.found {
                        altered.push(findings.len());
                    }
                }
            }
            match grace {
                Grace::Over => {
                    state.tally.add(namespace, &now.found);
                    if !was_told {
                        opened.push(findings.len());
                    }
                }
                Grace::Until(due) => state.ripe_at = sooner(state.ripe_at, due),
            }
            let since = former.map_or(since, |held| held.since);
            findings.push(Held {
                found: now.found,
                grace,
                since,
            });
        }
        gone.extend(before);
        let closed: Vec<&Found> = gone
            .iter()
            .filter(|held| held.grace == Grace::Over)
            .map(|held| &held.found)
            .inspect(|found| state.tally.take(namespace, found))
            .collect();
        if !(opened.is_empty() && altered.is_empty() && closed.is_empty()) {
            let named = |indices: &[usize]| -> Vec<&Found> {
                let found = indices.iter().map(|index| &findings[*index].found);
                found.collect()
            };
            self.tell(&Change {
                workload: &on,
                opened: named(&opened),
                because: since,
                altered: named(&altered),
                closed,
            });
        }
        if !findings.is_empty()
            && let Some(entries) = state.namespaces.get_mut(namespace)
        {
            let findings = findings.into_boxed_slice();
            entries.insert(object.clone(), Entry { uid, findings });
        }
    }

    fn tell(&self, change: &Change<'_>) {
        self.listeners.iter().for_each(|listener| listener.changed(change));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn entry(&self, namespace: &Name, object: &ObjectRef) -> Option<&Entry> {
        self.namespaces.get(namespace)?.get(object)
    }
}

impl Entry {
    /// The findings that may be told.
    fn told(&self) -> impl Iterator<Item = &Found> {
        let told = self.findings.iter().filter(|held| held.grace == Grace::Over);
        told.map(|held| &held.found)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

fn workload(namespace: &Name, object: &ObjectRef, uid: Option<Uid>) -> Workload {
    Workload {
        namespace: namespace.clone(),
        object: object.clone(),
        uid,
    }
}

fn sooner(one: Option<Instant>, other: Instant) -> Option<Instant> {
    Some(one.map_or(other, |one| one.min(other)))
}
