//! A Lease a replica: what each of them serves, for the leader and for people to see.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, Preconditions};
use kube::{Client, ResourceExt as _};
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

use super::FIELD_MANAGER;
use super::leader::Leadership;
use super::lease::{self, ANSWER, Annotations, COMPONENT, NAME_LABEL};

/// How often a replica renews its Lease.
const RENEW: Duration = Duration::from_secs(10);
/// A replica whose Lease has not changed for so long, by the clock of whoever looks, is gone: three renewals were missed.
const EXPIRED: Duration = Duration::from_secs(35);
/// How often it is looked whether what a replica says of itself has changed.
const LOOK: Duration = Duration::from_secs(1);
/// How often the leader looks at all of them.
const SURVEY: Duration = Duration::from_secs(5);

const COMPONENT_VALUE: &str = "replica";

/// The annotation with [`Announcement::policies`].
const POLICIES: &str = "stateward.dev/policies";
const CERTIFICATE: &str = "stateward.dev/certificate";
const ISSUER: &str = "stateward.dev/issuer";
const AUTHORITIES: &str = "stateward.dev/authorities";
const UNKNOWN_KINDS: &str = "stateward.dev/unknown-kinds";
const VERSION: &str = "stateward.dev/version";

/// What a replica says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Announcement {
    /// The fingerprint of the set of policies in force.
    pub policies: String,
    /// The fingerprint of the certificate that is served.
    pub certificate: String,
    /// Where the certificate is our own: whom it is of.
    pub signing: Option<Signing>,
    /// The kinds of which nothing is known at present: never listed, refused, or silent for too long.
    pub unknown_kinds: Vec<&'static str>,
}

/// By whom a replica's certificate is signed, and whom it could be signed by; all by their fingerprints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signing {
    /// Empty while there is no certificate.
    pub issuer: String,
    /// The authorities that it knows of.
    pub known: Vec<String>,
}

impl Announcement {
    fn annotations(&self) -> Annotations {
        let Self {
            policies,
            certificate,
            signing,
            unknown_kinds,
        } = self;
        let annotations = [
            (POLICIES, policies.clone()),
            (CERTIFICATE, certificate.clone()),
            (UNKNOWN_KINDS, unknown_kinds.join(",")),
            (VERSION, env!("CARGO_PKG_VERSION").to_owned()),
        ];
        let signing = signing.iter().flat_map(Signing::annotations);
        annotations
            .into_iter()
            .chain(signing)
            .map(|(key, value)| (key.to_owned(), value))
            .collect()
    }
}

impl Signing {
    fn annotations(&self) -> [(&'static str, String); 2] {
        [(ISSUER, self.issuer.clone()), (AUTHORITIES, self.known.join(","))]
    }

    fn read(lease: &Lease) -> Self {
        let text = |key| lease.annotations().get(key).cloned().unwrap_or_default();
        let known = text(AUTHORITIES);
        Self {
            issuer: text(ISSUER),
            known: known
                .split(',')
                .filter(|it| !it.is_empty())
                .map(str::to_owned)
                .collect(),
        }
    }
}

/// Writes what this replica says of itself until it is asked to stop; then takes it back.
pub async fn announce(
    client: Client,
    namespace: &str,
    identity: &str,
    says: impl Fn() -> Announcement,
    stop: impl Future<Output = ()>,
) {
    let leases: Api<Lease> = Api::namespaced(client, namespace);
    let name = lease_name(identity);
    let renewing = async {
        let mut written: Option<(Announcement, Instant)> = None;
        let mut told = false;
        loop {
            let now = says();
            let due = written
                .as_ref()
                .is_none_or(|(said, at)| *said != now || at.elapsed() >= RENEW);
            if due {
                let mut lease = lease::named(&name, COMPONENT_VALUE, lease::held(identity, EXPIRED));
                lease.metadata.annotations = Some(now.annotations());
                let parameters = PatchParams::apply(FIELD_MANAGER).force();
                let patch = Patch::Apply(&lease);
                match timeout(ANSWER, leases.patch(&name, &parameters, &patch)).await {
                    Ok(Ok(_)) => {
                        written = Some((now, Instant::now()));
                        told = false;
                    }
                    failed => {
                        let error = failed.map_or_else(
                            |_| "no answer".to_owned(),
                            |it| it.err().map_or_else(String::new, |it| it.to_string()),
                        );
                        if !std::mem::replace(&mut told, true) {
                            warn!(
                                error,
                                "Cannot write the Lease of this replica; trying again, further failures are not told"
                            );
                        }
                    }
                }
            }
            sleep(LOOK).await;
        }
    };
    tokio::select! {
        () = renewing => {}
        () = stop => {}
    }
    let deleted = timeout(ANSWER, leases.delete(&name, &DeleteParams::default())).await;
    if !matches!(deleted, Ok(Ok(_))) {
        debug!("The Lease of this replica stays behind; it runs out");
    }
}

/// The replicas that live, as the leader sees them.
#[derive(Clone, Debug, Default)]
pub struct Replicas(Arc<Mutex<BTreeMap<String, Seen>>>);

/// A replica's Lease.
#[derive(Debug)]
struct Seen {
    /// The renewal by which we know it.
    version: String,
    /// When that was new.
    since: Instant,
    policies: String,
    signing: Signing,
}

impl Replicas {
    /// Whether all replicas that live serve the set of policies with this fingerprint. None that is known yet is no.
    #[must_use]
    pub fn all_serve(&self, policies: &str) -> bool {
        let seen = self.lock();
        !seen.is_empty() && seen.values().all(|replica| replica.policies == policies)
    }

    /// What all replicas that live say of their certificates; nothing where none is known yet.
    #[must_use]
    pub fn signing(&self) -> Vec<Signing> {
        self.lock().values().map(|replica| replica.signing.clone()).collect()
    }

    /// Looks at all replicas for as long as this one leads, and removes the Leases of those that are gone.
    pub async fn survey(&self, client: Client, namespace: &str, leadership: Leadership) {
        let leases: Api<Lease> = Api::namespaced(client, namespace);
        let selector = format!("{}={},{COMPONENT}={COMPONENT_VALUE}", NAME_LABEL.0, NAME_LABEL.1);
        let selected = ListParams::default().labels(&selector);
        leadership.while_held(|| self.look(&leases, &selected)).await;
    }

    async fn look(&self, leases: &Api<Lease>, selected: &ListParams) {
        self.lock().clear();
        loop {
            match timeout(ANSWER, leases.list(selected)).await {
                Ok(Ok(list)) => {
                    for (name, version) in self.see(&list.items, Instant::now()) {
                        remove(leases, &name, version).await;
                    }
                }
                Ok(Err(error)) => debug!(%error, "Cannot list the Leases of replicas"),
                Err(_) => debug!("No answer to a list of Leases"),
            }
            sleep(SURVEY).await;
        }
    }

    /// Takes in what the Leases say now; returns name and version of those that ran out.
    fn see(&self, leases: &[Lease], now: Instant) -> Vec<(String, String)> {
        let mut seen = self.lock();
        let names: BTreeSet<String> = leases.iter().map(|lease| lease.name_any()).collect();
        seen.retain(|name, _| names.contains(name));
        for lease in leases {
            let version = lease.resource_version().unwrap_or_default();
            let policies = lease.annotations().get(POLICIES).cloned().unwrap_or_default();
            let signing = Signing::read(lease);
            let replica = Seen {
                version,
                since: now,
                policies,
                signing,
            };
            match seen.entry(lease.name_any()) {
                Entry::Vacant(entry) => {
                    entry.insert(replica);
                }
                Entry::Occupied(mut entry) if entry.get().version != replica.version => {
                    entry.insert(replica);
                }
                Entry::Occupied(_) => {}
            }
        }
        let over = |replica: &Seen| now.saturating_duration_since(replica.since) >= EXPIRED;
        let gone: Vec<(String, String)> = seen
            .iter()
            .filter(|(_, replica)| over(replica))
            .map(|(name, replica)| (name.clone(), replica.version.clone()))
            .collect();
        seen.retain(|_, replica| !over(replica));
        gone
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Only what we saw: a replica that was merely slow has renewed it meanwhile.
async fn remove(leases: &Api<Lease>, name: &str, version: String) {
    let unchanged = Preconditions {
        resource_version: Some(version),
        uid: None,
    };
    let parameters = DeleteParams::default().preconditions(unchanged);
    match timeout(ANSWER, leases.delete(name, &parameters)).await {
        Ok(Ok(_)) => info!(name, "Removed the Lease of a replica that is gone"),
        Ok(Err(error)) => debug!(name, %error, "Cannot remove the Lease of a replica"),
        Err(_) => debug!(name, "No answer to the removal of a Lease"),
    }
}

/// A name that the API server accepts, whatever the identity is made of.
fn lease_name(identity: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let name: String = identity.chars().map(plain).collect();
    format!("stateward-replica-{}", name.trim_matches('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(name: &str, version: &str, policies: &str) -> Lease {
        let mut lease = lease::named(name, COMPONENT_VALUE, lease::held(name, EXPIRED));
        let announcement = Announcement {
            policies: policies.to_owned(),
            ..Announcement::default()
        };
        lease.metadata.annotations = Some(announcement.annotations());
        lease.metadata.resource_version = Some(version.to_owned());
        lease
    }

    #[test]
    fn a_replica_is_gone_when_its_lease_stood_still_before_our_eyes() {
        let (replicas, start) = (Replicas::default(), Instant::now());
        assert!(!replicas.all_serve("1"), "nothing is known yet");
        assert_eq!(replicas.see(&[lease("a", "1", "1"), lease("b", "1", "0")], start), []);
        assert!(!replicas.all_serve("1"));
        let later = start + EXPIRED;
        let gone = replicas.see(&[lease("a", "2", "1"), lease("b", "1", "0")], later);
        assert_eq!(gone, [("b".to_owned(), "1".to_owned())]);
        assert!(replicas.all_serve("1"), "who is gone need not follow");
        // It was only slow.
        assert_eq!(replicas.see(&[lease("a", "2", "1"), lease("b", "2", "0")], later), []);
        assert!(!replicas.all_serve("1"));
        assert_eq!(replicas.see(&[lease("a", "3", "1")], later), []);
        assert!(replicas.all_serve("1"));
    }

    #[test]
    fn what_a_replica_says_of_its_certificate_is_read_again() {
        let signing = Signing {
            issuer: "A1".to_owned(),
            known: vec!["A1".to_owned(), "B2".to_owned()],
        };
        let announcement = Announcement {
            signing: Some(signing.clone()),
            ..Announcement::default()
        };
        let mut written = lease("a", "1", "1");
        written.metadata.annotations = Some(announcement.annotations());
        let replicas = Replicas::default();
        assert_eq!(replicas.signing(), []);
        replicas.see(&[written, lease("b", "1", "1")], Instant::now());
        assert_eq!(replicas.signing(), [signing, Signing::default()]);
    }

    #[test]
    fn names_are_those_that_kubernetes_takes() {
        assert_eq!(lease_name("Web_1.local_3f"), "stateward-replica-web-1-local-3f");
    }
}
