//! GitOps tools' own ways to apply: programs around the packages of Flux and Argo CD, built from their Go modules.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use tokio::task::spawn_blocking;

use crate::controlplane::build::{Module, Target, built, required};
use crate::controlplane::process::Scratch;

/// A directory of `tests` with a program that applies what it reads, and says what became of each object.
pub struct Tool {
    name: &'static str,
    /// The Go module that it applies by.
    engine: &'static str,
    go_mod: &'static str,
    recipe: &'static [&'static str],
}

pub const ARGO: Tool = Tool {
    name: "argo",
    engine: "github.com/argoproj/argo-cd/gitops-engine",
    go_mod: include_str!("../argo/go.mod"),
    recipe: &[
        include_str!("../argo/go.mod"),
        include_str!("../argo/go.sum"),
        include_str!("../argo/main.go"),
    ],
};

pub const FLUX: Tool = Tool {
    name: "flux",
    engine: "github.com/fluxcd/pkg/ssa",
    go_mod: include_str!("../flux/go.mod"),
    recipe: &[
        include_str!("../flux/go.mod"),
        include_str!("../flux/go.sum"),
        include_str!("../flux/main.go"),
    ],
};

impl Tool {
    /// Applies objects, and says what became of each.
    pub async fn apply(
        &'static self,
        options: &'static [&'static str],
        kubeconfig: &Path,
        objects: &str,
    ) -> BTreeMap<String, String> {
        let (kubeconfig, objects) = (kubeconfig.to_owned(), objects.to_owned());
        let applied = spawn_blocking(move || {
            let program = self.program();
            let directory = built(&self.module(), &[program]).expect("the tool's package is built");
            let scratch = Scratch::new().expect("a directory can be made");
            let file = scratch.write("objects.yaml", objects).expect("a file");
            Command::new(directory.join(program.name))
                .args(options)
                .env("KUBECONFIG", kubeconfig)
                // There client-go remembers what an address serves, and another cluster may have had the same.
                .env("HOME", scratch.path())
                .stdin(std::fs::File::open(file).expect("the file"))
                .output()
                .expect("the program starts")
        });
        let output = applied.await.expect("the thread ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let entries = text.lines().filter_map(|line| line.rsplit_once(' '));
        entries
            .map(|(name, action)| (name.to_owned(), action.to_owned()))
            .collect()
    }

    const fn program(&self) -> Target {
        Target {
            name: self.name,
            package: ".",
            built_as: self.name,
        }
    }

    fn module(&self) -> Module {
        Module {
            name: self.name,
            version: required(self.go_mod, self.engine),
            recipe: self.recipe,
            link_flags: "-s -w".to_owned(),
            why: " to apply an installation with it; a minute or two on 2 cores".to_owned(),
            instead: String::new(),
            write: None,
        }
    }
}
