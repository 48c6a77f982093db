//! The server on real sockets: TLS, bounds, abuse, certificates that change, and a stop that loses nothing.

#![expect(clippy::unwrap_used, reason = "a failed step of a helper is a failed test")]

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::Request;
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use stateward::metrics::{Metrics, Port, Reloaded, Traffic, Validity};
use stateward::rules::RULES;
use stateward::server::accept::Server;
use stateward::server::admin::{self, Readiness};
use stateward::server::limits::Limits;
use stateward::server::reload::{CertificateFiles, Told};
use stateward::server::self_signed::SelfSigned;
use stateward::server::shutdown::{Interrupted, Shutdown};
use stateward::server::tls::{CertResolver, server_config};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, yield_now};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Long enough never to pass in a test, and short enough for one that waits in vain to be heard of.
const NEVER: Duration = Duration::from_secs(300);

fn limits() -> Limits {
    Limits {
        connections: 64,
        handshake_timeout: NEVER,
        first_request_timeout: NEVER,
        body_timeout: NEVER,
        idle_timeout: NEVER,
        shutdown_delay: Duration::ZERO,
        drain_idle: Duration::from_secs(1),
        drain_timeout: NEVER,
        ..Limits::default()
    }
}

/// Counters that nobody reads.
fn traffic() -> Traffic {
    Metrics::new(RULES).traffic(Port::Webhook)
}

/// A running server whose `/` answers `ok` and whose `/wait` answers after a permit of `gate`.
struct Running {
    address: SocketAddr,
    ca_pem: String,
    gate: Arc<Semaphore>,
    /// Gains a permit when a `/wait` begins.
    waiting: Arc<Semaphore>,
    resolver: Arc<CertResolver>,
    shutdown: Shutdown,
    task: JoinHandle<Result<(), Interrupted>>,
}

impl Running {
    async fn start(limits: Limits) -> Self {
        let made = SelfSigned::new(["localhost".to_owned()]).unwrap();
        let resolver = CertResolver::new(made.certificate, Validity::default());
        let tls = server_config(Arc::clone(&resolver)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Server::tls(listener, tls, limits, traffic()).expect("a thread");
        let address = server.local_addr().unwrap();
        let shutdown = Shutdown::new();
        let gate = Arc::new(Semaphore::new(0));
        let waiting = Arc::new(Semaphore::new(0));
        let wait = {
            let (gate, waiting) = (Arc::clone(&gate), Arc::clone(&waiting));
            async move || {
                waiting.add_permits(1);
                gate.acquire().await.unwrap().forget();
                "waited"
            }
        };
        let router = Router::new().route("/", get(async || "ok")).route("/wait", get(wait));
        let task = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { server.serve(TowerToHyperService::new(router), &shutdown).await }
        });
        Self {
            address,
            ca_pem: made.ca_pem,
            gate,
            waiting,
            resolver,
            shutdown,
            task,
        }
    }

    async fn connect(&self, alpn: &[&str]) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        handshake(stream, &self.ca_pem, alpn).await.unwrap()
    }

    async fn answers(&self) {
        let mut stream = self.connect(&["http/1.1"]).await;
        assert!(request(&mut stream, "/").await.unwrap().ends_with("ok"));
    }
}

/// Agrees upon TLS with a server that is called localhost.
pub async fn handshake<S>(stream: S, ca_pem: &str, alpn: &[&str]) -> std::io::Result<TlsStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    TlsConnector::from(Arc::new(config))
        .connect(ServerName::try_from("localhost").unwrap(), stream)
        .await
}

/// Sends a request and reads one answer; an error if the connection ends before the answer does.
async fn request(stream: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin), path: &str) -> std::io::Result<String> {
    let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.flush().await?;
    answer(stream).await
}

async fn answer(stream: &mut (impl AsyncReadExt + Unpin)) -> std::io::Result<String> {
    let mut text = String::new();
    loop {
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        text += std::str::from_utf8(&buffer[..read]).unwrap();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.unwrap().parse().unwrap() {
                return Ok(text);
            }
        }
    }
}

fn says_close(answer: &str) -> bool {
    answer.contains("\r\nconnection: close\r\n")
}

/// Waits until the server closes the connection; what it still sends does not matter.
async fn closed(stream: &mut (impl AsyncReadExt + Unpin)) {
    let mut buffer = [0; 1024];
    while matches!(stream.read(&mut buffer).await, Ok(1..)) {}
}

#[tokio::test]
async fn the_client_chooses_the_protocol() {
    let server = Running::start(limits()).await;
    let mut http1 = server.connect(&["http/1.1"]).await;
    assert!(request(&mut http1, "/").await.unwrap().ends_with("ok"));
    assert!(request(&mut http1, "/").await.unwrap().ends_with("ok"));
    let mut silent = server.connect(&[]).await;
    assert!(request(&mut silent, "/").await.unwrap().ends_with("ok"));

    let stream = server.connect(&["h2", "http/1.1"]).await;
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = Request::get("https://localhost/").body(Empty::<Bytes>::new());
    let answer = sender.send_request(request.unwrap()).await.unwrap();
    assert_eq!(answer.version(), http::Version::HTTP_2);
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn garbage_instead_of_tls_ends_that_connection_only() {
    let server = Running::start(limits()).await;
    for garbage in [
        b"GET / HTTP/1.1\r\nhost: a\r\n\r\n".as_slice(),
        &[0xff; 8192],
        b"\x16\x03\x01\x00\x04\x01\x00\x00\x00",
        b"\x16\x03\x01",
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let _ = stream.write_all(garbage).await;
        let _ = stream.shutdown().await;
        closed(&mut stream).await;
    }
    server.answers().await;
}

#[tokio::test]
async fn a_handshake_that_never_comes_is_given_up() {
    let server = Running::start(Limits {
        handshake_timeout: Duration::from_secs(1),
        connections: 1,
        ..limits()
    })
    .await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    closed(&mut stream).await;
    server.answers().await;
}

#[tokio::test]
async fn a_head_that_dribbles_in_is_cut_off() {
    let server = Running::start(Limits {
        handshake_timeout: Duration::from_secs(1),
        first_request_timeout: Duration::from_secs(1),
        idle_timeout: Duration::from_secs(1),
        connections: 1,
        ..limits()
    })
    .await;
    let mut slow = server.connect(&["http/1.1"]).await;
    slow.write_all(b"GET / HTTP/1.1\r\nho").await.unwrap();
    slow.flush().await.unwrap();
    closed(&mut slow).await;
    let mut idle = server.connect(&["http/1.1"]).await;
    request(&mut idle, "/").await.unwrap();
    closed(&mut idle).await;
    server.answers().await;
}

#[tokio::test]
async fn over_the_cap_the_silent_give_way_to_newcomers() {
    let server = Running::start(Limits {
        connections: 2,
        ..limits()
    })
    .await;
    // First: who did something a moment ago is left alone, on a machine however busy.
    let mut silent = server.connect(&["http/1.1"]).await;
    let mut used = server.connect(&["http/1.1"]).await;
    request(&mut used, "/").await.unwrap();
    server.answers().await;
    closed(&mut silent).await;
    assert!(request(&mut used, "/").await.unwrap().ends_with("ok"));
}

#[tokio::test]
async fn silence_takes_no_place() {
    let server = Running::start(Limits {
        connections: 1,
        ..limits()
    })
    .await;
    let mut open = Vec::new();
    for word in [b"".as_slice(), b"\x16", b"\x16\x03\x01\x00\x04\x01"] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(word).await.unwrap();
        open.push(stream);
    }
    server.answers().await;
    for stream in open {
        let error = stream.try_read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock, "it may stay");
    }
}

#[tokio::test]
async fn a_full_lobby_turns_out_who_was_silent_for_longest() {
    let server = Running::start(Limits { lobby: 2, ..limits() }).await;
    let mut oldest = TcpStream::connect(server.address).await.unwrap();
    let _second = TcpStream::connect(server.address).await.unwrap();
    server.answers().await;
    let error = oldest.read(&mut [0]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_greeting_in_pieces_is_waited_for() {
    let server = Running::start(limits()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    // One byte at a time.
    let (near, mut far) = duplex(1);
    tokio::spawn(async move { copy_bidirectional(&mut far, &mut stream).await });
    let mut stream = handshake(near, &server.ca_pem, &["http/1.1"]).await.unwrap();
    assert!(request(&mut stream, "/").await.unwrap().ends_with("ok"));
}

#[tokio::test]
async fn a_closed_connection_leaves_no_task_behind() {
    let server = Running::start(limits()).await;
    let metrics = tokio::runtime::Handle::current().metrics();
    server.answers().await;
    let mut open = Vec::new();
    let before = metrics.num_alive_tasks();
    for _ in 0..20 {
        let mut stream = server.connect(&["http/1.1"]).await;
        request(&mut stream, "/").await.unwrap();
        open.push(stream);
    }
    assert!(metrics.num_alive_tasks() >= before + 19);
    drop(open);
    // Ends by the test runner's patience if a task stays.
    while metrics.num_alive_tasks() > before {
        yield_now().await;
    }
}

#[tokio::test]
async fn a_new_certificate_is_served_while_old_connections_live() {
    let server = Running::start(limits()).await;
    let mut old = server.connect(&["http/1.1"]).await;
    let dir = tempfile::tempdir().unwrap();
    let (chain, key) = (dir.path().join("tls.crt"), dir.path().join("tls.key"));
    let files = CertificateFiles::new(&chain, &key, None);
    let told = Told {
        presenter: server.resolver.clone(),
        gate: Readiness::new(server.shutdown.clone()).gate("certificate", "not loaded"),
        reloads: Metrics::new(RULES).reloads(Reloaded::Certificate),
    };
    let watch = tokio::spawn(files.watch(told, Duration::from_millis(5)));
    for _ in 0..2 {
        let new_key = rcgen::KeyPair::generate().unwrap();
        let new = rcgen::CertificateParams::new(["localhost".to_owned()])
            .unwrap()
            .self_signed(&new_key)
            .unwrap();
        // Between the two writes the pair does not fit, and must not be served.
        std::fs::write(&chain, new.pem()).unwrap();
        std::fs::write(&key, new_key.serialize_pem()).unwrap();
        let mut presented = false;
        while !presented {
            let stream = TcpStream::connect(server.address).await.unwrap();
            presented = handshake(stream, &new.pem(), &["http/1.1"]).await.is_ok();
        }
        assert!(request(&mut old, "/").await.unwrap().ends_with("ok"));
    }
    watch.abort();
}

#[tokio::test]
async fn new_connections_are_answered_during_the_delay() {
    let server = Running::start(Limits {
        shutdown_delay: NEVER,
        ..limits()
    })
    .await;
    let mut old = server.connect(&["http/1.1"]).await;
    server.shutdown.request();
    server.answers().await;
    let answer = request(&mut old, "/").await.unwrap();
    assert!(answer.ends_with("ok") && !says_close(&answer));
    server.shutdown.request();
    assert_eq!(server.task.await.unwrap(), Err(Interrupted));
    closed(&mut old).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_loses_no_request() {
    let server = Running::start(Limits {
        shutdown_delay: Duration::from_millis(100),
        ..limits()
    })
    .await;
    let mut busy = Vec::new();
    for _ in 0..8 {
        let mut stream = server.connect(&["http/1.1"]).await;
        busy.push(tokio::spawn(async move {
            let mut served = 0_u32;
            loop {
                let answer = request(&mut stream, "/").await.unwrap();
                served += 1;
                if says_close(&answer) {
                    return served;
                }
            }
        }));
    }
    let stream = server.connect(&["h2"]).await;
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let streams = tokio::spawn(async move {
        let mut served = 0_u32;
        // After GOAWAY the client itself refuses to send, and takes back what GOAWAY says was never begun: nothing was
        // lost on the way.
        while sender.ready().await.is_ok() {
            let request = Request::get("https://localhost/").body(Empty::<Bytes>::new());
            match sender.send_request(request.unwrap()).await {
                Ok(answer) => assert_eq!(answer.status(), 200),
                Err(error) => {
                    let taken_back = format!("{error:?}").contains("GoAway(b\"\", NO_ERROR");
                    assert!(
                        error.is_canceled() || error.is_closed() || taken_back,
                        "lost: {error:?}"
                    );
                    break;
                }
            }
            served += 1;
        }
        served
    });
    let mut idle = server.connect(&["http/1.1"]).await;
    request(&mut idle, "/").await.unwrap();
    server.shutdown.request();
    for client in busy {
        assert!(client.await.unwrap() > 1);
    }
    assert!(streams.await.unwrap() > 1);
    let _ = connection.await.unwrap();
    closed(&mut idle).await;
    assert_eq!(server.task.await.unwrap(), Ok(()));
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_server_ends() {
    let server = Running::start(limits()).await;
    let mut stream = server.connect(&["http/1.1"]).await;
    let asked = tokio::spawn(async move { request(&mut stream, "/wait").await });
    server.waiting.acquire().await.unwrap().forget();
    server.shutdown.request();
    while TcpStream::connect(server.address).await.is_ok() {
        yield_now().await;
    }
    assert!(!server.task.is_finished());
    server.gate.add_permits(1);
    let answer = asked.await.unwrap().unwrap();
    assert!(answer.ends_with("waited") && says_close(&answer), "{answer}");
    assert_eq!(server.task.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn a_drain_ends_even_if_a_request_does_not() {
    let server = Running::start(Limits {
        drain_timeout: Duration::from_millis(300),
        ..limits()
    })
    .await;
    let mut stream = server.connect(&["http/1.1"]).await;
    let asked = tokio::spawn(async move { request(&mut stream, "/wait").await });
    server.waiting.acquire().await.unwrap().forget();
    server.shutdown.request();
    assert_eq!(server.task.await.unwrap(), Ok(()));
    assert!(asked.await.unwrap().is_err());
}

#[tokio::test]
async fn the_admin_port_tells_readiness_and_metrics() {
    let shutdown = Shutdown::new();
    let readiness = Readiness::new(shutdown.clone());
    let gate = readiness.gate("sync", "not done yet");
    let metrics = Arc::new(Metrics::new(RULES));
    metrics.certificate.tell(41, 42);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server::plain(listener, limits(), traffic()).expect("a thread");
    let address = server.local_addr().unwrap();
    let router = TowerToHyperService::new(admin::router(readiness, metrics));
    tokio::spawn(async move { server.serve(router, &Shutdown::new()).await });

    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut ask = async |path: &str| request(&mut stream, path).await.unwrap();
    assert!(ask("/livez").await.starts_with("HTTP/1.1 200 "));
    let answer = ask("/readyz").await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.ends_with("[-]sync not done yet\n[+]shutdown\n"));
    gate.open();
    assert!(ask("/readyz").await.starts_with("HTTP/1.1 200 "));
    shutdown.request();
    assert!(ask("/readyz").await.ends_with("[-]shutdown stopping\n"));
    assert!(ask("/livez").await.starts_with("HTTP/1.1 200 "));
    let plain = ask("/metrics").await;
    assert!(plain.contains("content-type: text/plain; version=0.0.4"), "{plain}");
    assert!(plain.contains("\n# TYPE stateward_build_info gauge\n"), "{plain}");
    // A header as Prometheus sends it: `request` ends the first line.
    let accept = "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5";
    let open = ask(&format!("/metrics HTTP/1.1\r\naccept: {accept}\r\nx-rest:")).await;
    assert!(open.contains("content-type: application/openmetrics-text"), "{open}");
    assert!(open.ends_with("# EOF\n"), "{open}");
    for answer in [plain, open] {
        assert!(answer.contains("\nstateward_certificate_start_timestamp_seconds 41\n"));
        assert!(answer.contains("\nstateward_certificate_expiry_timestamp_seconds 42\n"));
    }
}
