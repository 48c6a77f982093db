//! What cert-manager needs to fill the Secret with the serving certificate, and to say whom to trust.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde_json::{Value, json};

use super::install::TLS_SECRET;
use super::webhooks::NAME;

/// Who signs: an `Issuer` of our namespace, or a `ClusterIssuer`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    kind: &'static str,
    name: String,
}

/// Why a text names no issuer.
#[derive(Debug, thiserror::Error)]
#[error("not NAME, Issuer/NAME or ClusterIssuer/NAME")]
pub struct InvalidIssuer;

impl FromStr for Issuer {
    type Err = InvalidIssuer;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, name) = match text.split_once('/') {
            None | Some(("Issuer", _)) => ("Issuer", text.strip_prefix("Issuer/").unwrap_or(text)),
            Some(("ClusterIssuer", name)) => ("ClusterIssuer", name),
            Some(_) => return Err(InvalidIssuer),
        };
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
        if name.is_empty() || !name.chars().all(plain) {
            return Err(InvalidIssuer);
        }
        Ok(Self {
            kind,
            name: name.to_owned(),
        })
    }
}

/// The Certificate, named after the Secret that it fills.
pub(super) fn certificate(namespace: &str, labels: &BTreeMap<String, String>, issuer: &Issuer) -> Value {
    json!({
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": {"name": TLS_SECRET, "namespace": namespace, "labels": labels},
        "spec": {
            "dnsNames": [format!("{NAME}.{namespace}.svc")],
            "issuerRef": {"kind": issuer.kind, "name": issuer.name},
            "privateKey": {"algorithm": "ECDSA", "rotationPolicy": "Always", "size": 256},
            "secretName": TLS_SECRET,
            "usages": ["digital signature", "server auth"],
        },
    })
}

/// By which cainjector knows whose CA to write into a configuration.
pub(super) fn annotation(namespace: &str) -> BTreeMap<String, String> {
    let key = "cert-manager.io/inject-ca-from".to_owned();
    [(key, format!("{namespace}/{TLS_SECRET}"))].into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_one_of_the_namespace_unless_it_says_otherwise() {
        let parsed = |text: &str| text.parse::<Issuer>().map(|issuer| (issuer.kind, issuer.name)).ok();
        assert_eq!(parsed("ca"), Some(("Issuer", "ca".to_owned())));
        assert_eq!(parsed("Issuer/ca"), Some(("Issuer", "ca".to_owned())));
        assert_eq!(parsed("ClusterIssuer/ca.1"), Some(("ClusterIssuer", "ca.1".to_owned())));
        for wrong in ["", "Issuer/", "Vault/ca", "a/b/c", "A"] {
            assert_eq!(parsed(wrong), None, "{wrong}");
        }
    }
}
