//! Events (`events.k8s.io/v1`) on workloads: what the audit finds anew, and what was refused.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::{Api, PostParams};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{sleep_until, timeout};
use tracing::warn;

use crate::admission::Refusals;
use crate::cluster::ending::is_ending;
use crate::controller::Leadership;
use crate::findings::{Change, Counted, Listener, Opened, Workload};
use crate::fnv::Fnv;
use crate::graph::store::locked;
use crate::graph::{Graph, Name};
use crate::judge::Judged;
use crate::metrics::{EventFate, Metrics};
use crate::rules::kit::Action;

/// So many wait to be written; what comes beyond is dropped, and counted.
const QUEUE: usize = 256;
/// The time from one event to the next, where many are told.
const PACE: Duration = Duration::from_millis(100);
/// So many may come at once before that.
const BURST: u32 = 100;
/// The same of the same workload is told once in this time: clients keep events for an hour.
const AGAIN: Duration = Duration::from_hours(1);
/// Of so many it is remembered that they were told.
const REMEMBERED: usize = 10_000;
/// An API server that takes longer has lost the request.
const ANSWER: Duration = Duration::from_secs(10);
/// The API server takes no longer note, in bytes (`noteLengthLimit` of its validation).
const NOTE: usize = 1_024;
/// Nor a longer name of who tells.
const INSTANCE: usize = 128;

/// The annotation by which an event and the log line of the decision are found together.
const REQUEST: &str = "stateward.dev/request-uid";

/// Something to tell of a workload.
#[derive(Debug)]
struct Told {
    /// Without `uid` where only the graph knows whether it is there.
    workload: Workload,
    rule: &'static str,
    action: &'static str,
    note: String,
    /// What is told once an hour.
    id: String,
    /// The uid of the request that was refused.
    request: Option<String>,
}

/// Takes events without ever waiting: on the way of requests and of the audit.
#[derive(Clone, Debug)]
pub struct Events {
    queue: Sender<Told>,
    metrics: Arc<Metrics>,
    leadership: Leadership,
}

/// Writes what [`Events`] takes.
pub struct Writer {
    queue: Receiver<Told>,
    client: Client,
    graph: Arc<Graph>,
    instance: String,
    metrics: Arc<Metrics>,
    told: HashMap<String, Instant>,
    /// A failure was told, and no event was written since.
    complained: bool,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

/// Events of this process, which is called `instance`; what the audit finds is told by the leader alone.
#[must_use]
pub fn events(
    client: Client,
    graph: Arc<Graph>,
    instance: &str,
    metrics: &Arc<Metrics>,
    leadership: Leadership,
) -> (Events, Writer) {
    let (sender, queue) = channel(QUEUE);
    let events = Events {
        queue: sender,
        metrics: metrics.clone(),
        leadership,
    };
    let writer = Writer {
        queue,
        client,
        graph,
        instance: instance.to_owned(),
        metrics: metrics.clone(),
        told: HashMap::new(),
        complained: false,
    };
    (events, writer)
}

/// When the next event may be written.
#[derive(Debug, Default)]
struct Pace {
    /// When the next one is due at an even pace; what lies in the past may be made up for.
    due: Option<Instant>,
}

impl Pace {
    fn next(&mut self, now: Instant) -> Instant {
        let earliest = now.checked_sub(PACE * BURST).unwrap_or(now);
        let due = self.due.unwrap_or(earliest).max(earliest) + PACE;
        self.due = Some(due);
        due
    }
}

impl Events {
    fn tell(&self, told: Told) {
        if self.queue.try_send(told).is_err() {
            self.metrics.audit.event(EventFate::Dropped);
        }
    }
}

impl Listener for Events {
    fn changed(&self, change: &Change<'_>) {
        // What a process finds when it begins may be old, and was told then.
        if change.because == Opened::AtStart || !self.leadership.holds() {
            return;
        }
        for found in &change.opened {
            if matches!(Counted::of(found), Counted::Deny | Counted::Warn | Counted::Audit) {
                self.tell(Told {
                    workload: change.workload.clone(),
                    rule: found.rule,
                    action: "Found",
                    note: found.message.clone(),
                    id: found.id(change.workload),
                    request: None,
                });
            }
        }
    }
}

impl Refusals for Events {
    fn refused(&self, request: &str, namespace: &Name, findings: &[Judged]) {
        for judged in findings.iter().filter(|judged| judged.action == Action::Deny) {
            let workload = Workload {
                namespace: namespace.clone(),
                object: judged.finding.object.clone(),
                uid: None,
            };
            let id = Fnv::default()
                .text("denied")
                .text(judged.finding.rule.id)
                .text(namespace)
                .text(judged.finding.object.kind.as_str())
                .text(&judged.finding.object.name)
                .text(&judged.finding.subject);
            self.tell(Told {
                workload,
                rule: judged.finding.rule.id,
                action: "Denied",
                note: format!("Denied: {}", judged.message),
                id: id.digits(),
                request: Some(request.to_owned()),
            });
        }
    }
}

impl Writer {
    /// Writes for as long as anybody may tell something.
    pub async fn run(mut self) {
        let mut pace = Pace::default();
        while let Some(told) = self.queue.recv().await {
            if let Some(event) = self.event(&told, Instant::now()) {
                sleep_until(pace.next(Instant::now()).into()).await;
                if let Err(error) = self.write(&event).await {
                    self.failed(&told.id, &error);
                }
            }
        }
    }

    /// The event to write, if there is one.
    fn event(&mut self, told: &Told, now: Instant) -> Option<Event> {
        let Workload { namespace, object, uid } = &told.workload;
        // What was refused to be created is not there to have events.
        let uid = uid.or_else(|| {
            let shard = self.graph.existing_shard(namespace)?;
            let shard = locked(&shard);
            shard.workload(object)?.uid
        })?;
        if !self.is_news(&told.id, now) {
            self.metrics.audit.event(EventFate::Repeated);
            return None;
        }
        Some(Event {
            metadata: ObjectMeta {
                generate_name: Some(format!("{}-", object.name)),
                namespace: Some(namespace.to_string()),
                annotations: told
                    .request
                    .as_ref()
                    .map(|uid| [(REQUEST.to_owned(), uid.clone())].into()),
                ..ObjectMeta::default()
            },
            event_time: Some(MicroTime(Timestamp::now())),
            regarding: Some(ObjectReference {
                api_version: Some(object.kind.api_version().to_owned()),
                kind: Some(object.kind.as_str().to_owned()),
                name: Some(object.name.to_string()),
                namespace: Some(namespace.to_string()),
                uid: Some(uid.to_string()),
                ..ObjectReference::default()
            }),
            reason: Some(reason(told.rule)),
            action: Some(told.action.to_owned()),
            note: Some(clipped(&told.note, NOTE)),
            type_: Some("Warning".to_owned()),
            reporting_controller: Some("stateward".to_owned()),
            reporting_instance: Some(clipped(&self.instance, INSTANCE)),
            ..Event::default()
        })
    }

    fn is_news(&mut self, id: &str, now: Instant) -> bool {
        let is_recent = |told: &Instant| now.saturating_duration_since(*told) < AGAIN;
        if self.told.get(id).is_some_and(is_recent) {
            return false;
        }
        if self.told.len() >= REMEMBERED {
            self.told.retain(|_, told| is_recent(told));
        }
        // Where so many were told within the hour, another one is too much.
        if self.told.len() >= REMEMBERED {
            return false;
        }
        self.told.insert(id.to_owned(), now);
        true
    }

    async fn write(&mut self, event: &Event) -> Result<(), String> {
        let namespace = event.metadata.namespace.as_deref().unwrap_or_default();
        let events: Api<Event> = Api::namespaced(self.client.clone(), namespace);
        match timeout(ANSWER, events.create(&PostParams::default(), event)).await {
            Ok(Ok(_)) => {
                self.complained = false;
                self.metrics.audit.event(EventFate::Written);
                Ok(())
            }
            // The namespace is gone, or going: there is nobody to tell.
            Ok(Err(kube::Error::Api(status))) if is_ending(&status) => {
                self.metrics.audit.event(EventFate::Failed);
                Ok(())
            }
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("no answer".to_owned()),
        }
    }

    /// What nobody could read is no repetition when it comes again.
    fn failed(&mut self, id: &str, error: &str) {
        self.told.remove(id);
        self.metrics.audit.event(EventFate::Failed);
        if !std::mem::replace(&mut self.complained, true) {
            warn!(
                error,
                "Cannot write an event; further failures are not told until one is written"
            );
        }
    }
}

fn clipped(text: &str, most: usize) -> String {
    text[..text.floor_char_boundary(most)].to_owned()
}

/// `rwo-replicas` as events write it: `RwoReplicas`.
fn reason(rule: &str) -> String {
    let capital = |part: &str| {
        let mut letters = part.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    rule.split('-').map(capital).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_come_at_once_and_then_ten_a_second() {
        let start = Instant::now() + Duration::from_hours(1);
        let mut pace = Pace::default();
        let at_once = (0..200).filter(|_| pace.next(start) <= start).count();
        assert_eq!(at_once, 100);
        assert_eq!(pace.next(start), start + 101 * PACE);
        // What was not used is made up for, but for no more than that.
        let later = start + Duration::from_hours(1);
        let at_once = (0..200).filter(|_| pace.next(later) <= later).count();
        assert_eq!(at_once, 100);
    }
}
