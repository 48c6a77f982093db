//! Whether a client takes the chain of a server, as far as we can tell.

use std::sync::Arc;
use std::time::Duration;

use rustls::CertificateError::{BadSignature, NotValidForName, NotValidForNameContext, UnknownIssuer};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{Error, RootCertStore};

use super::leaf::Leaf;

/// What a client says to a chain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// It is of another server.
    OtherName,
    /// Nobody whom it trusts has signed it.
    Stranger,
    /// Nothing is wrong, or nothing that we can tell: a signature may be of a kind that we do not know. What is over is
    /// told of the certificate itself.
    Taken,
}

/// What a client says at a time in Unix seconds who trusts these certificates and calls a server by this name.
pub(crate) fn verdict(
    chain: &[CertificateDer<'_>],
    trusted: &[CertificateDer<'static>],
    name: &str,
    now: i64,
) -> Verdict {
    let Some((leaf, others)) = chain.split_first() else {
        return Verdict::Taken;
    };
    let holds = |it: &&CertificateDer<'static>| {
        Leaf::read(it).is_some_and(|read| (read.not_before..read.not_after).contains(&now))
    };
    let trusted: Vec<&CertificateDer<'static>> = trusted.iter().filter(holds).collect();
    let mut roots = RootCertStore::empty();
    let (_, unknown) = roots.add_parsable_certificates(trusted.iter().map(|&it| it.clone()));
    // Of a certificate that it trusts by itself the API server asks for no authority.
    if unknown > 0 || trusted.contains(&leaf) {
        return Verdict::Taken;
    }
    if roots.is_empty() {
        return Verdict::Stranger;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(default_provider())).build();
    let (Ok(verifier), Ok(server)) = (verifier, ServerName::try_from(name)) else {
        return Verdict::Taken;
    };
    let now = UnixTime::since_unix_epoch(Duration::from_secs(now.try_into().unwrap_or_default()));
    match verifier.verify_server_cert(leaf, others, &server, &[], now) {
        Err(Error::InvalidCertificate(UnknownIssuer | BadSignature)) => Verdict::Stranger,
        Err(Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. })) => Verdict::OtherName,
        _ => Verdict::Taken,
    }
}
