//! The files and flags of one control plane: keys, certificate, tokens, kubeconfigs, audit policy and logs.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::bail;
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use serde_json::{Value, json};

use super::process::{Process, Scratch};
use super::release;

/// None is a secret: they open one API server on loopback for as long as a test runs.
const ADMIN_TOKEN: &str = "administrator";
const CONTROLLER_MANAGER_TOKEN: &str = "controller-manager";
const SCHEDULER_TOKEN: &str = "scheduler";

/// Token, user, uid and groups, as `--token-auth-file` wants them.
const TOKENS: &str = "administrator,admin,admin,system:masters
controller-manager,system:kube-controller-manager,kcm,
scheduler,system:kube-scheduler,scheduler,
";

/// Everything on disk, in one directory that goes away with the control plane.
pub struct Files {
    scratch: Scratch,
    admin: PathBuf,
    kubeconfigs: AtomicUsize,
    port: u16,
    certificate: String,
}

/// Who a kubeconfig speaks for.
pub enum Identity<'a> {
    Administrator,
    ControllerManager,
    Scheduler,
    Impersonated { user: &'a str, groups: &'a [&'a str] },
}

impl Files {
    /// Writes what an API server on that port of 127.0.0.1 needs.
    pub fn new(port: u16) -> anyhow::Result<Self> {
        let scratch = Scratch::new()?;
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["127.0.0.1".to_owned()])?;
        scratch.write("tls.crt", cert.pem())?;
        scratch.write("tls.key", signing_key.serialize_pem())?;
        let accounts = KeyPair::generate()?;
        scratch.write("accounts.key", accounts.serialize_pem())?;
        scratch.write("accounts.pub", accounts.public_key_pem())?;
        scratch.write("tokens.csv", TOKENS)?;
        scratch.write("audit-policy.json", audit_policy().to_string())?;
        let certificate = cert.pem();
        let mut files = Self {
            scratch,
            admin: PathBuf::new(),
            kubeconfigs: AtomicUsize::new(0),
            port,
            certificate,
        };
        files.admin = files.kubeconfig(Identity::Administrator)?;
        Ok(files)
    }

    /// The directory of all these files.
    pub fn directory(&self) -> &Path {
        self.scratch.path()
    }

    /// The administrator's kubeconfig.
    pub fn admin(&self) -> &Path {
        &self.admin
    }

    /// Writes another kubeconfig.
    pub fn kubeconfig(&self, identity: Identity<'_>) -> anyhow::Result<PathBuf> {
        let user = match identity {
            Identity::Administrator => json!({"token": ADMIN_TOKEN}),
            Identity::ControllerManager => json!({"token": CONTROLLER_MANAGER_TOKEN}),
            Identity::Scheduler => json!({"token": SCHEDULER_TOKEN}),
            Identity::Impersonated { user, groups } => {
                json!({"token": ADMIN_TOKEN, "as": user, "as-groups": groups})
            }
        };
        let name = format!("kubeconfig-{}", self.kubeconfigs.fetch_add(1, Ordering::Relaxed));
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "clusters": [{"name": "test", "cluster": {
                "server": format!("https://127.0.0.1:{}", self.port),
                "certificate-authority-data": base64(&self.certificate),
            }}],
            "users": [{"name": "test", "user": user}],
        });
        self.scratch.write(&name, config.to_string())
    }

    /// Where the API server writes audit events, one JSON object a line.
    pub fn audit_log(&self) -> PathBuf {
        self.path("audit.log")
    }

    /// Where both outputs of a program go.
    pub fn log(&self, program: &str) -> PathBuf {
        self.path(&format!("{program}.log"))
    }

    /// The end of a program's log.
    pub fn tail(&self, program: &str) -> String {
        let log = fs::read(self.log(program)).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Fails, with the end of its log, if the program has ended.
    pub fn running(&self, program: &str, process: &mut Process) -> anyhow::Result<()> {
        if let Some(status) = process.ended()? {
            bail!("{program} ended with {status}:\n{}", self.tail(program));
        }
        Ok(())
    }

    /// The API server's flags, but for the place of etcd.
    pub fn api_server_flags(&self) -> Vec<String> {
        let path = |name| self.path(name).display().to_string();
        vec![
            "--bind-address=127.0.0.1".to_owned(),
            "--advertise-address=127.0.0.1".to_owned(),
            format!("--secure-port={}", self.port),
            format!("--cert-dir={}", path("certs")),
            format!("--tls-cert-file={}", path("tls.crt")),
            format!("--tls-private-key-file={}", path("tls.key")),
            format!("--token-auth-file={}", path("tokens.csv")),
            "--authorization-mode=RBAC".to_owned(),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!("--service-account-key-file={}", path("accounts.pub")),
            format!("--service-account-signing-key-file={}", path("accounts.key")),
            "--service-cluster-ip-range=10.0.0.0/16".to_owned(),
            // Pods are created without waiting for a controller to make their service account.
            "--disable-admission-plugins=ServiceAccount".to_owned(),
            "--endpoint-reconciler-type=none".to_owned(),
            format!("--audit-policy-file={}", path("audit-policy.json")),
            format!("--audit-log-path={}", path("audit.log")),
        ]
    }

    /// The controller manager's flags, but for its kubeconfig.
    pub fn controller_manager_flags(&self) -> Vec<String> {
        // One that an older release does not know would be an error.
        let more = if release::tested().minor >= 33 {
            ",selinux-warning-controller"
        } else {
            ""
        };
        vec![
            format!("--controllers=*,-node-lifecycle-controller,-taint-eviction-controller{more}"),
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
            // Of many tests at once; 20 a second would be what they wait for.
            "--kube-api-qps=1000".to_owned(),
            "--kube-api-burst=2000".to_owned(),
            // Autoscalers act once in this time, not every 15 s.
            "--horizontal-pod-autoscaler-sync-period=1s".to_owned(),
            // Each controller writes under its own name, as in most clusters.
            "--use-service-account-credentials=true".to_owned(),
            format!(
                "--service-account-private-key-file={}",
                self.path("accounts.key").display()
            ),
        ]
    }

    /// The scheduler's flags. `profiles` are those of a `KubeSchedulerConfiguration`.
    pub fn scheduler_flags(&self, profiles: &Value) -> anyhow::Result<Vec<String>> {
        let config = json!({
            "apiVersion": "kubescheduler.config.k8s.io/v1",
            "kind": "KubeSchedulerConfiguration",
            "leaderElection": {"leaderElect": false},
            "clientConnection": {"kubeconfig": self.kubeconfig(Identity::Scheduler)?, "qps": 500, "burst": 1000},
            // A pod that fits nowhere is tried again a second after something has changed, not ten.
            "podInitialBackoffSeconds": 1,
            "podMaxBackoffSeconds": 1,
            "percentageOfNodesToScore": 100,
            "profiles": profiles,
        });
        let config = self.scratch.write("scheduler.json", config.to_string())?;
        Ok(vec![
            format!("--config={}", config.display()),
            "--secure-port=0".to_owned(),
        ])
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }
}

/// Writes only, once each, when they are answered; what the API server does for itself is left out.
fn audit_policy() -> Value {
    json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            {"level": "None", "users": ["system:apiserver"]},
            {"level": "Metadata", "verbs": ["create", "update", "patch", "delete", "deletecollection"]},
            {"level": "None"},
        ],
    })
}

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}
