//! The accept loop: bounded connections, patience with errors, and the drain.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::service::Service;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::sleep;
use tracing::{error, info, warn};

use super::connection::{self, Phase, Shared};
use super::limits::Limits;
use super::shutdown::{Interrupted, Shutdown};

/// A listening socket with the settings to serve it.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    permits: Arc<Semaphore>,
    shared: Arc<Shared>,
}

impl Server {
    /// Serves HTTP/1.1 and HTTP/2 over TLS, as the client chooses by ALPN.
    pub fn tls(listener: TcpListener, tls: Arc<ServerConfig>, limits: Limits) -> Self {
        Self::new(listener, Some(tls), limits)
    }

    /// Serves HTTP/1.1 in plain text.
    pub fn plain(listener: TcpListener, limits: Limits) -> Self {
        Self::new(listener, None, limits)
    }

    fn new(listener: TcpListener, tls: Option<Arc<ServerConfig>>, limits: Limits) -> Self {
        Self {
            listener,
            permits: Arc::new(Semaphore::new(limits.connections)),
            shared: Arc::new(Shared {
                limits,
                tls,
                closing: AtomicBool::new(false),
            }),
        }
    }

    /// Returns the address that is listened on.
    ///
    /// # Errors
    /// When the system does not tell it.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `shutdown` is requested and every connection has drained.
    ///
    /// An `axum::Router` is wrapped in `hyper_util::service::TowerToHyperService`.
    /// Dropping the future closes every connection at once.
    ///
    /// # Errors
    /// [`Interrupted`] when `shutdown` was forced; what was open is then cut.
    pub async fn serve<S, B>(self, service: S, shutdown: &Shutdown) -> Result<(), Interrupted>
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
        S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (phase, _) = watch::channel(Phase::Open);
        let shared = Arc::clone(&self.shared);
        let spawn = |(stream, permit): (TcpStream, OwnedSemaphorePermit)| {
            let service = service.clone();
            let shared = Arc::clone(&shared);
            let phase = phase.subscribe();
            tokio::spawn(async move {
                connection::serve(stream, service, shared, phase).await;
                drop(permit);
            });
        };
        let run = async {
            let delay = async {
                shutdown.requested().await;
                let delay = shared.limits.shutdown_delay;
                info!(?delay, "Stopping: still answering for the delay");
                sleep(delay).await;
            };
            tokio::select! {
                () = delay => {}
                () = self.accept_each(&spawn) => {}
            }
            shared.closing.store(true, Ordering::Relaxed);
            self.take_backlog(&spawn);
            phase.send_replace(Phase::Closing);
            info!(connections = phase.receiver_count(), "Draining");
            tokio::select! {
                () = phase.closed() => info!("Drained"),
                () = sleep(shared.limits.drain_timeout) => {
                    warn!(connections = phase.receiver_count(), "Not drained in time, cutting what is left");
                }
            }
        };
        let result = tokio::select! {
            biased;
            () = shutdown.forced() => Err(Interrupted),
            () = run => Ok(()),
        };
        phase.send_replace(Phase::Abort);
        result
    }

    /// Accepts for ever. A permit comes first, so that a full server leaves newcomers in the backlog.
    async fn accept_each(&self, spawn: &impl Fn((TcpStream, OwnedSemaphorePermit))) {
        let mut failing = false;
        while let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    failing = false;
                    spawn((stream, permit));
                }
                Err(error) => {
                    let Some(pause) = pause_after(&error) else {
                        continue;
                    };
                    if !failing {
                        error!(%error, "Cannot accept connections");
                        failing = true;
                    }
                    sleep(pause).await;
                }
            }
        }
    }

    /// Takes the connections that clients made before the listener closes, and closes it.
    fn take_backlog(self, spawn: &impl Fn((TcpStream, OwnedSemaphorePermit))) {
        let Ok(listener) = self.listener.into_std() else {
            return;
        };
        while let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            let Ok((stream, _)) = listener.accept() else {
                return;
            };
            if stream.set_nonblocking(true).is_ok()
                && let Ok(stream) = TcpStream::from_std(stream)
            {
                spawn((stream, permit));
            }
        }
    }
}

/// Tells how long to wait after a failed accept: nothing where only that one connection failed,
/// a second where the process lacks something (files, memory) and the next attempt would fail at once.
fn pause_after(error: &io::Error) -> Option<Duration> {
    match error.kind() {
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted => None,
        _ => Some(Duration::from_secs(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_lack_of_something_pauses_accepting() {
        const EMFILE: i32 = 24;
        const ECONNABORTED: i32 = 103;
        let pause = |code| pause_after(&io::Error::from_raw_os_error(code));
        assert!(pause(EMFILE).is_some());
        assert_eq!(pause(ECONNABORTED), None);
    }
}
