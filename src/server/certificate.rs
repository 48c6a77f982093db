//! A serving certificate: its chain and private key, checked to belong together.

use std::sync::Arc;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::leaf::Leaf;
use super::tls::fingerprint;
use crate::metrics::Refusal;

/// A chain, leaf first, with the leaf's private key.
#[derive(Clone, Debug)]
pub struct Certificate {
    pub(super) certified: Arc<CertifiedKey>,
    leaf: Leaf,
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

    pub(crate) fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, CertificateError> {
        let leaf = chain.first().ok_or(CertificateError::EmptyChain)?;
        let leaf = Leaf::read(leaf).ok_or(CertificateError::Malformed)?;
        let certified = CertifiedKey::from_der(chain, key, &default_provider()).map_err(CertificateError::Pair)?;
        Ok(Self {
            certified: Arc::new(certified),
            leaf,
        })
    }

    /// Checks that a client would accept it at a time in Unix seconds, as far as a server can tell.
    ///
    /// # Errors
    /// When it does not hold then, or names nobody.
    pub fn check(&self, now: i64) -> Result<(), CertificateError> {
        let Leaf {
            not_before,
            not_after,
            names,
            common_name: _,
        } = &self.leaf;
        if now > *not_after {
            return Err(CertificateError::Expired(span(now - not_after)));
        }
        if now < *not_before {
            return Err(CertificateError::NotYetValid(span(not_before - now)));
        }
        if names.is_empty() {
            return Err(CertificateError::Nameless);
        }
        Ok(())
    }

    /// Checks that it may take the place of another: it holds, and names whom that one names. Of a certificate with
    /// names of Services these count, since the API server asks for them; of others all do.
    /// One that no longer holds itself guards nothing, and gives way to any.
    ///
    /// # Errors
    /// Why it may not.
    pub fn may_replace(&self, other: &Self, now: i64) -> Result<(), CertificateError> {
        self.check(now)?;
        if other.check(now).is_err() {
            return Ok(());
        }
        let names = &other.leaf.names;
        let of_services = names.iter().any(|name| is_service(name));
        let wanted = names.iter().filter(|name| is_service(name) || !of_services);
        let lacking: Vec<&str> = wanted.filter(|name| !self.names(name)).map(String::as_str).collect();
        if lacking.is_empty() {
            Ok(())
        } else {
            Err(CertificateError::Lacks(lacking.join(", ")))
        }
    }

    /// The leaf, and those that were given with it.
    pub(crate) fn chain(&self) -> &[CertificateDer<'static>] {
        &self.certified.cert
    }

    /// The fingerprint of the leaf.
    pub(crate) fn fingerprint(&self) -> String {
        self.chain().first().map(|leaf| fingerprint(leaf)).unwrap_or_default()
    }

    /// Whether it holds for a name, by itself or by a wildcard in the place of the first label.
    fn names(&self, wanted: &str) -> bool {
        let wildcard = wanted.split_once('.').map(|(_, rest)| format!("*.{rest}"));
        let names = &self.leaf.names;
        names
            .iter()
            .any(|name| name == wanted || Some(name) == wildcard.as_ref())
    }

    /// Returns the start of the leaf's validity in Unix seconds.
    pub fn not_before(&self) -> i64 {
        self.leaf.not_before
    }

    /// Returns the end of the leaf's validity in Unix seconds.
    pub fn not_after(&self) -> i64 {
        self.leaf.not_after
    }
}

/// Whether a name is `SERVICE.NAMESPACE.svc`, by which the API server calls a webhook.
fn is_service(name: &str) -> bool {
    name.strip_suffix(".svc")
        .is_some_and(|name| name.matches('.').count() == 1)
}

/// A span of seconds in the largest unit of which it has two.
fn span(seconds: i64) -> String {
    let units = [(86_400, "days"), (3_600, "hours"), (60, "minutes")];
    let unit = units.into_iter().find(|(unit, _)| seconds >= 2 * unit);
    let (unit, name) = unit.unwrap_or((1, "seconds"));
    format!("{} {name}", seconds / unit)
}

/// Why a chain and a key cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The file of the authority is not PEM.
    #[error("the authority is not readable PEM: {0}")]
    AuthorityPem(pem::Error),
    /// The chain is not PEM.
    #[error("the certificate chain is not readable PEM: {0}")]
    ChainPem(pem::Error),
    /// There is no certificate in the chain.
    #[error("the certificate chain holds no certificate")]
    EmptyChain,
    /// Its time is over.
    #[error("the certificate expired {0} ago")]
    Expired(String),
    /// The key is not PEM, or there is none.
    #[error("the private key is not readable PEM: {0}")]
    KeyPem(pem::Error),
    /// Names of the certificate that it shall replace.
    #[error("the certificate lacks what the served one names: {0}; restart to serve it all the same")]
    Lacks(String),
    /// The leaf is not an X.509 certificate.
    #[error("the first certificate of the chain is not an X.509 certificate")]
    Malformed,
    /// No client could tell whose certificate it is.
    #[error("the certificate has neither a DNS name nor an address (subjectAltName)")]
    Nameless,
    /// Its time has not come.
    #[error("the certificate is not valid for another {0}")]
    NotYetValid(String),
    /// The key cannot be used, or belongs to another certificate.
    #[error("the private key does not fit the certificate: {0}")]
    Pair(rustls::Error),
    /// None of the authorities signed it, or none of them holds.
    #[error("the certificate is signed by no authority of --tls-ca that holds")]
    Stranger,
}

impl CertificateError {
    pub(super) fn reason(&self) -> Refusal {
        match self {
            Self::Expired(_) => Refusal::Expired,
            Self::Lacks(_) | Self::Nameless => Refusal::Names,
            Self::NotYetValid(_) => Refusal::NotYetValid,
            Self::AuthorityPem(_)
            | Self::ChainPem(_)
            | Self::EmptyChain
            | Self::KeyPem(_)
            | Self::Malformed
            | Self::Pair(_)
            | Self::Stranger => Refusal::Invalid,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    /// A certificate for names that holds from one January to another.
    fn holding(names: &[&str], from: i32, to: i32) -> Certificate {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        let chain = params.self_signed(&key).unwrap().pem();
        Certificate::from_pem(chain.as_bytes(), key.serialize_pem().as_bytes()).unwrap()
    }

    fn january(year: i32) -> i64 {
        date_time_ymd(year, 1, 1).unix_timestamp()
    }

    #[test]
    fn only_what_holds_takes_the_place_of_what_holds() {
        let service = "stateward.guard.svc";
        let served = holding(&[service, "localhost"], 2020, 2030);
        let now = january(2025);
        let refused = |names: &[&str], from, to| {
            holding(names, from, to)
                .may_replace(&served, now)
                .map_err(|e| e.reason())
        };
        assert_eq!(
            refused(&[service], 2024, 2040),
            Ok(()),
            "what the API server does not ask for may go"
        );
        assert_eq!(refused(&["*.guard.svc"], 2024, 2040), Ok(()));
        assert_eq!(refused(&[service], 2020, 2024), Err(Refusal::Expired));
        assert_eq!(refused(&[service], 2026, 2040), Err(Refusal::NotYetValid));
        assert_eq!(refused(&["stateward.other.svc"], 2020, 2040), Err(Refusal::Names));
        assert_eq!(refused(&[], 2020, 2040), Err(Refusal::Names));
        let other = holding(&["stateward.other.svc"], 2020, 2040);
        assert_eq!(
            other.may_replace(&served, january(2031)).map_err(|e| e.reason()),
            Ok(())
        );
    }

    #[test]
    fn without_names_of_services_all_names_count() {
        let served = holding(&["a.test", "b.test"], 2020, 2030);
        let error = holding(&["a.test"], 2020, 2040)
            .may_replace(&served, january(2025))
            .unwrap_err();
        assert!(error.to_string().contains("names: b.test"), "{error}");
        assert!(
            holding(&["b.test", "a.test"], 2020, 2040)
                .may_replace(&served, january(2025))
                .is_ok()
        );
    }

    #[test]
    fn what_is_wrong_is_told_in_round_numbers() {
        let expired = holding(&["a.test"], 2020, 2025)
            .check(january(2025) + 3 * 86_400 + 5)
            .unwrap_err();
        assert_eq!(expired.to_string(), "the certificate expired 3 days ago");
        let early = holding(&["a.test"], 2025, 2026).check(january(2025) - 90).unwrap_err();
        assert_eq!(early.to_string(), "the certificate is not valid for another 90 seconds");
    }

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
