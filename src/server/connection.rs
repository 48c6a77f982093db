//! One connection from the handshake to its end.

use std::fmt::Display;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, Version};
use hyper::body::{Body, Incoming};
use hyper::rt::{Read, Write};
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use rustls::ServerConfig;
use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tracing::debug;

use super::in_place::InPlace;
use super::limits::Limits;
use super::tls::H2;

/// The ping interval and patience that find out a vanished HTTP/2 peer.
const H2_KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Streams at once on one HTTP/2 connection: the API server sends everything over its one connection.
const H2_STREAMS: u32 = 256;

/// Bytes that are asked of the kernel at once: a TLS record is up to 16 KiB and its frame, and rustls alone would take
/// it in pieces of 4 KiB with a system call each.
const RECORD: usize = 17 * 1024;

/// What every connection of a server shares.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) limits: Limits,
    pub(super) tls: Option<Arc<ServerConfig>>,
    /// HTTP/1.1 answers carry `Connection: close` from now on. Beside `Phase`, because every answer reads it.
    pub(super) closing: AtomicBool,
}

/// What the server wants of its connections.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Phase {
    /// Stay.
    Open,
    /// Close as soon as no request can be lost.
    Closing,
    /// Close now.
    Abort,
}

/// Serves a connection until either side closes it; drops `phase` only then.
pub(super) async fn serve<S, B>(stream: TcpStream, service: S, shared: Arc<Shared>, phase: watch::Receiver<Phase>)
where
    S: Service<Request<Incoming>, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    // Answers are one small write each; waiting to fill a packet would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "TCP_NODELAY cannot be set");
    }
    let Some(tls) = &shared.tls else {
        return serve_http1(TokioIo::new(stream), service, &shared, phase).await;
    };
    let handshake = TlsAcceptor::from(Arc::clone(tls)).accept(BufReader::with_capacity(RECORD, stream));
    let stream = match timeout(shared.limits.handshake_timeout, handshake).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return debug!(%error, "TLS handshake failed"),
        Err(_) => return debug!("TLS handshake took too long"),
    };
    let h2 = stream.get_ref().1.alpn_protocol() == Some(H2);
    let io = TokioIo::new(stream);
    if h2 {
        serve_http2(io, service, &shared, phase).await;
    } else {
        serve_http1(io, service, &shared, phase).await;
    }
}

async fn serve_http1<I, S, B>(io: I, service: S, shared: &Arc<Shared>, phase: watch::Receiver<Phase>)
where
    I: Read + Write + Unpin + 'static,
    S: Service<Request<Incoming>, Response = Response<B>>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let activity = Activity::default();
    let service = service_fn(|request: Request<Incoming>| {
        activity.record();
        let keep_alive = request.version() == Version::HTTP_11;
        let answer = service.call(request);
        let activity = &activity;
        async move {
            let mut answer = answer.await?;
            activity.record();
            if keep_alive && shared.closing.load(Ordering::Relaxed) {
                let close = HeaderValue::from_static("close");
                answer.headers_mut().insert(CONNECTION, close);
            }
            Ok::<_, S::Error>(answer)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // `drive` bounds slow heads and idle connections alike, without a timer set and dropped for every request.
        .header_read_timeout(None)
        .serve_connection(io, service);
    drive(connection, OnClosing::WhenIdle, &activity, shared, phase).await;
}

async fn serve_http2<I, S, B>(io: I, service: S, shared: &Arc<Shared>, phase: watch::Receiver<Phase>)
where
    I: Read + Write + Unpin + 'static,
    S: Service<Request<Incoming>, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let activity = Activity::default();
    let service = service_fn(|request: Request<Incoming>| {
        activity.record();
        service.call(request)
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(H2_KEEP_ALIVE)
        .keep_alive_timeout(H2_KEEP_ALIVE)
        .max_concurrent_streams(H2_STREAMS)
        .serve_connection(io, service);
    drive(connection, OnClosing::AtOnce, &activity, shared, phase).await;
}

/// When a closing server may tell a connection to end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum OnClosing {
    /// HTTP/2: GOAWAY names the last stream that is answered, so nothing can be lost.
    AtOnce,
    /// HTTP/1.1: a request may be on its way to a connection that we close, so only `Connection: close` on an answer
    /// is safe, and a connection that stays silent is closed after a while.
    WhenIdle,
}

/// Polls a connection, watches that it does something, and winds it down when the server closes.
async fn drive<C>(
    connection: C,
    on_closing: OnClosing,
    activity: &Activity,
    shared: &Shared,
    mut phase: watch::Receiver<Phase>,
) where
    C: GracefulConnection,
    C::Error: Display,
{
    let limits = &shared.limits;
    let in_place = InPlace::new();
    let mut connection = pin!(connection);
    let (mut period, mut patience) = (limits.idle_timeout, limits.handshake_timeout);
    let mut timer = pin!(sleep(period));
    let mut winding_down = false;
    let mut seen = 0;
    loop {
        let may_end = tokio::select! {
            biased;
            result = poll_fn(|context| in_place.poll(connection.as_mut(), context)) => {
                if let Err(error) = result {
                    debug!(%error, "Connection ended badly");
                }
                return;
            }
            // Told at once where the server began to close during the handshake.
            changed = phase.changed() => {
                let gone = changed.is_err();
                if gone || *phase.borrow() == Phase::Abort {
                    return;
                }
                (period, patience) = (limits.drain_idle, limits.drain_timeout);
                seen = activity.total();
                on_closing == OnClosing::AtOnce
            }
            () = timer.as_mut() => {
                if winding_down {
                    return;
                }
                let silent = activity.total() == seen;
                seen = activity.total();
                silent
            }
        };
        if may_end {
            connection.as_mut().graceful_shutdown();
            winding_down = true;
        }
        let wait = if may_end { patience } else { period };
        timer.as_mut().reset(Instant::now() + wait);
    }
}

/// Counts what happens on a connection, so that silence shows.
#[derive(Debug, Default)]
struct Activity {
    events: AtomicU64,
}

impl Activity {
    /// A request began or was answered.
    fn record(&self) {
        self.events.fetch_add(1, Ordering::Relaxed);
    }

    fn total(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }
}
