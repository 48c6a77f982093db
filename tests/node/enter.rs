//! Into namespaces of our own, where everything ends with one process.

use std::env;
use std::fs::{self, File};
use std::io::{Read, Write, stderr, stdin};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::{process, thread};

use anyhow::Context;

use crate::INSIDE;
use crate::controlplane::binaries::{Binaries, Program};
use crate::controlplane::process::{Afterwards, Scratch};
use crate::helm::Helm;

/// What must be there, and the package of Debian that brings it.
const NEEDED: &[(&str, &str)] = &[
    ("cc", "gcc"),
    ("containerd", "containerd"),
    ("conntrack", "conntrack"),
    ("ip", "iproute2"),
    ("iptables", "iptables"),
    ("ldd", "libc-bin"),
    ("modprobe", "kmod"),
    ("nft", "nftables"),
    ("runc", "runc"),
    ("strip", "binutils"),
    ("unshare", "util-linux"),
];

/// Plugins of the network of pods are no commands.
const PLUGINS: &str = "/usr/lib/cni";

/// What a kubelet changes, though it belongs to the whole machine.
const CHANGED: &[&str] = &[
    "/proc/sys/vm/overcommit_memory",
    "/proc/sys/kernel/panic",
    "/proc/sys/kernel/panic_on_oops",
    "/proc/sys/kernel/keys/root_maxkeys",
    "/proc/sys/kernel/keys/root_maxbytes",
];

/// Runs as the first process of the namespaces: it waits for the tests, and reaps what they leave.
const FIRST: &str = r#""$@"; exit $?"#;

/// As soon as standard input ends: puts the machine's settings back, and removes the control groups of pods, which are
/// not in namespaces, once their processes are gone.
const RESTORE: &str = r#"
trap '' HUP INT TERM
read -r _
exec 2>/dev/null
while [ $# -gt 0 ]; do echo "$2" > "$1"; shift 2; done
for _ in 1 2 3 4 5 6 7 8 9 10; do
    left=$(find /sys/fs/cgroup -depth -type d \( -path '*/kubepods*' -o -path '*/k8s.io*' -o -name 'cri-containerd-*' \))
    [ -n "$left" ] || break
    echo "$left" | xargs rmdir
    sleep 0.3
done
"#;

/// Runs this program again, inside of the namespaces.
pub fn run_inside() -> ExitCode {
    if let Some(lacking) = lacking() {
        let required = env::var_os("CI").is_some();
        let what = if required { "cannot run" } else { "skipped" };
        let _ = writeln!(stderr(), "\nstateward tests: the tests on a node {what}: {lacking}");
        return if required { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    }
    match enter() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(stderr(), "the tests on a node cannot run: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn lacking() -> Option<String> {
    let root = fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    if !root {
        return Some("they need root".to_owned());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let is_there = |name: &str| {
        let mut directories = env::split_paths(&path).chain([Path::new("/usr/sbin").to_owned()]);
        directories.any(|directory| directory.join(name).is_file())
    };
    let missing = NEEDED.iter().filter(|(name, _)| !is_there(name));
    let mut packages: Vec<_> = missing.map(|&(_, package)| package).collect();
    if !Path::new(PLUGINS).is_dir() {
        packages.push("containernetworking-plugins");
    }
    (!packages.is_empty()).then(|| format!("apt-get install --no-install-recommends {}", packages.join(" ")))
}

/// Tells whether the tests passed.
fn enter() -> anyhow::Result<bool> {
    // Here, for inside there is nothing that they could be fetched from.
    Binaries::find(Program::ALL)?;
    for helm in [Helm::Three, Helm::Four] {
        helm.program();
    }
    // Control groups are not in namespaces, and a kubelet ends what it does not know there.
    let alone = File::create(env::temp_dir().join("stateward-test-node.lock"))?;
    alone.lock().context("waiting for the tests of another process")?;
    let scratch = Scratch::new()?;
    let _restored = Afterwards::run(RESTORE, settings())?;
    let mut command = Command::new("unshare");
    command
        .args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
        .args(["sh", "-c", FIRST, "first"])
        .arg(env::current_exe()?)
        .args(env::args_os().skip(1))
        .env(INSIDE, scratch.path())
        .stdin(Stdio::piped());
    let mut namespaces = command.spawn().context("starting `unshare`")?;
    // Held open by this process alone: whatever ends it ends the tests, and with them everything in there.
    let held = namespaces.stdin.take();
    let status = namespaces.wait()?;
    drop(held);
    Ok(status.success())
}

/// Ends this process, inside, as soon as the one outside is gone.
#[expect(clippy::exit, reason = "nobody is left whom it could tell")]
pub fn end_with_the_one_outside() {
    thread::spawn(|| {
        let _ = stdin().read(&mut [0]);
        process::exit(1);
    });
}

/// What a kubelet changes, and its value now; not every kernel has each.
fn settings() -> Vec<String> {
    let values = CHANGED
        .iter()
        .filter_map(|path| Some((path, fs::read_to_string(path).ok()?)));
    values
        .flat_map(|(path, value)| [(*path).to_owned(), value.trim().to_owned()])
        .collect()
}
