//! Keys, tokens and configurations of the parts of a cluster.

use std::path::{Path, PathBuf};

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use serde_json::{Value, json};

use super::cluster::{NODE, NODE_NAME, PODS, SERVICES};
use super::image::PAUSE;

/// The address of the Service `kubernetes`, the first of its range.
const KUBERNETES: &str = "10.96.0.1";

/// Token, user, uid and groups. No secrets: they open one API server in a network of its own.
const TOKENS: &str = "administrator,admin,admin,system:masters
node,system:node:node-1,node,system:nodes
";

/// The directory of a cluster.
pub struct Files(PathBuf);

impl Files {
    /// Writes what its parts read.
    pub fn write(directory: &Path) -> anyhow::Result<Self> {
        let files = Self(directory.to_owned());
        let names = [NODE, KUBERNETES, "127.0.0.1", "kubernetes.default.svc"].map(str::to_owned);
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names)?;
        let certificate = cert.pem();
        let accounts = KeyPair::generate()?;
        std::fs::create_dir_all(files.path("cni"))?;
        for (name, contents) in [
            ("tls.crt", certificate.clone()),
            ("tls.key", signing_key.serialize_pem()),
            ("accounts.key", accounts.serialize_pem()),
            ("accounts.pub", accounts.public_key_pem()),
            ("tokens.csv", TOKENS.to_owned()),
            ("admin.kubeconfig", kubeconfig("administrator", &certificate)),
            ("node.kubeconfig", kubeconfig("node", &certificate)),
            ("resolv.conf", "nameserver 10.96.0.10\n".to_owned()),
            ("containerd.toml", files.containerd()),
            ("kubelet.json", files.kubelet().to_string()),
            ("cni/pods.conflist", network_of_pods().to_string()),
        ] {
            let path = files.path(name);
            std::fs::write(&path, contents).with_context(|| format!("writing {}", path.display()))?;
        }
        Ok(files)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The path as a flag has it.
    pub fn flag(&self, flag: &str, name: &str) -> String {
        format!("--{flag}={}", self.path(name).display())
    }

    fn containerd(&self) -> String {
        let path = |name| self.path(name).display().to_string();
        format!(
            r#"version = 2
root = "{}"
state = "/run/containerd"
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  # Where this process may not, nobody may.
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{}"
"#,
            path("containerd"),
            path("cni"),
        )
    }

    fn kubelet(&self) -> Value {
        json!({
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            // The machine of the tests may have either kind of control groups.
            "failCgroupV1": false,
            "cgroupDriver": "cgroupfs",
            "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
            "address": NODE,
            "authentication": {"anonymous": {"enabled": true}, "webhook": {"enabled": false}},
            "authorization": {"mode": "AlwaysAllow"},
            "clusterDNS": ["10.96.0.10"],
            "clusterDomain": "cluster.local",
            "resolvConf": self.path("resolv.conf"),
            "podLogsDir": self.path("podlogs"),
            "volumePluginDir": self.path("volumeplugins"),
            "failSwapOn": false,
            "oomScoreAdj": 0,
            "maxOpenFiles": 20_000,
            "makeIPTablesUtilChains": false,
            // The machine's disk is not the cluster's.
            "evictionHard": {
                "memory.available": "100Mi", "nodefs.available": "1%", "nodefs.inodesFree": "1%", "imagefs.available": "1%",
            },
            "imageGCHighThresholdPercent": 100,
            "imageGCLowThresholdPercent": 99,
        })
    }

    pub fn api_server_flags(&self) -> Vec<String> {
        vec![
            "--etcd-servers=http://127.0.0.1:2379".to_owned(),
            "--secure-port=6443".to_owned(),
            format!("--bind-address={NODE}"),
            format!("--advertise-address={NODE}"),
            self.flag("cert-dir", "certs"),
            self.flag("tls-cert-file", "tls.crt"),
            self.flag("tls-private-key-file", "tls.key"),
            self.flag("token-auth-file", "tokens.csv"),
            "--authorization-mode=Node,RBAC".to_owned(),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            self.flag("service-account-key-file", "accounts.pub"),
            self.flag("service-account-signing-key-file", "accounts.key"),
            format!("--service-cluster-ip-range={SERVICES}"),
            "--kubelet-preferred-address-types=InternalIP".to_owned(),
        ]
    }

    pub fn kubelet_flags(&self) -> Vec<String> {
        vec![
            self.flag("config", "kubelet.json"),
            self.flag("kubeconfig", "node.kubeconfig"),
            self.flag("root-dir", "kubelet"),
            self.flag("cert-dir", "kubelet/pki"),
            format!("--hostname-override={NODE_NAME}"),
            format!("--node-ip={NODE}"),
        ]
    }
}

fn kubeconfig(token: &str, certificate: &str) -> String {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "node",
        "contexts": [{"name": "node", "context": {"cluster": "node", "user": "node"}}],
        "clusters": [{"name": "node", "cluster": {
            "server": format!("https://{NODE}:6443"),
            "certificate-authority-data": STANDARD.encode(certificate),
        }}],
        "users": [{"name": "node", "user": {"token": token}}],
    })
    .to_string()
}

fn network_of_pods() -> Value {
    json!({"cniVersion": "0.4.0", "name": "pods", "plugins": [
        {
            "type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true,
            "ipam": {
                "type": "host-local", "dataDir": "/run/cni-ipam",
                "ranges": [[{"subnet": PODS}]], "routes": [{"dst": "0.0.0.0/0"}],
            },
        },
        {"type": "portmap", "capabilities": {"portMappings": true}},
    ]})
}
