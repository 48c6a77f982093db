//! What somebody can do who reaches the webhook's port and is no API server.

/// The certificates of clients.
mod certificates;

/// Whom the API server authenticates as, as the page tells to set it up.
mod cluster;

/// Reviews that no API server sent.
mod forged;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};

/// A CA, and a client's certificate and key of it, in PEM.
struct Identity {
    ca: String,
    certificate: String,
    key: String,
}

impl Identity {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.distinguished_name.push(DnType::CommonName, "CA of clients");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let ca_key = KeyPair::generate().expect("a key");
        let ca = params.self_signed(&ca_key).expect("a certificate").pem();
        let issuer = Issuer::new(params, ca_key);
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.distinguished_name.push(DnType::CommonName, "kube-apiserver");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &issuer).expect("a certificate").pem();
        Self {
            ca,
            certificate,
            key: key.serialize_pem(),
        }
    }
}
