//! The real program before a real API server: `stateward serve --register-url`, as a user would start it.
//!
//! ```ignore
//! #[tokio::test]
//! async fn many_replicas_of_one_disk_are_denied() {
//!     let shop = Shop::shared().await;
//!     let namespace = shop.namespace(Policy::Baseline).await;
//!     let objects = [claim("data", "ReadWriteOnce"), deployment("web", "data", 3)];
//!     let output = shop.create(&namespace, &objects).await.failed();
//!     assert!(output.stderr.contains("rwo-replicas"));
//! }
//! ```
//!
//! Most tests share one control plane with one webhook ([`Shop::shared`]), each in a namespace of its own.
//! Tests that stop, restart or misconfigure the webhook take turns on another ([`workshop`]),
//! and start their own [`Served`] there.

mod applied_again;
mod audit_page;
mod authority_states;
mod autoscalers;
mod cert_manager;
mod certificate_sources;
mod cluster_policies;
mod controllers;
mod declared;
mod defaults;
mod dependencies;
mod exceptions;
mod figures;
mod file_certificates;
mod foreign_certificates;
mod gitops;
mod held_back;
pub mod installation;
mod installed;
mod kinds;
mod kruise;
mod leaving;
mod levels;
mod lifecycle;
mod load;
mod losses;
pub mod objects;
mod otlp;
mod own_certificates;
mod owners;
mod policies;
mod races;
mod ratchet;
mod readme;
mod reinvocation;
mod releases;
mod remedies;
mod reports;
mod resilience;
mod rollouts;
mod scale;
mod several;
mod shop;
mod status;
mod traces;
mod troubleshooting;
mod two_api_servers;
mod words;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::{Mutex, PoisonError};

use k8s_openapi::api::apps::v1::StatefulSet;
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Mutex as Turn, MutexGuard, OnceCell};

use crate::controlplane::process::{Process, Scratch};
use crate::controlplane::{ControlPlane, eventually, free_port};

pub use shop::{Policy, Shop};

/// A running `stateward serve`; dropping it kills the process.
pub struct Served {
    process: Mutex<Process>,
    log: PathBuf,
    _scratch: Scratch,
    admin: u16,
}

impl Served {
    /// Starts the webhook, registered by URL, and waits until the API server sends requests to it.
    pub async fn start(cluster: &ControlPlane, arguments: &[&str]) -> Self {
        let served = Self::launch(cluster, arguments);
        served.ready().await;
        served.called(cluster).await;
        served
    }

    /// Starts the webhook, registered by URL, and waits for nothing.
    pub fn launch(cluster: &ControlPlane, arguments: &[&str]) -> Self {
        Self::launch_with(cluster.kubeconfig(), arguments)
    }

    /// As [`Self::launch`], with somebody else's kubeconfig.
    pub fn launch_with(kubeconfig: &Path, arguments: &[&str]) -> Self {
        Self::launch_in(&[], kubeconfig, arguments)
    }

    /// As [`Self::launch_with`], with these variables in the environment.
    pub fn launch_in(environment: &[(&str, &str)], kubeconfig: &Path, arguments: &[&str]) -> Self {
        let kubeconfig = kubeconfig.display().to_string();
        let port = free_port().expect("a port is free");
        let url = format!("https://127.0.0.1:{port}");
        let mut all = vec!["--kubeconfig", &kubeconfig, "--register-url", &url];
        all.extend(arguments);
        Self::run(environment, port, &all)
    }

    /// Starts the webhook with these arguments and addresses on loopback.
    pub fn with(arguments: &[&str]) -> Self {
        let port = free_port().expect("a port is free");
        Self::on(port, arguments)
    }

    /// As [`Self::with`], where others need to know the port.
    pub fn on(port: u16, arguments: &[&str]) -> Self {
        Self::run(&[], port, arguments)
    }

    fn run(environment: &[(&str, &str)], port: u16, arguments: &[&str]) -> Self {
        let scratch = Scratch::new().expect("a directory can be made");
        let log = scratch.path().join("serve.log");
        let admin = free_port().expect("a port is free");
        let mut command = Command::new(env!("CARGO_BIN_EXE_stateward"));
        command.args(["serve", "--log-format", "json"]);
        command.args(["--listen", &format!("127.0.0.1:{port}")]);
        command.args(["--admin-listen", &format!("127.0.0.1:{admin}")]);
        command.args(arguments);
        // Nothing of the user's: neither a cluster nor a log level.
        command
            .env("HOME", scratch.path())
            .env_remove("KUBECONFIG")
            .env_remove("RUST_LOG")
            .envs(environment.iter().copied());
        let process = Process::start(&command, &log).expect("stateward starts");
        Self {
            process: Mutex::new(process),
            log,
            _scratch: scratch,
            admin,
        }
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.lock().pid()
    }

    /// The address of the admin port.
    pub fn admin_address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.admin))
    }

    /// Waits until `/readyz` says yes.
    pub async fn ready(&self) {
        eventually("the webhook's readiness", async || {
            self.running();
            let (status, _) = self.admin("/readyz").await?;
            (status == 200).then_some(())
        })
        .await;
    }

    /// Waits until the API server calls both phases: it learns of configurations one by one, a moment after they are
    /// stored.
    pub async fn called(&self, cluster: &ControlPlane) {
        let sets = Api::<StatefulSet>::namespaced(cluster.client().await, "default");
        let probe = objects::probe("probe");
        let dry_run = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        eventually("a call of the API server", async || {
            self.running();
            // Whatever the answer is: what counts is that we were asked for it.
            let _ = sets.create(&dry_run, &probe).await;
            let metrics = self.metrics().await;
            let asked = |webhook| {
                metrics
                    .series("stateward_request_duration_seconds_count", &[("webhook", webhook)])
                    .is_some_and(|count| count > 0.0)
            };
            (asked("validate") && asked("mutate")).then_some(())
        })
        .await;
    }

    /// Status and body of a page of the admin port; `None` while nobody listens.
    pub async fn admin(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(self.admin_address()).await.ok()?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
    }

    /// What `/metrics` says now.
    pub async fn metrics(&self) -> Metrics {
        let (status, text) = self.admin("/metrics").await.expect("the admin port answers");
        assert_eq!(status, 200, "{text}");
        Metrics(text)
    }

    /// Every log line so far that is whole.
    pub fn log(&self) -> Vec<Value> {
        let text = self.text();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        // Before logging is set up, and when giving up, the program prints plain lines.
        whole
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| json!({"message": line})))
            .collect()
    }

    /// Waits for a log line.
    pub async fn logged(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        eventually("a log line", async || self.log().into_iter().find(&wanted)).await
    }

    /// Everything that was printed so far.
    pub fn text(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Sends a signal such as `TERM`.
    pub fn signal(&self, name: &str) {
        self.lock().signal(name).expect("the process is there");
    }

    /// Waits for the end of the process.
    pub async fn ended(&self) -> ExitStatus {
        eventually("the end of the webhook", async || {
            self.lock().ended().expect("a process can be waited for")
        })
        .await
    }

    /// Fails with all that was printed when the process has ended.
    fn running(&self) {
        let ended = self.lock().ended().expect("a process can be waited for");
        assert_eq!(ended, None, "stateward ended:\n{}", self.text());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A page of metrics.
pub struct Metrics(String);

impl Metrics {
    /// The value of the series with that name and at least those labels; the sum where there are several.
    pub fn series(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let values = self.0.lines().filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let found = series.split('{').next() == Some(name);
            let labelled = labels
                .iter()
                .all(|(label, value)| series.contains(&format!("{label}=\"{value}\"")));
            (found && labelled).then(|| value.parse::<f64>().ok())?
        });
        values.reduce(|sum, value| sum + value)
    }
}

/// A control plane without a webhook, for one test at a time that brings its own.
pub async fn workshop() -> MutexGuard<'static, ControlPlane> {
    static WORKSHOP: OnceCell<Turn<ControlPlane>> = OnceCell::const_new();
    let shared = WORKSHOP.get_or_init(async || Turn::new(ControlPlane::start().await));
    shared.await.lock().await
}
