//! The webhook configurations: which requests the API server sends to us, and what it does when we do not answer.
//!
//! One table (`ENTRIES`) for the installed configurations and for `serve --register-url`.

use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{
    MatchCondition, MutatingWebhook, MutatingWebhookConfiguration, RuleWithOperations, ServiceReference,
    ValidatingWebhook, ValidatingWebhookConfiguration, WebhookClientConfig,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement, ObjectMeta};

/// The name of the Service, of the installed configurations and of everything else that `manifests` prints.
pub const NAME: &str = "stateward";
/// The name of the configurations that `--register-url` creates: another one, so that both can live side by side.
pub const DEVELOPMENT_NAME: &str = "stateward-dev";
/// The namespace of an installation, unless told otherwise.
pub const NAMESPACE: &str = "stateward-system";
/// Where mutating reviews are posted.
pub const MUTATE_PATH: &str = "/mutate";
/// Where validating reviews are posted.
pub const VALIDATE_PATH: &str = "/validate";

/// Seconds that the API server waits for us. Our own deadline is below it; more would only lengthen an outage of ours.
const TIMEOUT_SECONDS: i32 = 5;

/// Where the API server finds us.
#[derive(Clone, Copy, Debug)]
pub enum Endpoint<'a> {
    /// The Service of an installation in `namespace`; without `ca` a call cannot succeed yet.
    Service { namespace: &'a str, ca: Option<&'a [u8]> },
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
    /// Builds the configurations that send to `endpoint` what can matter.
    pub fn new(endpoint: Endpoint<'_>) -> Self {
        let metadata = endpoint.metadata();
        Self {
            mutating: MutatingWebhookConfiguration {
                metadata: metadata.clone(),
                webhooks: Some(entries(Phase::Mutating).map(|entry| entry.mutating(endpoint)).collect()),
            },
            validating: ValidatingWebhookConfiguration {
                metadata,
                webhooks: Some(
                    entries(Phase::Validating)
                        .map(|entry| entry.validating(endpoint))
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
            Self::Service { namespace, ca } => WebhookClientConfig {
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
    /// stays, and without a CA no call ever succeeds. `Fail` would then refuse every workload of the cluster.
    fn failure_policy(self, wanted: FailurePolicy) -> String {
        let policy = match self {
            Self::Service { ca: Some(_), .. } => wanted,
            Self::Service { ca: None, .. } | Self::Url { .. } => FailurePolicy::Ignore,
        };
        match policy {
            FailurePolicy::Fail => "Fail".to_owned(),
            FailurePolicy::Ignore => "Ignore".to_owned(),
        }
    }

    /// Keeps us out of the way of the control plane, and of our own start.
    fn namespace_selector(self) -> LabelSelector {
        let own = match self {
            Self::Service { namespace, .. } => namespace,
            Self::Url { .. } => NAMESPACE,
        };
        LabelSelector {
            match_expressions: Some(vec![LabelSelectorRequirement {
                key: "kubernetes.io/metadata.name".to_owned(),
                operator: "NotIn".to_owned(),
                values: Some(vec!["kube-system".to_owned(), own.to_owned()]),
            }]),
            match_labels: None,
        }
    }
}

/// A row of the table.
struct Entry {
    name: &'static str,
    phase: Phase,
    rules: &'static [Rule],
    failure_policy: FailurePolicy,
    conditions: &'static [Condition],
}

struct Rule {
    group: &'static str,
    version: &'static str,
    resources: &'static [&'static str],
    operations: &'static [&'static str],
}

/// A request that makes a condition false is not sent to us.
struct Condition {
    name: &'static str,
    expression: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Mutating,
    Validating,
}

#[derive(Clone, Copy)]
enum FailurePolicy {
    Fail,
    Ignore,
}

const WRITES: &[&str] = &["CREATE", "UPDATE"];

const ENTRIES: &[Entry] = &[
    Entry {
        name: "defaults.stateward.dev",
        phase: Phase::Mutating,
        rules: &[Rule {
            group: "apps",
            version: "v1",
            resources: &["deployments", "statefulsets"],
            operations: WRITES,
        }],
        failure_policy: FailurePolicy::Ignore,
        conditions: &[NOT_BEING_DELETED, CHANGED, DEPLOYMENT_USES_CLAIM],
    },
    Entry {
        name: "workloads.stateward.dev",
        phase: Phase::Validating,
        // Never DELETE: an outage of ours must not keep a namespace or a workload from going away.
        rules: &[
            Rule {
                group: "",
                version: "v1",
                resources: &["replicationcontrollers", "replicationcontrollers/scale"],
                operations: WRITES,
            },
            Rule {
                group: "apps",
                version: "v1",
                resources: &[
                    "daemonsets",
                    "deployments",
                    "deployments/scale",
                    "replicasets",
                    "replicasets/scale",
                    "statefulsets",
                    "statefulsets/scale",
                ],
                operations: WRITES,
            },
            Rule {
                group: "autoscaling",
                version: "v2",
                resources: &["horizontalpodautoscalers"],
                operations: WRITES,
            },
            Rule {
                group: "batch",
                version: "v1",
                resources: &["cronjobs", "jobs"],
                operations: WRITES,
            },
        ],
        failure_policy: FailurePolicy::Fail,
        conditions: &[NOT_OWNED_BY_WORKLOAD, NOT_BEING_DELETED, CHANGED],
    },
    Entry {
        name: "dependencies.stateward.dev",
        phase: Phase::Validating,
        rules: &[Rule {
            group: "",
            version: "v1",
            resources: &["persistentvolumeclaims", "services"],
            operations: &["CREATE", "UPDATE", "DELETE"],
        }],
        failure_policy: FailurePolicy::Ignore,
        conditions: &[NOT_BEING_DELETED, CHANGED],
    },
    Entry {
        name: "pods.stateward.dev",
        phase: Phase::Validating,
        rules: &[Rule {
            group: "",
            version: "v1",
            resources: &["pods"],
            operations: &["CREATE"],
        }],
        failure_policy: FailurePolicy::Ignore,
        conditions: &[POD_WITHOUT_OWNER, POD_USES_CLAIM],
    },
];

/// What every expression begins with: DELETE has no object, and a `Scale` has no fields of its parent.
/// `subResource` is read as optional because the request leaves it out when it is empty.
macro_rules! guarded {
    ($expression:literal) => {
        concat!(
            r#"object == null || request.?subResource.orValue("") != "" || "#,
            $expression
        )
    };
}

/// Keeps the controllers' own ReplicaSets and Jobs away: their owner was judged, and our outage never stops a rollout.
const NOT_OWNED_BY_WORKLOAD: Condition = Condition {
    name: "not-owned-by-workload",
    expression: guarded!(
        r#"!object.?metadata.?ownerReferences.orValue([]).exists(o, o.?controller.orValue(false) && (request.kind.kind == "ReplicaSet" && o.kind == "Deployment" && o.apiVersion.startsWith("apps/") || request.kind.kind == "Job" && o.kind == "CronJob" && o.apiVersion.startsWith("batch/")))"#
    ),
};

/// Keeps objects on their way out away: nothing about them is denied, and finalizers must come off without us.
const NOT_BEING_DELETED: Condition = Condition {
    name: "not-being-deleted",
    expression: guarded!("!object.?metadata.?deletionTimestamp.hasValue()"),
};

/// Keeps updates of finalizers, owners and managed fields away (garbage collection, adoption and release).
/// Labels and annotations count: policies select by labels, and an override without a reason earns a warning.
const CHANGED: Condition = Condition {
    name: "changed",
    expression: guarded!(
        r#"oldObject == null || object.?spec != oldObject.?spec || object.?metadata.?labels != oldObject.?metadata.?labels || object.?metadata.?annotations != oldObject.?metadata.?annotations"#
    ),
};

/// Keeps Deployments away that mount no claim: nothing is ever injected into them.
const DEPLOYMENT_USES_CLAIM: Condition = Condition {
    name: "deployment-uses-claim",
    expression: guarded!(
        r#"request.kind.kind != "Deployment" || object.?spec.?template.?spec.?volumes.orValue([]).exists(v, has(v.persistentVolumeClaim))"#
    ),
};

/// Keeps all pods away that somebody controls, mirror pods of a kubelet included.
const POD_WITHOUT_OWNER: Condition = Condition {
    name: "pod-without-owner",
    expression: guarded!("!object.?metadata.?ownerReferences.orValue([]).exists(o, o.?controller.orValue(false))"),
};

/// Keeps pods without a persistent volume away.
const POD_USES_CLAIM: Condition = Condition {
    name: "pod-uses-claim",
    expression: guarded!("object.?spec.?volumes.orValue([]).exists(v, has(v.persistentVolumeClaim))"),
};

fn entries(phase: Phase) -> impl Iterator<Item = &'static Entry> {
    ENTRIES.iter().filter(move |entry| entry.phase == phase)
}

impl Entry {
    fn mutating(&self, endpoint: Endpoint<'_>) -> MutatingWebhook {
        MutatingWebhook {
            admission_review_versions: vec!["v1".to_owned()],
            client_config: endpoint.client_config(MUTATE_PATH),
            failure_policy: Some(endpoint.failure_policy(self.failure_policy)),
            match_conditions: Some(self.match_conditions()),
            match_policy: Some("Equivalent".to_owned()),
            name: self.name.to_owned(),
            namespace_selector: Some(endpoint.namespace_selector()),
            object_selector: None,
            reinvocation_policy: Some("IfNeeded".to_owned()),
            rules: Some(self.rules()),
            side_effects: "None".to_owned(),
            timeout_seconds: Some(TIMEOUT_SECONDS),
        }
    }

    fn validating(&self, endpoint: Endpoint<'_>) -> ValidatingWebhook {
        ValidatingWebhook {
            admission_review_versions: vec!["v1".to_owned()],
            client_config: endpoint.client_config(VALIDATE_PATH),
            failure_policy: Some(endpoint.failure_policy(self.failure_policy)),
            match_conditions: Some(self.match_conditions()),
            match_policy: Some("Equivalent".to_owned()),
            name: self.name.to_owned(),
            namespace_selector: Some(endpoint.namespace_selector()),
            object_selector: None,
            rules: Some(self.rules()),
            side_effects: "None".to_owned(),
            timeout_seconds: Some(TIMEOUT_SECONDS),
        }
    }

    fn match_conditions(&self) -> Vec<MatchCondition> {
        let condition = |it: &Condition| MatchCondition {
            expression: it.expression.to_owned(),
            name: it.name.to_owned(),
        };
        self.conditions.iter().map(condition).collect()
    }

    fn rules(&self) -> Vec<RuleWithOperations> {
        self.rules
            .iter()
            .map(|rule| RuleWithOperations {
                api_groups: Some(vec![rule.group.to_owned()]),
                api_versions: Some(vec![rule.version.to_owned()]),
                operations: Some(rule.operations.iter().map(|&it| it.to_owned()).collect()),
                resources: Some(rule.resources.iter().map(|&it| it.to_owned()).collect()),
                scope: Some("Namespaced".to_owned()),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::cluster::kinds::{Admission, KINDS};

    #[test]
    fn rules_are_the_kinds_that_are_judged() {
        let registered: BTreeSet<_> = entries(Phase::Validating)
            .flat_map(|entry| entry.rules)
            .flat_map(|rule| {
                rule.resources
                    .iter()
                    .map(|resource| (rule.group, rule.version, (*resource).to_owned()))
            })
            .collect();
        let mut judged = BTreeSet::new();
        for kind in KINDS {
            if kind.admission != Admission::Watched {
                judged.insert((kind.group, kind.version, kind.resource.to_owned()));
            }
            if kind.admission == Admission::JudgedAndScaled {
                judged.insert((kind.group, kind.version, format!("{}/scale", kind.resource)));
            }
        }
        assert_eq!(
            registered, judged,
            "make ENTRIES in cluster/webhooks.rs and KINDS in cluster/kinds.rs agree"
        );
    }

    #[test]
    fn only_dependencies_may_see_deletes_and_pods_only_creates() {
        for entry in ENTRIES {
            let operations: BTreeSet<_> = entry.rules.iter().flat_map(|rule| rule.operations).copied().collect();
            let expected = match entry.name {
                "dependencies.stateward.dev" => BTreeSet::from(["CREATE", "DELETE", "UPDATE"]),
                "pods.stateward.dev" => BTreeSet::from(["CREATE"]),
                _ => BTreeSet::from(["CREATE", "UPDATE"]),
            };
            assert_eq!(operations, expected, "{}", entry.name);
        }
    }

    #[test]
    fn every_condition_begins_with_the_guards() {
        for condition in ENTRIES.iter().flat_map(|entry| entry.conditions) {
            assert!(
                condition.expression.starts_with(guarded!("")),
                "write the expression of {} with guarded!",
                condition.name
            );
        }
    }

    #[test]
    fn fails_closed_only_with_a_ca_behind_a_service() {
        let policies = |endpoint| -> Vec<(String, String)> {
            let configurations = Configurations::new(endpoint);
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
                ca: Some(b"pem")
            }),
            fail
        );
        assert_eq!(
            policies(Endpoint::Service {
                namespace: NAMESPACE,
                ca: None
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
        let configurations = Configurations::new(Endpoint::Url {
            base: "https://127.0.0.1:8443",
            ca: b"pem",
        });
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
