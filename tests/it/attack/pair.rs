//! A chain and a key in files.

use std::path::PathBuf;

use rcgen::{CertificateParams, KeyPair};

use crate::controlplane::process::Scratch;

/// A self-signed pair for `localhost`.
pub(super) struct Pair {
    chain: PathBuf,
    key: PathBuf,
    /// Whom to trust.
    pub(super) pem: String,
}

impl Pair {
    /// What a certificate says that holds.
    pub(super) fn params() -> CertificateParams {
        CertificateParams::new(["localhost".to_owned()]).expect("a name")
    }

    /// Writes a pair, in the place of a former one.
    pub(super) fn write(scratch: &Scratch, params: &CertificateParams) -> Self {
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        let chain = scratch.write("tls.crt", &pem).expect("written");
        let key = scratch.write("tls.key", key.serialize_pem()).expect("written");
        Self { chain, key, pem }
    }

    /// The flags that name it.
    pub(super) fn arguments(&self) -> [String; 2] {
        let (chain, key) = (self.chain.display(), self.key.display());
        [format!("--tls-cert={chain}"), format!("--tls-key={key}")]
    }
}
