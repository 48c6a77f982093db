//! An installation that signs its own certificates: two commands install it, replicas agree, meddling heals, and no
//! review fails while authorities come and go.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::PostParams;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;
use tokio_rustls::TlsConnector;

use super::Served;
use super::objects::{claim, deployment};
use super::reports::leader;
use crate::controlplane::{ControlPlane, eventually, free_port};

const ACCOUNT: &str = "system:serviceaccount:stateward-system:stateward";
const NAMESPACE: &str = "stateward-system";
const SECRET: &str = "stateward-authority";

fn stateward(arguments: &[&str]) -> String {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_stateward"))
        .args(arguments)
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A port that leads to the replicas that are ready, in turn, as a Service does.
struct Balancer {
    port: u16,
    ready: Arc<[AtomicBool; 2]>,
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
struct Installed {
    cluster: ControlPlane,
    ports: [u16; 2],
    balancer: Balancer,
}

impl Installed {
    async fn new() -> Self {
        let cluster = ControlPlane::start().await;
        let ports = [(); 2].map(|()| free_port().expect("a port is free"));
        let balancer = Balancer::start(ports).await;
        let installed = Self {
            cluster,
            ports,
            balancer,
        };
        // The two commands of the page.
        installed.apply(&stateward(&["crds"])).await;
        let established = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"];
        installed.cluster.kubectl(established).await.succeeded();
        installed.manifests(&[]).await;
        let external = "--external-name=localhost";
        let create = [
            "create",
            "service",
            "externalname",
            "stateward",
            external,
            "-n",
            NAMESPACE,
        ];
        installed.cluster.kubectl(create).await.succeeded();
        // RBAC is applied from a cache of its own.
        eventually("the permissions", async || {
            let may = ["auth", "can-i", "create", "secrets", "-n", NAMESPACE, "--as", ACCOUNT];
            let may = installed.cluster.kubectl(may).await.success;
            let list = ["auth", "can-i", "list", "services", "--as", ACCOUNT];
            (may && installed.cluster.kubectl(list).await.success).then_some(())
        })
        .await;
        installed
    }

    async fn apply(&self, yaml: &str) {
        let apply = ["apply", "--server-side", "-f", "-"];
        self.cluster.kubectl_stdin(apply, yaml).await.succeeded();
    }

    /// Applies what `manifests` prints, but for the Service: there is no network of pods here, so that another leads to
    /// this machine, by the same name as far as TLS knows.
    async fn manifests(&self, arguments: &[&str]) {
        let printed = stateward(&[&["manifests"], arguments].concat());
        let port = format!("      port: {}\n", self.balancer.port);
        let printed = printed.replace("      port: 443\n", &port);
        let others = printed
            .split("\n---\n")
            .filter(|document| !document.contains("\nkind: Service\n"));
        self.apply(&others.collect::<Vec<_>>().join("\n---\n")).await;
    }

    /// Starts one of the replicas, with the permissions of the installation.
    fn replica(&self, number: usize, arguments: &[&str]) -> Served {
        let account = self.cluster.kubeconfig_as(ACCOUNT, &[]).display().to_string();
        let own = [
            "--kubeconfig",
            &account,
            "--policy-source=cluster",
            "--namespace",
            NAMESPACE,
        ];
        Served::on(self.ports[number], &[&own, arguments].concat())
    }

    /// Waits until a replica is ready, and sends to it from then on.
    async fn use_replica(&self, number: usize, served: &Served) {
        served.ready().await;
        self.balancer.ready[number].store(true, Ordering::Relaxed);
    }

    async fn get(&self, arguments: &[&str]) -> Value {
        let all = [&["get"], arguments, &["-o", "json"]].concat();
        let output = self.cluster.kubectl(all).await;
        serde_json::from_str(&output.stdout).unwrap_or_default()
    }

    /// The PEM text of a key of the Secret; empty where there is none.
    async fn secret(&self, key: &str) -> String {
        let secret = self.get(&["secret", SECRET, "-n", NAMESPACE]).await;
        decoded(&secret["data"][key])
    }

    /// The entries of both configurations.
    async fn webhooks(&self) -> Vec<Value> {
        let kinds = "mutatingwebhookconfiguration,validatingwebhookconfiguration";
        let both = self.get(&[kinds, "-l", "app.kubernetes.io/name=stateward"]).await;
        let configurations = both["items"].as_array().expect("items");
        let webhooks = configurations.iter().filter_map(|it| it["webhooks"].as_array());
        webhooks.flatten().cloned().collect()
    }

    /// Waits until every entry trusts exactly this.
    async fn trusted(&self, bundle: &str) {
        eventually("the bundle in every entry", async || {
            let webhooks = self.webhooks().await;
            assert!(webhooks.len() >= 6, "{}", webhooks.len());
            let mut bundles = webhooks.iter().map(|it| decoded(&it["clientConfig"]["caBundle"]));
            bundles.all(|it| it == bundle).then_some(())
        })
        .await;
    }

    /// Waits until one of the replicas is asked, and refuses what it should.
    async fn guards(&self, namespace: &str) {
        eventually("a refusal", async || {
            let create = ["create", "-n", namespace, "--dry-run=server", "-f", "-"];
            let many = deployment("many", "data", 3);
            let output = self.cluster.kubectl_stdin(create, &many).await;
            output.stderr.contains("rwo-replicas").then_some(())
        })
        .await;
    }

    /// Changes the configurations as somebody might.
    async fn patch(&self, kind: &str, patch: &Value) {
        let patch = patch.to_string();
        let patch = ["patch", kind, "stateward", "--type=json", "-p", &patch];
        self.cluster.kubectl(patch).await.succeeded();
    }

    /// The versions of both configurations.
    async fn versions(&self) -> String {
        let kinds = "mutatingwebhookconfiguration,validatingwebhookconfiguration";
        let path = "-o=jsonpath={.items[*].metadata.resourceVersion}";
        let get = ["get", kinds, "-l", "app.kubernetes.io/name=stateward", path];
        self.cluster.kubectl(get).await.succeeded().stdout
    }
}

/// A text in base64; empty where there is none.
fn decoded(text: &Value) -> String {
    let bytes = STANDARD.decode(text.as_str().unwrap_or_default()).expect("base64");
    String::from_utf8(bytes).expect("UTF-8")
}

/// Whether a client that trusts this bundle accepts who listens there; `None` where nobody does.
async fn accepts(port: u16, bundle: &str) -> Option<Result<(), String>> {
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

#[tokio::test]
async fn replicas_agree_on_one_authority_and_put_in_order_what_others_change() {
    let installed = Installed::new().await;
    let cluster = &installed.cluster;
    // A first installation refuses nothing, so that the cluster works before anybody answers.
    let namespace = cluster.namespace("guarded").await;
    let create = ["create", "-n", &namespace, "-f", "-"];
    let early = [claim("early", "ReadWriteOnce"), deployment("early", "early", 3)].join("\n---\n");
    cluster.kubectl_stdin(create, &early).await.succeeded();

    let (one, other) = (installed.replica(0, &[]), installed.replica(1, &[]));
    installed.use_replica(0, &one).await;
    installed.use_replica(1, &other).await;
    let authority = installed.secret("ca.crt").await;
    installed.trusted(&authority).await;
    for port in installed.ports {
        assert_eq!(accepts(port, &authority).await, Some(Ok(())));
    }
    installed.manifests(&["--fail"]).await;
    cluster
        .kubectl_stdin(create, &claim("data", "ReadWriteOnce"))
        .await
        .succeeded();
    installed.guards(&namespace).await;

    // To apply the same again changes nothing, for whoever applies it.
    installed.trusted(&authority).await;
    let versions = installed.versions().await;
    installed.manifests(&["--fail"]).await;
    assert_eq!(installed.versions().await, versions);
    installed.trusted(&authority).await;

    // An entry comes and goes, as it does in an upgrade.
    installed.manifests(&["--fail", "--fail-scale"]).await;
    installed.trusted(&authority).await;
    installed.manifests(&["--fail"]).await;
    let names = installed.webhooks().await;
    assert!(names.iter().all(|webhook| webhook["name"] != "scale.stateward.dev"));

    let empty = json!([{"op": "replace", "path": "/webhooks/0/clientConfig/caBundle", "value": STANDARD.encode("\n")}]);
    installed.patch("validatingwebhookconfiguration", &empty).await;
    installed.trusted(&authority).await;
    let removed = json!([{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}]);
    installed.patch("mutatingwebhookconfiguration", &removed).await;
    installed.trusted(&authority).await;

    // The Secret: gone, damaged, and replaced by one that cannot be changed.
    let whole = async |what: &str| {
        eventually(what, async || {
            let same = installed.secret("ca.crt").await == authority;
            let key = installed.secret("ca.key").await;
            (same && key.contains("PRIVATE KEY")).then_some(())
        })
        .await;
    };
    let delete = ["delete", "secret", SECRET, "-n", NAMESPACE];
    cluster.kubectl(delete).await.succeeded();
    whole("the Secret again").await;
    let damage = json!({"data": {"ca.key": STANDARD.encode("x")}}).to_string();
    let patch = ["patch", "secret", SECRET, "-n", NAMESPACE, "-p", &damage];
    cluster.kubectl(patch).await.succeeded();
    whole("the key again").await;
    let fixed = json!({"immutable": true, "data": {"ca.crt": STANDARD.encode("x")}}).to_string();
    let patch = ["patch", "secret", SECRET, "-n", NAMESPACE, "-p", &fixed];
    cluster.kubectl(patch).await.succeeded();
    whole("a Secret that can be changed again").await;
    installed.trusted(&authority).await;
    for port in installed.ports {
        assert_eq!(accepts(port, &authority).await, Some(Ok(())), "all the while");
    }
    for served in [&one, &other] {
        let refused = |line: &Value| {
            let message = line["message"].as_str().unwrap_or_default();
            line["level"] == "ERROR" || message.starts_with("Cannot") || message.contains("permission")
        };
        assert_eq!(served.log().into_iter().find(refused), None);
    }
}

/// What went wrong in the reviews so far.
type Failures = Arc<Mutex<Vec<String>>>;

/// Asks for what waits for us, again and again, and tries the certificates of both replicas by whatever the cluster
/// trusts at the moment; until it is dropped.
struct Load {
    failures: Failures,
    reviews: Arc<AtomicUsize>,
    tasks: JoinSet<()>,
}

impl Load {
    async fn start(installed: &Installed, namespace: &str) -> Self {
        let failures = Failures::default();
        let reviews = Arc::<AtomicUsize>::default();
        let mut tasks = JoinSet::new();
        let deployments = Api::<Deployment>::namespaced(installed.cluster.client().await, namespace);
        let asked: Deployment = serde_saphyr::from_str(&deployment("web", "data", 1)).expect("a Deployment");
        let (failed, count) = (failures.clone(), reviews.clone());
        tasks.spawn(async move {
            let dry_run = PostParams {
                dry_run: true,
                ..PostParams::default()
            };
            loop {
                if let Err(error) = deployments.create(&dry_run, &asked).await {
                    failed.lock().expect("no panic").push(error.to_string());
                }
                count.fetch_add(1, Ordering::Relaxed);
                sleep(Duration::from_millis(20)).await;
            }
        });
        let configurations = Api::<ValidatingWebhookConfiguration>::all(installed.cluster.client().await);
        let (failed, count, ports) = (failures.clone(), reviews.clone(), installed.ports);
        tasks.spawn(async move {
            loop {
                let found = configurations.get("stateward").await.expect("the configuration");
                let bundle = found.webhooks.expect("webhooks")[0].client_config.ca_bundle.clone();
                let bundle = String::from_utf8(bundle.expect("a bundle").0).expect("PEM");
                for port in ports {
                    if let Some(Err(error)) = accepts(port, &bundle).await {
                        failed.lock().expect("no panic").push(error);
                    }
                }
                count.fetch_add(1, Ordering::Relaxed);
                sleep(Duration::from_millis(20)).await;
            }
        });
        Self {
            failures,
            reviews,
            tasks,
        }
    }

    fn failures(&self) -> Vec<String> {
        self.failures.lock().expect("no panic").clone()
    }
}

#[tokio::test]
async fn no_review_fails_while_authorities_come_and_go_and_the_leader_is_killed() {
    let installed = Installed::new().await;
    let cluster = &installed.cluster;
    let lifetimes = [
        "--authority-lifetime=90s",
        "--certificate-lifetime=20s",
        "--authority-settle=2s",
    ];
    let (one, other) = (installed.replica(0, &lifetimes), installed.replica(1, &lifetimes));
    installed.use_replica(0, &one).await;
    installed.use_replica(1, &other).await;
    let first = installed.secret("ca.crt").await;
    installed.trusted(&first).await;
    installed.manifests(&["--fail"]).await;
    let namespace = cluster.namespace("guarded").await;
    let create = ["create", "-n", &namespace, "-f", "-"];
    cluster
        .kubectl_stdin(create, &claim("data", "ReadWriteOnce"))
        .await
        .succeeded();
    installed.guards(&namespace).await;
    let mut load = Load::start(&installed, &namespace).await;

    let changed = async |from: &str| {
        eventually("another authority that signs", async || {
            let current = installed.secret("ca.crt").await;
            (current != from && !current.is_empty()).then_some(current)
        })
        .await
    };
    let retired = async |current: &str| {
        eventually("the end of the previous authority", async || {
            let previous = installed.secret("previous-ca.crt").await;
            previous.is_empty().then_some(())
        })
        .await;
        installed.trusted(current).await;
    };
    let second = changed(&first).await;
    retired(&second).await;
    assert_eq!(load.failures(), [""; 0], "an undisturbed rotation");

    // The leader dies in the middle of the next one, and comes back as another process.
    eventually("the next authority", async || {
        let next = installed.secret("next-ca.crt").await;
        (!next.is_empty()).then_some(())
    })
    .await;
    let led = leader(&[&one, &other]).await;
    let number = usize::from(led.pid() == other.pid());
    installed.balancer.ready[number].store(false, Ordering::Relaxed);
    led.signal("KILL");
    led.ended().await;
    let again = installed.replica(number, &lifetimes);
    installed.use_replica(number, &again).await;
    let third = changed(&second).await;
    retired(&third).await;
    for port in installed.ports {
        assert_eq!(accepts(port, &third).await, Some(Ok(())));
    }
    load.tasks.shutdown().await;
    // What was under way to the process that was killed is no matter of certificates.
    let (cut, failures): (Vec<String>, Vec<String>) = load.failures().into_iter().partition(|failure| {
        ["EOF", "reset by peer", "refused"]
            .iter()
            .any(|cut| failure.contains(cut))
    });
    assert_eq!(failures, [""; 0]);
    assert!(load.reviews.load(Ordering::Relaxed) > 1_000);
    // All entries were answered all the while, also those that would have let it pass.
    let passed = |event: &&Value| {
        event["annotations"].to_string().contains("failed-open")
            && event["objectRef"]["namespace"] == *namespace
            && event["objectRef"]["name"] == "web"
    };
    let log = cluster.audit_log();
    let passed: Vec<&Value> = log.iter().filter(passed).collect();
    // One request at a time is under way, to one entry; and the next may still go to a connection that is gone.
    assert!(cut.len() + passed.len() <= 2, "{cut:?} {passed:?}");
}
