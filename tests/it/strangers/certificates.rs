//! `--client-ca`: who has no certificate of the authority gets no answer, whatever the file becomes.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use stateward::metrics::{Metrics, Port, Validity};
use stateward::server::accept::Server;
use stateward::server::admin::Readiness;
use stateward::server::client_ca::{ClientCaFile, Clients};
use stateward::server::limits::Limits;
use stateward::server::self_signed::SelfSigned;
use stateward::server::shutdown::Shutdown;
use stateward::server::tls::{CertResolver, server_config_for};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

use super::Identity;
use crate::controlplane::eventually;

const VERSIONS: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS12, &rustls::version::TLS13];

/// How a client connects: by one configuration, so that it resumes sessions where it may.
fn client(ca_pem: &str, identity: Option<&Identity>, version: &'static SupportedProtocolVersion) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(ca_pem.as_bytes()).expect("a CA");
    roots.add(ca).expect("a CA");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .expect("a version")
        .with_root_certificates(roots);
    let config = match identity {
        None => config.with_no_client_auth(),
        Some(identity) => {
            let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).expect("a certificate");
            let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).expect("a key");
            config.with_client_auth_cert(vec![certificate], key).expect("a pair")
        }
    };
    TlsConnector::from(Arc::new(config))
}

/// Asks for `/` on a connection of its own.
async fn ask(address: SocketAddr, client: &TlsConnector) -> io::Result<String> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").expect("a name");
    let mut stream = client.connect(name, stream).await?;
    let request = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

async fn is_answered(address: SocketAddr, client: &TlsConnector) -> bool {
    ask(address, client).await.is_ok_and(|answer| answer.ends_with("ok"))
}

#[tokio::test]
async fn only_clients_of_the_present_authority_are_answered() {
    let (first, second) = (Identity::new(), Identity::new());
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("ca.crt");
    assert!(Clients::of(&mut ClientCaFile::new(&path)).is_err(), "no file");
    std::fs::write(&path, "").expect("written");
    assert!(Clients::of(&mut ClientCaFile::new(&path)).is_err(), "no certificate");
    std::fs::write(&path, &first.ca).expect("written");
    let mut file = ClientCaFile::new(&path);
    let clients = Clients::of(&mut file).expect("an authority");

    let made = SelfSigned::new(["localhost".to_owned()]).expect("a certificate");
    let resolver = CertResolver::new(made.certificate, Validity::default());
    let tls = server_config_for(resolver, clients.clone()).expect("settings");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let traffic = Metrics::new(&[]).traffic(Port::Webhook);
    let server = Server::tls(listener, tls, Limits::default(), traffic).expect("a thread");
    let address = server.local_addr().expect("an address");
    let router = Router::new().route("/", get(async || "ok"));
    let serve = async move { server.serve(TowerToHyperService::new(router), &Shutdown::new()).await };
    let serving = tokio::spawn(serve);
    let gate = Readiness::new(Shutdown::new()).gate("client-ca", "not loaded");
    let watching = tokio::spawn(file.watch(clients, gate, Duration::from_millis(10)));

    let client = |identity, version| client(&made.ca_pem, identity, version);
    let known = VERSIONS.map(|version| client(Some(&first), version));
    for (version, known) in VERSIONS.into_iter().zip(&known) {
        assert!(is_answered(address, known).await);
        assert!(!is_answered(address, &client(None, version)).await, "a stranger");
        assert!(
            !is_answered(address, &client(Some(&second), version)).await,
            "of somebody else"
        );
    }

    // What is no authority changes nothing.
    std::fs::write(&path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").expect("written");
    std::fs::write(&path, &second.ca).expect("written");
    let changed = client(Some(&second), VERSIONS[1]);
    eventually("the new authority", async || {
        is_answered(address, &changed).await.then_some(())
    })
    .await;
    for known in &known {
        assert!(!is_answered(address, known).await, "not by an old session either");
    }
    std::fs::write(&path, "nothing").expect("written");
    std::fs::remove_file(&path).expect("removed");
    assert!(is_answered(address, &changed).await);
    serving.abort();
    watching.abort();
}
