//! The replicas of an installation: one Deployment, as careful as a webhook of the whole cluster has to be.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment};
use k8s_openapi::api::core::v1::{
    Capabilities, ConfigMapVolumeSource, Container, ContainerPort, EnvVar, EnvVarSource, HTTPGetAction,
    ObjectFieldSelector, PodSecurityContext, PodSpec, PodTemplateSpec, Probe, ResourceRequirements, SeccompProfile,
    SecretVolumeSource, SecurityContext, TopologySpreadConstraint, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::install::{
    CLIENT_CA_MAP, Certificate, DASHBOARD_PORT, Dashboard, Installation, TLS_SECRET, labels, selector,
};
use super::webhooks::NAME;

/// Where that Secret is mounted.
const TLS_DIRECTORY: &str = "/etc/stateward/tls";
const CLIENTS_DIRECTORY: &str = "/etc/stateward/clients";
/// The user and group that nothing else uses; the image has no other.
const USER: i64 = 65532;

impl Installation<'_> {
    pub(super) fn deployment(&self) -> Deployment {
        Deployment {
            metadata: self.metadata(),
            spec: DeploymentSpec {
                replicas: Some(self.replicas.into()),
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
            volumes: Some(self.volumes()).filter(|volumes| !volumes.is_empty()),
            ..PodSpec::default()
        }
    }

    fn mounts_certificate(&self) -> bool {
        !matches!(self.certificate, Certificate::Own)
    }

    fn volumes(&self) -> Vec<Volume> {
        let mut volumes = Vec::new();
        volumes.extend(self.mounts_certificate().then(|| Volume {
            name: "tls".to_owned(),
            secret: Some(SecretVolumeSource {
                secret_name: Some(TLS_SECRET.to_owned()),
                default_mode: Some(0o440),
                ..SecretVolumeSource::default()
            }),
            ..Volume::default()
        }));
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
        let mut args = vec!["serve".to_owned(), "--policy-source=cluster".to_owned()];
        if let Some(policy) = self.default_policy {
            args.push(format!("--default-policy={policy}"));
        }
        if !self.workload_kinds.is_empty() {
            args.push(format!("--workload-kinds={}", self.workload_kinds.join(",")));
        }
        let mut volume_mounts = Vec::new();
        if self.mounts_certificate() {
            args.push(format!("--tls-cert={TLS_DIRECTORY}/tls.crt"));
            args.push(format!("--tls-key={TLS_DIRECTORY}/tls.key"));
            if let Certificate::Secret = self.certificate {
                args.push(format!("--tls-ca={TLS_DIRECTORY}/ca.crt"));
            }
            volume_mounts.push(mount("tls", TLS_DIRECTORY));
        }
        if self.client_ca.is_some() {
            args.push(format!("--client-ca={CLIENTS_DIRECTORY}/ca.crt"));
            volume_mounts.push(mount("clients", CLIENTS_DIRECTORY));
        }
        if let Some(dashboard) = self.dashboard {
            let address = match dashboard {
                Dashboard::Forwarded => "127.0.0.1",
                Dashboard::Exposed => "0.0.0.0",
            };
            args.push(format!("--dashboard-bind={address}:{DASHBOARD_PORT}"));
        }
        let mut ports = vec![port("https", 8443), port("admin", 8080)];
        ports.extend(self.is_exposed().then(|| port("dashboard", DASHBOARD_PORT)));
        Container {
            name: NAME.to_owned(),
            image: Some(self.image.to_owned()),
            args: Some(args),
            env: Some(
                [("POD_NAME", "metadata.name"), ("POD_NAMESPACE", "metadata.namespace")]
                    .map(field)
                    .to_vec(),
            ),
            ports: Some(ports),
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
            volume_mounts: Some(volume_mounts).filter(|mounts| !mounts.is_empty()),
            ..Container::default()
        }
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
