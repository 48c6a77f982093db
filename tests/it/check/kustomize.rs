//! `check --kustomize`, with the kustomize that is in kubectl.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::{CORRECT, Repository, replicas};
use crate::controlplane::binaries::{Binaries, Program};

/// Three replicas, of which an overlay makes one, under another name.
fn overlay() -> Repository {
    Repository::new(&[
        ("base/kustomization.yaml", "resources: [db.yaml]\n"),
        ("base/db.yaml", &replicas(3)),
        (
            "prod/kustomization.yaml",
            "resources: [../base]\nnamePrefix: prod-\nnamespace: shop\nreplicas:\n- {name: db, count: 1}\n",
        ),
        ("broken/kustomization.yaml", "resources: [none.yaml]\n"),
        ("db/a.yaml", CORRECT),
    ])
}

/// Only kubectl is on `PATH`.
fn check(repository: &Repository, path: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stateward"));
    command
        .arg("check")
        .args(args)
        .current_dir(repository.path())
        .env("PATH", path);
    command.output().expect("stateward runs")
}

fn kubectl() -> PathBuf {
    let binaries = Binaries::find(&[Program::Kubectl]).expect("kubectl");
    let program = PathBuf::from(binaries.command(Program::Kubectl).get_program());
    program.parent().expect("a directory").to_owned()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn what_kustomize_makes_is_judged() {
    let (repository, path) = (overlay(), kubectl());
    let base = check(&repository, &path, &["--kustomize", "base"]);
    let said = text(&base.stdout);
    assert_eq!(base.status.code(), Some(1), "{said}");
    assert!(
        said.contains("error[rwo-replicas]: Deployment default/db: 3 replicas"),
        "{said}"
    );
    assert!(said.contains("--> base:"), "{said}");
    let prod = check(&repository, &path, &["--kustomize", "prod", "-v"]);
    let said = text(&prod.stdout);
    assert!(
        prod.status.success() && !said.contains("rwo-replicas") && !said.contains("default/"),
        "{said}"
    );
    let both = check(&repository, &path, &["--kustomize", "prod", "base"]);
    assert_eq!(both.status.code(), Some(1), "{}", text(&both.stdout));
}

#[test]
fn what_cannot_be_built_is_told() {
    let (repository, path) = (overlay(), kubectl());
    let broken = check(&repository, &path, &["--kustomize", "broken"]);
    let said = text(&broken.stderr);
    assert_eq!(broken.status.code(), Some(2), "{said}");
    assert!(
        said.starts_with("error: kubectl kustomize broken: ") && said.contains("none.yaml"),
        "{said}"
    );
    let missing = check(&repository, Path::new("/nowhere"), &["--kustomize", "base"]);
    assert_eq!(
        text(&missing.stderr),
        "error: --kustomize: neither kustomize nor kubectl is on PATH\n"
    );
    let stdin = check(&repository, &path, &["--kustomize", "-"]);
    assert!(
        text(&stdin.stderr).contains("kustomize build DIR | stateward check -"),
        "{}",
        text(&stdin.stderr)
    );
}

#[test]
fn what_does_not_count_is_named() {
    let repository = overlay();
    let said = repository.check(&["prod"]).stdout;
    let note = "note: prod/kustomization.yaml: not applied: namePrefix, namespace, replicas (--kustomize judges what \
                kustomize makes of a directory)\n";
    assert!(said.contains(note), "{said}");
    for none in ["base", "db"] {
        let said = repository.check(&[none]).stdout;
        assert!(!said.contains("not applied"), "{said}");
    }
}
