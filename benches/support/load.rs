//! A lean HTTP/1.1 load generator over TLS: prepared bytes out, answers counted, nothing parsed that need not be.

#![expect(
    clippy::expect_used,
    reason = "a load generator whose requests fail has nothing to measure"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Where requests go.
pub struct Target {
    pub address: SocketAddr,
    pub ca_pem: String,
}

/// What a run showed.
#[derive(Clone, Copy)]
pub struct Measured {
    pub per_second: f64,
    pub p50: Duration,
    pub p99: Duration,
}

/// Sends `requests` in turn over so many connections, each the next as soon as the last is answered.
pub fn run(
    runtime: &Runtime,
    target: &Target,
    connections: usize,
    requests: &Arc<Vec<Vec<u8>>>,
    warm_up: Duration,
    measured: Duration,
) -> Measured {
    runtime.block_on(async {
        let config = client_config(&target.ca_pem);
        let mut tasks = Vec::new();
        for connection in 0..connections {
            let stream = connect(target.address, Arc::clone(&config)).await;
            let requests = Arc::clone(requests);
            let first = connection * requests.len() / connections;
            tasks.push(tokio::spawn(send(stream, requests, first, warm_up, measured)));
        }
        let mut nanos = Vec::new();
        for task in tasks {
            nanos.extend(task.await.expect("a connection that answers"));
        }
        nanos.sort_unstable();
        let quantile = |share: f64| Duration::from_nanos(nanos[((nanos.len() - 1) as f64 * share) as usize]);
        Measured {
            per_second: nanos.len() as f64 / measured.as_secs_f64(),
            p50: quantile(0.5),
            p99: quantile(0.99),
        }
    })
}

async fn send(
    mut stream: TlsStream<TcpStream>,
    requests: Arc<Vec<Vec<u8>>>,
    first: usize,
    warm_up: Duration,
    measured: Duration,
) -> Vec<u64> {
    let mut nanos = Vec::with_capacity(1 << 18);
    let mut answer = vec![0; 64 * 1024];
    let begin = Instant::now() + warm_up;
    let end = begin + measured;
    let mut sent = Instant::now();
    for request in requests.iter().cycle().skip(first) {
        stream.write_all(request).await.expect("a request that can be sent");
        stream.flush().await.expect("a request that can be sent");
        read_answer(&mut stream, &mut answer).await;
        let done = Instant::now();
        if done >= end {
            break;
        }
        if sent >= begin {
            nanos.push(u64::try_from((done - sent).as_nanos()).unwrap_or(u64::MAX));
        }
        sent = done;
    }
    nanos
}

/// Reads one answer of a known length.
async fn read_answer(stream: &mut TlsStream<TcpStream>, buffer: &mut [u8]) {
    let mut filled = 0;
    let mut wanted = usize::MAX;
    while filled < wanted {
        let read = stream.read(&mut buffer[filled..]).await.expect("an answer");
        assert!(read > 0, "the server closed the connection");
        filled += read;
        if wanted == usize::MAX {
            let head = std::str::from_utf8(&buffer[..filled]).unwrap_or_default();
            if let Some(end) = head.find("\r\n\r\n") {
                assert!(head.starts_with("HTTP/1.1 200"), "{head}");
                let length = head[..end]
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
                wanted = end + 4 + length.expect("a content length");
            }
        }
    }
}

async fn connect(address: SocketAddr, config: Arc<ClientConfig>) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("TCP_NODELAY");
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(config)
        .connect(name, stream)
        .await
        .expect("a handshake")
}

fn client_config(ca_pem: &str) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(ca_pem.as_bytes()).expect("a certificate");
    roots.add(ca).expect("an authority");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}
