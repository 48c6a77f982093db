//! The objects of an installation: namespace, identity, permissions, the replicas, and how the API server calls them.
//!
//! `deploy/install.yaml` is this file's output for the defaults.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment};
use k8s_openapi::api::core::v1::{
    Capabilities, ConfigMap, ConfigMapVolumeSource, Container, ContainerPort, EnvVar, EnvVarSource, HTTPGetAction,
    Namespace, ObjectFieldSelector, PodSecurityContext, PodSpec, PodTemplateSpec, Probe, ResourceRequirements,
    SeccompProfile, SecretVolumeSource, SecurityContext, Service, ServiceAccount, ServicePort, ServiceSpec,
    TopologySpreadConstraint, Volume, VolumeMount,
};
use k8s_openapi::api::networking::v1::{
    IPBlock, NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule, RoleRef, Subject};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;

use super::cidr::Cidr;
use super::permissions;
use super::scope::Scope;
use super::webhooks::{Configurations, Endpoint, NAME};
use super::yaml::{self, YamlError, object};
use crate::graph::Kinds;
use crate::policy::resource::{EXCEPTIONS, POLICIES, group};

/// The image of this very version.
pub const IMAGE: &str = concat!("ghcr.io/stateward/stateward:", env!("CARGO_PKG_VERSION"));
/// The Secret (type `kubernetes.io/tls`) with the serving certificate, filled by `certs/make.sh` or cert-manager.
pub const TLS_SECRET: &str = "stateward-tls";

/// Where that Secret is mounted.
const TLS_DIRECTORY: &str = "/etc/stateward/tls";
/// The ConfigMap with the CA of the clients, and where it is mounted.
const CLIENT_CA_MAP: &str = "stateward-clients";
const CLIENTS_DIRECTORY: &str = "/etc/stateward/clients";
/// The user and group that nothing else uses; the image has no other.
const USER: i64 = 65532;

/// What an administrator chooses about an installation.
#[derive(Clone, Copy, Debug)]
pub struct Installation<'a> {
    /// The namespace that everything lives in.
    pub namespace: &'a str,
    /// The container image.
    pub image: &'a str,
    /// The PEM certificates of the CA that signed the serving certificate, when known.
    pub ca: Option<&'a [u8]>,
    /// The PEM certificates of the CA of the only clients that are answered, where not everybody is.
    pub client_ca: Option<&'a str>,
    /// From where the webhook may be called; from everywhere where there is none.
    pub callers: &'a [Cidr],
    /// Which requests are sent, and which of them wait for us.
    pub scope: &'a Scope,
    /// The kinds that play a part.
    pub kinds: &'static Kinds,
    /// The definitions of our own kinds.
    pub definitions: &'a [Value],
    /// The policy that the installation begins with, where it has one.
    pub policy: Option<&'a Value>,
}

impl Installation<'_> {
    /// Prints all objects as one stream of YAML documents, in the order in which they may be applied.
    ///
    /// # Errors
    /// When a value has no YAML form.
    pub fn to_yaml(&self) -> Result<String, YamlError> {
        let Configurations { mutating, validating } = Configurations::new(
            self.kinds,
            Endpoint::Service {
                namespace: self.namespace,
                ca: self.ca,
            },
            self.scope,
        );
        let mut documents = Vec::new();
        // First, since the policy below is of the kind that they define.
        for definition in self.definitions {
            documents.push(yaml::document(definition)?);
        }
        documents.extend([
            object(&self.namespace_object())?,
            object(&self.service_account())?,
            object(&self.cluster_role())?,
            object(&self.cluster_role_binding())?,
            object(&permissions::role(self.metadata()))?,
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
        // Before the replicas, so that they find it.
        if let Some(policy) = self.policy {
            documents.push(object(policy)?);
        }
        documents.extend([
            object(&self.deployment())?,
            // Last, so that nothing above has to pass through them.
            object(&mutating)?,
            object(&validating)?,
        ]);
        let mut heading = String::from(
            "# Printed by `stateward manifests`. The serving certificate: certs/README.md.\n\
             # Apply what `stateward crds` prints before: kubectl takes no object whose kind it does not know yet.\n",
        );
        if self.ca.is_none() {
            heading.push_str(
                "# Without --ca-bundle no call to stateward can succeed, so no webhook here has failurePolicy: Fail.\n",
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
            resources: Some([POLICIES, EXCEPTIONS].map(|own| own.plural.to_owned()).to_vec()),
            verbs: ["list", "watch"].map(str::to_owned).to_vec(),
            ..PolicyRule::default()
        };
        let definitions = PolicyRule {
            api_groups: Some(vec!["apiextensions.k8s.io".to_owned()]),
            resources: Some(vec!["customresourcedefinitions".to_owned()]),
            resource_names: Some([POLICIES, EXCEPTIONS].map(|own| own.name()).to_vec()),
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
                    .collect(),
            ),
            aggregation_rule: None,
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
        Service {
            metadata: self.metadata(),
            spec: Some(ServiceSpec {
                selector: Some(labels()),
                ports: Some(vec![ServicePort {
                    name: Some("https".to_owned()),
                    port: 443,
                    target_port: Some(IntOrString::String("https".to_owned())),
                    ..ServicePort::default()
                }]),
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

    /// The admin port stays open to all: it holds nothing secret, and probes and scrapes come from anywhere.
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
        NetworkPolicy {
            metadata: self.metadata(),
            spec: Some(NetworkPolicySpec {
                pod_selector: Some(selector()),
                policy_types: Some(vec!["Ingress".to_owned()]),
                ingress: Some(vec![
                    NetworkPolicyIngressRule {
                        from: Some(self.callers.iter().map(peer).collect()),
                        ports: Some(vec![port("https")]),
                    },
                    NetworkPolicyIngressRule {
                        from: None,
                        ports: Some(vec![port("admin")]),
                    },
                ]),
                egress: None,
            }),
        }
    }

    fn deployment(&self) -> Deployment {
        Deployment {
            metadata: self.metadata(),
            spec: DeploymentSpec {
                replicas: Some(2),
                selector: selector(),
                strategy: Some(DeploymentStrategy {
                    type_: Some("RollingUpdate".to_owned()),
                    // An old replica goes only when its successor is ready: no review is lost during an upgrade.
                    rolling_update: Some(RollingUpdateDeployment {
                        max_surge: Some(IntOrString::Int(1)),
                        max_unavailable: Some(IntOrString::Int(0)),
                    }),
                }),
                template: PodTemplateSpec {
                    metadata: Some(ObjectMeta {
                        labels: Some(labels()),
                        ..ObjectMeta::default()
                    }),
                    spec: Some(self.pod()),
                },
                ..DeploymentSpec::default()
            },
            status: None,
        }
    }

    fn pod(&self) -> PodSpec {
        PodSpec {
            automount_service_account_token: Some(true),
            containers: vec![self.container()],
            priority_class_name: Some("system-cluster-critical".to_owned()),
            security_context: Some(PodSecurityContext {
                fs_group: Some(USER),
                run_as_group: Some(USER),
                run_as_non_root: Some(true),
                run_as_user: Some(USER),
                seccomp_profile: Some(SeccompProfile {
                    type_: "RuntimeDefault".to_owned(),
                    ..SeccompProfile::default()
                }),
                ..PodSecurityContext::default()
            }),
            service_account_name: Some(NAME.to_owned()),
            // Longer than the 3 s of --shutdown-delay and the 10 s that the longest admission request may take.
            termination_grace_period_seconds: Some(30),
            topology_spread_constraints: Some(
                ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
                    .map(spread)
                    .to_vec(),
            ),
            volumes: Some(self.volumes()),
            ..PodSpec::default()
        }
    }

    fn volumes(&self) -> Vec<Volume> {
        let mut volumes = vec![Volume {
            name: "tls".to_owned(),
            secret: Some(SecretVolumeSource {
                secret_name: Some(TLS_SECRET.to_owned()),
                default_mode: Some(0o440),
                ..SecretVolumeSource::default()
            }),
            ..Volume::default()
        }];
        volumes.extend(self.client_ca.map(|_| Volume {
            name: "clients".to_owned(),
            config_map: Some(ConfigMapVolumeSource {
                name: CLIENT_CA_MAP.to_owned(),
                ..ConfigMapVolumeSource::default()
            }),
            ..Volume::default()
        }));
        volumes
    }

    fn container(&self) -> Container {
        let port = |name: &str, number| ContainerPort {
            name: Some(name.to_owned()),
            container_port: number,
            ..ContainerPort::default()
        };
        let mount = |name: &str, path: &str| VolumeMount {
            name: name.to_owned(),
            mount_path: path.to_owned(),
            read_only: Some(true),
            ..VolumeMount::default()
        };
        let mut args = vec![
            "serve".to_owned(),
            format!("--tls-cert={TLS_DIRECTORY}/tls.crt"),
            format!("--tls-key={TLS_DIRECTORY}/tls.key"),
            "--policy-source=cluster".to_owned(),
        ];
        let mut volume_mounts = vec![mount("tls", TLS_DIRECTORY)];
        if self.client_ca.is_some() {
            args.push(format!("--client-ca={CLIENTS_DIRECTORY}/ca.crt"));
            volume_mounts.push(mount("clients", CLIENTS_DIRECTORY));
        }
        Container {
            name: NAME.to_owned(),
            image: Some(self.image.to_owned()),
            args: Some(args),
            env: Some(
                [("POD_NAME", "metadata.name"), ("POD_NAMESPACE", "metadata.namespace")]
                    .map(field)
                    .to_vec(),
            ),
            ports: Some(vec![port("https", 8443), port("admin", 8080)]),
            liveness_probe: Some(probe("/livez", 10)),
            // Every second: a new replica is in use as soon as it can answer.
            readiness_probe: Some(probe("/readyz", 1)),
            // Small, because the graph holds projections: 100,000 workloads with their neighbours fit in 150 MiB.
            // No CPU limit: throttled, a webhook turns into timeouts of the whole API.
            resources: Some(ResourceRequirements {
                requests: Some(quantities(&[("cpu", "50m"), ("memory", "64Mi")])),
                limits: Some(quantities(&[("memory", "256Mi")])),
                claims: None,
            }),
            security_context: Some(SecurityContext {
                allow_privilege_escalation: Some(false),
                capabilities: Some(Capabilities {
                    drop: Some(vec!["ALL".to_owned()]),
                    add: None,
                }),
                read_only_root_filesystem: Some(true),
                ..SecurityContext::default()
            }),
            volume_mounts: Some(volume_mounts),
            ..Container::default()
        }
    }

    fn metadata(&self) -> ObjectMeta {
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

fn labels() -> BTreeMap<String, String> {
    [("app.kubernetes.io/name".to_owned(), NAME.to_owned())].into()
}

fn selector() -> LabelSelector {
    LabelSelector {
        match_labels: Some(labels()),
        match_expressions: None,
    }
}

fn spread(topology_key: &str) -> TopologySpreadConstraint {
    TopologySpreadConstraint {
        topology_key: topology_key.to_owned(),
        max_skew: 1,
        // A wish: on a cluster with one node both replicas run there.
        when_unsatisfiable: "ScheduleAnyway".to_owned(),
        label_selector: Some(selector()),
        ..TopologySpreadConstraint::default()
    }
}

/// A variable with a field of the pod.
fn field((name, path): (&str, &str)) -> EnvVar {
    EnvVar {
        name: name.to_owned(),
        value_from: Some(EnvVarSource {
            field_ref: Some(ObjectFieldSelector {
                field_path: path.to_owned(),
                api_version: None,
            }),
            ..EnvVarSource::default()
        }),
        value: None,
    }
}

fn probe(path: &str, period_seconds: i32) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String("admin".to_owned()),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(period_seconds),
        ..Probe::default()
    }
}

fn quantities(list: &[(&str, &str)]) -> BTreeMap<String, Quantity> {
    list.iter()
        .map(|&(name, amount)| (name.to_owned(), Quantity(amount.to_owned())))
        .collect()
}
