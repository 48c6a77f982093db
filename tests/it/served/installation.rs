//! An installation in a cluster of its own, by `stateward manifests` or by Helm, whose replicas are processes of ours.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsConnector;

use super::Served;
use super::objects::deployment;
use crate::controlplane::{ControlPlane, eventually, free_port};

pub const ACCOUNT: &str = "system:serviceaccount:stateward-system:stateward";
pub const NAMESPACE: &str = "stateward-system";
pub const ENFORCE: &[&str] = &["--mode=enforce"];
pub const SECRET: &str = "stateward-authority";

pub fn stateward(arguments: &[&str]) -> String {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_stateward"))
        .args(arguments)
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A port that leads to the replicas that are ready, in turn, as a Service does.
pub struct Balancer {
    pub port: u16,
    /// Which of the replicas are sent to.
    pub ready: Arc<[AtomicBool; 2]>,
    task: AbortHandle,
}

impl Balancer {
    async fn start(replicas: [u16; 2]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let ready = Arc::<[AtomicBool; 2]>::default();
        let usable = ready.clone();
        let task = tokio::spawn(async move {
            let mut turn = 0;
            while let Ok((mut client, _)) = listener.accept().await {
                turn += 1;
                let both = [turn % 2, (turn + 1) % 2];
                let Some(next) = both.into_iter().find(|it| usable[*it].load(Ordering::Relaxed)) else {
                    continue;
                };
                tokio::spawn(async move {
                    if let Ok(mut replica) = TcpStream::connect(("127.0.0.1", replicas[next])).await {
                        // Either may go away.
                        let _ = tokio::io::copy_bidirectional(&mut client, &mut replica).await;
                    }
                });
            }
        });
        let task = task.abort_handle();
        Self { port, ready, task }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An installation in a cluster of its own, whose replicas are processes of ours.
pub struct Installed {
    pub cluster: ControlPlane,
    pub ports: [u16; 2],
    pub balancer: Balancer,
}

impl Installed {
    /// As the command of the page makes it.
    pub async fn new() -> Self {
        let installed = Self::bare().await;
        installed.manifests(&[]).await;
        installed.lead_here().await;
        installed
    }

    /// Makes a Service that leads to this machine, and waits for the permissions.
    pub async fn lead_here(&self) {
        let create = "create service externalname stateward --external-name=localhost -n stateward-system";
        self.cluster.kubectl(create.split(' ')).await.succeeded();
        self.permitted().await;
    }

    /// A cluster in which nothing is installed yet.
    pub async fn bare() -> Self {
        let cluster = ControlPlane::start().await;
        let ports = [(); 2].map(|()| free_port().expect("a port is free"));
        let balancer = Balancer::start(ports).await;
        Self {
            cluster,
            ports,
            balancer,
        }
    }

    /// Waits until the replicas may do what they do.
    pub async fn permitted(&self) {
        // RBAC is applied from a cache of its own.
        eventually("the permissions", async || {
            let may = ["auth", "can-i", "create", "leases", "-n", NAMESPACE, "--as", ACCOUNT];
            let may = self.cluster.kubectl(may).await.success;
            let list = ["auth", "can-i", "list", "services", "--as", ACCOUNT];
            (may && self.cluster.kubectl(list).await.success).then_some(())
        })
        .await;
    }

    async fn apply(&self, yaml: &str) {
        let apply = ["apply", "--server-side", "-f", "-"];
        self.cluster.kubectl_stdin(apply, yaml).await.succeeded();
    }

    /// Applies [`Self::leading_here`].
    pub async fn manifests(&self, arguments: &[&str]) {
        self.apply(&self.leading_here(arguments)).await;
    }

    /// Applies all but the last entry, as if a newer version of ours had none of it.
    pub async fn without_the_last_entry(&self) {
        let printed = self.leading_here(ENFORCE);
        let (kept, _) = printed.rsplit_once("- admissionReviewVersions:").expect("an entry");
        self.apply(kept).await;
    }

    /// What `manifests` prints, but for the Service: another leads to this machine, by the same name as far as TLS knows.
    pub fn leading_here(&self, arguments: &[&str]) -> String {
        let printed = stateward(&[&["manifests"], arguments].concat());
        let port = format!("      port: {}\n", self.balancer.port);
        let printed = printed.replace("      port: 443\n", &port);
        let others = printed
            .split("\n---\n")
            .filter(|document| !document.contains("\nkind: Service\n"));
        others.collect::<Vec<_>>().join("\n---\n")
    }

    /// Starts one of the replicas, with the permissions of the installation.
    pub fn replica(&self, number: usize, arguments: &[&str]) -> Served {
        let account = self.cluster.kubeconfig_as(ACCOUNT, &[]).display().to_string();
        let own = [
            "--kubeconfig",
            &account,
            "--policy-source=cluster",
            "--default-policy=baseline",
            "--namespace",
            NAMESPACE,
        ];
        Served::on(self.ports[number], &[&own, arguments].concat())
    }

    /// Waits until a replica is ready, and sends to it from then on.
    pub async fn use_replica(&self, number: usize, served: &Served) {
        served.ready().await;
        self.balancer.ready[number].store(true, Ordering::Relaxed);
    }

    /// Sends to a replica no more, and ends it as a kubelet does.
    pub async fn take_out(&self, number: usize, served: &Served) {
        self.balancer.ready[number].store(false, Ordering::Relaxed);
        served.signal("TERM");
        assert_eq!(served.ended().await.code(), Some(0));
    }

    /// Sends to a replica no more, and kills it.
    pub async fn kill(&self, number: usize, served: &Served) {
        self.balancer.ready[number].store(false, Ordering::Relaxed);
        served.signal("KILL");
        served.ended().await;
    }

    pub async fn get(&self, arguments: &[&str]) -> Value {
        let all = [&["get"], arguments, &["-o", "json"]].concat();
        let output = self.cluster.kubectl(all).await;
        serde_json::from_str(&output.stdout).unwrap_or_default()
    }

    /// The PEM text of a key of the Secret; empty where there is none.
    pub async fn secret(&self, key: &str) -> String {
        let secret = self.get(&["secret", SECRET, "-n", NAMESPACE]).await;
        decoded(&secret["data"][key])
    }

    /// The entries of both configurations.
    pub async fn webhooks(&self) -> Vec<Value> {
        let kinds = "mutatingwebhookconfiguration,validatingwebhookconfiguration";
        let both = self.get(&[kinds, "-l", "app.kubernetes.io/name=stateward"]).await;
        let configurations = both["items"].as_array().expect("items");
        let webhooks = configurations.iter().filter_map(|it| it["webhooks"].as_array());
        webhooks.flatten().cloned().collect()
    }

    /// Whether an entry trusts exactly this.
    pub fn is_trusted(&self, entry: &Value, bundle: &str) -> bool {
        decoded(&entry["clientConfig"]["caBundle"]) == bundle
    }

    /// Waits until every entry trusts exactly this.
    pub async fn trusted(&self, bundle: &str) {
        eventually("the bundle in every entry", async || {
            let webhooks = self.webhooks().await;
            assert!(webhooks.len() >= 6, "{}", webhooks.len());
            let mut bundles = webhooks.iter().map(|it| decoded(&it["clientConfig"]["caBundle"]));
            bundles.all(|it| it == bundle).then_some(())
        })
        .await;
    }

    /// Waits until one of the replicas is asked, and refuses what it should.
    pub async fn guards(&self, namespace: &str) {
        eventually("a refusal", async || {
            let create = ["create", "-n", namespace, "--dry-run=server", "-f", "-"];
            let many = deployment("many", "data", 3);
            let output = self.cluster.kubectl_stdin(create, &many).await;
            output.stderr.contains("rwo-replicas").then_some(())
        })
        .await;
    }

    /// Changes the configurations as somebody might.
    pub async fn patch(&self, kind: &str, patch: &Value) {
        let patch = patch.to_string();
        let patch = ["patch", kind, "stateward", "--type=json", "-p", &patch];
        self.cluster.kubectl(patch).await.succeeded();
    }

    /// The versions of both configurations.
    pub async fn versions(&self) -> String {
        self.both("{.items[*].metadata.resourceVersion}").await
    }

    /// How often what is said in both configurations was changed.
    pub async fn generations(&self) -> String {
        self.both("{.items[*].metadata.generation}").await
    }

    /// Waits until the leader has given up what it owned of both configurations by writing.
    pub async fn disowned(&self) {
        eventually("no ownership of the leader", async || {
            let owners = self.both("{.items[*].metadata.managedFields[*].manager}").await;
            assert!(!owners.is_empty());
            (!owners.contains("stateward-ca")).then_some(())
        })
        .await;
    }

    /// What a path of both configurations says.
    async fn both(&self, path: &str) -> String {
        let kinds = "mutatingwebhookconfiguration,validatingwebhookconfiguration";
        let path = format!("-o=jsonpath={path}");
        let get = ["get", kinds, "-l", "app.kubernetes.io/name=stateward", &path];
        self.cluster.kubectl(get).await.succeeded().stdout
    }
}

/// A text in base64; empty where there is none.
fn decoded(text: &Value) -> String {
    let bytes = STANDARD.decode(text.as_str().unwrap_or_default()).expect("base64");
    String::from_utf8(bytes).expect("UTF-8")
}

/// Whether a client that trusts this bundle accepts who listens there; `None` where nobody does.
pub async fn accepts(port: u16, bundle: &str) -> Option<Result<(), String>> {
    let mut roots = RootCertStore::empty();
    for trusted in CertificateDer::pem_slice_iter(bundle.as_bytes()) {
        roots.add(trusted.expect("PEM")).expect("a certificate");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let name = ServerName::try_from(format!("stateward.{NAMESPACE}.svc")).expect("a name");
    match TlsConnector::from(Arc::new(config)).connect(name, stream).await {
        Ok(_) => Some(Ok(())),
        // Whatever else goes wrong is about the process, not its certificate.
        Err(error) if error.to_string().contains("certificate") => Some(Err(error.to_string())),
        Err(_) => None,
    }
}
