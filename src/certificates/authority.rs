//! A certificate authority: made, kept as text, and signing leaves.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SerialNumber, date_time_ymd,
};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};

use super::bundle::Trusted;
use crate::server::certificate::{Certificate, CertificateError};

/// How far before now a validity begins, for clients whose clock is behind.
pub(super) const BACKDATE: Duration = Duration::from_hours(1);

/// From when to when something holds, in Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) not_before: i64,
    pub(super) not_after: i64,
}

impl Validity {
    fn from(now: i64, life: Duration) -> Self {
        Self {
            not_before: now.saturating_sub(seconds(BACKDATE)),
            not_after: now.saturating_add(seconds(life)),
        }
    }

    pub(super) fn holds(self, now: i64) -> bool {
        (self.not_before..self.not_after).contains(&now)
    }

    /// Whether two thirds of its life are over, or the clock stands before its beginning.
    pub(super) fn is_due(self, now: i64) -> bool {
        now >= self.not_after.saturating_sub(self.life() / 3) || now < self.not_before
    }

    /// Whether five sixths of its life are over: half of the time that there was to replace it.
    pub(super) fn is_late(self, now: i64) -> bool {
        now >= self.not_after.saturating_sub(self.life() / 6)
    }

    /// How long it holds from when it was made.
    fn life(self) -> i64 {
        let made = self.not_before.saturating_add(seconds(BACKDATE));
        self.not_after.saturating_sub(made)
    }
}

/// An authority with its key.
pub(super) struct Authority {
    pub(super) trusted: Trusted,
    key: KeyPair,
}

/// A leaf that was just signed.
#[derive(Debug)]
pub(super) struct Signed {
    pub(super) certificate: Certificate,
    pub(super) validity: Validity,
}

impl Authority {
    /// Makes one that holds from now on.
    pub(super) fn make(life: Duration, now: i64) -> Result<Self, AuthorityError> {
        let key = KeyPair::generate()?;
        let serial = serial()?;
        // No two have the same name: verifiers look for an issuer by its name, and some take the first.
        let digits: String = serial.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let common_name = format!("stateward-authority-{now}-{digits}");
        let validity = Validity::from(now, life);
        let params = params(&common_name, Vec::new(), validity, serial)?;
        let certificate = ca(params).self_signed(&key)?;
        let trusted = Trusted::read(certificate.der()).ok_or(AuthorityError::Unreadable)?;
        Ok(Self { trusted, key })
    }

    /// Reads what [`Self::certificate_pem`] and [`Self::key_pem`] wrote, and tries it.
    pub(super) fn read(certificate: &[u8], key: &[u8]) -> Result<Self, AuthorityError> {
        let mut certificates = Trusted::read_all(certificate);
        let trusted = certificates.pop().filter(|_| certificates.is_empty());
        let trusted = trusted.ok_or(AuthorityError::Unreadable)?;
        let key = std::str::from_utf8(key).map_err(|_| AuthorityError::Unreadable)?;
        let read = Self {
            trusted,
            key: KeyPair::from_pem(key)?,
        };
        // Whether the key is the certificate's, and clients would accept what it signs.
        let Validity { not_before, not_after } = read.trusted.validity;
        let middle = not_before + (not_after - not_before) / 2;
        read.sign(&["localhost".to_owned()], BACKDATE, middle)?;
        Ok(read)
    }

    /// Its certificate as text.
    pub(super) fn certificate_pem(&self) -> String {
        self.trusted.pem()
    }

    /// Its key as text, which goes into the Secret and nowhere else.
    pub(super) fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// Signs a leaf for these names with a key of its own, and checks that a client who trusts this authority takes it.
    pub(super) fn sign(&self, names: &[String], life: Duration, now: i64) -> Result<Signed, AuthorityError> {
        let mut validity = Validity::from(now, life);
        validity.not_after = validity.not_after.min(self.trusted.validity.not_after);
        let mut params = params("stateward", names.to_vec(), validity, serial()?)?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let issuer = ca(self::params(
            &self.trusted.common_name,
            Vec::new(),
            validity,
            Vec::new(),
        )?);
        let leaf = params.signed_by(&key, &Issuer::from_params(&issuer, &self.key))?;
        let leaf: CertificateDer<'static> = leaf.into();
        self.verify(&leaf, names, now)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok(Signed {
            certificate: Certificate::new(vec![leaf], key)?,
            validity,
        })
    }

    fn verify(&self, leaf: &CertificateDer<'_>, names: &[String], now: i64) -> Result<(), AuthorityError> {
        let mut roots = RootCertStore::empty();
        roots.add(self.trusted.der.clone())?;
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(default_provider()))
            .build()
            .map_err(|_| AuthorityError::Unreadable)?;
        let now = UnixTime::since_unix_epoch(Duration::from_secs(now.try_into().unwrap_or_default()));
        for name in names {
            let name = ServerName::try_from(&**name).map_err(|_| AuthorityError::Unreadable)?;
            verifier.verify_server_cert(leaf, &[], &name, &[], now)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("trusted", &self.trusted)
            .finish_non_exhaustive()
    }
}

impl PartialEq for Authority {
    fn eq(&self, other: &Self) -> bool {
        self.trusted == other.trusted
    }
}

/// Everything that is not set here would be chosen by the library: a validity of two thousand years, a serial number
/// that is the same for each certificate of a key.
fn params(
    common_name: &str,
    names: Vec<String>,
    validity: Validity,
    serial: Vec<u8>,
) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.serial_number = Some(SerialNumber::from(serial));
    let at = |time: i64| {
        let since = Duration::from_secs(time.unsigned_abs());
        let epoch = date_time_ymd(1970, 1, 1);
        if time < 0 { epoch - since } else { epoch + since }
    };
    params.not_before = at(validity.not_before);
    params.not_after = at(validity.not_after);
    Ok(params)
}

fn ca(mut params: CertificateParams) -> CertificateParams {
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// Sixteen random bytes, of which the first bit is 0: a serial number is positive (RFC 5280 §4.1.2.2).
fn serial() -> Result<Vec<u8>, AuthorityError> {
    let mut serial = vec![0; 16];
    default_provider()
        .secure_random
        .fill(&mut serial)
        .map_err(|_| AuthorityError::Random)?;
    serial[0] = (serial[0] & 0x7f) | 0x40;
    Ok(serial)
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// Why there is no authority, or no leaf.
#[derive(Debug, thiserror::Error)]
pub(super) enum AuthorityError {
    /// The leaf cannot be served.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A key cannot be read, or something not be made.
    #[error("cannot make or read a key or a certificate: {0}")]
    Generate(#[from] rcgen::Error),
    /// No randomness was to be had.
    #[error("the system has no randomness")]
    Random,
    /// It is not one certificate with its key.
    #[error("not one PEM certificate and its PEM key")]
    Unreadable,
    /// Clients would not take what is signed by it.
    #[error("clients would refuse what this authority signs: {0}")]
    Refused(#[from] rustls::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;
    const DAY: Duration = Duration::from_hours(24);

    #[test]
    fn what_was_written_is_read_and_signs() {
        let made = Authority::make(30 * DAY, NOW).unwrap();
        let read = Authority::read(made.certificate_pem().as_bytes(), made.key_pem().as_bytes()).unwrap();
        assert_eq!(read, made);
        let signed = read.sign(&["stateward.guard.svc".to_owned()], DAY, NOW).unwrap();
        assert_eq!(signed.certificate.not_after(), NOW + 86_400);
        assert!(signed.certificate.check(NOW - 3_599).is_ok(), "backdated an hour");
        assert!(signed.certificate.check(NOW - 3_601).is_err());
        let other = read.sign(&["stateward.guard.svc".to_owned()], 60 * DAY, NOW).unwrap();
        assert_eq!(
            other.certificate.not_after(),
            NOW + 30 * 86_400,
            "none outlives its authority"
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (one, other) = (Authority::make(DAY, NOW).unwrap(), Authority::make(DAY, NOW).unwrap());
        assert_ne!(
            one.trusted.common_name, other.trusted.common_name,
            "two of the same second are told apart"
        );
        let read = |certificate: &str, key: &str| Authority::read(certificate.as_bytes(), key.as_bytes()).is_ok();
        let (certificate, key) = (one.certificate_pem(), one.key_pem());
        assert!(read(&certificate, &key));
        assert!(!read(&certificate, &other.key_pem()));
        assert!(!read(&certificate[..certificate.len() / 2], &key));
        assert!(!read(&format!("{certificate}{}", other.certificate_pem()), &key));
        assert!(!read("", &key));
        assert!(!read(&certificate, ""));
    }

    #[test]
    fn two_thirds_of_a_life_are_counted_from_when_it_was_made() {
        let validity = Validity::from(NOW, Duration::from_secs(30));
        assert!(!validity.is_due(NOW + 19));
        assert!(validity.is_due(NOW + 20));
        assert!(validity.is_due(NOW - 3_601), "the clock was set back");
        assert!(validity.holds(NOW + 29) && !validity.holds(NOW + 30));
    }
}
