//! Where the programs of the control plane come from: `$KUBEBUILDER_ASSETS`, `PATH`, or a build with Go that is kept; a
//! build alone where `KUBERNETES_VERSION` asks for another release of Kubernetes.

use std::collections::HashMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

use super::build::{Module, Target, built};
use super::release;

/// The file that pins the versions.
const GO_MOD: &str = include_str!("../../controlplane/go.mod");
const GO_SUM: &str = include_str!("../../controlplane/go.sum");

/// The programs, found or built.
pub struct Binaries {
    paths: HashMap<Program, PathBuf>,
}

impl Binaries {
    /// Finds programs, and builds those that nobody supplies; that takes minutes, once per machine and version.
    pub fn find(programs: &[Program]) -> anyhow::Result<Self> {
        let release = release::wanted()?;
        let mut paths = HashMap::new();
        let (mut missing, mut others) = (Vec::new(), Vec::new());
        let mut refused = String::new();
        for &program in programs {
            // Any etcd will do for any release.
            if release.is_some() && program != Program::Etcd {
                others.push(program);
                continue;
            }
            match program.installed(&mut refused)? {
                Some(path) => {
                    paths.insert(program, path);
                }
                None => missing.push(program),
            }
        }
        let mut build = |module: Module, programs: Vec<Program>| -> anyhow::Result<()> {
            if programs.is_empty() {
                return Ok(());
            }
            let targets: Vec<_> = programs.iter().map(|program| program.target()).collect();
            let directory = built(&module, &targets)?;
            let built = programs
                .into_iter()
                .map(|program| (program, directory.join(program.name())));
            paths.extend(built);
            Ok(())
        };
        build(module(&refused), missing)?;
        if let Some(version) = release {
            build(release::module(version), others)?;
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

/// One program of the control plane, or of a node.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Program {
    Etcd,
    KubeApiserver,
    KubeControllerManager,
    KubeProxy,
    KubeScheduler,
    Kubectl,
    Kubelet,
}

impl Program {
    /// What answers requests, and what asks.
    pub const CONTROL_PLANE: &[Self] = &[
        Self::Etcd,
        Self::KubeApiserver,
        Self::KubeControllerManager,
        Self::Kubectl,
    ];
    /// What runs pods, too.
    pub const ALL: &[Self] = &[
        Self::Etcd,
        Self::KubeApiserver,
        Self::KubeControllerManager,
        Self::KubeProxy,
        Self::KubeScheduler,
        Self::Kubectl,
        Self::Kubelet,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::KubeApiserver => "kube-apiserver",
            Self::KubeControllerManager => "kube-controller-manager",
            Self::KubeProxy => "kube-proxy",
            Self::KubeScheduler => "kube-scheduler",
            Self::Kubectl => "kubectl",
            Self::Kubelet => "kubelet",
        }
    }

    /// How it is built.
    fn target(self) -> Target {
        let (package, built_as) = match self {
            Self::Etcd => ("go.etcd.io/etcd/server/v3", "server"),
            Self::KubeApiserver => ("k8s.io/kubernetes/cmd/kube-apiserver", "kube-apiserver"),
            Self::KubeControllerManager => (
                "k8s.io/kubernetes/cmd/kube-controller-manager",
                "kube-controller-manager",
            ),
            Self::KubeProxy => ("k8s.io/kubernetes/cmd/kube-proxy", "kube-proxy"),
            Self::KubeScheduler => ("k8s.io/kubernetes/cmd/kube-scheduler", "kube-scheduler"),
            Self::Kubectl => ("k8s.io/kubernetes/cmd/kubectl", "kubectl"),
            Self::Kubelet => ("k8s.io/kubernetes/cmd/kubelet", "kubelet"),
        };
        Target {
            name: self.name(),
            package,
            built_as,
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

/// What the programs are built from; `refused` says why none on `PATH` will do.
fn module(refused: &str) -> Module {
    let version = Version::pinned();
    Module {
        name: "controlplane",
        version: version.to_string(),
        recipe: &[GO_MOD, GO_SUM],
        link_flags: link_flags(version),
        why: format!(
            ", found neither in KUBEBUILDER_ASSETS nor on PATH{refused}; those of a control plane take 5 to 8 minutes on 2 cores"
        ),
        instead: format!(", or put the programs into a directory and name it in KUBEBUILDER_ASSETS{refused}"),
        write: None,
    }
}

/// Makes the programs small, and lets them know their version: clients and the API server act on it.
pub fn link_flags(version: Version) -> String {
    let package = "k8s.io/component-base/version";
    format!(
        "-s -w -X {package}.gitVersion={version} -X {package}.gitMajor={} -X {package}.gitMinor={}",
        version.major, version.minor
    )
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
    pub fn find(text: &str) -> Option<Self> {
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
    fn every_program_is_built_from_what_go_mod_pins() {
        let tools = include_str!("../../controlplane/tools.go");
        for program in Program::ALL {
            let import = format!("_ \"{}\"", program.target().package);
            assert!(tools.contains(&import), "{import}");
        }
    }

    #[test]
    fn an_old_kubectl_is_refused() {
        let old = Version::find("Client Version: v1.32.4-dispatcher").unwrap();
        assert!(old < Program::Kubectl.oldest());
        assert!(Version::pinned() >= Program::Kubectl.oldest());
    }
}
