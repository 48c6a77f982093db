//! The webhook configurations: which requests the API server sends to us, and what it does when we do not answer.
//!
//! One list (`entries.rs`) for the installed configurations and for `serve --register-url`.

use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhook, MutatingWebhookConfiguration, ServiceReference, ValidatingWebhook, ValidatingWebhookConfiguration,
    WebhookClientConfig,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

use super::entries::{Phase, Sent, entries};
use super::scope::{FailurePolicy, Scope};
use crate::graph::Kinds;

/// The name of the Service, of the installed configurations and of everything else that `manifests` prints.
pub const NAME: &str = "stateward";
/// The name of the configurations that `--register-url` creates: another one, so that both can live side by side.
pub const DEVELOPMENT_NAME: &str = "stateward-dev";
/// The namespace of an installation, unless told otherwise.
pub const NAMESPACE: &str = "stateward-system";
/// The Secret with the authority that signs for an installation.
pub const AUTHORITY_SECRET: &str = "stateward-authority";
/// The annotation of the validating configuration that names the installation's own policy, for whoever audits.
pub const DEFAULT_POLICY: &str = "stateward.dev/default-policy";
/// Where mutating reviews are posted.
pub const MUTATE_PATH: &str = "/mutate";
/// Where validating reviews are posted.
pub const VALIDATE_PATH: &str = "/validate";
/// Where reviews of our own kinds are posted.
pub const POLICIES_PATH: &str = "/policies";

/// Seconds that the API server waits for us. Our own deadline is below it; more would only lengthen an outage of ours.
const TIMEOUT_SECONDS: i32 = 5;

/// Where the API server finds us.
#[derive(Clone, Copy, Debug)]
pub enum Endpoint<'a> {
    /// The Service of an installation in `namespace`. Without `ca` somebody else writes it.
    /// Where nobody answers yet, nothing may `fail` closed.
    Service {
        namespace: &'a str,
        ca: Option<&'a [u8]>,
        fail: FailurePolicy,
    },
    /// This very process during development: `https://HOST:PORT`, no trailing slash, and the CA that signed for it.
    Url { base: &'a str, ca: &'a [u8] },
}

/// Both configurations for one endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Configurations {
    /// Injects defaults.
    pub mutating: MutatingWebhookConfiguration,
    /// Denies and warns.
    pub validating: ValidatingWebhookConfiguration,
}

impl Configurations {
    /// Builds the configurations that send to `endpoint` what can matter of these kinds within `scope`.
    pub fn new(kinds: &Kinds, endpoint: Endpoint<'_>, scope: &Scope) -> Self {
        let metadata = endpoint.metadata();
        let (mutating, validating): (Vec<Sent>, Vec<Sent>) = entries(kinds)
            .into_iter()
            .partition(|entry| entry.phase == Phase::Mutating);
        Self {
            mutating: MutatingWebhookConfiguration {
                metadata: metadata.clone(),
                webhooks: Some(
                    mutating
                        .into_iter()
                        .map(|entry| entry.mutating(endpoint, scope))
                        .collect(),
                ),
            },
            validating: ValidatingWebhookConfiguration {
                metadata,
                webhooks: Some(
                    validating
                        .into_iter()
                        .map(|entry| entry.validating(endpoint, scope))
                        .collect(),
                ),
            },
        }
    }
}

impl Endpoint<'_> {
    fn metadata(self) -> ObjectMeta {
        let name = match self {
            Self::Service { .. } => NAME,
            Self::Url { .. } => DEVELOPMENT_NAME,
        };
        ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some([("app.kubernetes.io/name".to_owned(), NAME.to_owned())].into()),
            ..ObjectMeta::default()
        }
    }

    fn client_config(self, path: &str) -> WebhookClientConfig {
        match self {
            Self::Service { namespace, ca, .. } => WebhookClientConfig {
                ca_bundle: ca.map(|pem| ByteString(pem.to_vec())),
                service: Some(ServiceReference {
                    name: NAME.to_owned(),
                    namespace: namespace.to_owned(),
                    path: Some(path.to_owned()),
                    port: Some(443),
                }),
                url: None,
            },
            Self::Url { base, ca } => WebhookClientConfig {
                ca_bundle: Some(ByteString(ca.to_vec())),
                service: None,
                url: Some(format!("{base}{path}")),
            },
        }
    }

    /// `Fail` only where somebody can answer: a process on a URL is gone after a `kill -9` and its configuration
    /// stays, and in a first installation no replica runs. `Fail` would then refuse every workload of the cluster.
    fn failure_policy(self, entry: &Sent, scope: &Scope) -> String {
        let policy = match self {
            Self::Service {
                fail: FailurePolicy::Fail,
                ..
            } => scope.failure(entry.name, entry.failure_policy),
            Self::Service { .. } | Self::Url { .. } => FailurePolicy::Ignore,
        };
        match policy {
            FailurePolicy::Fail => "Fail".to_owned(),
            FailurePolicy::Ignore => "Ignore".to_owned(),
        }
    }

    /// Keeps us out of the way of the control plane, and of our own start.
    fn namespace_selector(self, scope: &Scope) -> LabelSelector {
        let own = match self {
            Self::Service { namespace, .. } => namespace,
            Self::Url { .. } => NAMESPACE,
        };
        LabelSelector {
            match_expressions: Some(scope.namespaces(own)),
            match_labels: None,
        }
    }
}

impl Sent {
    fn mutating(self, endpoint: Endpoint<'_>, scope: &Scope) -> MutatingWebhook {
        MutatingWebhook {
            admission_review_versions: vec!["v1".to_owned()],
            client_config: endpoint.client_config(self.path),
            failure_policy: Some(endpoint.failure_policy(&self, scope)),
            match_conditions: Some(self.conditions),
            match_policy: Some("Equivalent".to_owned()),
            name: format!("{}.stateward.dev", self.name),
            namespace_selector: Some(endpoint.namespace_selector(scope)),
            object_selector: None,
            reinvocation_policy: Some("IfNeeded".to_owned()),
            rules: Some(self.rules),
            side_effects: "None".to_owned(),
            timeout_seconds: Some(TIMEOUT_SECONDS),
        }
    }

    fn validating(self, endpoint: Endpoint<'_>, scope: &Scope) -> ValidatingWebhook {
        ValidatingWebhook {
            admission_review_versions: vec!["v1".to_owned()],
            client_config: endpoint.client_config(self.path),
            failure_policy: Some(endpoint.failure_policy(&self, scope)),
            match_conditions: Some(self.conditions),
            match_policy: Some("Equivalent".to_owned()),
            name: format!("{}.stateward.dev", self.name),
            namespace_selector: Some(endpoint.namespace_selector(scope)),
            object_selector: None,
            rules: Some(self.rules),
            side_effects: "None".to_owned(),
            timeout_seconds: Some(TIMEOUT_SECONDS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fails_closed_only_behind_a_service_that_answers() {
        let policies = |endpoint| -> Vec<(String, String)> {
            let configurations = Configurations::new(Kinds::builtin(), endpoint, &Scope::default());
            configurations
                .validating
                .webhooks
                .unwrap()
                .into_iter()
                .map(|webhook| (webhook.name, webhook.failure_policy.unwrap()))
                .filter(|(_, policy)| policy == "Fail")
                .collect()
        };
        let fail = [("workloads.stateward.dev".to_owned(), "Fail".to_owned())];
        assert_eq!(
            policies(Endpoint::Service {
                namespace: NAMESPACE,
                ca: None,
                fail: FailurePolicy::Fail,
            }),
            fail
        );
        assert_eq!(
            policies(Endpoint::Service {
                namespace: NAMESPACE,
                ca: Some(b"pem"),
                fail: FailurePolicy::Ignore,
            }),
            []
        );
        assert_eq!(
            policies(Endpoint::Url {
                base: "https://127.0.0.1:8443",
                ca: b"pem"
            }),
            []
        );
    }

    #[test]
    fn a_url_names_the_path_and_another_configuration() {
        let configurations = Configurations::new(
            Kinds::builtin(),
            Endpoint::Url {
                base: "https://127.0.0.1:8443",
                ca: b"pem",
            },
            &Scope::default(),
        );
        assert_eq!(configurations.mutating.metadata.name.as_deref(), Some("stateward-dev"));
        let webhook = &configurations.mutating.webhooks.as_ref().unwrap()[0];
        assert_eq!(
            webhook.client_config.url.as_deref(),
            Some("https://127.0.0.1:8443/mutate")
        );
        assert_eq!(webhook.client_config.ca_bundle, Some(ByteString(b"pem".to_vec())));
        assert_eq!(webhook.reinvocation_policy.as_deref(), Some("IfNeeded"));
    }
}
