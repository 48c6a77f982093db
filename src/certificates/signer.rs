//! A replica's own leaf: signed in memory by the authority of the Secret, and renewed in time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::timeout;
use tracing::{info, warn};

use super::Lifetimes;
use super::authority::Validity;
use super::serving::{Leaf, Serving};
use super::view::{Part, Seen, View};
use crate::causes::chain;
use crate::clock;
use crate::controller::Signing;
use crate::metrics::AuthorityValidity;
use crate::server::admin::Gate;
use crate::server::tls::CertResolver;

/// How often the clock on the wall is looked at: a timer of a machine that slept would come too late.
const LOOK: Duration = Duration::from_secs(1);

/// Who presents the leaf, who tells whether there is one, and who tells how long its authority holds.
#[derive(Debug)]
pub struct Target {
    pub resolver: Arc<CertResolver>,
    pub gate: Gate,
    pub authority: AuthorityValidity,
}

/// Signs leaves for as long as the process runs.
#[derive(Debug)]
pub struct Signer {
    /// What is seen of the authority.
    pub view: Arc<View>,
    /// By which names this replica is called.
    pub names: Vec<String>,
    pub lifetimes: Lifetimes,
    pub target: Target,
}

impl Signer {
    /// Runs until it is dropped.
    pub async fn run(self) {
        let mut changes = self.view.changes();
        let mut serving = Serving::default();
        let (mut failed, mut ready) = (false, false);
        loop {
            changes.borrow_and_update();
            let seen = self.view.seen();
            match self.sign(&mut serving, &seen) {
                Ok(()) => failed = false,
                Err(error) => {
                    if !std::mem::replace(&mut failed, true) {
                        warn!(
                            error = chain(&error),
                            "No certificate can be signed by the authority of the Secret"
                        );
                    }
                }
            }
            self.view.say(Signing {
                issuer: serving
                    .leaf
                    .as_ref()
                    .map(|leaf| leaf.issuer.clone())
                    .unwrap_or_default(),
                known: serving.known().cloned().collect(),
            });
            self.tell(&serving, &seen, &mut ready);
            // Whoever would tell of changes lives as long as we do.
            let _ = timeout(LOOK, changes.changed()).await;
        }
    }

    /// Signs a leaf where one is due.
    fn sign(&self, serving: &mut Serving, seen: &Seen) -> Result<(), super::authority::AuthorityError> {
        let now = clock::now().seconds();
        let Some(authorities) = &seen.kept else { return Ok(()) };
        let Validity { not_before, not_after } = authorities.current.trusted.validity;
        self.target.authority.tell(not_before, not_after);
        if !serving.is_due(authorities, now, Instant::now()) {
            return Ok(());
        }
        let issuer = &authorities.current;
        let signed = issuer.sign(&self.names, self.lifetimes.leaf, now)?;
        self.target.resolver.replace(signed.certificate);
        serving.leaf = Some(Leaf {
            issuer: issuer.trusted.fingerprint.clone(),
            validity: signed.validity,
        });
        info!(
            authority = issuer.trusted.common_name,
            not_after = signed.validity.not_after,
            "Serving a new certificate"
        );
        Ok(())
    }

    /// Says whether calls can succeed. The first time that has to be so before we are ready; a replica that has served
    /// stays ready, for what it lacks the others lack too.
    fn tell(&self, serving: &Serving, seen: &Seen, ready: &mut bool) {
        let gate = &self.target.gate;
        let Some(leaf) = &serving.leaf else {
            return;
        };
        let wrong = if leaf.validity.holds(clock::now().seconds()) {
            distrust(leaf, seen)
        } else {
            Some("it is over, and there is no authority that could sign another".to_owned())
        };
        match wrong {
            None => {
                *ready = true;
                gate.open();
            }
            Some(wrong) if *ready => gate.remark(&wrong),
            Some(wrong) => gate.close(&wrong),
        }
    }
}

/// Why the API server may not trust a leaf. Where the Secret of a former installation was left, there is one before the
/// configurations were seen, and nobody leads yet who would write it into them.
fn distrust(leaf: &Leaf, seen: &Seen) -> Option<String> {
    if seen.configurations().is_none() {
        return Some("the webhook configurations were not seen".to_owned());
    }
    stranger(leaf, seen).map(|part| format!("the {} does not trust it yet", part.collection().kind))
}

/// The configuration that does not trust who signed a leaf, as far as is known.
pub(super) fn stranger(leaf: &Leaf, seen: &Seen) -> Option<Part> {
    let configurations = seen.configurations().unwrap_or_default();
    let mut strangers = configurations
        .into_iter()
        .filter(|(_, carried)| !carried.trusts(&leaf.issuer));
    strangers.next().map(|(part, _)| part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaf_is_trusted_only_once_the_configurations_were_seen() {
        let view = View::new("guard");
        let leaf = Leaf {
            issuer: "an authority".to_owned(),
            validity: Validity {
                not_before: 0,
                not_after: 1,
            },
        };
        view.take(Part::Mutating, None);
        let unseen = distrust(&leaf, &view.seen());
        assert_eq!(unseen.as_deref(), Some("the webhook configurations were not seen"));
        view.take(Part::Validating, None);
        assert_eq!(distrust(&leaf, &view.seen()), None, "nobody asks by any");
        let entry = r#"{"name": "a", "clientConfig": {"service": {"name": "stateward", "namespace": "guard"}}}"#;
        view.take(Part::Validating, Some(&format!(r#"{{"webhooks": [{entry}]}}"#)));
        let stranger = distrust(&leaf, &view.seen());
        assert_eq!(
            stranger.as_deref(),
            Some("the ValidatingWebhookConfiguration does not trust it yet")
        );
    }
}
