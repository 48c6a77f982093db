//! The process of `stateward dashboard`: what it follows, and its pages, for whoever sits before this machine.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::dashboard::{self, Serving, Shown};
use super::error::{RunError, StartError};
use super::listen;
use super::objects::{self, ObjectSource, Objects};
use super::parts::Parts;
use super::policies::{self, PolicySource};
use crate::cluster::{installed, policies as held};
use crate::dashboard::{Guard, History};
use crate::graph::{Graph, Kinds};
use crate::metrics::Metrics;
use crate::policy::Policies;
use crate::policy::resource::POLICIES;
use crate::rules::RULES;
use crate::server::shutdown::Shutdown;

/// What `stateward dashboard` looks at.
#[derive(Debug)]
pub enum Looked {
    /// A cluster, followed by the policies that are named, else by its own, else by the embedded baseline.
    Cluster {
        kubeconfig: Option<PathBuf>,
        context: Option<String>,
        kinds: &'static Kinds,
        policies: Vec<PolicySource>,
    },
    /// What was read of files, and stays as it is.
    Files {
        graph: Arc<Graph>,
        policies: Policies,
        /// Where the policies are from.
        from: Vec<String>,
        notes: Vec<String>,
    },
}

/// A process that has started: everything runs but the accept loop.
#[derive(Debug)]
pub struct Local {
    parts: Parts,
    serving: Serving,
    address: SocketAddr,
}

impl Local {
    /// Starts it on a port of this machine, 0 for a free one.
    ///
    /// # Errors
    /// A port in use, a cluster that cannot be used, or policies that are not valid.
    pub async fn start(looked: Looked, port: u16) -> Result<Self, StartError> {
        let shutdown = Shutdown::on_signals().map_err(StartError::Signals)?;
        let mut parts = Parts::new(Arc::new(Metrics::new(RULES)), shutdown);
        let listener = listen("--port", SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        let address = listener.local_addr().map_err(StartError::Address)?;
        let history = History::default();
        let (graph, policies, cluster, from, notes) = match looked {
            Looked::Files {
                graph,
                policies,
                from,
                notes,
            } => (graph, Arc::new(ArcSwap::from_pointee(policies)), None, from, notes),
            Looked::Cluster {
                kubeconfig,
                context,
                kinds,
                policies,
            } => {
                let source = ObjectSource::Cluster {
                    kubeconfig,
                    context,
                    kinds,
                };
                let mut objects = objects::start(source, &mut parts).await?;
                let (policies, from) = in_force(policies, &mut objects, &mut parts).await?;
                (objects.graph, policies, objects.cluster, from, Vec::new())
            }
        };
        let (store, changes) = dashboard::judge(&graph, &policies, cluster.as_ref(), &history, &mut parts);
        let shown = Shown {
            graph,
            policies,
            from,
            store,
            history,
            changes: changes.news(),
            decisions: None,
            notes,
            guard: Guard::Loopback,
            tls: None,
        };
        let serving = dashboard::prepare(listener, shown, &mut parts)?;
        Ok(Self {
            parts,
            serving,
            address,
        })
    }

    /// Where the pages are.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until a signal.
    ///
    /// # Errors
    /// A second signal came before the last answer was given.
    pub async fn run(self) -> Result<(), RunError> {
        let Serving { server, service } = self.serving;
        server.serve(service, &self.parts.shutdown).await?;
        Ok(self.parts.finished().await?)
    }
}

/// The policies, and where they are from.
async fn in_force(
    named: Vec<PolicySource>,
    objects: &mut Objects,
    parts: &mut Parts,
) -> Result<(Arc<ArcSwap<Policies>>, Vec<String>), StartError> {
    let client = objects.cluster.as_ref().map(|cluster| cluster.client.clone());
    let client = client.ok_or(StartError::NoCluster)?;
    if named.is_empty() && held::list(&POLICIES, &client).await?.is_some() {
        let default = installed::default_policy(&client).await;
        let awaited = policies::cluster::prepare(default.as_deref().and_then(policies::default_policy), parts);
        let policies = awaited.policies();
        awaited.start(objects, parts)?;
        return Ok((policies, vec!["cluster".to_owned()]));
    }
    let from = policies::places(&named);
    Ok((policies::reload::start(named, parts).await?, from))
}
