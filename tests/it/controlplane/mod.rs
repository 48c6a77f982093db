//! A real Kubernetes control plane for tests: etcd, kube-apiserver, kubectl and, on demand, kube-controller-manager and
//! kube-scheduler.
//!
//! ```ignore
//! #[tokio::test]
//! async fn names_are_unique() {
//!     let cluster = ControlPlane::shared().await;
//!     let namespace = cluster.namespace("names").await;
//!     cluster.kubectl(["create", "configmap", "a", "-n", &namespace]).await.succeeded();
//!     let again = cluster.kubectl(["create", "configmap", "a", "-n", &namespace]).await.failed();
//!     assert!(again.stderr.contains("already exists"));
//! }
//! ```
//!
//! All tests of a run share one control plane, each in namespaces of its own.
//! A test that stops the API server, or registers webhooks for more than its own namespaces, starts a private one with
//! [`ControlPlane::start`]: 3 seconds and 320 MB.
//! There is no kubelet: pods stay `Pending`.
//! Without the controller manager a deleted namespace stays `Terminating`, and the roles `view`, `edit` and `admin` are empty.
//! A test that starts it takes a private control plane too: other tests do not expect pods from their Deployments.
//! `tests/controlplane/README.md` says where the programs come from.

mod another;
pub mod binaries;
pub mod build;
mod connect;
mod files;
mod patience;
pub mod process;
pub mod release;
mod smoke;

use std::ffi::OsStr;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::{Seek, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use k8s_openapi::api::core::v1::Namespace;
use kube::Client;
use kube::api::{Api, PostParams};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use binaries::{Binaries, Program, Version};
use connect::client;
use files::{Files, Identity};
use patience::PATIENCE;
pub use patience::eventually;
use process::Process;

/// A running control plane on loopback; dropping it ends its processes and removes its files.
///
/// Its methods panic where the control plane fails, as that is never what a test is about.
pub struct ControlPlane {
    api_server: Mutex<Option<Process>>,
    controller_manager: Mutex<Option<Process>>,
    scheduler: Mutex<Option<Process>>,
    etcd: Mutex<Process>,
    binaries: Binaries,
    etcd_port: u16,
    files: Files,
    /// Of the API server, beside those that all have; gates of features are the controllers' too.
    flags: Vec<String>,
}

impl ControlPlane {
    /// The control plane that the tests of this process share, started by whoever asks first.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<anyhow::Result<ControlPlane>> = OnceCell::const_new();
        // A failure is kept, so that the other tests do not try the same minutes-long build again.
        SHARED
            .get_or_init(|| Self::try_start(Vec::new()))
            .await
            .as_ref()
            .expect("the shared control plane starts")
    }

    /// Starts a control plane for one test alone.
    pub async fn start() -> Self {
        Self::start_with([]).await
    }

    /// As [`Self::start`], with further flags for the API server.
    pub async fn start_with(flags: impl Into<Vec<String>>) -> Self {
        Self::try_start(flags.into()).await.expect("the control plane starts")
    }

    /// The kubeconfig of an administrator (group `system:masters`).
    pub fn kubeconfig(&self) -> &Path {
        self.files.admin()
    }

    /// A kubeconfig of anybody, by impersonation: `userInfo` in a review is this user's, and RBAC is applied to it.
    ///
    /// Kubernetes adds the group `system:authenticated`, and those of a service account, by itself.
    pub fn kubeconfig_as(&self, user: &str, groups: &[&str]) -> PathBuf {
        self.files
            .kubeconfig(Identity::Impersonated { user, groups })
            .expect("the kubeconfig is written")
    }

    /// A client of the administrator; it lives on the calling test's runtime, so do not share it between tests.
    pub async fn client(&self) -> Client {
        client(self.kubeconfig()).await.expect("the kubeconfig is usable")
    }

    /// A client of anybody, as [`Self::kubeconfig_as`].
    pub async fn client_as(&self, user: &str, groups: &[&str]) -> Client {
        client(&self.kubeconfig_as(user, groups))
            .await
            .expect("the kubeconfig is usable")
    }

    /// Runs kubectl as the administrator; `--as=USER` makes it anybody.
    pub async fn kubectl<I>(&self, arguments: I) -> Output
    where
        I: IntoIterator<Item: AsRef<OsStr>>,
    {
        self.kubectl_stdin(arguments, "").await
    }

    /// Runs kubectl with something to read, for `-f -`.
    pub async fn kubectl_stdin<I>(&self, arguments: I, input: &str) -> Output
    where
        I: IntoIterator<Item: AsRef<OsStr>>,
    {
        let mut command = self.binaries.command(Program::Kubectl);
        command.arg("--kubeconfig").arg(self.kubeconfig()).args(arguments);
        self.run(command, input).await
    }

    /// Applies an object in a namespace with kubectl.
    pub async fn apply(&self, namespace: &str, object: &str) -> Output {
        self.kubectl_stdin(["apply", "-f", "-", "-n", namespace], object).await
    }

    /// Runs a script for sh, which finds our kubectl in `$KUBECTL`, with something to read.
    pub async fn script(&self, script: &Path, arguments: &[&str], input: &str) -> Output {
        self.script_through("", script, arguments, input).await
    }

    /// The same, where this command makes every call of kubectl, whose words it is given. It and the script are a process
    /// group of their own.
    pub async fn script_through(&self, through: &str, script: &Path, arguments: &[&str], input: &str) -> Output {
        let kubectl = self.binaries.command(Program::Kubectl);
        let kubectl = Path::new(kubectl.get_program());
        let mut command = Command::new("sh");
        command.arg(script).args(arguments);
        command.env(
            "KUBECTL",
            format!(
                "{through} {} --kubeconfig {}",
                kubectl.display(),
                self.kubeconfig().display()
            ),
        );
        if !through.is_empty() {
            command.process_group(0);
        }
        self.run(command, input).await
    }

    async fn run(&self, mut command: Command, input: &str) -> Output {
        // Neither the user's preferences nor caches of another cluster on the same port.
        command
            .env("HOME", self.files.directory())
            .env_remove("KUBECONFIG")
            .env_remove("KUBECACHEDIR");
        let mut stdin = tempfile::tempfile().expect("a temporary file can be made");
        stdin
            .write_all(input.as_bytes())
            .and_then(|()| stdin.rewind())
            .expect("a temporary file can be written");
        command.stdin(stdin);
        // On a thread of its own: the webhook under test may run on the runtime that would be blocked here.
        let run = spawn_blocking(move || command.output())
            .await
            .expect("the command's thread ends");
        let output = run.expect("the command runs");
        Output {
            success: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Waits until every kind is served that a definition was applied for.
    pub async fn established(&self) {
        let wait = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"];
        self.kubectl(wait).await.succeeded();
    }

    /// Creates a namespace whose name begins with `prefix` and is new, and returns the name.
    pub async fn namespace(&self, prefix: &str) -> String {
        let mut namespace = Namespace::default();
        namespace.metadata.generate_name = Some(format!("{prefix}-"));
        let created = Api::all(self.client().await)
            .create(&PostParams::default(), &namespace)
            .await;
        created
            .expect("the namespace is created")
            .metadata
            .name
            .expect("invariant: created objects have names")
    }

    /// The version of the API server's program.
    pub fn version(&self) -> Version {
        self.binaries
            .version(Program::KubeApiserver)
            .expect("kube-apiserver tells its version")
    }

    /// What etcd's own `/metrics` says now.
    pub async fn etcd_metrics(&self) -> String {
        let address = (Ipv4Addr::LOCALHOST, self.etcd_port);
        let mut stream = TcpStream::connect(address).await.expect("etcd listens");
        let request = b"GET /metrics HTTP/1.0\r\nhost: localhost\r\n\r\n";
        stream.write_all(request).await.expect("etcd reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("etcd answers");
        answer
    }

    /// Kills the API server; etcd stays.
    pub fn stop_api_server(&self) {
        drop(lock(&self.api_server).take());
    }

    /// Starts the API server again on the same port, with the same etcd, certificate and tokens; awaits its readiness.
    pub async fn restart_api_server(&self) {
        self.stop_api_server();
        self.start_api_server().await.expect("the API server starts again");
    }

    /// Starts Kubernetes' own controllers, unless they already run, and waits for their first sign of life.
    ///
    /// Those that would evict pods from nodes without a kubelet are left out.
    pub async fn start_controller_manager(&self) {
        self.try_start_controller_manager()
            .await
            .expect("the controller manager starts");
    }

    /// Starts Kubernetes' own scheduler with these profiles, the `profiles` of a `KubeSchedulerConfiguration`.
    pub async fn start_scheduler(&self, profiles: &Value) {
        self.try_start_scheduler(profiles).await.expect("the scheduler starts");
    }

    /// The audit events (`audit.k8s.io/v1`, level `Metadata`) of all finished writes so far, in order.
    ///
    /// Annotations of webhooks stand in `annotations`, under `WEBHOOK/KEY`;
    /// one that was called in vain and let the request pass, under `failed-open.*.webhook.admission.k8s.io/…`.
    pub fn audit_log(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.files.audit_log()).expect("the audit log is there");
        // What follows the last line end is an event that is being written.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole
            .lines()
            .map(|line| serde_json::from_str(line).expect("an audit event is JSON"))
            .collect()
    }

    /// Waits for an audit event: it is written a little later than the client has its answer.
    pub async fn audit_event(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        eventually("an audit event", async || self.audit_log().into_iter().find(&wanted)).await
    }

    /// Starts on free ports, and on others if somebody was quicker to take them.
    async fn try_start(flags: Vec<String>) -> anyhow::Result<Self> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            match Self::launch(flags.clone()).await {
                Err(error) if attempt < 5 && format!("{error:#}").contains("address already in use") => {}
                result => return result,
            }
        }
    }

    async fn launch(flags: Vec<String>) -> anyhow::Result<Self> {
        let binaries = spawn_blocking(|| Binaries::find(Program::CONTROL_PLANE)).await??;
        let files = Files::new(free_port()?)?;
        let etcd_port = free_port()?;
        let url = format!("http://127.0.0.1:{etcd_port}");
        let mut etcd = binaries.command(Program::Etcd);
        etcd.arg("--data-dir").arg(files.directory().join("etcd")).args([
            // The data need not survive a power cut.
            "--unsafe-no-fsync",
            "--log-level=warn",
            "--listen-peer-urls=http://127.0.0.1:0",
            &format!("--listen-client-urls={url}"),
            &format!("--advertise-client-urls={url}"),
        ]);
        let etcd = Mutex::new(Process::start(&etcd, &files.log("etcd"))?);
        let plane = Self {
            api_server: Mutex::default(),
            controller_manager: Mutex::default(),
            scheduler: Mutex::default(),
            etcd,
            binaries,
            etcd_port,
            files,
            flags,
        };
        plane.start_api_server().await?;
        Ok(plane)
    }

    async fn start_api_server(&self) -> anyhow::Result<()> {
        let mut command = self.binaries.command(Program::KubeApiserver);
        command.args(self.files.api_server_flags()).args(&self.flags);
        command.arg(format!("--etcd-servers=http://127.0.0.1:{}", self.etcd_port));
        *lock(&self.api_server) = Some(Process::start(&command, &self.files.log("kube-apiserver"))?);
        let client = self.client().await;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ready = http::Request::get("/readyz").body(Vec::new())?;
            let ready = timeout(Duration::from_secs(5), client.request_text(ready)).await;
            // Asked afterwards: an answer counts only if this etcd and this API server are still there to give it.
            self.files.running("etcd", &mut lock(&self.etcd))?;
            self.files.running(
                "kube-apiserver",
                lock(&self.api_server).as_mut().context("stopped meanwhile")?,
            )?;
            match ready {
                Ok(Ok(_)) => return Ok(()),
                _ if Instant::now() > deadline => {
                    bail!("kube-apiserver is not ready: {}", self.files.tail("kube-apiserver"))
                }
                _ => sleep(Duration::from_millis(100)).await,
            }
        }
    }

    async fn try_start_controller_manager(&self) -> anyhow::Result<()> {
        let (ours, theirs) = (self.binaries.version(Program::KubeControllerManager)?, self.version());
        ensure!(
            ours.minor == theirs.minor,
            "kube-controller-manager {ours} does not fit kube-apiserver {theirs}: put one into KUBEBUILDER_ASSETS"
        );
        let kubeconfig = self.files.kubeconfig(Identity::ControllerManager)?;
        let mut command = self.binaries.command(Program::KubeControllerManager);
        command
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .args(self.files.controller_manager_flags())
            .args(self.flags.iter().filter(|flag| flag.starts_with("--feature-gates=")));
        {
            let mut running = lock(&self.controller_manager);
            if running.is_none() {
                *running = Some(Process::start(&command, &self.files.log("kube-controller-manager"))?);
            }
        }
        eventually("the controllers' first act, the default service account", async || {
            let found = self
                .kubectl(["get", "serviceaccount", "default", "--namespace=default"])
                .await;
            found.success.then_some(())
        })
        .await;
        let mut running = lock(&self.controller_manager);
        self.files.running(
            "kube-controller-manager",
            running.as_mut().context("stopped meanwhile")?,
        )
    }

    async fn try_start_scheduler(&self, profiles: &Value) -> anyhow::Result<()> {
        let binaries = spawn_blocking(|| Binaries::find(&[Program::KubeScheduler])).await??;
        let mut command = binaries.command(Program::KubeScheduler);
        command.args(self.files.scheduler_flags(profiles)?);
        *lock(&self.scheduler) = Some(Process::start(&command, &self.files.log("kube-scheduler"))?);
        Ok(())
    }

    /// Fails, with the end of its log, where a program that was started has ended by itself.
    pub fn everything_runs(&self) {
        let programs = [
            ("kube-controller-manager", &self.controller_manager),
            ("kube-scheduler", &self.scheduler),
        ];
        for (name, process) in programs {
            if let Some(process) = lock(process).as_mut() {
                self.files.running(name, process).expect("it runs");
            }
        }
    }
}

/// What a run of kubectl printed.
#[derive(Debug)]
pub struct Output {
    pub success: bool,
    pub stdout: String,
    /// Errors, and the API server's warnings (`Warning: …`).
    pub stderr: String,
}

impl Output {
    /// The output of a run that must have succeeded.
    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert!(self.success, "kubectl failed: {}", self.stderr);
        self
    }

    /// The output of a run that must have failed.
    #[track_caller]
    pub fn failed(self) -> Self {
        assert!(!self.success, "kubectl succeeded: {}{}", self.stdout, self.stderr);
        self
    }
}

/// A port that nobody listens on, below the range from which systems take the ports of outgoing connections.
pub fn free_port() -> anyhow::Result<u16> {
    for _ in 0..100 {
        let random = RandomState::new().hash_one(()) % 10_000;
        let port = 20_000 + u16::try_from(random)?;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port between 20000 and 30000")
}

/// A test that failed while it held the lock does not spoil the others.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
