//! The serving certificate: from files that are read again, or made at the start.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tracing::info;

use super::error::StartError;
use super::parts::{End, Parts};
use crate::cluster::register::WebhookUrl;
use crate::metrics::Reloaded;
use crate::server::reload::{CertificateFiles, INTERVAL, Told, now};
use crate::server::self_signed::SelfSigned;
use crate::server::tls::CertResolver;

/// Where the serving certificate comes from.
#[derive(Clone, Debug)]
pub enum CertificateSource {
    /// PEM files, read again when they change.
    Files { chain: PathBuf, key: PathBuf },
    /// Made at the start for these DNS names and addresses.
    SelfSigned { names: Vec<String> },
}

impl CertificateSource {
    /// A certificate of our own, for all by which this process may be called.
    #[must_use]
    pub fn self_signed(listen: SocketAddr, url: Option<&WebhookUrl>) -> Self {
        let mut names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
        names.extend((!listen.ip().is_unspecified()).then(|| listen.ip().to_string()));
        names.extend(url.map(|url| url.host().to_owned()));
        Self::SelfSigned { names }
    }
}

/// A certificate in force.
pub(super) struct Served {
    pub(super) resolver: Arc<CertResolver>,
    /// Whom to trust, where we made it ourselves.
    pub(super) ca_pem: Option<String>,
}

/// Reads or makes the certificate, and begins to look for changes of its files.
pub(super) fn start(source: CertificateSource, parts: &mut Parts) -> Result<Served, StartError> {
    let gate = parts.readiness.gate("certificate", "not loaded");
    let validity = parts.metrics.certificate.clone();
    let served = match source {
        CertificateSource::Files { chain, key } => {
            let mut files = CertificateFiles::new(chain, key);
            let certificate = files.read(now())?.ok_or(StartError::NoCertificate)?;
            let resolver = CertResolver::new(certificate, validity);
            let reloads = parts.metrics.reloads(Reloaded::Certificate);
            reloads.taken();
            let told = Told {
                resolver: resolver.clone(),
                gate: gate.clone(),
                reloads,
            };
            parts.start("certificate", End::Cut, files.watch(told, INTERVAL));
            Served { resolver, ca_pem: None }
        }
        CertificateSource::SelfSigned { names } => {
            let SelfSigned { certificate, ca_pem } = SelfSigned::new(names)?;
            info!("Serving a self-signed certificate, made just now");
            Served {
                resolver: CertResolver::new(certificate, validity),
                ca_pem: Some(ca_pem),
            }
        }
    };
    gate.open();
    Ok(served)
}
