//! Flux's own way to apply: a program around the package of its kustomize-controller, built from its Go module.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use tokio::task::spawn_blocking;

use crate::controlplane::build::{Module, Target, built, required};
use crate::controlplane::process::Scratch;

const GO_MOD: &str = include_str!("../flux/go.mod");
const GO_SUM: &str = include_str!("../flux/go.sum");
const MAIN: &str = include_str!("../flux/main.go");

const PROGRAM: Target = Target {
    name: "flux",
    package: ".",
    built_as: "flux",
};

/// Applies objects, and says what became of each.
pub async fn apply(kubeconfig: &Path, objects: &str) -> BTreeMap<String, String> {
    let (kubeconfig, objects) = (kubeconfig.to_owned(), objects.to_owned());
    let applied = spawn_blocking(move || {
        let directory = built(&module(), &[PROGRAM]).expect("Flux's package is built");
        let scratch = Scratch::new().expect("a directory can be made");
        let file = scratch.write("objects.yaml", objects).expect("a file");
        Command::new(directory.join(PROGRAM.name))
            .env("KUBECONFIG", kubeconfig)
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

fn module() -> Module {
    Module {
        name: "flux",
        version: required(GO_MOD, "github.com/fluxcd/pkg/ssa"),
        recipe: &[GO_MOD, GO_SUM, MAIN],
        link_flags: "-s -w".to_owned(),
        why: " to apply an installation with it; a minute on 2 cores".to_owned(),
        instead: String::new(),
    }
}
