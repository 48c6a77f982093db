//! Where the programs of the control plane come from: `$KUBEBUILDER_ASSETS`, `PATH`, or a build with Go that is kept.

use std::collections::HashMap;
use std::env;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Write, stderr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use super::process::{Process, Scratch};

/// The Go module that pins the versions and lies in `tests/controlplane`.
const MODULE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/controlplane");
const GO_MOD: &str = include_str!("../../controlplane/go.mod");
const GO_SUM: &str = include_str!("../../controlplane/go.sum");

/// How often a running build says that it goes on.
const PROGRESS: Duration = Duration::from_secs(15);

/// The programs, found or built.
pub struct Binaries {
    paths: HashMap<Program, PathBuf>,
}

impl Binaries {
    /// Finds every program, and builds those that nobody supplies; that takes minutes, once per machine and version.
    pub fn find() -> anyhow::Result<Self> {
        let mut paths = HashMap::new();
        let mut missing = Vec::new();
        let mut refused = String::new();
        for program in Program::ALL {
            match program.installed(&mut refused)? {
                Some(path) => {
                    paths.insert(program, path);
                }
                None => missing.push(program),
            }
        }
        if !missing.is_empty() {
            let directory = built(&missing, &refused)?;
            paths.extend(
                missing
                    .into_iter()
                    .map(|program| (program, directory.join(program.name()))),
            );
        }
        Ok(Self { paths })
    }

    /// A command that runs the program.
    pub fn command(&self, program: Program) -> Command {
        Command::new(&self.paths[&program])
    }

    /// The version that the program reports of itself.
    pub fn version(&self, program: Program) -> anyhow::Result<Version> {
        program.version(&self.paths[&program])
    }
}

/// One program of the control plane.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Program {
    Etcd,
    KubeApiserver,
    KubeControllerManager,
    Kubectl,
}

impl Program {
    const ALL: [Self; 4] = [
        Self::Etcd,
        Self::KubeApiserver,
        Self::KubeControllerManager,
        Self::Kubectl,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::KubeApiserver => "kube-apiserver",
            Self::KubeControllerManager => "kube-controller-manager",
            Self::Kubectl => "kubectl",
        }
    }

    /// The Go package, and the name that `go build` gives its program.
    fn package(self) -> (&'static str, &'static str) {
        match self {
            Self::Etcd => ("go.etcd.io/etcd/server/v3", "server"),
            Self::KubeApiserver => ("k8s.io/kubernetes/cmd/kube-apiserver", "kube-apiserver"),
            Self::KubeControllerManager => (
                "k8s.io/kubernetes/cmd/kube-controller-manager",
                "kube-controller-manager",
            ),
            Self::Kubectl => ("k8s.io/kubernetes/cmd/kubectl", "kubectl"),
        }
    }

    /// The oldest version that is taken from `PATH`, where anything may lie around.
    fn oldest(self) -> Version {
        match self {
            Self::Etcd => Version {
                major: 3,
                minor: 5,
                patch: 0,
            },
            // Two minors below the default: the versions that the webhook's contract was measured on.
            _ => Version {
                major: 1,
                minor: 34,
                patch: 0,
            },
        }
    }

    fn version(self, path: &Path) -> anyhow::Result<Version> {
        let arguments: &[&str] = if self == Self::Kubectl {
            &["version", "--client"]
        } else {
            &["--version"]
        };
        let output = Command::new(path)
            .args(arguments)
            .output()
            .with_context(|| format!("running {}", path.display()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        Version::find(&text).with_context(|| format!("{} tells no version: {text:?}", path.display()))
    }

    /// The program that the user supplies, if there is one; why one on `PATH` is not taken is added to `refused`.
    fn installed(self, refused: &mut String) -> anyhow::Result<Option<PathBuf>> {
        if let Some(assets) = env::var_os("KUBEBUILDER_ASSETS") {
            let assets = PathBuf::from(assets);
            ensure!(
                assets.is_dir(),
                "KUBEBUILDER_ASSETS is no directory: {}",
                assets.display()
            );
            let path = assets.join(self.name());
            if path.is_file() {
                return Ok(Some(path));
            }
        }
        let path = env::var_os("PATH").unwrap_or_default();
        let Some(path) = env::split_paths(&path)
            .map(|dir| dir.join(self.name()))
            .find(|path| path.is_file())
        else {
            return Ok(None);
        };
        match self.version(&path) {
            Ok(version) if version >= self.oldest() => return Ok(Some(path)),
            Ok(version) => {
                *refused += &format!("; {} is {version}, older than {}", path.display(), self.oldest());
            }
            Err(error) => *refused += &format!("; {error:#}"),
        }
        Ok(None)
    }
}

/// A released version.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Version {
    pub major: u32,
    pub minor: u32,
    pub patch: u32,
}

impl Version {
    /// The first version in a text, such as `Kubernetes v1.36.3` or `etcd Version: 3.6.8`; suffixes are ignored.
    fn find(text: &str) -> Option<Self> {
        text.split_whitespace().find_map(|word| {
            let mut numbers = word
                .trim_start_matches('v')
                .split(['.', '-', '+'])
                .map(|part| part.parse().ok());
            Some(Self {
                major: numbers.next()??,
                minor: numbers.next()??,
                patch: numbers.next()??,
            })
        })
    }

    /// The version of Kubernetes that `go.mod` pins.
    pub fn pinned() -> Self {
        let line = GO_MOD.lines().find(|line| line.starts_with("\tk8s.io/kubernetes v"));
        line.and_then(Self::find)
            .expect("invariant: tests/controlplane/go.mod requires k8s.io/kubernetes")
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "v{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The directory that holds the programs built from [`MODULE`]; builds those that are not there yet.
///
/// Test processes that come at the same time wait for the one that builds.
fn built(programs: &[Program], refused: &str) -> anyhow::Result<PathBuf> {
    let flags = link_flags();
    let mut recipe = DefaultHasher::new();
    (GO_MOD, GO_SUM, &flags).hash(&mut recipe);
    let directory = cache()?.join(format!("{}-{:016x}", Version::pinned(), recipe.finish()));
    fs::create_dir_all(&directory).with_context(|| format!("creating {}", directory.display()))?;
    let lock = File::create(directory.join("lock"))?;
    if lock.try_lock().is_err() {
        say("waiting for another test process that builds the control plane");
        lock.lock().context("locking the build directory")?;
    }
    let missing: Vec<Program> = programs
        .iter()
        .copied()
        .filter(|p| !directory.join(p.name()).exists())
        .collect();
    if !missing.is_empty() {
        build(&missing, &flags, &directory, refused)?;
    }
    Ok(directory)
}

fn build(programs: &[Program], flags: &str, directory: &Path, refused: &str) -> anyhow::Result<()> {
    let names = programs
        .iter()
        .map(|program| program.name())
        .collect::<Vec<_>>()
        .join(", ");
    let go = Command::new("go").arg("version").output();
    if !go.is_ok_and(|output| output.status.success()) {
        bail!(
            "the tests need {names} and build them with Go, but `go` does not run: install Go 1.21 or newer \
             (https://go.dev/dl; it fetches the toolchain that tests/controlplane/go.mod asks for), or put the \
             programs into a directory and name it in KUBEBUILDER_ASSETS{refused}"
        );
    }
    say(&format!(
        "the API-server tests need {names}, found neither in KUBEBUILDER_ASSETS nor on PATH{refused}; building {} \
         with Go into {}, once; all four take about 5 minutes on 2 cores",
        Version::pinned(),
        directory.display()
    ));
    let scratch = Scratch::new()?;
    let log = scratch.path().join("log");
    // Beside the final place, so that the rename below stays within one file system and is atomic.
    let output = tempfile::Builder::new().prefix("building-").tempdir_in(directory)?;
    let mut command = Command::new("go");
    command.args([
        "build",
        "-v",
        "-mod=readonly",
        "-buildvcs=false",
        "-trimpath",
        "-ldflags",
        flags,
        "-o",
    ]);
    command
        .arg(output.path())
        .args(programs.iter().map(|program| program.package().0));
    command.current_dir(MODULE).env("CGO_ENABLED", "0").env("GOWORK", "off");
    let started = Instant::now();
    let mut process = Process::start(&command, &log)?;
    let mut said = started;
    let status = loop {
        if let Some(status) = process.ended()? {
            break status;
        }
        if said.elapsed() >= PROGRESS {
            said = Instant::now();
            let packages = fs::read_to_string(&log).unwrap_or_default().lines().count();
            say(&format!(
                "still building after {} s: {packages} packages downloaded or compiled",
                seconds(started)
            ));
        }
        thread::sleep(Duration::from_millis(100));
    };
    if !status.success() {
        let text = fs::read_to_string(&log).unwrap_or_default();
        let tail = text
            .lines()
            .rev()
            .take(20)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect::<Vec<_>>()
            .join("\n");
        bail!("`go build` of {names} failed in {MODULE}:\n{tail}");
    }
    for program in programs {
        fs::rename(output.path().join(program.package().1), directory.join(program.name()))?;
    }
    say(&format!("built {names} in {} s", seconds(started)));
    Ok(())
}

/// Makes the programs small, and lets them know their version: clients and the API server act on it.
fn link_flags() -> String {
    let version = Version::pinned();
    let package = "k8s.io/component-base/version";
    format!(
        "-s -w -X {package}.gitVersion={version} -X {package}.gitMajor={} -X {package}.gitMinor={}",
        version.major, version.minor
    )
}

/// The directory of the user's cache that belongs to these tests.
fn cache() -> anyhow::Result<PathBuf> {
    let home = || env::home_dir().map(|home| home.join(".cache"));
    let cache = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(home);
    Ok(cache
        .context("neither XDG_CACHE_HOME nor HOME is set")?
        .join("stateward")
        .join("controlplane"))
}

/// Tells whoever waits for `cargo test` why: written to the stream itself, which the test runner does not capture.
fn say(message: &str) {
    let _ = writeln!(stderr(), "\nstateward tests: {message}");
}

fn seconds(since: Instant) -> u64 {
    since.elapsed().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_the_programs_print_them() {
        let version = |text| Version::find(text).map(|version| version.to_string());
        assert_eq!(version("Kubernetes v1.36.3\n").as_deref(), Some("v1.36.3"));
        assert_eq!(
            version("etcd Version: 3.6.8\nGit SHA: Not provided\n").as_deref(),
            Some("v3.6.8")
        );
        assert_eq!(
            version("Client Version: v1.32.4-dispatcher\nKustomize Version: v5.5.0").as_deref(),
            Some("v1.32.4")
        );
        assert_eq!(version("no version here, not even 1.2"), None);
    }

    #[test]
    fn an_old_kubectl_is_refused() {
        let old = Version::find("Client Version: v1.32.4-dispatcher").unwrap();
        assert!(old < Program::Kubectl.oldest());
        assert!(Version::pinned() >= Program::Kubectl.oldest());
    }
}
