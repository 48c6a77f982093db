//! One connection from the handshake to its end.

use std::fmt::Display;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, Version};
use hyper::body::{Body, Incoming};
use hyper::rt::{Read, Write};
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::debug;

use super::body::Received;
use super::in_place::InPlace;
use super::place::{Answering, Place, Seat, Wish};
use super::socket::Socket;
use super::table::Table;
use super::tls::{H2, Tls};
use super::turns::Turn;

/// The ping interval and patience that find out a vanished HTTP/2 peer.
const H2_KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Streams at once on one HTTP/2 connection. Go's client opens another connection where these are taken.
const H2_STREAMS: u32 = 64;

/// Bytes that a client may send before somebody reads them: of one HTTP/2 stream, and of all streams of a connection.
/// Over a millisecond's way they carry 256 MB a second.
const H2_STREAM_WINDOW: u32 = 64 * 1024;
const H2_WINDOW: u32 = 256 * 1024;

/// Bytes of a request's head, and of what is read of a body at once. The API server's heads have some hundred.
const H1_BUFFER: usize = 16 * 1024;
const H2_HEAD: u32 = 8 * 1024;

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

/// A connection as the server knows it; dropped when it ends.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) seat: Seat,
    pub(super) table: Arc<Table>,
    pub(super) phase: watch::Receiver<Phase>,
}

/// A connection whose first request may come.
#[derive(Debug)]
pub(super) enum Greeted {
    Plain(Socket),
    Tls(Box<TlsStream<Socket>>),
}

impl Greeted {
    fn socket(&mut self) -> &mut Socket {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => stream.get_mut().0,
        }
    }
}

/// Agrees upon TLS, where there is any, and keeps the turn for as long as that costs; `None` where the connection ends.
pub(super) async fn greet(stream: TcpStream, tls: Option<Tls>, turn: Turn, connection: &Connection) -> Option<Greeted> {
    let Connection { seat, table, .. } = connection;
    // Answers are one small write each; waiting to fill a packet would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "TCP_NODELAY cannot be set");
    }
    let socket = Socket::Small(stream);
    let greeted = if let Some(tls) = tls {
        let config = if table.admits_http2() { tls.any } else { tls.http1 };
        let handshake = TlsAcceptor::from(config).accept(socket);
        let shaken = tokio::select! {
            biased;
            shaken = in_turn(handshake, turn) => shaken,
            _ = seat.0.wished(Wish::Wind) => {
                debug!("TLS handshake took too long, or others needed its place");
                return None;
            }
        };
        match shaken {
            Ok(stream) => Greeted::Tls(Box::new(stream)),
            Err(error) => {
                debug!(%error, "TLS handshake failed");
                return None;
            }
        }
    } else {
        Greeted::Plain(socket)
    };
    seat.0.greet();
    Some(greeted)
}

/// Serves a connection until either side closes it; drops `connection` only then.
pub(super) async fn serve<S, B>(mut greeted: Greeted, service: S, connection: Connection)
where
    S: Service<Request<Received>, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if let Err(error) = greeted.socket().take_over() {
        return debug!(%error, "Connection cannot be taken over");
    }
    match greeted {
        Greeted::Plain(socket) => serve_http1(TokioIo::new(socket), service, connection).await,
        Greeted::Tls(stream) => {
            let h2 = stream.get_ref().1.alpn_protocol() == Some(H2);
            let io = TokioIo::new(*stream);
            if h2 {
                serve_http2(io, service, connection).await;
            } else {
                serve_http1(io, service, connection).await;
            }
        }
    }
}

/// Keeps a turn until the handshake has been polled once: the client's greeting is there, and to answer it is what costs.
async fn in_turn<H: Future>(handshake: H, turn: Turn) -> H::Output {
    let mut handshake = pin!(handshake);
    let answered = poll_fn(|context| Poll::Ready(handshake.as_mut().poll(context))).await;
    drop(turn);
    match answered {
        Poll::Ready(output) => output,
        Poll::Pending => handshake.await,
    }
}

async fn serve_http1<I, S, B>(io: I, service: S, connection: Connection)
where
    I: Read + Write + Unpin + 'static,
    S: Service<Request<Received>, Response = Response<B>>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (place, table) = (&connection.seat.0, &connection.table);
    let service = service_fn(|request: Request<Incoming>| {
        let keep_alive = request.version() == Version::HTTP_11;
        let answer = service.call(request.map(|body| Received::new(body, place)));
        let answering = Answering::new(&**place);
        async move {
            let mut answer = answer.await?;
            drop(answering);
            if keep_alive && table.closing.load(Ordering::Relaxed) {
                let close = HeaderValue::from_static("close");
                answer.headers_mut().insert(CONNECTION, close);
            }
            Ok::<_, S::Error>(answer)
        }
    });
    let http = http1::Builder::new()
        .timer(TokioTimer::new())
        .max_buf_size(H1_BUFFER)
        // The table bounds slow heads and idle connections alike, without a timer set and dropped for every request.
        .header_read_timeout(None)
        .serve_connection(io, service);
    drive(http, OnClosing::WhenIdle, place, connection.phase.clone()).await;
}

async fn serve_http2<I, S, B>(io: I, service: S, connection: Connection)
where
    I: Read + Write + Unpin + 'static,
    S: Service<Request<Received>, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let _counted = connection.table.count_http2();
    let place = &connection.seat.0;
    let service = service_fn(|request: Request<Incoming>| {
        let answer = service.call(request.map(|body| Received::new(body, place)));
        let answering = Answering::new(Arc::clone(place));
        async move {
            let answer = answer.await;
            drop(answering);
            answer
        }
    });
    let http = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(H2_KEEP_ALIVE)
        .keep_alive_timeout(H2_KEEP_ALIVE)
        .max_concurrent_streams(H2_STREAMS)
        .initial_stream_window_size(H2_STREAM_WINDOW)
        .initial_connection_window_size(H2_WINDOW)
        .max_header_list_size(H2_HEAD)
        .serve_connection(io, service);
    drive(http, OnClosing::AtOnce, place, connection.phase.clone()).await;
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

/// Polls a connection, and winds it down when the table or a closing server wants it.
async fn drive<C>(connection: C, on_closing: OnClosing, place: &Place, mut phase: watch::Receiver<Phase>)
where
    C: GracefulConnection,
    C::Error: Display,
{
    let in_place = InPlace::new();
    let mut connection = pin!(connection);
    let mut known = Wish::None;
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
                on_closing == OnClosing::AtOnce
            }
            wish = place.wished(known) => {
                if wish == Wish::Cut {
                    return;
                }
                known = wish;
                true
            }
        };
        if may_end {
            connection.as_mut().graceful_shutdown();
        }
    }
}
