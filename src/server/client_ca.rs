//! Whom the webhook answers: clients with a certificate of an authority from a file, which is read again when it changes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use arc_swap::ArcSwap;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme};
use tracing::{info, warn};

use super::admin::Gate;

/// Requires a certificate of the present authorities in every handshake; open connections stay when these change.
#[derive(Debug)]
pub struct Clients {
    current: ArcSwap<Arc<dyn ClientCertVerifier>>,
}

/// A PEM file with the certificates of authorities, and what was last read from it.
#[derive(Debug)]
pub struct ClientCaFile {
    path: PathBuf,
    seen: Option<Vec<u8>>,
}

impl Clients {
    /// Begins with the authorities of a file.
    ///
    /// # Errors
    /// When the file cannot be read, or holds no authority.
    pub fn of(file: &mut ClientCaFile) -> Result<Arc<Self>, ClientCaError> {
        let first = file.read()?.ok_or_else(|| file.error(Problem::Empty))?;
        Ok(Arc::new(Self {
            current: ArcSwap::from_pointee(first),
        }))
    }
}

impl ClientCaFile {
    /// Names the file; nothing is read yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            seen: None,
        }
    }

    /// Takes changed authorities over for ever; the last good ones stay while the file is wrong, which the gate tells.
    pub async fn watch(mut self, clients: Arc<Clients>, gate: Gate, interval: Duration) {
        loop {
            tokio::time::sleep(interval).await;
            // A mounted file can hang, and must not hold up a thread that answers requests.
            let read = tokio::task::spawn_blocking(move || {
                let result = self.read();
                (self, result)
            });
            let Ok((file, result)) = read.await else {
                return; // The runtime is shutting down.
            };
            self = file;
            match result {
                Ok(None) => {}
                Ok(Some(verifier)) => {
                    info!(file = %self.path.display(), "Accepting clients of a new authority");
                    clients.current.store(Arc::new(verifier));
                    gate.open();
                }
                Err(error) => {
                    warn!(
                        error = error.to_string(),
                        "The authorities of clients stay as they were"
                    );
                    gate.remark(&error.to_string());
                }
            }
        }
    }

    /// Reads the file, and returns who verifies by it if it changed since the last call.
    fn read(&mut self) -> Result<Option<Arc<dyn ClientCertVerifier>>, ClientCaError> {
        let text = match fs::read(&self.path) {
            Ok(text) => text,
            // Told once: a file that is missing is not read again and again.
            Err(cause) if self.seen.as_ref().is_none_or(|seen| !seen.is_empty()) => {
                self.seen = Some(Vec::new());
                return Err(self.error(Problem::File(cause)));
            }
            Err(_) => return Ok(None),
        };
        if self.seen.as_ref() == Some(&text) {
            return Ok(None);
        }
        let verifier = verifier(&text).map_err(|problem| self.error(problem));
        self.seen = Some(text);
        verifier.map(Some)
    }

    fn error(&self, problem: Problem) -> ClientCaError {
        ClientCaError {
            path: self.path.clone(),
            problem,
        }
    }
}

fn verifier(text: &[u8]) -> Result<Arc<dyn ClientCertVerifier>, Problem> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(text) {
        roots
            .add(certificate.map_err(Problem::Pem)?)
            .map_err(Problem::Certificate)?;
    }
    if roots.is_empty() {
        return Err(Problem::Empty);
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(default_provider()));
    builder.build().map_err(Problem::Verifier)
}

impl ClientCertVerifier for Clients {
    /// No hints: which authorities count may change while somebody holds them, and a client without them sends what it
    /// has.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.current.load().verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.current.load().verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.current.load().verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.current.load().supported_verify_schemes()
    }
}

/// Why a file names no authorities of clients.
#[derive(Debug, thiserror::Error)]
#[error("--client-ca {}: {problem}", Path::display(path))]
pub struct ClientCaError {
    path: PathBuf,
    problem: Problem,
}

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("a certificate cannot be an authority: {0}")]
    Certificate(rustls::Error),
    #[error("the file holds no PEM certificate")]
    Empty,
    #[error("cannot read the file: {0}")]
    File(io::Error),
    #[error("the file is not readable PEM: {0}")]
    Pem(pem::Error),
    #[error("the certificates cannot verify anybody: {0}")]
    Verifier(VerifierBuilderError),
}
