//! Whether the webhook configurations trust a certificate from files. Whom they trust is for others to write, who
//! installs or injects it: here it is only told, as the API server would find it.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use rustls::CertificateError::{BadSignature, NotValidForName, NotValidForNameContext, UnknownIssuer};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{Error, RootCertStore};
use tokio::time::timeout;
use tracing::{info, warn};

use super::bundle::Trusted;
use super::view::View;
use crate::clock;
use crate::cluster::webhooks::NAME;
use crate::metrics::{Refusal, Reloads};
use crate::server::admin::Gate;
use crate::server::tls::CertResolver;

/// How often it is looked at, beside when a configuration changes: files are read as often.
const LOOK: Duration = Duration::from_secs(10);

/// Compares the certificate that is served with whom the configurations trust.
#[derive(Debug)]
pub struct Trust {
    /// What is seen of the configurations.
    pub view: Arc<View>,
    /// What is served.
    pub resolver: Arc<CertResolver>,
    /// Says in `/readyz` what is wrong. The replica stays ready: what it lacks the others lack too.
    pub gate: Gate,
    /// Says it in the metrics.
    pub reloads: Reloads,
}

impl Trust {
    /// Runs for as long as the process does.
    pub async fn run(self, client: Client) {
        let configurations = self.view.clone().follow_configurations(client);
        tokio::join!(configurations, self.compare());
    }

    async fn compare(&self) {
        let mut changes = self.view.changes();
        let mut told = None;
        self.reloads.taken();
        loop {
            changes.borrow_and_update();
            let wrong = self.wrong();
            if wrong != told {
                match &wrong {
                    Some(wrong) => {
                        warn!(error = wrong, "The API server refuses the serving certificate");
                        self.gate.remark(wrong);
                        self.reloads.refused(Refusal::Untrusted);
                    }
                    None => {
                        info!("The webhook configurations trust the serving certificate");
                        self.gate.open();
                        self.reloads.taken();
                    }
                }
                told = wrong;
            }
            // Whoever would tell of changes lives as long as we do.
            let _ = timeout(LOOK, changes.changed()).await;
        }
    }

    /// Why the API server refuses the certificate, as far as is known.
    fn wrong(&self) -> Option<String> {
        let chain = self.resolver.chain();
        let name = format!("{NAME}.{}.svc", self.view.namespace());
        for (part, carried) in self.view.seen().configurations()? {
            for entry in carried.entries {
                if let Some(refused) = refused(&chain, &entry.bundle, &name, clock::now().seconds()) {
                    return Some(format!("the {}: {refused}", part.watched().kind));
                }
            }
        }
        None
    }
}

/// Why a client that trusts this bundle refuses this chain of a server of this name. What we cannot judge as the API
/// server does, such as a signature of a kind that we do not know, is not refused; nor is what is over, which is told of
/// the certificate itself.
fn refused(chain: &[CertificateDer<'_>], bundle: &[u8], name: &str, now: i64) -> Option<String> {
    let (leaf, others) = chain.split_first()?;
    let mut trusted = Trusted::read_all(bundle);
    trusted.retain(|trusted| trusted.validity.holds(now));
    let mut roots = RootCertStore::empty();
    let (_, unknown) = roots.add_parsable_certificates(trusted.iter().map(|trusted| trusted.der.clone()));
    // Of a certificate that it trusts by itself the API server asks for no authority.
    if unknown > 0 || trusted.iter().any(|trusted| trusted.der == *leaf) {
        return None;
    }
    let stranger = || Some("its caBundle has no valid authority that signed the certificate".to_owned());
    if roots.is_empty() {
        return stranger();
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(default_provider()));
    let now = UnixTime::since_unix_epoch(Duration::from_secs(now.try_into().unwrap_or_default()));
    let server = ServerName::try_from(name).ok()?;
    match verifier
        .build()
        .ok()?
        .verify_server_cert(leaf, others, &server, &[], now)
    {
        Err(Error::InvalidCertificate(UnknownIssuer | BadSignature)) => stranger(),
        Err(Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. })) => {
            Some(format!("the certificate does not name {name}, which it calls"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::authority::Authority;
    use rcgen::{CertificateParams, IsCa, KeyPair};

    const NOW: i64 = 1_800_000_000;
    const NAME: &str = "stateward.guard.svc";
    const HOUR: Duration = Duration::from_hours(1);

    fn chain(authority: &Authority, name: &str) -> Vec<CertificateDer<'static>> {
        let signed = authority.sign(&[name.to_owned()], HOUR, NOW).unwrap();
        let validity = crate::metrics::Validity::default();
        CertResolver::new(signed.certificate, validity).chain()
    }

    #[test]
    fn who_did_not_sign_is_a_stranger() {
        let [one, other] = [(); 2].map(|()| Authority::make(HOUR, NOW).unwrap());
        let served = chain(&one, NAME);
        let refused = |bundle: &str, name: &str, now| refused(&served, bundle.as_bytes(), name, now);
        let both = format!("{}{}", other.certificate_pem(), one.certificate_pem());
        assert_eq!(refused(&one.certificate_pem(), NAME, NOW), None);
        assert_eq!(refused(&both, NAME, NOW), None);
        for bundle in [&other.certificate_pem(), "", "\n"] {
            let stranger = "its caBundle has no valid authority that signed the certificate";
            assert_eq!(refused(bundle, NAME, NOW).as_deref(), Some(stranger));
        }
        assert!(refused(&both, NAME, NOW + 3_601).is_some(), "both are over");
        let elsewhere = "the certificate does not name stateward.other.svc, which it calls";
        assert_eq!(refused(&both, "stateward.other.svc", NOW).as_deref(), Some(elsewhere));
    }

    #[test]
    fn what_the_api_server_may_take_is_not_refused() {
        let mut params = CertificateParams::new([NAME.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let itself = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let served = [itself.der().clone()];
        assert_eq!(refused(&served, itself.pem().as_bytes(), NAME, NOW), None);
        assert_eq!(refused(&[], b"", NAME, NOW), None, "nothing is served yet");
    }
}
