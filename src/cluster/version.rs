//! The version of the API server, which some rules turn on.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::time::{sleep, timeout};
use tracing::{debug, info};

use super::changes::Changes;
use super::watch::Pace;
use crate::graph::{Graph, Version};

/// An API server that takes longer has lost the request.
const ANSWER: Duration = Duration::from_secs(10);
/// An upgrade takes longer than this for all servers of a control plane.
const AGAIN: Duration = Duration::from_mins(10);

/// Asks for the version; `None` where it is not told.
pub(super) async fn ask(client: &Client) -> Option<Version> {
    match timeout(ANSWER, client.apiserver_version()).await {
        Ok(Ok(info)) => Version::of_parts(&info.major, &info.minor),
        Ok(Err(error)) => {
            debug!(%error, "The API server does not tell its version");
            None
        }
        Err(_) => None,
    }
}

/// Keeps the version of a graph up to date, until it is dropped. Connections are many, and none is made anew for all:
/// so it is asked for now and then, and an answer that does not come leaves what was known.
pub(super) async fn follow(client: Client, graph: Arc<Graph>, changes: Arc<Changes>, pace: Pace) {
    loop {
        let Some(version) = ask(&client).await else {
            sleep(if graph.facts().version.is_some() {
                AGAIN
            } else {
                pace.refused
            })
            .await;
            continue;
        };
        let touched = graph.set_version(version);
        if !touched.is_empty() {
            info!(%version, "The version of the API server");
            changes.add(touched);
        }
        sleep(AGAIN).await;
    }
}
