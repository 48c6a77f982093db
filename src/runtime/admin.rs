//! The admin port.

use std::sync::Arc;

use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

use super::error::StartError;
use super::parts::{End, Parts};
use crate::admission::Decisions;
use crate::metrics::Port;
use crate::server::accept::Server;
use crate::server::admin::router;
use crate::server::limits::Limits;
use crate::server::shutdown::Shutdown;

/// Serves the admin port to the very end, since readiness must tell of the drain. This process may have so many files
/// open.
pub(super) fn start(
    listener: TcpListener,
    decisions: Arc<Decisions>,
    files: usize,
    parts: &mut Parts,
) -> Result<(), StartError> {
    let limits = Limits::admin().within(files);
    let server = Server::plain(listener, limits, parts.metrics.traffic(Port::Admin)).map_err(StartError::Door)?;
    let router = router(parts.readiness.clone(), parts.metrics.clone()).merge(decisions.router());
    let service = TowerToHyperService::new(router);
    parts.start("admin", End::Cut, async move {
        // Nobody asks this one to stop.
        let _ = server.serve(service, &Shutdown::new()).await;
    });
    Ok(())
}
