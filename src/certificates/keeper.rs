//! What the leader writes: the Secret with the authority, and whom both webhook configurations trust. Where certificates
//! come from files, these alone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration};
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

use super::authority::{Authority, AuthorityError};
use super::bundle::{self, Carried};
use super::contents::Authorities;
use super::rotation::{Change, Rotation, Situation};
use super::trusting::Trusting;
use super::view::{Part, Seen, View};
use super::{FIELD_MANAGER, Lifetimes};
use crate::causes::chain;
use crate::clock;
use crate::cluster::webhooks::{AUTHORITY_SECRET, NAME};
use crate::controller::{Leadership, Replicas};

/// How often everything is looked at, beside when something changes.
const LOOK: Duration = Duration::from_secs(1);
/// How long to wait before looking again at once: somebody may undo whatever we write.
const REST: Duration = Duration::from_millis(250);
/// How long to wait after a failure.
const AGAIN: Duration = Duration::from_secs(2);
/// How long a replica waits for whoever leads: longer than another needs to lead, and to write.
const PATIENCE: Duration = Duration::from_secs(20);
/// For how long an API server may keep us waiting before we ask again.
const ANSWER: Duration = Duration::from_secs(3);

/// Keeps the authority, or what files say of one, for as long as this replica leads.
pub struct Keeper {
    pub client: Client,
    pub view: Arc<View>,
    pub replicas: Replicas,
    pub lifetimes: Lifetimes,
}

#[derive(Debug, thiserror::Error)]
enum KeeperError {
    #[error("no answer")]
    Silence,
    #[error(transparent)]
    Api(#[from] kube::Error),
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

impl Keeper {
    /// Runs for as long as the process does, mostly whenever this replica leads.
    pub async fn run(self, leadership: Leadership) {
        tokio::join!(leadership.while_held(|| self.keep()), self.watch_ourselves());
    }

    /// Helps this replica where it is not trusted, and whoever leads does nothing about it: he may sign in another way than
    /// we do, or not at all, and leaves only when replicas like us are ready.
    async fn watch_ourselves(&self) {
        let (mut since, mut told) = (None, false);
        loop {
            sleep(AGAIN).await;
            if self.view.seen().is_trusted() {
                since = None;
            } else if since.get_or_insert_with(Instant::now).elapsed() >= PATIENCE
                && let Err(error) = self.help().await
            {
                tell_once(&mut told, &error);
            }
        }
    }

    /// Makes an authority where there is none, or adds whom we are signed by to whom the configurations trust. Of several
    /// that do so at once one is first, and the others see it.
    async fn help(&self) -> Result<(), KeeperError> {
        let (seen, now) = (self.view.seen(), clock::now().seconds());
        let usable = |kept: &Authorities| kept.current.trusted.validity.holds(now);
        if seen.offered.is_none() && !seen.kept.as_ref().is_some_and(usable) {
            let situation = Situation {
                secret: seen.secret.as_rotation(),
                kept: None,
                configurations: None,
                replicas: &[],
                now,
            };
            return match Rotation::new(self.lifetimes.settle).decide(&situation, Instant::now()) {
                Some(change) => self.write(change, &seen, now).await,
                None => Ok(()),
            };
        }
        let said = seen.trusted().unwrap_or_default();
        for (part, carried) in seen.configurations().iter().flatten() {
            let mut all = carried.trusted();
            all.retain(|trusted| !said.contains(trusted));
            all.extend(said.iter().cloned());
            let patch = Patch::Apply(applied(*part, carried, &bundle::pem(&all)));
            self.patch(*part, &patch).await?;
            info!(kind = part.collection().kind, "Added to whom the configuration trusts");
        }
        Ok(())
    }

    async fn keep(&self) {
        let mut changes = self.view.changes();
        let mut rotation = Rotation::new(self.lifetimes.settle);
        let mut trusting = Trusting::new(self.lifetimes.settle);
        let mut told = false;
        loop {
            changes.borrow_and_update();
            match self.step(&mut rotation, &mut trusting).await {
                Ok(()) => {
                    told = false;
                    sleep(REST).await;
                    // Whoever would tell of changes lives as long as we do.
                    let _ = timeout(LOOK, changes.changed()).await;
                }
                Err(error) => {
                    tell_once(&mut told, &error);
                    sleep(AGAIN).await;
                }
            }
        }
    }

    /// Looks once, and writes what follows.
    async fn step(&self, rotation: &mut Rotation, trusting: &mut Trusting) -> Result<(), KeeperError> {
        let seen = self.view.seen();
        let configurations = seen.configurations();
        let carried: Option<Vec<Carried>> = configurations
            .as_ref()
            .map(|all| all.iter().map(|(_, carried)| carried.clone()).collect());
        let replicas = self.replicas.signing();
        let situation = Situation {
            secret: seen.secret.as_rotation(),
            kept: seen.kept.as_ref(),
            configurations: carried.as_deref(),
            replicas: &replicas,
            now: clock::now().seconds(),
        };
        // Whom to trust is told first, so that nobody is signed by somebody unknown for longer than it takes.
        if let Some(trusted) = seen.trusted() {
            let bundle = bundle::pem(&trusting.whom(trusted, &situation, Instant::now()));
            for (part, carried) in configurations.iter().flatten() {
                if !carried.is(&bundle) {
                    let patch = Patch::Apply(applied(*part, carried, &bundle));
                    self.patch(*part, &patch).await?;
                    info!(kind = part.collection().kind, "Wrote whom the configuration trusts");
                } else if let Some(others) = &carried.others {
                    self.patch(*part, &Patch::Merge(disowned(carried, others))).await?;
                }
            }
        }
        match rotation.decide(&situation, Instant::now()) {
            Some(change) => self.write(change, &seen, situation.now).await,
            None => Ok(()),
        }
    }

    /// Writes the Secret, unless somebody else has meanwhile: then the watch tells of it.
    async fn write(&self, change: Change, seen: &Seen, now: i64) -> Result<(), KeeperError> {
        let make = || Authority::make(self.lifetimes.authority, now);
        let held = seen.secret.authorities();
        let Some(authorities) = change.apply(held, seen.kept.as_ref(), make)? else {
            return Ok(());
        };
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), self.view.namespace());
        let secret = Secret {
            metadata: ObjectMeta {
                name: Some(AUTHORITY_SECRET.to_owned()),
                labels: Some([("app.kubernetes.io/name".to_owned(), NAME.to_owned())].into()),
                resource_version: seen.secret.version().map(str::to_owned),
                ..ObjectMeta::default()
            },
            // Not kubernetes.io/tls: a type cannot change, and that one asks for keys which this has not.
            type_: Some("Opaque".to_owned()),
            data: Some(
                authorities
                    .data()
                    .into_iter()
                    .map(|(key, value)| (key, ByteString(value)))
                    .collect(),
            ),
            ..Secret::default()
        };
        let parameters = PostParams::default();
        let written = match seen.secret.version() {
            None => answered(secrets.create(&parameters, &secret)).await,
            Some(_) => answered(secrets.replace(AUTHORITY_SECRET, &parameters, &secret)).await,
        };
        match written {
            Ok(_) => info!(
                ?change,
                authority = authorities.current.trusted.common_name,
                "Wrote the authority"
            ),
            Err(KeeperError::Api(kube::Error::Api(status))) if status.code == 409 => {
                debug!("Somebody else wrote the Secret of the authority");
            }
            // Immutable, or of another type: it has to go first.
            Err(KeeperError::Api(kube::Error::Api(status))) if status.code == 422 => {
                let unchanged = Preconditions {
                    resource_version: seen.secret.version().map(str::to_owned),
                    uid: None,
                };
                let parameters = DeleteParams::default().preconditions(unchanged);
                answered(secrets.delete(AUTHORITY_SECRET, &parameters)).await?;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Changes a configuration, unless somebody else has meanwhile: then the watch tells of it.
    async fn patch(&self, part: Part, patch: &Patch<Value>) -> Result<(), KeeperError> {
        let mut parameters = PatchParams::apply(FIELD_MANAGER);
        parameters.force = matches!(patch, Patch::Apply(_));
        let client = self.client.clone();
        let patched = match part {
            Part::Mutating => {
                let api: Api<MutatingWebhookConfiguration> = Api::all(client);
                answered(api.patch(NAME, &parameters, patch)).await.map(|_| ())
            }
            Part::Validating | Part::Secret => {
                let api: Api<ValidatingWebhookConfiguration> = Api::all(client);
                answered(api.patch(NAME, &parameters, patch)).await.map(|_| ())
            }
        };
        match patched {
            Err(KeeperError::Api(kube::Error::Api(status))) if matches!(status.code, 404 | 409) => {
                debug!(kind = part.collection().kind, "The configuration changed meanwhile");
                Ok(())
            }
            patched => patched,
        }
    }
}

/// Whom to trust, and nothing else, for the entries that we saw, if they are still the same.
fn applied(part: Part, carried: &Carried, bundle: &str) -> Value {
    let bundle = STANDARD.encode(bundle);
    let entry = |name: &str| json!({"name": name, "clientConfig": {"caBundle": bundle}});
    let webhooks: Vec<Value> = carried.entries.iter().map(|found| entry(&found.name)).collect();
    let collection = part.collection();
    json!({
        "apiVersion": collection.api_version,
        "kind": collection.kind,
        "metadata": {"name": NAME, "resourceVersion": carried.version},
        "webhooks": webhooks,
    })
}

/// Gives up the ownership that comes with a write. An installer that applies could not remove an entry of which another
/// owns a field: the rest of it would stay, and be refused. What nobody owns stays as it is, whoever applies the rest.
fn disowned(carried: &Carried, others: &[Value]) -> Value {
    json!({"metadata": {"resourceVersion": carried.version, "managedFields": others}})
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper")
            .field("lifetimes", &self.lifetimes)
            .finish_non_exhaustive()
    }
}

fn tell_once(told: &mut bool, error: &KeeperError) {
    if !std::mem::replace(told, true) {
        let error = chain(error);
        warn!(
            error,
            "Cannot write the authority; trying again, further failures are not told"
        );
    }
}

async fn answered<T>(request: impl Future<Output = Result<T, kube::Error>>) -> Result<T, KeeperError> {
    match timeout(ANSWER, request).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(KeeperError::Silence),
    }
}
