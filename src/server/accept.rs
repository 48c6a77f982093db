//! The accept loop: bounded connections, patience with errors, and the drain.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Body;
use hyper::service::Service;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::sleep;
use tracing::{error, info, warn};

use super::body::Received;
use super::connection::{self, Connection, Phase};
use super::guest::{FirstWord, Guest};
use super::limits::Limits;
use super::lobby::Stay;
use super::shutdown::{Interrupted, Shutdown};
use super::table::Table;
use super::tls::Tls;
use crate::metrics::Traffic;

/// A listening socket with the settings to serve it.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    tls: Option<Tls>,
    table: Arc<Table>,
}

impl Server {
    /// Serves HTTP/1.1 and HTTP/2 over TLS, as the client chooses by ALPN.
    pub fn tls(listener: TcpListener, tls: Arc<ServerConfig>, limits: Limits, traffic: Traffic) -> Self {
        Self::new(listener, Some(Tls::new(tls)), limits, traffic)
    }

    /// Serves HTTP/1.1 in plain text.
    pub fn plain(listener: TcpListener, limits: Limits, traffic: Traffic) -> Self {
        Self::new(listener, None, limits, traffic)
    }

    fn new(listener: TcpListener, tls: Option<Tls>, limits: Limits, traffic: Traffic) -> Self {
        Self {
            listener,
            tls,
            table: Table::new(limits, traffic),
        }
    }

    /// Returns what tells the bytes of request bodies that are held at present.
    pub fn body_bytes(&self) -> impl Fn() -> u64 + Send + Sync + 'static {
        let table = Arc::clone(&self.table);
        move || table.budget.held() as u64
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
        S: Service<Request<Received>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
        S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (phase, _) = watch::channel(Phase::Open);
        let table = Arc::clone(&self.table);
        let word = self.tls.as_ref().map_or(FirstWord::Head, |_| FirstWord::Record);
        let host = Arc::new((service, self.tls.clone()));
        let receive = |stream: TcpStream, peer: SocketAddr| {
            table.receive(|stay| {
                let (host, table, phase) = (Arc::clone(&host), Arc::clone(&table), phase.subscribe());
                let guest = async move {
                    let Some((stream, connection)) = until_it_speaks((stream, word), peer, stay, table, phase).await
                    else {
                        return;
                    };
                    let (service, tls) = &*host;
                    let served = connection::serve(stream, service.clone(), tls.clone(), connection);
                    // Apart, so that a guest that is silent has no room for it.
                    Box::pin(served).await;
                };
                tokio::spawn(guest).abort_handle()
            });
        };
        let run = async {
            let delay = async {
                shutdown.requested().await;
                // Whoever stopped it by hand waits before a terminal, and nobody else for an answer.
                if shutdown.is_by_hand() && phase.receiver_count() == 0 {
                    return;
                }
                let delay = table.limits.shutdown_delay;
                info!(?delay, "Stopping: still answering for the delay");
                sleep(delay).await;
            };
            tokio::select! {
                () = delay => {}
                () = self.accept_each(&receive) => {}
            }
            table.close();
            self.take_backlog(&receive);
            phase.send_replace(Phase::Closing);
            info!(connections = phase.receiver_count(), "Draining");
            tokio::select! {
                () = phase.closed() => info!("Drained"),
                () = sleep(table.limits.drain_timeout) => {
                    warn!(connections = phase.receiver_count(), "Not drained in time, cutting what is left");
                }
            }
        };
        let result = tokio::select! {
            biased;
            () = shutdown.forced() => Err(Interrupted),
            () = run => Ok(()),
            () = table.attend() => Ok(()),
        };
        phase.send_replace(Phase::Abort);
        result
    }

    /// Accepts for ever.
    async fn accept_each(&self, receive: &impl Fn(TcpStream, SocketAddr)) {
        let mut failing = false;
        loop {
            self.table.room().await;
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    failing = false;
                    receive(stream, peer);
                }
                Err(error) => {
                    let Some(pause) = pause_after(&error) else {
                        continue;
                    };
                    if !failing {
                        error!(%error, "Cannot accept connections");
                        failing = true;
                    }
                    // What it lacks are files mostly, and a connection that ends leaves one.
                    if self.table.spare_one() {
                        yield_now().await;
                    } else {
                        sleep(pause).await;
                    }
                }
            }
        }
    }

    /// Takes the connections that clients made before the listener closes, and closes it.
    fn take_backlog(self, receive: &impl Fn(TcpStream, SocketAddr)) {
        let Ok(listener) = self.listener.into_std() else {
            return;
        };
        while let Ok((stream, peer)) = listener.accept() {
            if stream.set_nonblocking(true).is_ok()
                && let Ok(stream) = TcpStream::from_std(stream)
            {
                receive(stream, peer);
            }
        }
    }
}

/// Waits in the lobby until the peer has said its first word and there is a place for it; `None` where it ends before,
/// or the server does.
async fn until_it_speaks(
    (stream, word): (TcpStream, FirstWord),
    peer: SocketAddr,
    stay: Stay,
    table: Arc<Table>,
    phase: watch::Receiver<Phase>,
) -> Option<(TcpStream, Connection)> {
    let mut guest = Guest::new(stream);
    // Another one, so that a server that begins to close meanwhile is news to the connection.
    let mut ends = phase.clone();
    let seated = async {
        if !guest.speaks(word).await.unwrap_or(false) {
            return None;
        }
        stay.spoke();
        Some(table.seat(peer.ip()).await)
    };
    let seat = tokio::select! {
        biased;
        seat = seated => seat?,
        _ = ends.wait_for(|phase| *phase == Phase::Abort) => return None,
    };
    drop(stay);
    let stream = guest.into_stream()?;
    Some((stream, Connection { seat, table, phase }))
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
