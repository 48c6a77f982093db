//! The process that serves: its parts, the order in which they start, when it is ready, and how it ends.
//!
//! A part is a module whose `start` does its share of the IO once, adds a gate to readiness where it has to learn
//! something first, leaves with [`Parts`] what goes on beside the requests, and returns what others build upon.
//! One more part is one more line in [`Runtime::start`].

mod admin;
mod certificate;
mod clients;
mod config;
mod dashboard;
mod error;
mod example;
mod kinds;
mod local;
mod objects;
mod own;
mod parts;
pub mod policies;
mod registration;
mod reservations;
mod traces;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket};
use tracing::info;

use crate::admission::{Decisions, Webhook, router};
use crate::dashboard::{Guard, History};
use crate::metrics::{Metrics, Port};
use crate::rules::RULES;
use crate::server::accept::Server;
use crate::server::files;
use crate::server::limits::Limits;
use crate::server::shutdown::Shutdown;
use crate::server::tls::{server_config, server_config_for};
pub use certificate::{CertificateSource, FilesSigner};
pub use config::Config;
pub use error::{RunError, StartError};
pub use local::{Local, Looked};
pub use objects::ObjectSource;
pub use own::Own;
use parts::Parts;
use policies::PolicyOrigin;
use registration::Registering;

/// A process that has started: everything runs but the accept loop of the webhook.
#[derive(Debug)]
pub struct Runtime {
    parts: Parts,
    registering: Option<Registering>,
    server: Server,
    service: TowerToHyperService<Router>,
    guide: Option<String>,
}

impl Runtime {
    /// Starts the parts. Files come before sockets and sockets before the cluster, so that mistakes in arguments show at
    /// once, and a process that cannot serve has written nothing into a cluster.
    ///
    /// # Errors
    /// Files that cannot be read or are not valid, addresses in use, or a cluster that is configured and cannot be
    /// used.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let shutdown = Shutdown::on_signals().map_err(StartError::Signals)?;
        let mut parts = Parts::new(Arc::new(Metrics::new(RULES)), shutdown);
        let (policies, awaited, from) = match config.policies {
            PolicyOrigin::Files(sources) => {
                let from = policies::places(&sources);
                (policies::reload::start(sources, &mut parts).await?, None, from)
            }
            PolicyOrigin::Cluster { default } => {
                let awaited = policies::cluster::prepare(default, &parts);
                (awaited.policies(), Some(awaited), vec!["cluster".to_owned()])
            }
        };
        let mut certificate = certificate::start(config.certificate, &mut parts)?;
        let tls = match config.client_ca {
            Some(file) => server_config_for(certificate.resolver.clone(), clients::start(file, &mut parts)?),
            None => server_config(certificate.resolver.clone()),
        };
        let tls = tls.map_err(StartError::Tls)?;
        let listener = listen("--listen", config.listen)?;
        let admin_listener = listen("--admin-listen", config.admin_listen)?;
        let dashboard_listener = config
            .dashboard
            .map(|address| listen("--dashboard-bind", address))
            .transpose()?;
        let address = listener.local_addr().map_err(StartError::Address)?;
        let mut objects = objects::start(config.objects, &mut parts).await?;
        let namespace = config.own.as_ref().map(|own| &*own.namespace);
        let authority = certificate.follow(objects.cluster.as_ref(), namespace, &mut parts)?;
        let standings = awaited
            .map(|awaited| awaited.start(&mut objects, &mut parts))
            .transpose()?;
        reservations::start(objects.graph.clone(), &mut parts);
        let registering = match config.register_url {
            Some(url) => Some(registration::prepare(url, &objects, certificate.ca_pem, &parts)?),
            None => None,
        };
        let decisions = Arc::<Decisions>::default();
        let history = History::default();
        // Of its readers none has a certificate of the API server's authority.
        let dashboard_tls = server_config(certificate.resolver.clone()).map_err(StartError::Tls)?;
        let seen = own::Seen {
            cluster: objects.cluster.as_ref(),
            graph: objects.graph.clone(),
            policies: policies.clone(),
            standings,
            certificate: certificate.resolver,
            authority,
            history: config.dashboard.is_some().then(|| history.clone()),
        };
        let own::Begun { refusals, store } = own::start(config.own, seen, &mut parts)?;
        if let Some((listener, address)) = dashboard_listener.zip(config.dashboard) {
            let cluster = objects.cluster.as_ref();
            let (store, changes) = match (store, cluster) {
                (Some(store), Some(cluster)) => (store, cluster.changes.clone()),
                _ => dashboard::judge(&objects.graph, &policies, cluster, &history, &mut parts),
            };
            let guard = dashboard::guard(address, cluster)?;
            let shown = dashboard::Shown {
                graph: objects.graph.clone(),
                policies: policies.clone(),
                from,
                store,
                history,
                changes: changes.news(),
                decisions: Some(decisions.clone()),
                notes: Vec::new(),
                tls: matches!(guard, Guard::Tokens(_)).then_some(dashboard_tls),
                guard,
            };
            dashboard::start(listener, shown, &mut parts)?;
        }
        let client = objects.cluster.as_ref().map(|cluster| cluster.client.clone());
        let traces = traces::start(config.traces, client, &mut parts)?;
        let webhook = Webhook {
            graph: objects.graph,
            policies,
            rules: RULES,
            metrics: parts.metrics.clone(),
            decisions: decisions.clone(),
            live: objects.live,
            refusals,
            traces,
            on_error: config.on_error,
        };
        let files = files::raise_limit();
        let limits = Limits {
            body_budget: config.body_budget,
            shutdown_delay: config.shutdown_delay,
            ..Limits::default()
        };
        let limits = limits.within(files);
        let traffic = parts.metrics.traffic(Port::Webhook);
        let server = Server::tls(listener, tls, limits, traffic).map_err(StartError::Door)?;
        parts.metrics.body_bytes.observe(server.body_bytes());
        admin::start(admin_listener, decisions, files, &mut parts)?;
        info!(%address, admin = %config.admin_listen, "Serving");
        Ok(Self {
            parts,
            registering,
            server,
            service: TowerToHyperService::new(router(Arc::new(webhook))),
            guide: objects.example.then(|| example::guide(address)),
        })
    }

    /// What to paste into another terminal, where the built-in example is served.
    #[must_use]
    pub fn guide(&self) -> Option<&str> {
        self.guide.as_deref()
    }

    /// Answers requests until a signal: then the webhook drains, parts that have something to undo finish, and the
    /// others are cut off.
    ///
    /// # Errors
    /// The cluster refuses the configurations, which ends the process; or a second signal came before all was done.
    pub async fn run(mut self) -> Result<(), RunError> {
        let shutdown = self.parts.shutdown.clone();
        let register = async {
            let registered = match self.registering {
                Some(registering) => registering.finish(&mut self.parts).await,
                None => Ok(()),
            };
            if registered.is_err() {
                shutdown.request();
            }
            registered
        };
        let (served, registered) = tokio::join!(self.server.serve(self.service, &shutdown), register);
        registered?;
        served?;
        Ok(self.parts.finished().await?)
    }
}

/// Connections that wait to be accepted: more than can come at once while all places are taken. The kernel drops what is
/// beyond, and a client tries again only after a second.
const BACKLOG: u32 = 4096;

fn listen(flag: &'static str, address: SocketAddr) -> Result<TcpListener, StartError> {
    let listen = || {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        }?;
        // A process that starts anew takes the address of its predecessor, whose connections linger.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    listen().map_err(|cause| StartError::Listen { flag, address, cause })
}
