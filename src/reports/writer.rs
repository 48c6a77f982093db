//! Keeps the reports as the findings are, for as long as this replica leads.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams};
use tokio::sync::Notify;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep, timeout};
use tracing::{info, warn};

use super::api::{Flavour, Served, Wanted};
use super::document::{Document, name};
use super::known::{Known, Read};
use crate::cluster::ending::is_ending;
use crate::controller::{FIELD_MANAGER, Leadership};
use crate::findings::{Change, Listener, Store, Workload};
use crate::graph::{Name, Uid};
use crate::metrics::{Metrics, ReportFate};

/// The time from one write to the next: twenty a second are no load for an API server.
const PACE: Duration = Duration::from_millis(50);
/// How long a change waits for further ones of the same workload.
const COALESCE: Duration = Duration::from_millis(500);
/// An API server that takes longer has lost the request.
const ANSWER: Duration = Duration::from_secs(10);
/// How long to wait after a failure.
const PAUSE: Duration = Duration::from_secs(5);
/// How often it is looked which kinds of report the cluster has.
const LOOK: Duration = Duration::from_secs(60);
/// How often the reports are read back: what somebody else changed or removed is written again then.
const READ_BACK: Duration = Duration::from_hours(1);

/// The workloads with other findings than before.
#[derive(Clone, Debug, Default)]
pub struct Dirty(Arc<Pending>);

#[derive(Debug, Default)]
struct Pending {
    /// `None` as long as nobody writes reports.
    workloads: Mutex<Option<BTreeSet<Workload>>>,
    came: Notify,
}

/// Writes the reports.
pub struct Reports {
    pub client: Client,
    pub store: Arc<Store>,
    pub dirty: Dirty,
    pub wanted: Wanted,
    /// No more than these are ever written: a report has two kilobytes, and etcd is no data base for more of them.
    pub most: usize,
    pub metrics: Arc<Metrics>,
}

impl fmt::Debug for Reports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reports").finish_non_exhaustive()
    }
}

impl Listener for Dirty {
    fn changed(&self, change: &Change<'_>) {
        if let Some(workloads) = &mut *self.lock() {
            workloads.insert(change.workload.clone());
            self.0.came.notify_one();
        }
    }
}

impl Dirty {
    fn lock(&self) -> MutexGuard<'_, Option<BTreeSet<Workload>>> {
        self.0.workloads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listen(&self) -> Listening<'_> {
        *self.lock() = Some(BTreeSet::new());
        Listening(self)
    }

    fn take(&self) -> BTreeSet<Workload> {
        self.lock().as_mut().map(std::mem::take).unwrap_or_default()
    }
}

/// Listens until it is dropped.
struct Listening<'a>(&'a Dirty);

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        *self.0.lock() = None;
    }
}

impl Reports {
    /// Keeps the reports whenever this replica leads.
    pub async fn run(self, leadership: Leadership) {
        leadership.while_held(|| self.keep()).await;
    }

    /// Keeps the reports, in whatever kind of report the cluster has.
    async fn keep(&self) {
        self.store.complete().await;
        let mut former = None;
        loop {
            let served = match Served::now(&self.client, self.wanted).await {
                Ok(served) => served,
                Err(error) => {
                    warn!(error, "Cannot find out which reports the cluster knows");
                    sleep(PAUSE).await;
                    continue;
                }
            };
            if former != Some(served.written) {
                let kind = served.written.map_or("none", Flavour::group_version);
                info!(kind, "Reports are written");
                former = Some(served.written);
            }
            let kept = async {
                for other in &served.others {
                    self.retire(*other).await?;
                }
                match served.written {
                    Some(flavour) => Keeping::start(self, flavour).await?.run(&served).await,
                    None => {
                        self.metrics.audit.reports.set(0);
                        sleep(LOOK).await;
                        Ok(())
                    }
                }
            };
            if let Err(error) = kept.await {
                warn!(error, "Cannot keep the reports; trying again");
                sleep(PAUSE).await;
            }
        }
    }

    /// Removes what we wrote of another kind: whoever reads both would see every finding twice.
    async fn retire(&self, flavour: Flavour) -> Result<(), String> {
        let read = Read::all(&self.client, flavour).await?;
        let mut pace = pace();
        for (uid, known) in read.reports {
            pace.tick().await;
            self.delete(flavour, uid, &known.namespace).await?;
        }
        Ok(())
    }

    async fn delete(&self, flavour: Flavour, uid: Uid, namespace: &Name) -> Result<(), String> {
        let reports = self.reports(flavour, namespace);
        let name = name(uid);
        match timeout(ANSWER, reports.delete(&name, &DeleteParams::default())).await {
            Ok(Ok(_)) => self.metrics.audit.report(ReportFate::Deleted),
            // The garbage collector was quicker.
            Ok(Err(kube::Error::Api(status))) if status.code == 404 => {}
            Ok(Err(error)) => return Err(error.to_string()),
            Err(_) => return Err("no answer".to_owned()),
        }
        Ok(())
    }

    fn reports(&self, flavour: Flavour, namespace: &Name) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), namespace, &flavour.resource())
    }
}

/// Keeping the reports of one kind.
struct Keeping<'a> {
    reports: &'a Reports,
    flavour: Flavour,
    listening: Listening<'a>,
    known: BTreeMap<Uid, Known>,
    due: BTreeSet<Workload>,
    pace: Interval,
    /// The last failure was told.
    told: bool,
    /// That there are too many was told.
    told_full: bool,
}

/// Why a report was not written.
enum Failure {
    /// Its namespace or its workload is going.
    Gone,
    /// Nothing but another content helps.
    Invalid(String),
    /// Maybe later.
    Passing(String),
}

impl<'a> Keeping<'a> {
    /// Reads back what was written before, so that what it says is neither written again nor forgotten; what nobody
    /// finds any more is removed.
    async fn start(reports: &'a Reports, flavour: Flavour) -> Result<Self, String> {
        // From now on nothing is missed.
        let listening = reports.dirty.listen();
        let Read { reports: known, told } = Read::all(&reports.client, flavour).await?;
        reports.store.recall(told);
        let due: BTreeSet<Workload> = reports.store.workloads().into_iter().collect();
        let mut keeping = Self {
            reports,
            flavour,
            listening,
            known,
            due,
            pace: pace(),
            told: false,
            told_full: false,
        };
        let found: BTreeSet<Uid> = keeping.due.iter().filter_map(|workload| workload.uid).collect();
        let orphans: Vec<Uid> = keeping
            .known
            .keys()
            .filter(|uid| !found.contains(uid))
            .copied()
            .collect();
        for uid in orphans {
            keeping.delete(uid).await?;
        }
        Ok(keeping)
    }

    /// Goes on until the cluster has other kinds of report, or everything shall be read back.
    async fn run(mut self, served: &Served) -> Result<(), String> {
        let began = Instant::now();
        let mut looked = began;
        loop {
            self.count();
            if looked.elapsed() >= LOOK {
                looked = Instant::now();
                let now = Served::now(&self.reports.client, self.reports.wanted).await?;
                if now != *served || began.elapsed() >= READ_BACK {
                    return Ok(());
                }
            }
            self.due.extend(self.listening.0.take());
            match self.due.pop_first() {
                Some(workload) => self.settle(workload).await,
                None => {
                    let came = self.listening.0.0.came.notified();
                    if timeout(LOOK.saturating_sub(looked.elapsed()), came).await.is_ok() {
                        sleep(COALESCE).await;
                    }
                }
            }
        }
    }

    /// Brings the report on a workload to what is found of it now.
    async fn settle(&mut self, workload: Workload) {
        let Some(uid) = workload.uid else { return };
        let findings = self.reports.store.findings(&workload);
        let outcome = if findings.is_empty() {
            if !self.known.contains_key(&uid) {
                return;
            }
            self.delete(uid).await.map_err(Failure::Passing)
        } else {
            let document = Document::new(self.flavour, &workload, uid, &findings);
            let known = self.known.get(&uid);
            if known.is_some_and(|known| known.content == document.content) {
                return self.count_as(ReportFate::Unchanged);
            }
            if known.is_none() && self.known.len() >= self.reports.most {
                return self.full();
            }
            self.write(&workload, uid, document).await
        };
        match outcome {
            Ok(()) => self.told = false,
            Err(Failure::Gone) => {
                self.known.remove(&uid);
                self.count_as(ReportFate::Gone);
            }
            Err(Failure::Invalid(error)) => {
                warn!(error, namespace = %workload.namespace, "The API server takes this report for invalid");
                self.count_as(ReportFate::Failed);
            }
            Err(Failure::Passing(error)) => {
                self.count_as(ReportFate::Failed);
                if !std::mem::replace(&mut self.told, true) {
                    warn!(
                        error,
                        "Cannot write a report; trying again, further failures are not told"
                    );
                }
                self.due.insert(workload);
                sleep(PAUSE).await;
            }
        }
    }

    async fn write(&mut self, workload: &Workload, uid: Uid, document: Document) -> Result<(), Failure> {
        self.pace.tick().await;
        let Document { body, content } = document;
        let reports = self.reports.reports(self.flavour, &workload.namespace);
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        let name = name(uid);
        let written = timeout(ANSWER, reports.patch(&name, &parameters, &Patch::Apply(&body))).await;
        match written {
            Ok(Ok(_)) => {
                let namespace = workload.namespace.clone();
                self.known.insert(uid, Known { namespace, content });
                self.count_as(ReportFate::Written);
                Ok(())
            }
            Ok(Err(kube::Error::Api(status))) => Err(match status.code {
                _ if is_ending(&status) => Failure::Gone,
                400 | 422 => Failure::Invalid(status.message.clone()),
                _ => Failure::Passing(status.message.clone()),
            }),
            Ok(Err(error)) => Err(Failure::Passing(error.to_string())),
            Err(_) => Err(Failure::Passing("no answer".to_owned())),
        }
    }

    async fn delete(&mut self, uid: Uid) -> Result<(), String> {
        if let Some(known) = self.known.get(&uid) {
            self.pace.tick().await;
            self.reports.delete(self.flavour, uid, &known.namespace).await?;
            self.known.remove(&uid);
        }
        Ok(())
    }

    fn full(&mut self) {
        self.count_as(ReportFate::Full);
        if !std::mem::replace(&mut self.told_full, true) {
            let most = self.reports.most;
            warn!(
                most,
                "There are as many reports as --max-reports allows: further ones are not written"
            );
        }
    }

    fn count_as(&self, fate: ReportFate) {
        self.reports.metrics.audit.report(fate);
    }

    fn count(&self) {
        let count = i64::try_from(self.known.len()).unwrap_or(i64::MAX);
        self.reports.metrics.audit.reports.set(count);
    }
}

fn pace() -> Interval {
    let mut pace = interval(PACE);
    // What was not written in time is not written all at once.
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pace
}
