//! `stateward graph` as a command.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tokio::task::spawn_blocking;

use super::{claim, deployment};
use crate::audit::namespace_with;
use crate::check::Repository;
use crate::controlplane::ControlPlane;

/// Runs the program in a directory, without the environment's kubeconfig.
pub fn run(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stateward"));
    command.args(arguments).current_dir(directory).env_remove("KUBECONFIG");
    command.env("COLUMNS", "100").output().expect("stateward runs")
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

fn shared() -> String {
    [
        claim("data"),
        deployment("web", 1, &["data"]),
        deployment("worker", 1, &["data"]),
    ]
    .concat()
}

#[test]
fn files_are_drawn_as_a_tree_and_in_every_format() {
    let repository = Repository::new(&[("shop.yaml", &shared())]);
    let graph = |arguments: &[&str]| {
        let output = run(
            repository.path(),
            &[&["graph", "-n", "shop", "shop.yaml"], arguments].concat(),
        );
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    };
    let tree = graph(&[]);
    insta::assert_snapshot!(tree, @r#"
    Namespace shop

    Deployment web · 1 replica · old pods end first  ✖ 1
    └─ mounts PersistentVolumeClaim data · ReadWriteOnce · 1Gi, default class  ✖ 1
       └─ Deployment worker also mounts  ✖ 1

    Deployment worker · 1 replica · old pods end first
    └─ mounts PersistentVolumeClaim data · ReadWriteOnce · 1Gi, default class  ✖ 1
       └─ Deployment web also mounts  ✖ 1

    ✖ 1 error rwo-consumers: Deployment shop/web: claim "data", which is ReadWriteOnce (read-write on one node only), is also used by Deployment shop/worker (1 pod); pods on other nodes would wait in ContainerCreating for ever
    "#);
    assert!(graph(&["--format", "svg"]).starts_with("<svg "));
    assert!(graph(&["--format", "html"]).starts_with("<!DOCTYPE html>"));
    assert!(graph(&["--format", "dot"]).starts_with("digraph"));
    assert!(graph(&["--format", "mermaid"]).starts_with("flowchart LR"));
    let json: Value = serde_json::from_str(&graph(&["--format", "json"])).expect("JSON");
    assert_eq!(json["pictures"][0]["findings"][0]["rule"], "rwo-consumers");
    assert_eq!(graph(&["--format", "svg"]), graph(&["--format", "svg"]));
}

#[test]
fn one_workload_is_found_however_it_is_typed() {
    let repository = Repository::new(&[("shop.yaml", &(shared() + &deployment("stranger", 1, &[])))]);
    let graph = |workload: &str| run(repository.path(), &["graph", "shop.yaml", "--workload", workload]);
    for typed in ["Deployment/web", "deploy/web", "deployments.apps/web"] {
        let tree = stdout(&graph(typed));
        assert!(tree.starts_with("Deployment web in namespace default\n"), "{tree}");
        assert!(tree.contains("worker") && !tree.contains("stranger"), "{tree}");
    }
    let slip = graph("deploy/wep");
    assert_eq!(slip.status.code(), Some(2));
    assert!(
        stderr(&slip).contains("did you mean Deployment/web?"),
        "{}",
        stderr(&slip)
    );
}

#[test]
fn a_change_is_drawn_between_two_directories() {
    let repository = Repository::new(&[
        ("before/a.yaml", &(claim("data") + &deployment("web", 1, &["data"]))),
        ("after/a.yaml", &shared()),
    ]);
    let graph = |arguments: &[&str]| run(repository.path(), &[&["graph"], arguments].concat());
    let tree = stdout(&graph(&["--before", "before", "--after", "after"]));
    assert!(tree.contains("+ added: Deployment worker"), "{tree}");
    assert!(tree.contains("rwo-consumers (this change breaks it)"), "{tree}");
    let back = stdout(&graph(&["--before", "after", "--after", "before"]));
    assert!(
        back.contains("\u{2713} 1 mended rwo-consumers (this change mends it)"),
        "{back}"
    );
    let alone = graph(&["--before", "before"]);
    assert_eq!(alone.status.code(), Some(2), "{}", stdout(&alone));
}

#[test]
fn what_is_only_before_is_gone_and_what_is_in_neither_is_unknown() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures/lost-service");
    let tree = stdout(&run(
        &root,
        &["graph", "--before", "before.yaml", "--after", "after.yaml"],
    ));
    assert!(tree.contains("service-missing (this change breaks it)"), "{tree}");
    let tree = stdout(&run(&root, &["graph", "after.yaml"]));
    assert!(tree.contains("cannot tell service-missing"), "{tree}");
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_drawn() {
    let repository = Repository::new(&[("a.yaml", &shared()), ("b.yaml", "a: [\n")]);
    let output = run(repository.path(), &["graph", "."]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stdout(&output).contains("Deployment web"));
    assert!(stderr(&output).contains("error: b.yaml"), "{}", stderr(&output));
}

#[tokio::test]
async fn a_cluster_is_drawn_and_what_becomes_of_it() {
    let cluster = ControlPlane::shared().await;
    let objects = claim("data") + &deployment("web", 1, &["data"]);
    let namespace = namespace_with(cluster, "graph", &objects).await;
    let repository = Repository::new(&[("worker.yaml", &deployment("worker", 1, &["data"]))]);
    let kubeconfig = cluster.kubeconfig().to_str().expect("UTF-8").to_owned();
    let (live, applied) = spawn_blocking(move || {
        let graph = |arguments: &[&str]| {
            let common = [
                "graph",
                "--kubeconfig",
                &kubeconfig,
                "--policy",
                "baseline",
                "-n",
                &namespace,
            ];
            run(repository.path(), &[&common, arguments].concat())
        };
        (graph(&[]), graph(&["--after", "worker.yaml"]))
    })
    .await
    .expect("the thread ends");
    assert!(live.status.success(), "{}", stderr(&live));
    let (live, applied) = (stdout(&live), stdout(&applied));
    assert!(
        live.contains("Deployment web") && !live.contains("rwo-consumers"),
        "{live}"
    );
    assert!(applied.contains("+ added: Deployment worker"), "{applied}");
    assert!(applied.contains("rwo-consumers (this change breaks it)"), "{applied}");
}
