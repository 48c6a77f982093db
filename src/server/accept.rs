//! The accept loop: bounded connections, patience with errors, and the drain.

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Body;
use hyper::service::Service;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use tokio::task::yield_now;
use tokio::time::sleep;
use tracing::{error, info, warn};

use super::body::Received;
use super::connection::{self, Connection, Greeted, Phase, greet};
use super::door::Door;
use super::guest::{FirstWord, Guest};
use super::limits::Limits;
use super::lobby::Stay;
use super::shutdown::{Interrupted, Shutdown};
use super::table::Table;
use super::tls::Tls;
use super::turns::Turn;
use crate::metrics::Traffic;

/// A listening socket with the settings to serve it.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    tls: Option<Tls>,
    table: Arc<Table>,
    door: Door,
}

impl Server {
    /// Serves HTTP/1.1 and HTTP/2 over TLS, as the client chooses by ALPN.
    ///
    /// # Errors
    /// The system has no thread or no files to spare.
    pub fn tls(listener: TcpListener, tls: Arc<ServerConfig>, limits: Limits, traffic: Traffic) -> io::Result<Self> {
        Self::new(listener, Some(Tls::new(tls)), limits, traffic)
    }

    /// Serves HTTP/1.1 in plain text.
    ///
    /// # Errors
    /// The system has no thread or no files to spare.
    pub fn plain(listener: TcpListener, limits: Limits, traffic: Traffic) -> io::Result<Self> {
        Self::new(listener, None, limits, traffic)
    }

    fn new(listener: TcpListener, tls: Option<Tls>, limits: Limits, traffic: Traffic) -> io::Result<Self> {
        let door = Door::open()?;
        let listener = listener.into_std()?;
        let listener = {
            let _at_the_door = door.runtime.enter();
            TcpListener::from_std(listener)?
        };
        Ok(Self {
            listener,
            tls,
            table: Table::new(limits, traffic),
            door,
        })
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
        let Self {
            listener,
            tls,
            table,
            door,
        } = self;
        let (phase, _) = watch::channel(Phase::Open);
        let home = Handle::current();
        let serve = move |greeted, connection| {
            home.spawn(connection::serve(greeted, service.clone(), connection));
        };
        let reception = Reception {
            word: tls.as_ref().map_or(FirstWord::Head, |_| FirstWord::Record),
            tls,
            table: Arc::clone(&table),
            phase: phase.clone(),
            serve,
        };
        let (open, closes) = oneshot::channel();
        let mut accepting = door.runtime.spawn(accept(listener, closes, Arc::new(reception)));
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
            let ended = tokio::select! {
                () = delay => None,
                ended = &mut accepting => Some(ended),
            };
            table.close();
            drop(open);
            let ended = match ended {
                Some(ended) => ended,
                None => (&mut accepting).await,
            };
            if let Err(error) = ended {
                error!(%error, "Connections are no longer accepted");
            }
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
}

/// Accepts connections until the server closes, those included that clients have made by then.
async fn accept<F: Serve>(listener: TcpListener, closes: oneshot::Receiver<Infallible>, reception: Arc<Reception<F>>) {
    tokio::select! {
        () = accept_each(&listener, &reception) => {}
        // Nothing is ever sent.
        _ = closes => {}
    }
    let Ok(listener) = listener.into_std() else {
        return;
    };
    while let Ok((stream, peer)) = listener.accept() {
        if stream.set_nonblocking(true).is_ok()
            && let Ok(stream) = TcpStream::from_std(stream)
        {
            reception.receive(stream, peer);
        }
    }
}

/// Accepts for ever.
async fn accept_each<F: Serve>(listener: &TcpListener, reception: &Arc<Reception<F>>) {
    let table = &reception.table;
    let mut failing = false;
    loop {
        table.room().await;
        match listener.accept().await {
            Ok((stream, peer)) => {
                failing = false;
                reception.receive(stream, peer);
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
                if table.spare_one() {
                    yield_now().await;
                } else {
                    sleep(pause).await;
                }
            }
        }
    }
}

/// Serves a connection, elsewhere.
trait Serve: Fn(Greeted, Connection) + Send + Sync + 'static {}

impl<F: Fn(Greeted, Connection) + Send + Sync + 'static> Serve for F {}

/// What a connection needs to get from its acceptance to where it is served.
struct Reception<F> {
    word: FirstWord,
    tls: Option<Tls>,
    table: Arc<Table>,
    phase: watch::Sender<Phase>,
    serve: F,
}

impl<F: Serve> Reception<F> {
    /// Starts the task of a connection; it ends where the connection is served, or ends before.
    fn receive(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        self.table.receive(|stay| {
            let (reception, phase) = (Arc::clone(self), self.phase.subscribe());
            let guest = async move {
                let Some((stream, turn, connection)) = reception.until_it_speaks(stream, peer, stay, phase).await
                else {
                    return;
                };
                // Apart, so that a guest that is silent has no room for it.
                let greeted = Box::pin(greet(stream, reception.tls.clone(), turn, &connection));
                if let Some(greeted) = greeted.await {
                    (reception.serve)(greeted, connection);
                }
            };
            tokio::spawn(guest).abort_handle()
        });
    }

    /// Waits in the lobby until the peer has said its first word and there is a place for it; `None` where it ends
    /// before, or the server does.
    async fn until_it_speaks(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        stay: Stay,
        phase: watch::Receiver<Phase>,
    ) -> Option<(TcpStream, Turn, Connection)> {
        let mut guest = Guest::new(stream);
        // Another one, so that a server that begins to close meanwhile is news to the connection.
        let mut ends = phase.clone();
        let seated = async {
            if !guest.speaks(self.word).await.unwrap_or(false) {
                return None;
            }
            stay.spoke();
            Some(self.table.seat(peer.ip()).await)
        };
        let (seat, turn) = tokio::select! {
            biased;
            seated = seated => seated?,
            _ = ends.wait_for(|phase| *phase == Phase::Abort) => return None,
        };
        drop(stay);
        let table = Arc::clone(&self.table);
        Some((guest.into_stream()?, turn, Connection { seat, table, phase }))
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
