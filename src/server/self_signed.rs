//! Makes a certificate authority and a serving certificate at start, for runs without certificate files.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::certificate::{Certificate, CertificateError};

/// A serving certificate with the authority that signed it; the authority's key is forgotten at once.
#[derive(Clone, Debug)]
pub struct SelfSigned {
    /// What the server presents.
    pub certificate: Certificate,
    /// The authority in PEM: what clients trust, the `caBundle` of a webhook configuration.
    pub ca_pem: String,
}

/// How long the certificate is valid: it is made anew at every start, so it only has to outlive the process.
const VALIDITY: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// How far before now the validity begins, for clients whose clock is behind.
const BACKDATE: Duration = Duration::from_secs(3600);

impl SelfSigned {
    /// Makes a certificate for these names: DNS names or IP addresses.
    ///
    /// # Errors
    /// When a name is neither.
    pub fn new(names: impl Into<Vec<String>>) -> Result<Self, SelfSignedError> {
        let mut params = params(Vec::new(), "stateward self-signed CA")?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca_key = KeyPair::generate()?;
        let ca_pem = params.self_signed(&ca_key)?.pem();
        let issuer = Issuer::new(params, ca_key);

        let mut params = self::params(names.into(), "stateward")?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let leaf = params.signed_by(&key, &issuer)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok(Self {
            certificate: Certificate::new(vec![leaf.into()], key)?,
            ca_pem,
        })
    }
}

fn params(names: Vec<String>, common_name: &str) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, common_name);
    // A clock before 1970 gives a certificate nobody accepts, which is what such a clock does to every certificate.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = date_time_ymd(1970, 1, 1) + Duration::from_secs(now.as_secs());
    params.not_before = now - BACKDATE;
    params.not_after = now + VALIDITY;
    Ok(params)
}

/// Why no certificate could be made.
#[derive(Debug, thiserror::Error)]
pub enum SelfSignedError {
    /// The certificate that was made cannot be served.
    #[error("the self-signed certificate cannot be served")]
    Certificate(#[from] CertificateError),
    /// A name is not valid in a certificate, or no randomness was to be had.
    #[error("no self-signed certificate can be made")]
    Generate(#[from] rcgen::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_self_signed_certificate_tells_its_end() {
        let made = SelfSigned::new(["localhost".to_owned()]).unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        assert!(made.certificate.not_after() > now.as_secs() as i64 + 365 * 24 * 3600);
    }
}
