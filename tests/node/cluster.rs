//! A cluster of one node, every part of it a process of ours.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::ensure;
use kube::Client;

use super::files::Files;
use super::image;
use crate::controlplane::binaries::{Binaries, Program};
use crate::controlplane::connect;
use crate::controlplane::eventually;
use crate::controlplane::process::Process;

/// The address of the node, and of the API server.
pub const NODE: &str = "10.210.0.1";
pub const NODE_NAME: &str = "node-1";
pub const PODS: &str = "10.244.0.0/24";
pub const SERVICES: &str = "10.96.0.0/16";

/// A `/sys` of this network, with the machine's control groups, which containers need; then what must not be shared with
/// the machine, and the network. Mounts are shared with containers last: the umount would take the control groups along.
const PREPARE: &str = r#"set -e
groups=$(mktemp -d)
mount --rbind /sys/fs/cgroup "$groups"
mount -t sysfs sysfs /sys
mount --rbind "$groups" /sys/fs/cgroup
umount -l "$groups"
for own in /run /var/log; do mount -t tmpfs tmpfs "$own"; done
mkdir -p /run/containerd /run/netns
mount --make-rshared /
ip link set lo up
ip link add node0 type bridge
ip addr add "$1/24" dev node0
ip link set node0 up
# Without a route nothing is sent to a Service that could be sent elsewhere.
ip route add "$2" dev node0
for setting in net/ipv4/ip_forward net/bridge/bridge-nf-call-iptables; do
    if [ -e "/proc/sys/$setting" ]; then echo 1 > "/proc/sys/$setting"; fi
done
"#;

/// A process of the cluster.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Part {
    Etcd,
    ApiServer,
    ControllerManager,
    Scheduler,
    Containerd,
    Kubelet,
    Proxy,
}

impl Part {
    /// In the order in which they start.
    const ALL: [Self; 7] = [
        Self::Etcd,
        Self::ApiServer,
        Self::ControllerManager,
        Self::Scheduler,
        Self::Containerd,
        Self::Kubelet,
        Self::Proxy,
    ];
}

/// The cluster of this run.
pub struct Cluster {
    files: Files,
    binaries: Binaries,
    running: Mutex<BTreeMap<Part, Process>>,
}

impl Cluster {
    /// The cluster, started by whoever asks first.
    pub async fn get() -> &'static Self {
        static CLUSTER: OnceLock<Cluster> = OnceLock::new();
        if let Some(cluster) = CLUSTER.get() {
            return cluster;
        }
        let directory = std::env::var_os(crate::INSIDE).expect("inside of the namespaces");
        let cluster = Self::prepare(Path::new(&directory)).expect("the namespaces are made");
        let cluster = CLUSTER.get_or_init(|| cluster);
        cluster.start_all().await;
        cluster.load(&image::stateward(Path::new(&directory)).expect("the image is made"));
        cluster
    }

    fn prepare(directory: &Path) -> anyhow::Result<Self> {
        let binaries = Binaries::find(Program::ALL)?;
        let mut prepare = Command::new("sh");
        let prepare = prepare.args(["-c", PREPARE, "prepare", NODE, SERVICES]).output()?;
        let error = String::from_utf8_lossy(&prepare.stderr);
        ensure!(prepare.status.success(), "the network cannot be made: {error}");
        Ok(Self {
            files: Files::write(directory)?,
            binaries,
            running: Mutex::default(),
        })
    }

    /// Starts what does not run, and waits for the node.
    pub async fn start_all(&self) {
        let pause = image::pause(&self.files.path("")).expect("the image is made");
        for part in Part::ALL {
            self.start(part);
            match part {
                Part::ApiServer => {
                    let ready = ["get", "--raw", "/readyz"];
                    self.until("the API server", async || self.kubectl(ready).status.success())
                        .await;
                }
                // A kubelet that does not find it ends.
                Part::Containerd => {
                    self.until("containerd", async || self.import(&pause).status.success())
                        .await;
                }
                _ => {}
            }
        }
        let wait = ["wait", "--for=condition=Ready", "node/node-1", "--timeout=1s"];
        self.until("the node", async || self.kubectl(wait).status.success())
            .await;
        let account = ["get", "serviceaccount", "default"];
        self.until("controllers", async || self.kubectl(account).status.success())
            .await;
    }

    async fn until(&self, what: &str, mut probe: impl AsyncFnMut() -> bool) {
        eventually(what, async || {
            self.everything_runs();
            probe().await.then_some(())
        })
        .await;
    }

    /// A part that ended by itself is why nothing goes on.
    fn everything_runs(&self) {
        for (part, process) in self.running().iter_mut() {
            let ended = process.ended().expect("a process of ours");
            assert!(ended.is_none(), "{part:?} ended with {ended:?}: {}", self.tail(*part));
        }
    }

    fn log(&self, part: Part) -> PathBuf {
        self.files.path(&format!("{part:?}.log"))
    }

    fn tail(&self, part: Part) -> String {
        let log = fs::read_to_string(self.log(part)).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Starts a part, unless it runs.
    pub fn start(&self, part: Part) {
        let mut running = self.running();
        running.entry(part).or_insert_with(|| {
            let command = self.command(part);
            Process::start(&command, &self.log(part)).expect("the part starts")
        });
    }

    /// Kills a part.
    pub fn kill(&self, part: Part) {
        drop(self.running().remove(&part));
    }

    pub fn signal(&self, part: Part, signal: &str) {
        self.running()[&part].signal(signal).expect("the signal is sent");
    }

    fn running(&self) -> std::sync::MutexGuard<'_, BTreeMap<Part, Process>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn command(&self, part: Part) -> Command {
        let files = &self.files;
        let admin = |flag| files.flag(flag, "admin.kubeconfig");
        let mut command = match part {
            Part::Etcd => self.binaries.command(Program::Etcd),
            Part::ApiServer => self.binaries.command(Program::KubeApiserver),
            Part::ControllerManager => self.binaries.command(Program::KubeControllerManager),
            Part::Scheduler => self.binaries.command(Program::KubeScheduler),
            Part::Containerd => Command::new("containerd"),
            Part::Kubelet => self.binaries.command(Program::Kubelet),
            Part::Proxy => self.binaries.command(Program::KubeProxy),
        };
        match part {
            Part::Etcd => command.args([
                &files.flag("data-dir", "etcd"),
                "--log-level=warn",
                // The data need not survive a power cut.
                "--unsafe-no-fsync",
                "--listen-client-urls=http://127.0.0.1:2379",
                "--advertise-client-urls=http://127.0.0.1:2379",
                "--listen-peer-urls=http://127.0.0.1:2380",
            ]),
            Part::ApiServer => command.args(files.api_server_flags()),
            Part::ControllerManager => command.args([
                &admin("kubeconfig"),
                "--leader-elect=false",
                "--secure-port=0",
                &files.flag("service-account-private-key-file", "accounts.key"),
                &files.flag("root-ca-file", "tls.crt"),
            ]),
            Part::Scheduler => command.args([&admin("kubeconfig"), "--leader-elect=false", "--secure-port=0"]),
            Part::Containerd => command.arg("--config").arg(files.path("containerd.toml")),
            Part::Kubelet => command.args(files.kubelet_flags()),
            Part::Proxy => command.args([
                &admin("kubeconfig"),
                "--proxy-mode=nftables",
                &format!("--cluster-cidr={PODS}"),
                &format!("--hostname-override={NODE_NAME}"),
                // Settings of the whole machine, which are not ours in here.
                "--conntrack-max-per-core=0",
                "--conntrack-tcp-timeout-established=0",
                "--conntrack-tcp-timeout-close-wait=0",
            ]),
        };
        command.env("PATH", path());
        command
    }

    /// Makes an image known to the node.
    fn load(&self, archive: &Path) {
        let output = self.import(archive);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn import(&self, archive: &Path) -> Output {
        let mut command = Command::new("ctr");
        command.args(["--connect-timeout=1s", "--namespace=k8s.io", "images", "import"]);
        command.arg(archive).output().expect("ctr starts")
    }

    pub fn kubeconfig(&self) -> PathBuf {
        self.files.path("admin.kubeconfig")
    }

    /// Runs kubectl as the administrator.
    pub fn kubectl<I: IntoIterator<Item: AsRef<OsStr>>>(&self, arguments: I) -> Output {
        self.kubectl_stdin(arguments, "")
    }

    /// Runs kubectl with something to read, for `-f -`.
    pub fn kubectl_stdin<I: IntoIterator<Item: AsRef<OsStr>>>(&self, arguments: I, input: &str) -> Output {
        let mut command = self.binaries.command(Program::Kubectl);
        command.arg("--kubeconfig").arg(self.kubeconfig()).args(arguments);
        command.env("HOME", self.files.path("home"));
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut kubectl = command.spawn().expect("kubectl starts");
        let mut stdin = kubectl.stdin.take().expect("a pipe");
        // It may end without having read.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        kubectl.wait_with_output().expect("kubectl ends")
    }

    /// What a run of kubectl printed that must succeed.
    pub fn told<I: IntoIterator<Item: AsRef<OsStr>>>(&self, arguments: I) -> String {
        let output = self.kubectl(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Applies objects, which must succeed.
    pub fn apply(&self, objects: &str) {
        let output = self.kubectl_stdin(["apply", "-f", "-"], objects);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    pub async fn client(&self) -> Client {
        let client = connect::client(&self.kubeconfig()).await;
        client.expect("the kubeconfig is usable")
    }
}

/// Where the parts find runc, iptables and the like.
fn path() -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    format!("{path}:/usr/sbin:/sbin")
}
