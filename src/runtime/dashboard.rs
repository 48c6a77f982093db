//! The dashboard: its port, and who judges for it where nobody else does.

use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::error::StartError;
use super::objects::Cluster;
use super::own::on_a_thread;
use super::parts::{End, Parts};
use crate::admission::Decisions;
use crate::cluster::access::Tokens;
use crate::cluster::changes::Changes;
use crate::dashboard::{Dashboard, Guard, History, Pulse, router};
use crate::findings::{Auditor, Store};
use crate::graph::Graph;
use crate::metrics::Port;
use crate::policy::Policies;
use crate::server::accept::Server;
use crate::server::limits::Limits;

/// What is shown, and to whom.
pub(super) struct Shown {
    pub(super) graph: Arc<Graph>,
    pub(super) policies: Arc<ArcSwap<Policies>>,
    /// Where the policies are from.
    pub(super) from: Vec<String>,
    pub(super) store: Arc<Store>,
    pub(super) history: History,
    /// Told of whenever objects change.
    pub(super) changes: watch::Receiver<()>,
    pub(super) decisions: Option<Arc<Decisions>>,
    pub(super) notes: Vec<String>,
    pub(super) guard: Guard,
    /// Where it is reached from elsewhere.
    pub(super) tls: Option<Arc<ServerConfig>>,
}

/// A dashboard that is ready to be served.
#[derive(Debug)]
pub(super) struct Serving {
    pub(super) server: Server,
    pub(super) service: TowerToHyperService<axum::Router>,
}

/// Sets the dashboard up, and keeps its pages up to date.
pub(super) fn prepare(listener: TcpListener, shown: Shown, parts: &mut Parts) -> Result<Serving, StartError> {
    let pulse = Pulse::default();
    let (beating, history, store) = (pulse.clone(), shown.history.clone(), shown.store.clone());
    let mut news = vec![shown.changes];
    news.extend(shown.decisions.as_ref().map(|decisions| decisions.news()));
    parts.start("pulse", End::Cut, async move {
        beating.run(news, history, store).await;
    });
    let dashboard = Dashboard {
        graph: shown.graph,
        policies: shown.policies,
        from: shown.from,
        store: shown.store,
        decisions: shown.decisions,
        history: shown.history,
        readiness: parts.readiness.clone(),
        shutdown: parts.shutdown.clone(),
        pulse,
        notes: shown.notes,
    };
    let traffic = parts.metrics.traffic(Port::Dashboard);
    let server = match shown.tls {
        Some(tls) => Server::tls(listener, tls, Limits::dashboard(), traffic),
        None => Server::plain(listener, Limits::dashboard(), traffic),
    };
    let server = server.map_err(StartError::Door)?;
    let service = TowerToHyperService::new(router(Arc::new(dashboard), Arc::new(shown.guard)));
    Ok(Serving { server, service })
}

/// Serves it beside the webhook, until the process shall stop.
pub(super) fn start(listener: TcpListener, shown: Shown, parts: &mut Parts) -> Result<(), StartError> {
    let Serving { server, service } = prepare(listener, shown, parts)?;
    let shutdown = parts.shutdown.clone();
    parts.start("dashboard", End::Cut, async move {
        // Forced, the process is at its end.
        let _ = server.serve(service, &shutdown).await;
    });
    Ok(())
}

/// Who is let in at an address: on loopback whoever reaches it, elsewhere who may list policies.
pub(super) fn guard(address: SocketAddr, cluster: Option<&Cluster>) -> Result<Guard, StartError> {
    if address.ip().is_loopback() {
        return Ok(Guard::Loopback);
    }
    let cluster = cluster.ok_or(StartError::NoClusterForTokens)?;
    Ok(Guard::Tokens(Tokens::new(cluster.client.clone())))
}

/// Judges what is in a graph, now and from now on; of a cluster once it was read. A finding is shown at once, also where
/// it rests on something that may come in a moment.
pub(super) fn judge(
    graph: &Arc<Graph>,
    policies: &Arc<ArcSwap<Policies>>,
    cluster: Option<&Cluster>,
    history: &History,
    parts: &mut Parts,
) -> (Arc<Store>, Arc<Changes>) {
    let store = Arc::new(Store::at_once(vec![Box::new(history.clone())]));
    let changes = cluster.map_or_else(Arc::default, |cluster| cluster.changes.clone());
    let auditor = Auditor {
        graph: graph.clone(),
        policies: policies.clone(),
        changes: changes.clone(),
        store: store.clone(),
        metrics: parts.metrics.clone(),
    };
    let synced = cluster.map(|cluster| cluster.synced.clone());
    parts.start("audit", End::Cut, async move {
        if let Some(synced) = synced {
            synced.await;
        }
        on_a_thread(auditor).await;
    });
    (store, changes)
}
