//! What `README.md` tells a newcomer to do in the first ten minutes, done.

use std::process::{Command, Output};

use serde_json::{Value, json};

use super::{Served, workshop};
use crate::controlplane::{eventually, free_port};

const README: &str = include_str!("../../../README.md");

/// The commands of a section, line by line.
fn commands(section: &str) -> Vec<&'static str> {
    let start = format!("\n## {section}\n");
    let (_, rest) = README.split_once(&start).expect("the section exists");
    let text = rest.split("\n## ").next().unwrap_or(rest);
    let blocks = text.split("\n```sh\n").skip(1);
    let lines = blocks.flat_map(|block| block.split("\n```").next().unwrap_or(block).lines());
    lines.collect()
}

fn shell(command: &str) -> Output {
    Command::new("sh").args(["-c", command]).output().expect("sh starts")
}

/// Runs a `curl` and reads the review that comes back.
fn review(curl: &str) -> Value {
    let output = shell(curl);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{curl}: {stdout}");
    let review: Value = serde_json::from_str(&stdout).expect("a review");
    review["response"].clone()
}

/// The requests that the process prints, once they are all there.
async fn printed(served: &Served) -> Vec<String> {
    eventually("three requests to paste", async || {
        let text = served.text();
        let (_, guide) = text.split_once("Paste any of these into another terminal:\n")?;
        let requests = guide.split("\n\n").map(|request| request.trim().to_owned());
        let requests: Vec<String> = requests.filter(|request| request.contains("curl ")).collect();
        (requests.len() == 3 && requests[2].ends_with('\'')).then_some(requests)
    })
    .await
}

#[tokio::test]
async fn without_a_cluster_it_prints_requests_that_are_denied_warned_and_patched() {
    let [serve, manifests] = commands("Five minutes, no cluster")[..] else {
        unreachable!("the section has two commands");
    };
    assert_eq!(serve, "cargo run --release -- serve");
    let served = Served::with(&[]);
    let requests = printed(&served).await;
    let answers: Vec<Value> = requests.iter().map(|request| review(request)).collect();
    let [denied, warned, patched] = &answers[..] else {
        unreachable!("three were printed");
    };
    assert_eq!(denied["allowed"], false);
    let message = denied["status"]["message"].as_str().unwrap_or_default();
    // The README shows this very message, broken into lines.
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words(README).contains(&words(message)),
        "README.md does not show: {message}"
    );
    assert_eq!(warned["allowed"], true);
    assert!(
        warned["warnings"][0]
            .as_str()
            .unwrap_or_default()
            .starts_with("rwo-surge: "),
        "{warned}"
    );
    assert_eq!(patched["allowed"], true);
    assert_eq!(patched["patchType"], "JSONPatch");

    // Against files, where what is not in them is unknown.
    let given = manifests
        .strip_prefix("cargo run --release -- serve ")
        .expect("a command of ours");
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example");
    let given = given.replace("path/to/manifests", example);
    let arguments: Vec<&str> = given.split(' ').collect();
    let port = free_port().expect("a port is free");
    let served = Served::on(port, &arguments);
    served.ready().await;
    let here = format!("localhost:{port}");
    let request = requests[0]
        .replace(&localhost(&requests[0]), &here)
        .replace("\"shop\"", "\"default\"");
    let denied = review(&request);
    assert_eq!(denied["allowed"], false, "{denied}");
}

/// `localhost:PORT` of a request.
fn localhost(request: &str) -> String {
    let (_, rest) = request.split_once("https://").expect("a URL");
    rest.split('/').next().unwrap_or(rest).to_owned()
}

#[tokio::test]
async fn with_a_cluster_the_example_is_refused_warned_and_refused() {
    let commands = commands("Five minutes, with a cluster");
    let (serve, kubectl) = commands.split_first().expect("commands");
    assert_eq!(
        *serve,
        "cargo run --release -- serve --register-url https://127.0.0.1:8443"
    );
    let cluster = workshop().await;
    // The same on a port that is free.
    let _served = Served::start(&cluster, &[]).await;
    let mut told = Vec::new();
    for command in kubectl {
        let arguments = command.strip_prefix("kubectl ").expect("a command of kubectl");
        let output = cluster.kubectl(arguments.split(' ')).await;
        let rule = output.stderr.split_once("rwo-").map(|(_, rest)| rest);
        let rule = rule
            .and_then(|rest| rest.split(':').next())
            .map(|rest| format!("rwo-{rest}"));
        told.push(json!([output.success, output.stderr.contains("Warning: "), rule]));
    }
    assert_eq!(
        told,
        [
            json!([true, false, null]),
            json!([true, false, null]),
            json!([false, false, "rwo-replicas"]),
            json!([true, true, "rwo-surge"]),
            json!([false, false, "rwo-replicas"]),
        ]
    );
}
