//! A serving certificate: its chain and private key, checked to belong together.

use std::sync::Arc;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::validity::not_after;

/// A chain, leaf first, with the leaf's private key.
#[derive(Clone, Debug)]
pub struct Certificate {
    pub(super) certified: Arc<CertifiedKey>,
    not_after: i64,
}

impl Certificate {
    /// Reads a chain (leaf first) and a PKCS#8, SEC 1 or PKCS#1 key from PEM.
    ///
    /// # Errors
    /// When either cannot be read, or the key is not that of the first certificate.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, CertificateError> {
        let chain = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<Vec<_>, _>>()
            .map_err(CertificateError::ChainPem)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(CertificateError::KeyPem)?;
        Self::new(chain, key)
    }

    pub(super) fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, CertificateError> {
        let leaf = chain.first().ok_or(CertificateError::EmptyChain)?;
        let not_after = not_after(leaf).ok_or(CertificateError::Malformed)?;
        let certified = CertifiedKey::from_der(chain, key, &default_provider()).map_err(CertificateError::Pair)?;
        Ok(Self {
            certified: Arc::new(certified),
            not_after,
        })
    }

    /// Returns the end of the leaf's validity in Unix seconds.
    pub fn not_after(&self) -> i64 {
        self.not_after
    }
}

/// Why a chain and a key cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The chain is not PEM.
    #[error("the certificate chain is not readable PEM: {0}")]
    ChainPem(pem::Error),
    /// There is no certificate in the chain.
    #[error("the certificate chain holds no certificate")]
    EmptyChain,
    /// The key is not PEM, or there is none.
    #[error("the private key is not readable PEM: {0}")]
    KeyPem(pem::Error),
    /// The leaf is not an X.509 certificate.
    #[error("the first certificate of the chain is not an X.509 certificate")]
    Malformed,
    /// The key cannot be used, or belongs to another certificate.
    #[error("the private key does not fit the certificate: {0}")]
    Pair(rustls::Error),
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};

    fn pair() -> (String, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["a.test".to_owned()]).unwrap();
        (params.self_signed(&key).unwrap().pem(), key)
    }

    #[test]
    fn a_chain_is_kept_whole() {
        let (leaf, key) = pair();
        let (intermediate, _) = pair();
        let chain = format!("{leaf}{intermediate}");
        let certificate = Certificate::from_pem(chain.as_bytes(), key.serialize_pem().as_bytes()).unwrap();
        assert_eq!(certificate.certified.cert.len(), 2);
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let (leaf, _) = pair();
        let (_, other) = pair();
        let error = Certificate::from_pem(leaf.as_bytes(), other.serialize_pem().as_bytes()).unwrap_err();
        assert!(matches!(error, CertificateError::Pair(_)), "{error}");
    }

    #[test]
    fn half_written_files_are_refused() {
        let (leaf, key) = pair();
        let key = key.serialize_pem();
        let from = |chain: &str, key: &str| Certificate::from_pem(chain.as_bytes(), key.as_bytes());
        assert!(from("", &key).is_err());
        assert!(from(&leaf, "").is_err());
        assert!(from(&leaf[..leaf.len() / 2], &key).is_err());
        assert!(from(&leaf, &key[..key.len() / 2]).is_err());
        assert!(from(&leaf, &key).is_ok());
    }

    /// Keys that openssl writes: SEC 1 (`ecparam -genkey`) and PKCS#1 (`genrsa -traditional`).
    #[test]
    fn old_key_forms_are_read() {
        use rustls::pki_types::PrivateKeyDer::{Pkcs1, Sec1};
        let sec1 = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n";
        let pkcs1 = "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n";
        let read = |pem: &str| PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap();
        assert!(matches!(read(sec1), Sec1(_)));
        assert!(matches!(read(pkcs1), Pkcs1(_)));
    }
}
