//! Real Helm, of both major versions, built from its Go modules.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::controlplane::build::{Module, Target, built, required};

/// Where the chart lies.
pub const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/chart");

/// A major version of Helm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Helm {
    Three,
    Four,
}

impl Helm {
    pub fn program(self) -> PathBuf {
        let (name, recipe, package): (_, &[&str], _) = match self {
            Self::Three => (
                "helm/v3",
                &[
                    include_str!("../../helm/v3/go.mod"),
                    include_str!("../../helm/v3/go.sum"),
                ],
                "helm.sh/helm/v3/cmd/helm",
            ),
            Self::Four => (
                "helm/v4",
                &[
                    include_str!("../../helm/v4/go.mod"),
                    include_str!("../../helm/v4/go.sum"),
                ],
                "helm.sh/helm/v4/cmd/helm",
            ),
        };
        let module = Module {
            name,
            version: required(recipe[0], package.trim_end_matches("/cmd/helm")),
            recipe,
            link_flags: "-s -w".to_owned(),
            why: " to try the chart with it; 2 minutes on 2 cores".to_owned(),
            instead: String::new(),
            write: None,
        };
        let target = Target {
            name: "helm",
            package,
            built_as: "helm",
        };
        built(&module, &[target]).expect("Helm is built").join("helm")
    }

    /// Runs it, with nothing of the user's.
    pub fn run(self, kubeconfig: Option<&Path>, arguments: &[&str]) -> Output {
        let home = tempfile::tempdir().expect("a directory");
        let mut command = Command::new(self.program());
        command.args(arguments).env_clear().env("HOME", home.path());
        if let Some(kubeconfig) = kubeconfig {
            command.env("KUBECONFIG", kubeconfig);
        }
        command.output().expect("Helm starts")
    }
}

/// What the chart renders with these arguments, read as Kubernetes' client does.
pub fn template(arguments: &[&str]) -> Result<Vec<Value>, String> {
    let base = ["template", "stateward", CHART, "--namespace=stateward-system"];
    let output = Helm::Four.run(None, &[&base, arguments].concat());
    if !output.status.success() {
        return Err(String::from_utf8(output.stderr).expect("UTF-8"));
    }
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let documents = format!("\n{text}");
    let documents = documents.split("\n---\n").filter(|document| {
        let content = |line: &str| !line.is_empty() && !line.starts_with('#');
        document.lines().any(content)
    });
    Ok(documents
        .map(|document| serde_saphyr::from_str(document).expect("YAML"))
        .collect())
}
