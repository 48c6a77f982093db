//! Certificates that clients trust: read from PEM, and written as the `caBundle` of a webhook configuration.

use std::fmt::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::Value;

use super::authority::Validity;
use crate::server::leaf::Leaf;
use crate::server::tls::fingerprint;

/// The certificate of an authority, without its key.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Trusted {
    pub(super) der: CertificateDer<'static>,
    pub(super) fingerprint: String,
    pub(super) common_name: String,
    pub(super) validity: Validity,
}

impl Trusted {
    /// Reads DER; `None` if it is no certificate.
    pub(super) fn read(der: &CertificateDer<'_>) -> Option<Self> {
        let Leaf {
            not_before,
            not_after,
            common_name,
            ..
        } = Leaf::read(der)?;
        Some(Self {
            fingerprint: fingerprint(der),
            der: der.clone().into_owned(),
            common_name,
            validity: Validity { not_before, not_after },
        })
    }

    /// All certificates of a PEM text; what is none is left out.
    pub(super) fn read_all(pem: &[u8]) -> Vec<Self> {
        let certificates = CertificateDer::pem_slice_iter(pem).map_while(Result::ok);
        certificates.filter_map(|der| Self::read(&der)).collect()
    }

    /// PEM, always the same of the same certificate.
    pub(super) fn pem(&self) -> String {
        let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
        let text = STANDARD.encode(&self.der);
        for line in text.as_bytes().chunks(64) {
            // Writing to a string cannot fail.
            let _ = writeln!(pem, "{}", String::from_utf8_lossy(line));
        }
        pem.push_str("-----END CERTIFICATE-----\n");
        pem
    }
}

impl fmt::Debug for Trusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.common_name)
    }
}

/// One PEM text of several.
pub(super) fn pem(trusted: &[Trusted]) -> String {
    trusted.iter().map(Trusted::pem).collect()
}

/// What one webhook configuration says of whom to trust, in those of its entries that call our Service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Carried {
    pub(super) version: String,
    pub(super) entries: Vec<Entry>,
    /// Who owns which of its fields, ourselves left out; `None` where we own none.
    pub(super) others: Option<Vec<Value>>,
}

/// An entry of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    /// PEM; empty where there is none.
    pub(super) bundle: Vec<u8>,
}

impl Carried {
    /// Whether every entry trusts this one.
    pub(super) fn trusts(&self, fingerprint: &str) -> bool {
        self.entries.iter().all(|entry| {
            let mut trusted = Trusted::read_all(&entry.bundle).into_iter();
            trusted.any(|trusted| trusted.fingerprint == fingerprint)
        })
    }

    /// All that any entry trusts.
    pub(super) fn trusted(&self) -> Vec<Trusted> {
        let mut all = Vec::new();
        for trusted in self.entries.iter().flat_map(|entry| Trusted::read_all(&entry.bundle)) {
            if !all.contains(&trusted) {
                all.push(trusted);
            }
        }
        all
    }

    /// Whether every entry has exactly this bundle.
    pub(super) fn is(&self, bundle: &str) -> bool {
        self.entries.iter().all(|entry| entry.bundle == bundle.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::authority::Authority;
    use std::time::Duration;

    #[test]
    fn a_bundle_is_read_as_it_was_written_and_garbage_is_nothing() {
        let make = || Authority::make(Duration::from_secs(60), 1_800_000_000).unwrap().trusted;
        let both = [make(), make()];
        let text = pem(&both);
        assert_eq!(Trusted::read_all(text.as_bytes()), both);
        assert_eq!(Trusted::read_all(b"\n"), []);
        let carried = |bundle: &str| Carried {
            entries: vec![Entry {
                name: "a".to_owned(),
                bundle: bundle.as_bytes().to_vec(),
            }],
            ..Carried::default()
        };
        assert!(carried(&text).is(&text) && carried(&text).trusts(&both[1].fingerprint));
        assert!(!carried("").is(&text) && !carried("").trusts(&both[1].fingerprint));
        assert_eq!(carried(&text).trusted(), both);
    }
}
