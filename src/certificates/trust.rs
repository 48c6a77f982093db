//! Whether the webhook configurations trust a certificate from files, as the API server would find it. Who writes whom
//! they trust is the installer, or an injector, and it is only told; or it is us, and what they do not trust waits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::Client;
use rustls::pki_types::CertificateDer;
use tokio::time::timeout;
use tracing::{info, warn};

use super::bundle::Trusted;
use super::holding::{Due, Holding, Offered};
use super::view::{Seen, View};
use crate::clock;
use crate::cluster::webhooks::NAME;
use crate::metrics::{Refusal, Reloads};
use crate::server::admin::Gate;
use crate::server::certificate::Certificate;
use crate::server::chain::{Verdict, verdict};
use crate::server::reload::{Issued, Presenter};
use crate::server::tls::CertResolver;

/// How often it is looked at, beside when a configuration or a file changes.
const LOOK: Duration = Duration::from_secs(1);

/// Compares the certificate that is served with whom the configurations trust.
#[derive(Debug)]
pub struct Trust {
    /// What is seen of the configurations.
    pub view: Arc<View>,
    /// What is served.
    pub resolver: Arc<CertResolver>,
    /// Says in `/readyz` what is wrong. A replica that was trusted stays ready: what it lacks the others lack too.
    pub gate: Gate,
    /// Says it in the metrics.
    pub reloads: Reloads,
    /// What is held back while it is not trusted, where whom to trust is ours to write.
    pub holding: Option<Holding>,
}

/// What was told last.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    wrong: Option<String>,
    ready: bool,
}

impl Trust {
    /// Runs for as long as the process does.
    pub async fn run(mut self, client: Client) {
        let configurations = self.view.clone().follow_configurations(client);
        let holding = self.holding.take();
        tokio::join!(configurations, self.compare(holding));
    }

    async fn compare(&self, mut holding: Option<Holding>) {
        let mut changes = self.view.changes();
        let mut told = None;
        self.reloads.taken();
        loop {
            changes.borrow_and_update();
            let seen = self.view.seen();
            if let Some(holding) = &mut holding {
                self.serve(holding, &seen);
            }
            let wrong = wrong(
                &seen,
                &self.resolver.chain(),
                self.view.namespace(),
                clock::now().seconds(),
            );
            let begun = told.as_ref().is_some_and(|told: &Told| told.ready);
            let seen_well = seen.configurations().is_some() && wrong.is_none();
            let now = Told {
                ready: begun || holding.is_none() || seen_well,
                wrong,
            };
            if told.as_ref() != Some(&now) {
                self.tell(told.as_ref(), &now);
                told = Some(now);
            }
            // Whoever would tell of changes lives as long as we do.
            let _ = timeout(LOOK, changes.changed()).await;
        }
    }

    /// Serves what files hold now if it is time, and says so.
    fn serve(&self, holding: &mut Holding, seen: &Seen) {
        let Some(offered) = &seen.offered else { return };
        let wrong = refused(&self.view, seen, &offered.certificate);
        let due = holding.take(offered, wrong.as_deref(), clock::now().seconds(), Instant::now());
        if let Some(due) = due {
            let certificate = offered.certificate.clone();
            let not_after = certificate.not_after();
            self.resolver.replace(certificate);
            match (due, wrong) {
                (Due::Over, Some(error)) => warn!(
                    not_after,
                    error, "Serving a new certificate that is not trusted yet: the former is over"
                ),
                _ => info!(not_after, "Serving a new certificate"),
            }
        }
        self.view.say(holding.signing(offered));
    }

    fn tell(&self, before: Option<&Told>, now: &Told) {
        match &now.wrong {
            None if now.ready => self.gate.open(),
            None => self.gate.close("the webhook configurations were not seen"),
            Some(wrong) if now.ready => self.gate.remark(wrong),
            Some(wrong) => self.gate.close(wrong),
        }
        let before = before.filter(|before| before.ready);
        if !now.ready || before.is_some_and(|before| before.wrong == now.wrong) {
            return;
        }
        match &now.wrong {
            None => {
                if before.is_some() {
                    info!("The webhook configurations trust the serving certificate");
                }
                self.reloads.taken();
            }
            Some(wrong) => {
                warn!(error = wrong, "The API server refuses the serving certificate");
                self.reloads.refused(Refusal::Untrusted);
            }
        }
    }
}

/// Gives what files hold to [`Trust`], which serves it once it is trusted.
#[derive(Debug)]
pub struct Held {
    pub view: Arc<View>,
    pub resolver: Arc<CertResolver>,
}

impl Held {
    /// What is held back from now on, where this is served already.
    #[must_use]
    pub fn begin(&self, served: Issued) -> Holding {
        let offered = Offered::from(served);
        let holding = Holding::new(&offered, clock::now().seconds());
        self.view.say(holding.signing(&offered));
        self.view.offer(offered);
        holding
    }
}

impl Presenter for Held {
    fn present(&self, issued: Issued) {
        self.view.offer(issued.into());
    }

    fn waits(&self) -> Option<String> {
        let seen = self.view.seen();
        let certificate = &seen.offered.as_ref()?.certificate;
        let waits = certificate.fingerprint() != self.resolver.fingerprint();
        waits.then(|| refused(&self.view, &seen, certificate)).flatten()
    }
}

/// Why a certificate has to wait.
fn refused(view: &View, seen: &Seen, certificate: &Certificate) -> Option<String> {
    if seen.configurations().is_none() {
        return Some("the webhook configurations were not seen".to_owned());
    }
    wrong(seen, certificate.chain(), view.namespace(), clock::now().seconds())
}

/// Why the API server refuses a certificate, as far as is known.
pub(super) fn wrong(seen: &Seen, chain: &[CertificateDer<'_>], namespace: &str, now: i64) -> Option<String> {
    let name = format!("{NAME}.{namespace}.svc");
    for (part, carried) in seen.configurations()? {
        // Mostly all entries trust the same.
        let mut bundles: Vec<&[u8]> = carried.entries.iter().map(|entry| &*entry.bundle).collect();
        bundles.dedup();
        for bundle in bundles {
            if let Some(refused) = refused_by(bundle, chain, &name, now) {
                return Some(format!("the {}: {refused}", part.collection().kind));
            }
        }
    }
    None
}

/// Why a client that trusts this bundle refuses this chain of a server of this name.
fn refused_by(bundle: &[u8], chain: &[CertificateDer<'_>], name: &str, now: i64) -> Option<String> {
    let trusted: Vec<_> = Trusted::read_all(bundle)
        .into_iter()
        .map(|trusted| trusted.der)
        .collect();
    match verdict(chain, &trusted, name, now) {
        Verdict::OtherName => Some(format!("the certificate does not name {name}, which it calls")),
        Verdict::Stranger => Some("its caBundle has no valid authority that signed the certificate".to_owned()),
        Verdict::Taken => None,
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
        let refused = |bundle: &str, name: &str, now| refused_by(bundle.as_bytes(), &served, name, now);
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
        assert_eq!(refused_by(itself.pem().as_bytes(), &served, NAME, NOW), None);
        assert_eq!(refused_by(b"", &[], NAME, NOW), None, "nothing is served yet");
    }
}
