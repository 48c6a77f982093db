//! What a process of an installation does beside answering: Leases, the audit, reports, events, statuses, records of
//! findings.
//!
//! Only with a namespace of its own, where replicas find each other: otherwise several processes would write alike.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::thread;

use arc_swap::ArcSwap;
use kube::Client;
use tokio::sync::oneshot;
use tracing::info;

use super::certificate::Followed;
use super::error::StartError;
use super::objects::Cluster;
use super::parts::{End, Parts};
use crate::admission::Refusals;
use crate::certificates::Keeper;
use crate::clock;
use crate::controller::{Announcement, Leader, Leadership, Replicas, replica};
use crate::dashboard::History;
use crate::events::{Events, events};
use crate::findings::{Auditor, Counted, Listener, Store};
use crate::graph::{Graph, Knowledge, Name};
use crate::otlp::{self, Exporter};
use crate::policy::Policies;
use crate::reports::{Dirty, Reports, Wanted};
use crate::server::tls::CertResolver;
use crate::status::{News, Source, Statuses};

/// What an installation chooses.
#[derive(Clone, Debug)]
pub struct Own {
    /// The namespace of the installation.
    pub namespace: String,
    /// What this process is called there, such as the name of its pod.
    pub name: String,
    pub reports: Wanted,
    pub most_reports: usize,
    /// Whether events are written.
    pub events: bool,
    /// Where findings are sent to, if anywhere.
    pub otlp: Option<otlp::Settings>,
    /// So many namespaces have metrics of their own.
    pub metric_namespaces: usize,
}

/// What is looked at.
pub(super) struct Seen<'a> {
    pub(super) cluster: Option<&'a Cluster>,
    pub(super) graph: Arc<Graph>,
    pub(super) policies: Arc<ArcSwap<Policies>>,
    /// Where the cluster holds the policies.
    pub(super) standings: Option<Arc<dyn Source>>,
    pub(super) certificate: Arc<CertResolver>,
    /// Where we write into the configurations who signs the certificate.
    pub(super) authority: Option<Followed>,
    /// Who else hears of findings.
    pub(super) history: Option<History>,
}

/// What of it others build upon.
#[derive(Default)]
pub(super) struct Begun {
    /// Who is to hear of refusals.
    pub(super) refusals: Option<Arc<dyn Refusals>>,
    /// What is found, where anybody judges.
    pub(super) store: Option<Arc<Store>>,
}

/// Begins all of it, where there are a cluster and a namespace.
///
/// # Errors
/// Findings shall be sent, and there is no cluster to find any in, or TLS cannot be set up.
pub(super) fn start(own: Option<Own>, seen: Seen<'_>, parts: &mut Parts) -> Result<Begun, StartError> {
    tell_exceptions(seen.policies.clone(), parts);
    if seen.cluster.is_none() && own.as_ref().is_some_and(|own| own.otlp.is_some()) {
        return Err(StartError::NoClusterForFindings);
    }
    let Some((cluster, own)) = seen.cluster.zip(own) else {
        tell_policies(seen.policies, None, parts);
        if seen.cluster.is_some() {
            info!(
                "No namespace of its own (--namespace, or $POD_NAMESPACE): no Leases, no audit, no reports, no events"
            );
        }
        return Ok(Begun::default());
    };
    let identity = identity(&own.name);
    let client = &cluster.client;
    let leader = Leader::new(client, &own.namespace, &identity);
    let leadership = leader.leadership();

    let dirty = Dirty::default();
    let news = News::default();
    let mut listeners: Vec<Box<dyn Listener>> = vec![Box::new(dirty.clone()), Box::new(news.clone())];
    let history = seen.history.clone();
    listeners.extend(history.map(|history| Box::new(history) as Box<dyn Listener>));
    let told = own.events.then(|| {
        let metrics = &parts.metrics;
        events(
            client.clone(),
            seen.graph.clone(),
            &identity,
            metrics,
            leadership.clone(),
        )
    });
    let refusals = told.map(|(events, writer): (Events, _)| {
        listeners.push(Box::new(events.clone()));
        parts.start("events", End::Cut, writer.run());
        Arc::new(events) as Arc<dyn Refusals>
    });
    let exporter = own
        .otlp
        .map(|settings| Exporter::new(settings, client.clone(), &parts.metrics));
    let exporter = exporter.transpose().map_err(|cause| StartError::Otlp {
        flag: "--otlp-logs",
        cause,
    })?;
    if let Some(exporter) = &exporter {
        listeners.push(Box::new(exporter.news()));
    }
    let store = Arc::new(Store::new(listeners));
    if let Some(exporter) = exporter {
        let (store, leadership, shutdown) = (store.clone(), leadership.clone(), parts.shutdown.clone());
        parts.start("otlp", End::Awaited, async move {
            exporter.run(store, leadership, shutdown.requested()).await;
        });
    }
    tell_findings(&store, &leader, own.metric_namespaces, parts);

    announce(client, &own.namespace, &identity, &seen, parts);
    let replicas = Replicas::default();
    tell_policies(
        seen.policies.clone(),
        Some((replicas.clone(), leadership.clone())),
        parts,
    );
    if let Some(source) = seen.standings {
        let statuses = Statuses {
            client: client.clone(),
            source,
            graph: seen.graph.clone(),
            policies: seen.policies.clone(),
            store: store.clone(),
            news,
            replicas: replicas.clone(),
        };
        parts.start("status", End::Cut, statuses.run(leadership.clone()));
    }
    if let Some(Followed { view, lifetimes }) = seen.authority {
        let keeper = Keeper {
            client: client.clone(),
            view,
            replicas: replicas.clone(),
            lifetimes,
        };
        parts.start("authority's keeper", End::Cut, keeper.run(leadership.clone()));
    }
    let (surveyed, namespace, led) = (client.clone(), own.namespace.clone(), leadership.clone());
    parts.start("replicas", End::Cut, async move {
        replicas.survey(surveyed, &namespace, led).await;
    });
    let reports = Reports {
        client: client.clone(),
        store: store.clone(),
        dirty,
        wanted: own.reports,
        most: own.most_reports,
        metrics: parts.metrics.clone(),
    };
    parts.start("reports", End::Cut, reports.run(leadership));
    let auditor = Auditor {
        graph: seen.graph,
        policies: seen.policies,
        changes: cluster.changes.clone(),
        store: store.clone(),
        metrics: parts.metrics.clone(),
    };
    let synced = cluster.synced.clone();
    parts.start("audit", End::Cut, async move {
        synced.await;
        on_a_thread(auditor).await;
    });
    let (metrics, shutdown) = (parts.metrics.clone(), parts.shutdown.clone());
    parts.start("leader", End::Awaited, async move {
        leader.run(&metrics, shutdown.requested()).await;
    });
    Ok(Begun {
        refusals,
        store: Some(store),
    })
}

/// Writes what this replica says of itself.
fn announce(client: &Client, namespace: &str, identity: &str, seen: &Seen<'_>, parts: &mut Parts) {
    let (graph, policies, certificate) = (seen.graph.clone(), seen.policies.clone(), seen.certificate.clone());
    let authority = seen.authority.as_ref().map(|authority| authority.view.clone());
    let says = move || {
        let facts = graph.facts();
        let unknown = facts
            .kinds
            .iter()
            .filter(|kind| facts.knowledge(*kind) == Knowledge::Unavailable);
        Announcement {
            policies: policies.load().fingerprint().to_owned(),
            certificate: certificate.fingerprint(),
            signing: authority.as_ref().map(|view| view.signing()),
            unknown_kinds: unknown.map(|kind| kind.as_str()).collect(),
        }
    };
    let (client, namespace, identity) = (client.clone(), namespace.to_owned(), identity.to_owned());
    let shutdown = parts.shutdown.clone();
    parts.start("replica", End::Awaited, async move {
        replica::announce(client, &namespace, &identity, says, shutdown.requested()).await;
    });
}

/// The counts of findings, from the leader alone: the sum over all replicas is then the number of findings.
fn tell_findings(store: &Arc<Store>, leader: &Leader, most: usize, parts: &Parts) {
    let (store, leadership) = (store.clone(), leader.leadership());
    parts.metrics.audit.open_findings.observe(move || {
        if !leadership.holds() || store.judged_all().is_none() {
            return Vec::new();
        }
        #[expect(clippy::cast_precision_loss, reason = "no cluster has 2^52 findings")]
        let row = |(rule, counted, namespace, count): (&'static str, Counted, Name, u64)| {
            let labels = [rule.into(), counted.as_str().into(), namespace.to_string().into()];
            (labels, count as f64)
        };
        store.tally().bounded(most).into_iter().map(row).collect()
    });
}

/// How many policies are in force here, and, from the leader, on all replicas that live.
fn tell_policies(policies: Arc<ArcSwap<Policies>>, replicas: Option<(Replicas, Leadership)>, parts: &Parts) {
    parts.metrics.policies.observe_each(move || {
        let policies = policies.load();
        #[expect(clippy::cast_precision_loss, reason = "nobody has 2^52 policies")]
        let count = policies.names().count() as f64;
        let mut counts = vec![("in_force", count)];
        if let Some((replicas, leadership)) = &replicas
            && leadership.holds()
        {
            let everywhere = replicas.all_serve(policies.fingerprint());
            counts.push(("everywhere", if everywhere { count } else { 0.0 }));
        }
        counts
    });
}

/// How many exceptions there are, by what the date makes of them.
fn tell_exceptions(policies: Arc<ArcSwap<Policies>>, parts: &Parts) {
    parts.metrics.exceptions.observe_each(move || {
        let (policies, now) = (policies.load(), clock::now());
        let (mut active, mut expiring, mut expired) = (0.0, 0.0, 0.0);
        for exception in policies.all_exceptions() {
            match exception.expires {
                end if end <= now => expired += 1.0,
                end if end.is_soon(now) => expiring += 1.0,
                _ => active += 1.0,
            }
        }
        vec![("active", active), ("expiring", expiring), ("expired", expired)]
    });
}

/// A thread of its own: judging takes no turn of those that answer requests.
pub(super) async fn on_a_thread(auditor: Auditor) {
    let (running, ended) = oneshot::channel::<()>();
    let audit = move || {
        let _running = running;
        auditor.run();
    };
    if thread::Builder::new().name("audit".to_owned()).spawn(audit).is_ok() {
        // It ends only by a bug, which whoever waits for this part tells.
        let _ = ended.await;
    }
}

/// A name that no other process has, not even the one that ran before in the same pod.
fn identity(name: &str) -> String {
    // The keys of a new hasher are random; no other source is needed for this.
    let random = RandomState::new().hash_one(());
    format!("{name}_{:08x}", random >> 32)
}
