//! The objects of an installation: namespace, identity, permissions, the replicas, and how the API server calls them.
//!
//! `deploy/install.yaml` is this file's output for the defaults.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Service, ServiceAccount, ServicePort, ServiceSpec};
use k8s_openapi::api::networking::v1::{
    IPBlock, NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule, RoleRef, Subject};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;

use super::cert_manager::{self, Issuer};
use super::cidr::Cidr;
use super::mode::Mode;
use super::permissions::{self, Writes};
use super::scope::Scope;
use super::webhooks::{Configurations, DEFAULT_POLICY, Endpoint, NAME};
use crate::graph::Kinds;
use crate::policy::resource::{ALL, Resource, group};
use crate::yaml::{self, YamlError, object};

/// The image of this very version.
pub const IMAGE: &str = concat!("ghcr.io/stateward/stateward:", env!("CARGO_PKG_VERSION"));
/// How many processes answer, unless told otherwise: one more than needed.
pub const REPLICAS: u16 = 2;
/// The Secret (type `kubernetes.io/tls`) with a serving certificate that is not our own, filled by `certs/make.sh` or
/// cert-manager.
pub const TLS_SECRET: &str = "stateward-tls";

/// Where the replicas serve the dashboard.
pub(super) const DASHBOARD_PORT: i32 = 8090;

/// The ConfigMap with the CA of the clients.
pub(super) const CLIENT_CA_MAP: &str = "stateward-clients";

/// What an administrator chooses about an installation.
#[derive(Clone, Copy, Debug)]
pub struct Installation<'a> {
    /// The namespace that everything lives in.
    pub namespace: &'a str,
    /// The container image.
    pub image: &'a str,
    /// Where the serving certificate comes from.
    pub certificate: Certificate<'a>,
    /// How far it goes.
    pub mode: Mode,
    /// How many processes answer.
    pub replicas: u16,
    /// The PEM certificates of the CA of the only clients that are answered, where not everybody is.
    pub client_ca: Option<&'a str>,
    /// From where the webhook may be called; from everywhere where there is none.
    pub callers: &'a [Cidr],
    /// Which requests are sent, and which of them wait for us.
    pub scope: &'a Scope,
    /// The kinds that play a part.
    pub kinds: &'static Kinds,
    /// Those among them that the program knows by itself, of which the process has to be told.
    pub workload_kinds: &'a [String],
    /// The definitions of our own kinds.
    pub definitions: &'a [Value],
    /// The name of the embedded policy that counts where no policy of the cluster says otherwise.
    pub default_policy: Option<&'a str>,
    /// Whom the replicas serve the dashboard, if anybody.
    pub dashboard: Option<Dashboard>,
}

/// Whom the replicas serve the dashboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Dashboard {
    /// Whoever may forward ports of the pods
    Forwarded,
    /// The network of the cluster too: over TLS, for tokens of those who may list WorkloadPolicies
    Exposed,
}

/// Where the serving certificate comes from.
#[derive(Clone, Copy, Debug)]
pub enum Certificate<'a> {
    /// cert-manager fills the Secret, and writes whom to trust into the configurations.
    CertManager(&'a Issuer),
    /// Somebody fills the Secret with what this CA, in PEM, has signed.
    Files(&'a [u8]),
    /// The replicas sign theirs, and write whom to trust.
    Own,
    /// Somebody fills the Secret, also with the CA that signed, and the replicas write that it is to be trusted.
    Secret,
}

impl Installation<'_> {
    /// Prints all objects as one stream of YAML documents, in the order in which they may be applied.
    ///
    /// # Errors
    /// When a value has no YAML form.
    pub fn to_yaml(&self) -> Result<String, YamlError> {
        let ca = match self.certificate {
            Certificate::Files(ca) => Some(ca),
            // Who renders the field undoes what others write into it.
            Certificate::CertManager(_) | Certificate::Own | Certificate::Secret => None,
        };
        let Configurations {
            mut mutating,
            mut validating,
        } = Configurations::new(
            self.kinds,
            Endpoint::Service {
                namespace: self.namespace,
                ca,
                fail: self.mode.failure_policy(),
            },
            self.scope,
        );
        if let Certificate::CertManager(_) = self.certificate {
            for metadata in [&mut mutating.metadata, &mut validating.metadata] {
                metadata.annotations = Some(cert_manager::annotation(self.namespace));
            }
        }
        if let Some(name) = self.default_policy {
            let annotations = validating.metadata.annotations.get_or_insert_default();
            annotations.insert(DEFAULT_POLICY.to_owned(), name.to_owned());
        }
        let mut documents = Vec::new();
        for definition in self.definitions {
            documents.push(yaml::document(definition)?);
        }
        documents.extend([
            object(&self.namespace_object())?,
            object(&self.service_account())?,
            object(&self.cluster_role())?,
            object(&self.cluster_role_binding())?,
            object(&permissions::role(self.metadata(), self.writes()))?,
            object(&permissions::role_binding(self.metadata(), NAME, self.subject()))?,
            object(&self.service())?,
            object(&self.disruption_budget())?,
        ]);
        if let Some(client_ca) = self.client_ca {
            documents.push(object(&self.client_ca_map(client_ca))?);
        }
        if !self.callers.is_empty() {
            documents.push(object(&self.network_policy())?);
        }
        if let Certificate::CertManager(issuer) = self.certificate {
            documents.push(yaml::document(&cert_manager::certificate(
                self.namespace,
                &labels(),
                issuer,
            ))?);
        }
        documents.extend([
            object(&self.deployment())?,
            // Last, so that nothing above has to pass through them.
            object(&mutating)?,
            object(&validating)?,
        ]);
        let mut heading = String::from(
            "# Printed by `stateward manifests`. The serving certificate: certs/README.md.\n\
",
        );
        if self.mode != Mode::Enforce {
            heading.push_str(
                "# Nothing here is refused, not even while nobody answers. Once the replicas run, and you know what they\n\
                 # find, go on with --mode warn and --mode enforce.\n",
            );
        }
        Ok(yaml::joined(&heading, documents))
    }

    fn namespace_object(&self) -> Namespace {
        let level = |mode: &str| (format!("pod-security.kubernetes.io/{mode}"), "restricted".to_owned());
        let mut metadata = self.cluster_metadata(self.namespace);
        metadata
            .labels
            .get_or_insert_default()
            .extend(["audit", "enforce", "warn"].map(level));
        Namespace {
            metadata,
            ..Namespace::default()
        }
    }

    fn service_account(&self) -> ServiceAccount {
        ServiceAccount {
            metadata: self.metadata(),
            // The Deployment asks for the token itself; nobody else gets it by accident.
            automount_service_account_token: Some(false),
            ..ServiceAccount::default()
        }
    }

    /// Reading only the kinds of the graph and our own, and writing only what tells of findings. By name only what a
    /// waiting request may ask for is read, which stands in its namespace, and the definitions of our own kinds: the rest
    /// comes by lists and watches.
    fn cluster_role(&self) -> ClusterRole {
        let mut resources = BTreeMap::<(&str, &[&str]), Vec<String>>::new();
        for kind in self.kinds.iter() {
            let verbs: &[&str] = if kind.is_namespaced() {
                &["get", "list", "watch"]
            } else {
                &["list", "watch"]
            };
            resources
                .entry((kind.group(), verbs))
                .or_default()
                .push(kind.resource().to_owned());
        }
        let rule = |((group, verbs), resources): ((&str, &[&str]), Vec<String>)| PolicyRule {
            api_groups: Some(vec![group.to_owned()]),
            resources: Some(resources),
            verbs: verbs.iter().map(|&verb| verb.to_owned()).collect(),
            ..PolicyRule::default()
        };
        let own = PolicyRule {
            api_groups: Some(vec![group().to_owned()]),
            resources: Some(ALL.map(|own| own.plural.to_owned()).to_vec()),
            verbs: ["list", "watch"].map(str::to_owned).to_vec(),
            ..PolicyRule::default()
        };
        let definitions = PolicyRule {
            api_groups: Some(vec!["apiextensions.k8s.io".to_owned()]),
            resources: Some(vec!["customresourcedefinitions".to_owned()]),
            resource_names: Some(ALL.map(Resource::name).to_vec()),
            verbs: vec!["get".to_owned()],
            ..PolicyRule::default()
        };
        ClusterRole {
            metadata: self.cluster_metadata(NAME),
            rules: Some(
                resources
                    .into_iter()
                    .map(rule)
                    .chain([own, definitions])
                    .chain(permissions::written())
                    .chain([permissions::configurations(self.writes())])
                    .chain(self.is_exposed().then(permissions::tokens).into_iter().flatten())
                    .collect(),
            ),
            aggregation_rule: None,
        }
    }

    /// Whether the dashboard is there for more than the pods themselves.
    pub(super) fn is_exposed(&self) -> bool {
        self.dashboard == Some(Dashboard::Exposed)
    }

    fn writes(&self) -> Writes {
        match self.certificate {
            Certificate::Own => Writes::Certificates,
            Certificate::Secret => Writes::Trust,
            Certificate::CertManager(_) | Certificate::Files(_) => Writes::Findings,
        }
    }

    fn cluster_role_binding(&self) -> ClusterRoleBinding {
        ClusterRoleBinding {
            metadata: self.cluster_metadata(NAME),
            role_ref: RoleRef {
                api_group: Some("rbac.authorization.k8s.io".to_owned()),
                kind: "ClusterRole".to_owned(),
                name: NAME.to_owned(),
            },
            subjects: Some(vec![self.subject()]),
        }
    }

    fn subject(&self) -> Subject {
        Subject {
            kind: "ServiceAccount".to_owned(),
            name: NAME.to_owned(),
            namespace: Some(self.namespace.to_owned()),
            api_group: None,
        }
    }

    fn service(&self) -> Service {
        let port = |name: &str, port| ServicePort {
            name: Some(name.to_owned()),
            port,
            target_port: Some(IntOrString::String(name.to_owned())),
            ..ServicePort::default()
        };
        let mut ports = vec![port("https", 443)];
        ports.extend(self.is_exposed().then(|| port("dashboard", DASHBOARD_PORT)));
        Service {
            metadata: self.metadata(),
            spec: Some(ServiceSpec {
                selector: Some(labels()),
                ports: Some(ports),
                ..ServiceSpec::default()
            }),
            status: None,
        }
    }

    fn disruption_budget(&self) -> PodDisruptionBudget {
        PodDisruptionBudget {
            metadata: self.metadata(),
            spec: Some(PodDisruptionBudgetSpec {
                max_unavailable: Some(IntOrString::Int(1)),
                selector: Some(selector()),
                // A replica that is broken anyway must not keep a node from being drained.
                unhealthy_pod_eviction_policy: Some("AlwaysAllow".to_owned()),
                ..PodDisruptionBudgetSpec::default()
            }),
            status: None,
        }
    }

    fn client_ca_map(&self, pem: &str) -> ConfigMap {
        let mut metadata = self.metadata();
        metadata.name = Some(CLIENT_CA_MAP.to_owned());
        ConfigMap {
            metadata,
            data: Some([("ca.crt".to_owned(), pem.to_owned())].into()),
            ..ConfigMap::default()
        }
    }

    /// The admin port stays open to all: it holds nothing secret, and probes and scrapes come from anywhere. So does that of
    /// the dashboard, where it is there for all who have a token.
    fn network_policy(&self) -> NetworkPolicy {
        let port = |name: &str| NetworkPolicyPort {
            port: Some(IntOrString::String(name.to_owned())),
            protocol: Some("TCP".to_owned()),
            end_port: None,
        };
        let peer = |cidr: &Cidr| NetworkPolicyPeer {
            ip_block: Some(IPBlock {
                cidr: cidr.to_string(),
                except: None,
            }),
            ..NetworkPolicyPeer::default()
        };
        let mut open = vec![port("admin")];
        open.extend(self.is_exposed().then(|| port("dashboard")));
        let open = open.into_iter().map(|port| NetworkPolicyIngressRule {
            from: None,
            ports: Some(vec![port]),
        });
        let callers = NetworkPolicyIngressRule {
            from: Some(self.callers.iter().map(peer).collect()),
            ports: Some(vec![port("https")]),
        };
        NetworkPolicy {
            metadata: self.metadata(),
            spec: Some(NetworkPolicySpec {
                pod_selector: Some(selector()),
                policy_types: Some(vec!["Ingress".to_owned()]),
                ingress: Some([callers].into_iter().chain(open).collect()),
                egress: None,
            }),
        }
    }

    pub(super) fn metadata(&self) -> ObjectMeta {
        ObjectMeta {
            namespace: Some(self.namespace.to_owned()),
            ..self.cluster_metadata(NAME)
        }
    }

    fn cluster_metadata(&self, name: &str) -> ObjectMeta {
        ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(labels()),
            ..ObjectMeta::default()
        }
    }
}

pub(super) fn labels() -> BTreeMap<String, String> {
    [("app.kubernetes.io/name".to_owned(), NAME.to_owned())].into()
}

pub(super) fn selector() -> LabelSelector {
    LabelSelector {
        match_labels: Some(labels()),
        match_expressions: None,
    }
}
