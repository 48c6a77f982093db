//! Connections to a webhook, and reviews over them.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use futures::future::try_join_all;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The most bytes of a body that is taken.
pub const MOST_BYTES: usize = 8 * 1024 * 1024;

/// How many connect at once: the kernel's backlog is short.
const AT_ONCE: usize = 50;

/// Knows an address and whom to trust there.
#[derive(Clone)]
pub struct Client {
    pub address: SocketAddr,
    /// Where it comes from.
    source: Ipv4Addr,
    name: ServerName<'static>,
    roots: Arc<RootCertStore>,
}

impl Client {
    /// `name` is what the server's certificate is for.
    pub fn new(address: SocketAddr, name: &str, trusted: &str) -> Self {
        let mut roots = RootCertStore::empty();
        let trusted = CertificateDer::from_pem_slice(trusted.as_bytes()).expect("PEM");
        roots.add(trusted).expect("a certificate");
        Self {
            address,
            source: Ipv4Addr::UNSPECIFIED,
            name: ServerName::try_from(name.to_owned()).expect("a name"),
            roots: Arc::new(roots),
        }
    }

    /// The same from another address of this machine.
    pub fn at(self, source: Ipv4Addr) -> Self {
        Self { source, ..self }
    }

    /// A new connection that speaks one protocol, `http/1.1` or `h2`.
    pub async fn connect(&self, protocol: &str) -> io::Result<TlsStream<TcpStream>> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((self.source, 0).into())?;
        let stream = socket.connect(self.address).await?;
        // As Go's clients do.
        stream.set_nodelay(true)?;
        TlsConnector::from(self.config(protocol))
            .connect(self.name.clone(), stream)
            .await
    }

    /// What a client says first.
    pub fn hello(&self) -> Vec<u8> {
        let mut connection = ClientConnection::new(self.config("http/1.1"), self.name.clone()).expect("a client");
        let mut hello = Vec::new();
        connection.write_tls(&mut hello).expect("memory takes it");
        hello
    }

    fn config(&self, protocol: &str) -> Arc<ClientConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions of TLS")
            .with_root_certificates(Arc::clone(&self.roots))
            .with_no_client_auth();
        let mut config = config;
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        Arc::new(config)
    }

    /// Many new connections over HTTP/1.1, some at a time, each with the same beginning of a request.
    pub async fn connect_each(&self, count: usize, beginning: &[u8]) -> Vec<TlsStream<TcpStream>> {
        let mut streams = Vec::new();
        while streams.len() < count {
            let some = AT_ONCE.min(count - streams.len());
            let one = async || {
                let mut stream = self.connect("http/1.1").await?;
                stream.write_all(beginning).await?;
                stream.flush().await?;
                io::Result::Ok(stream)
            };
            // Whoever is turned away was an attacker.
            let each = (0..some).map(|_| async { io::Result::Ok(one().await.ok()) });
            let each = try_join_all(each).await.expect("no error is left");
            streams.extend(each.into_iter().flatten());
            if streams.is_empty() {
                break;
            }
        }
        streams
    }

    /// Sends a review over a connection of its own and reads the answer; it must be allowed.
    pub async fn review(&self, size: usize) -> io::Result<()> {
        let mut stream = self.connect("http/1.1").await?;
        let body = review("u", size);
        stream.write_all(&head(body.len())).await?;
        stream.write_all(&body).await?;
        stream.flush().await?;
        let answer = answer(&mut stream).await?;
        if answer.starts_with("HTTP/1.1 200 ") && answer.contains(r#""allowed":true"#) {
            Ok(())
        } else {
            Err(io::Error::other(answer))
        }
    }
}

/// Reads an answer to the end that its head tells.
async fn answer(stream: &mut TlsStream<TcpStream>) -> io::Result<String> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(usize::MAX) {
                return Ok(text.into_owned());
            }
        }
    }
}

/// The head of a review whose body has this length, or says so.
pub fn head(length: usize) -> Vec<u8> {
    format!(
        "POST /validate?timeout=5s HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    )
    .into_bytes()
}

/// A review of some bytes, about a Deployment that nothing is wrong with.
pub fn review(uid: &str, size: usize) -> Vec<u8> {
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": uid, "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
        "resource": {"group": "apps", "version": "v1", "resource": "deployments"},
        "name": "web", "namespace": "shop", "operation": "CREATE", "userInfo": {"username": "ann"},
        "object": {"metadata": {"name": "web", "namespace": "shop"}, "spec": {"replicas": 1}}}});
    let mut body = review.to_string().into_bytes();
    body.resize(body.len().max(size), b' ');
    body
}
