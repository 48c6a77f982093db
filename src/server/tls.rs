//! The TLS side of the server: protocol settings, and the certificate that can be replaced while it serves.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use rustls::ServerConfig;
use rustls::crypto::hash;
use rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;

use super::certificate::Certificate;
use crate::metrics::Validity;

/// The ALPN name of HTTP/2.
pub(super) const H2: &[u8] = b"h2";

/// Presents the newest certificate in every handshake; before there is one, handshakes fail.
#[derive(Debug)]
pub struct CertResolver {
    current: ArcSwapOption<CertifiedKey>,
    validity: Validity,
}

impl CertResolver {
    /// Starts with a certificate, and tells the present one's validity.
    pub fn new(certificate: Certificate, validity: Validity) -> Arc<Self> {
        let resolver = Self::empty(validity);
        resolver.replace(certificate);
        resolver
    }

    /// Starts without one.
    pub fn empty(validity: Validity) -> Arc<Self> {
        Arc::new(Self {
            current: ArcSwapOption::empty(),
            validity,
        })
    }

    /// Presents another certificate from the next handshake on; open connections stay.
    pub fn replace(&self, certificate: Certificate) {
        self.validity.tell(certificate.not_before(), certificate.not_after());
        self.current.store(Some(certificate.certified));
    }

    /// The present certificate and those that were given with it; empty where there is none.
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        let certified = self.current.load();
        certified
            .as_ref()
            .map(|certified| certified.cert.clone())
            .unwrap_or_default()
    }

    /// The [`fingerprint`] of the present certificate; empty where there is none.
    pub fn fingerprint(&self) -> String {
        let certified = self.current.load();
        let leaf = certified.as_ref().and_then(|certified| certified.cert.first());
        leaf.map(|leaf| fingerprint(leaf)).unwrap_or_default()
    }
}

/// The SHA-256 of a certificate, in hexadecimal digits, as `openssl x509 -fingerprint` has it without colons.
pub fn fingerprint(certificate: &[u8]) -> String {
    // The hash of this suite is SHA-256, and the provider brings it anyway.
    let suite = TLS13_AES_128_GCM_SHA256.tls13();
    let hash = suite.map(|suite| suite.common.hash_provider.hash(certificate));
    let digits = |hash: hash::Output| hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    hash.map(digits).unwrap_or_default()
}

#[cfg(test)]
impl CertResolver {
    pub(super) fn certified(&self) -> Arc<CertifiedKey> {
        self.current.load_full().unwrap()
    }
}

impl ResolvesServerCert for CertResolver {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.current.load_full()
    }
}

/// Returns the settings for TLS 1.2 and 1.3 that offer HTTP/2 and HTTP/1.1.
///
/// # Errors
/// None in practice: the provider supports both versions.
pub fn server_config(resolver: Arc<CertResolver>) -> Result<Arc<ServerConfig>, rustls::Error> {
    server_config_for(resolver, WebPkiClientVerifier::no_client_auth())
}

/// As [`server_config`], for clients that `clients` accepts.
///
/// # Errors
/// None in practice: the provider supports both versions.
pub fn server_config_for(
    resolver: Arc<CertResolver>,
    clients: Arc<dyn ClientCertVerifier>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_client_cert_verifier(clients)
        .with_cert_resolver(resolver);
    // API servers keep no sessions (client-go: transport/transport.go gives crypto/tls no cache), and whoever resumed one
    // would not be asked for a certificate again, though its authority may be gone meanwhile.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = vec![H2.to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The same settings for connections that may choose their protocol, and for those that are too many for HTTP/2.
#[derive(Clone, Debug)]
pub(super) struct Tls {
    pub(super) any: Arc<ServerConfig>,
    pub(super) http1: Arc<ServerConfig>,
}

impl Tls {
    pub(super) fn new(any: Arc<ServerConfig>) -> Self {
        let mut http1 = ServerConfig::clone(&any);
        http1.alpn_protocols.retain(|protocol| protocol != H2);
        Self {
            any,
            http1: Arc::new(http1),
        }
    }
}
