//! Digests by which a page says which style and script are its own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;

/// The SHA-256 of a text as a Content-Security-Policy names it: `'sha256-…'`.
#[must_use]
pub fn source(text: &str) -> String {
    let suite = TLS13_AES_128_GCM_SHA256.tls13();
    let digest = suite.map(|suite| suite.common.hash_provider.hash(text.as_bytes()));
    let digest = digest.expect("invariant: the suite is one of TLS 1.3");
    format!("'sha256-{}'", STANDARD.encode(digest.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first example of FIPS 180.
    #[test]
    fn a_known_text_has_its_digest() {
        assert_eq!(source("abc"), "'sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0='");
    }
}
