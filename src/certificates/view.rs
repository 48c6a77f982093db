//! What a replica sees of the Secret and of both webhook configurations, kept up to date by watches.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::join;
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration};
use k8s_openapi::api::core::v1;
use kube::Client;
use serde_json::Value;
use tokio::sync::watch;
use tracing::warn;

use super::FIELD_MANAGER;
use super::bundle::{Carried, Entry, Trusted};
use super::contents::{Authorities, Data};
use super::holding::Offered;
use super::rotation::Secret;
use crate::cluster::follow::Intake;
use crate::cluster::one::{self, Collection, Only};
use crate::cluster::webhooks::{AUTHORITY_SECRET, NAME};
use crate::controller::Signing;

/// What is seen, shared by those who act upon it.
#[derive(Debug)]
pub struct View {
    namespace: String,
    seen: Mutex<Seen>,
    changed: watch::Sender<()>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) secret: SecretSeen,
    /// What the Secret last said when it was good.
    pub(super) kept: Option<Authorities>,
    /// What files hold, where these say who signs.
    pub(super) offered: Option<Offered>,
    /// Of each that was listed, what it carries, if it is there.
    mutating: Option<Option<Carried>>,
    validating: Option<Option<Carried>>,
    /// What this replica says of itself.
    pub(super) signing: Signing,
}

/// The Secret, as it was last seen.
#[derive(Clone, Debug, Default)]
pub(super) enum SecretSeen {
    #[default]
    Unknown,
    Absent,
    Unusable {
        version: String,
    },
    Held {
        authorities: Authorities,
        whole: bool,
        version: String,
    },
}

impl SecretSeen {
    /// As the rotation asks for it.
    pub(super) fn as_rotation(&self) -> Secret<'_> {
        match self {
            Self::Unknown => Secret::Unknown,
            Self::Absent => Secret::Absent,
            Self::Unusable { .. } => Secret::Unusable,
            Self::Held { authorities, whole, .. } => Secret::Held {
                authorities,
                whole: *whole,
            },
        }
    }

    /// What it holds, if that is good.
    pub(super) fn authorities(&self) -> Option<&Authorities> {
        match self {
            Self::Held { authorities, .. } => Some(authorities),
            Self::Unknown | Self::Absent | Self::Unusable { .. } => None,
        }
    }

    /// What a write has to name, so that it replaces this one only.
    pub(super) fn version(&self) -> Option<&str> {
        match self {
            Self::Unknown | Self::Absent => None,
            Self::Unusable { version } | Self::Held { version, .. } => Some(version),
        }
    }
}

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Mutating,
    Secret,
    Validating,
}

impl View {
    /// Nothing yet, of an installation in this namespace.
    #[must_use]
    pub fn new(namespace: &str) -> Arc<Self> {
        Arc::new(Self {
            namespace: namespace.to_owned(),
            seen: Mutex::default(),
            changed: watch::Sender::new(()),
        })
    }

    /// Watches for as long as the process runs.
    pub async fn follow(self: Arc<Self>, client: Client) {
        let secret = self.watch(Part::Secret, client.clone());
        join(secret, self.clone().follow_configurations(client)).await;
    }

    /// As [`Self::follow`], without the Secret.
    pub(super) async fn follow_configurations(self: Arc<Self>, client: Client) {
        let mutating = self.watch(Part::Mutating, client.clone());
        join(mutating, self.watch(Part::Validating, client)).await;
    }

    fn watch(self: &Arc<Self>, part: Part, client: Client) -> impl Future<Output = ()> + Send + use<> {
        let namespace = (part == Part::Secret).then(|| self.namespace.clone());
        let name = if part == Part::Secret { AUTHORITY_SECRET } else { NAME }.to_owned();
        let taking = Taking {
            view: self.clone(),
            part,
            found: false,
        };
        one::watch(part.collection(), Only { namespace, name }, client, taking)
    }

    /// By whom this replica is signed, and whom it knows.
    #[must_use]
    pub fn signing(&self) -> Signing {
        self.lock().signing.clone()
    }

    pub(super) fn say(&self, signing: Signing) {
        self.lock().signing = signing;
    }

    /// Takes in what files hold now.
    pub(super) fn offer(&self, offered: Offered) {
        self.lock().offered = Some(offered);
        self.changed.send_replace(());
    }

    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    pub(super) fn seen(&self) -> Seen {
        self.lock().clone()
    }

    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Takes in what a part is now; `None` where it is not there.
    pub(super) fn take(&self, part: Part, object: Option<&str>) {
        let object: Option<Value> = object.and_then(|object| serde_json::from_str(object).ok());
        let carried = |object: &Value| carried(object, &self.namespace);
        let mut seen = self.lock();
        match part {
            Part::Secret => seen.take(object.as_ref()),
            Part::Mutating => seen.mutating = Some(object.as_ref().map(carried)),
            Part::Validating => seen.validating = Some(object.as_ref().map(carried)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// Whom clients shall trust, whatever replicas say: the files tell, or the Secret.
    pub(super) fn trusted(&self) -> Option<Vec<Trusted>> {
        match &self.offered {
            Some(offered) => Some(offered.authorities.clone()),
            None => self.secret.authorities().map(Authorities::trusted),
        }
    }

    /// Whether both configurations trust whoever signed what this replica serves, as far as is known.
    pub(super) fn is_trusted(&self) -> bool {
        let trust = |(_, carried): &(Part, Carried)| carried.trusts(&self.signing.issuer);
        self.configurations().is_none_or(|all| all.iter().all(trust))
    }

    /// The configurations that are there, each with its kind; `None` while not both were listed.
    pub(super) fn configurations(&self) -> Option<Vec<(Part, Carried)>> {
        let (mutating, validating) = self.mutating.clone().zip(self.validating.clone())?;
        let both = [(Part::Mutating, mutating), (Part::Validating, validating)];
        Some(
            both.into_iter()
                .filter_map(|(part, carried)| Some((part, carried?)))
                .collect(),
        )
    }

    fn take(&mut self, secret: Option<&Value>) {
        let Some(secret) = secret else {
            self.secret = SecretSeen::Absent;
            return;
        };
        let version = version(secret);
        if self.secret.version() == Some(&version) {
            return;
        }
        let data = data(secret);
        self.secret = match Authorities::read(&data) {
            Ok(authorities) => {
                let whole = authorities.is_all_of(&data);
                // What somebody has damaged is put back from what was whole.
                let same = self
                    .kept
                    .as_ref()
                    .is_some_and(|kept| kept.current == authorities.current);
                if whole || !same {
                    self.kept = Some(authorities.clone());
                }
                SecretSeen::Held {
                    authorities,
                    whole,
                    version,
                }
            }
            Err(error) => {
                warn!(%error, secret = AUTHORITY_SECRET, "The Secret holds no authority that could sign");
                SecretSeen::Unusable { version }
            }
        };
    }
}

impl Part {
    pub(super) fn collection(self) -> Collection {
        match self {
            Self::Secret => Collection::of::<v1::Secret>("secrets"),
            Self::Mutating => Collection::of::<MutatingWebhookConfiguration>("mutatingwebhookconfigurations"),
            Self::Validating => Collection::of::<ValidatingWebhookConfiguration>("validatingwebhookconfigurations"),
        }
    }
}

fn version(object: &Value) -> String {
    object["metadata"]["resourceVersion"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

fn data(secret: &Value) -> Data {
    let data = secret["data"].as_object().into_iter().flatten();
    let decoded = |value: &Value| STANDARD.decode(value.as_str()?).ok();
    data.map(|(key, value)| (key.clone(), decoded(value).unwrap_or_default()))
        .collect()
}

/// What a configuration says in those of its entries that call the Service of this installation.
fn carried(configuration: &Value, namespace: &str) -> Carried {
    let webhooks = configuration["webhooks"].as_array().into_iter().flatten();
    let ours = webhooks.filter(|webhook| {
        let service = &webhook["clientConfig"]["service"];
        service["namespace"] == namespace && service["name"] == NAME
    });
    let entry = |webhook: &Value| Entry {
        name: webhook["name"].as_str().unwrap_or_default().to_owned(),
        bundle: webhook["clientConfig"]["caBundle"]
            .as_str()
            .and_then(|bundle| STANDARD.decode(bundle).ok())
            .unwrap_or_default(),
    };
    let owners = configuration["metadata"]["managedFields"].as_array();
    let (own, others): (Vec<Value>, Vec<Value>) = owners
        .into_iter()
        .flatten()
        .cloned()
        .partition(|owner| owner["manager"] == FIELD_MANAGER);
    Carried {
        version: version(configuration),
        entries: ours.map(entry).collect(),
        // An empty list would change nothing: the API server takes it for one that was left out.
        others: (!own.is_empty() && !others.is_empty()).then_some(others),
    }
}

/// The intake of one part.
struct Taking {
    view: Arc<View>,
    part: Part,
    /// The present list named it.
    found: bool,
}

impl Intake for Taking {
    fn begin_list(&mut self) {
        self.found = false;
    }

    fn take<'a>(&mut self, objects: impl Iterator<Item = &'a str>) {
        for object in objects {
            self.found = true;
            self.view.take(self.part, Some(object));
        }
    }

    fn delete(&mut self, _: &str) {
        self.view.take(self.part, None);
    }

    fn end_list(&mut self) {
        if !self.found {
            self.view.take(self.part, None);
        }
    }

    fn alive(&mut self) {}

    fn refused(&mut self, _: u16) {}

    fn settle(&mut self) -> impl Future<Output = ()> + Send {
        self.view.changed.send_replace(());
        std::future::ready(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::authority::Authority;
    use serde_json::json;
    use std::time::Duration;

    fn secret(version: &str, data: &Data) -> String {
        let data: std::collections::BTreeMap<_, _> =
            data.iter().map(|(key, value)| (key, STANDARD.encode(value))).collect();
        json!({"metadata": {"resourceVersion": version}, "data": data}).to_string()
    }

    #[test]
    fn what_was_good_is_kept_whatever_becomes_of_the_secret() {
        let good = Authorities::of(Authority::make(Duration::from_secs(60), 1_800_000_000).unwrap());
        let view = View::new("guard");
        view.take(Part::Secret, Some(&secret("7", &good.data())));
        assert!(matches!(view.seen().secret, SecretSeen::Held { whole: true, version, .. } if version == "7"));
        let mut damaged = good.data();
        damaged.insert("ca.key".to_owned(), b"x".to_vec());
        view.take(Part::Secret, Some(&secret("8", &damaged)));
        assert!(matches!(view.seen().secret, SecretSeen::Unusable { .. }));
        view.take(Part::Secret, None);
        assert!(matches!(view.seen().secret, SecretSeen::Absent));
        assert_eq!(view.seen().kept, Some(good));
    }

    #[test]
    fn only_entries_that_call_our_service_count() {
        let entry = |name: &str, namespace: &str| {
            let service = json!({"namespace": namespace, "name": NAME});
            json!({"name": name, "clientConfig": {"service": service, "caBundle": STANDARD.encode("pem")}})
        };
        let bare = json!({"name": "c", "clientConfig": {"service": {"namespace": "guard", "name": NAME}}});
        let configuration = json!({
            "metadata": {"resourceVersion": "9", "managedFields": [{"manager": "helm"}, {"manager": FIELD_MANAGER}]},
            "webhooks": [entry("a", "guard"), entry("b", "other"), bare],
        });
        let carried = carried(&configuration, "guard");
        let entry = |name: &str, bundle: &str| Entry {
            name: name.to_owned(),
            bundle: bundle.as_bytes().to_vec(),
        };
        assert_eq!(carried.version, "9");
        assert_eq!(carried.entries, [entry("a", "pem"), entry("c", "")]);
        assert_eq!(carried.others, Some(vec![json!({"manager": "helm"})]));
    }

    #[test]
    fn configurations_are_known_once_both_were_listed() {
        let view = View::new("guard");
        view.take(Part::Mutating, None);
        assert_eq!(view.seen().configurations(), None);
        view.take(Part::Validating, Some("{}"));
        assert_eq!(
            view.seen().configurations(),
            Some(vec![(Part::Validating, Carried::default())])
        );
    }
}
