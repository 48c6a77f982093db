//! Keeps the status of policies, exceptions and kinds as they stand, for as long as this replica leads.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tracing::warn;

use super::counts::{Counts, workloads};
use super::document::{self, Audited};
use super::standing::{Source, Standing, Standings};
use crate::clock;
use crate::cluster::ending::is_ending;
use crate::controller::{FIELD_MANAGER, Leadership, Replicas};
use crate::findings::{Change, Listener, Store};
use crate::graph::Graph;
use crate::judge::void_where_meant;
use crate::policy::description::API_VERSION;
use crate::policy::resource::{self, EXCEPTIONS, KINDS, POLICIES, Resource};
use crate::policy::{Exception, Policies, Void};
use crate::time::Time;

/// How often it is looked whether anything is to be said anew.
const LOOK: Duration = Duration::from_secs(1);
/// The time from one write to the next.
const PACE: Duration = Duration::from_millis(50);
/// An API server that takes longer has lost the request.
const ANSWER: Duration = Duration::from_secs(10);
/// How long to wait after a failure.
const PAUSE: Duration = Duration::from_secs(5);

/// Counts the changes of findings.
#[derive(Clone, Debug, Default)]
pub struct News(Arc<AtomicU64>);

impl Listener for News {
    fn changed(&self, _: &Change<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Writes the statuses.
pub struct Statuses {
    pub client: Client,
    pub source: Arc<dyn Source>,
    pub graph: Arc<Graph>,
    pub policies: Arc<ArcSwap<Policies>>,
    pub store: Arc<Store>,
    pub news: News,
    pub replicas: Replicas,
}

impl fmt::Debug for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statuses").finish_non_exhaustive()
    }
}

/// What statuses follow from: as long as it is the same, so are they.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ground {
    standings: u64,
    findings: u64,
    judged_all: Option<i64>,
    served_everywhere: bool,
    /// Exceptions end by the passing of time.
    minute: i64,
}

/// A status that differs from the one that is there.
struct Due {
    resource: &'static Resource,
    namespace: Option<String>,
    name: String,
    status: Value,
}

/// The workloads of each policy, and the full audit that they are of.
type Workloads = Option<(Option<i64>, Arc<BTreeMap<String, u64>>)>;

impl Statuses {
    /// Keeps them whenever this replica leads.
    pub async fn run(self, leadership: Leadership) {
        let this = Arc::new(self);
        leadership.while_held(|| this.clone().keep()).await;
    }

    async fn keep(self: Arc<Self>) {
        let mut said: Option<Ground> = None;
        let mut told = false;
        let mut counted: Workloads = None;
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let ground = self.ground();
            if said.as_ref() != Some(&ground) {
                let (this, on, former) = (self.clone(), ground.clone(), counted.take());
                // A panic in it is a bug, which whoever watches over this part tells.
                let (due, now_counted) = match spawn_blocking(move || this.due(&on, former)).await {
                    Ok(found) => found,
                    Err(error) => std::panic::resume_unwind(error.into_panic()),
                };
                counted = now_counted;
                let mut failure = None;
                for due in due {
                    pace.tick().await;
                    if let Err(error) = self.write(due).await {
                        failure = Some(error);
                        break;
                    }
                }
                match failure {
                    None => {
                        said = Some(ground);
                        told = false;
                    }
                    Some(error) => {
                        if !std::mem::replace(&mut told, true) {
                            warn!(
                                error,
                                "Cannot write the status of a policy, exception or kind; trying again, further failures are \
                                 not told"
                            );
                        }
                        sleep(PAUSE).await;
                    }
                }
            }
            sleep(LOOK).await;
        }
    }

    fn ground(&self) -> Ground {
        Ground {
            standings: self.source.version(),
            findings: self.news.0.load(Ordering::Relaxed),
            judged_all: self.store.judged_all(),
            served_everywhere: self.replicas.all_serve(self.policies.load().fingerprint()),
            minute: clock::now().seconds() / 60,
        }
    }

    /// All that differs from what is there.
    fn due(&self, ground: &Ground, counted: Workloads) -> (Vec<Due>, Workloads) {
        let policies = self.policies.load_full();
        let now = clock::now();
        let workloads = match counted {
            Some((audit, counted)) if audit == ground.judged_all => counted,
            _ => Arc::new(workloads(&self.graph, &policies)),
        };
        let counts = Counts::of(&self.store);
        let Standings {
            policies: stated,
            exceptions,
            kinds,
        } = self.source.standings();
        let mut due = Vec::new();
        for standing in &stated {
            let audited = ground.judged_all.map(|at| Audited {
                at: Time::from_seconds(at),
                workloads: workloads.get(&standing.name).copied().unwrap_or_default(),
                findings: counts.policies.get(&standing.name).copied().unwrap_or_default(),
            });
            let status = document::policy(standing, audited, ground.served_everywhere, now);
            due.extend(changed(&POLICIES, standing, status));
        }
        for standing in &exceptions {
            let void = standing
                .valid
                .as_ref()
                .and_then(|valid| self.void(valid, &policies, now));
            let findings = ground.judged_all.map(|_| {
                let title = standing.valid.as_ref().map(Exception::title);
                title
                    .and_then(|title| counts.exceptions.get(&title).copied())
                    .unwrap_or_default()
            });
            let status = document::exception(standing, void, findings, now);
            due.extend(changed(&EXCEPTIONS, standing, status));
        }
        for (standing, situation) in &kinds {
            due.extend(changed(&KINDS, standing, document::kind(standing, situation, now)));
        }
        (due, Some((ground.judged_all, workloads)))
    }

    fn void(&self, exception: &Exception, policies: &Policies, now: Time) -> Option<Void> {
        void_where_meant(exception, &self.graph.namespace(&exception.namespace), policies, now)
    }

    async fn write(&self, due: Due) -> Result<(), String> {
        let Due {
            resource,
            namespace,
            name,
            status,
        } = due;
        let kind = api_resource(resource);
        let objects: Api<DynamicObject> = match &namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &kind),
            None => Api::all_with(self.client.clone(), &kind),
        };
        let body = json!({
            "apiVersion": API_VERSION, "kind": resource.kind, "metadata": {"name": name}, "status": status,
        });
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        match timeout(ANSWER, objects.patch_status(&name, &parameters, &Patch::Apply(&body))).await {
            Ok(Ok(_)) => Ok(()),
            // It is gone, or its namespace is going.
            Ok(Err(kube::Error::Api(status))) if is_ending(&status) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("no answer".to_owned()),
        }
    }
}

fn changed<T>(resource: &'static Resource, standing: &Standing<T>, status: Value) -> Option<Due> {
    (status != standing.status).then(|| Due {
        resource,
        namespace: standing.namespace.as_ref().map(ToString::to_string),
        name: standing.name.clone(),
        status,
    })
}

fn api_resource(of: &Resource) -> ApiResource {
    ApiResource {
        group: resource::group().to_owned(),
        version: resource::version().to_owned(),
        api_version: API_VERSION.to_owned(),
        kind: of.kind.to_owned(),
        plural: of.plural.to_owned(),
    }
}
