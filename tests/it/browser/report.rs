//! The pages that `stateward check` and `stateward graph` write, opened from a disk.

use std::fs;

use serde_json::json;

use super::Chromium;
use crate::check::Repository;
use crate::dashboard::objects::{HOSTILE, claim, deployment};
use crate::pictures::EXCEPTION;
use crate::pictures::command::{run, stderr, stdout};

const POLICY: &str = "\
apiVersion: stateward.dev/v1alpha1
kind: WorkloadPolicy
metadata: {name: house}
spec: {exceptions: {allowed: true}}
";

/// Findings of several namespaces and names, an exception, a change, and a file that cannot be read.
fn repository() -> Repository {
    let web = deployment("shop", "web", "data", 3).replace(
        "namespace: \"shop\"}\nspec",
        "namespace: \"shop\", labels: {team: front}}\nspec",
    );
    let before = claim("shop", "data") + &web;
    let mut after = before.clone() + &claim("shop", "old") + &deployment("shop", "old", "old", 2);
    for name in [HOSTILE, &"n".repeat(253)] {
        after.push_str(&claim(name, name));
        after.push_str(&deployment(name, name, name, 2));
    }
    let exception = EXCEPTION.replace("{name: legacy}", "{name: legacy, namespace: shop}");
    after.push_str(&exception.replace("[web]", "[old]"));
    Repository::new(&[
        ("before/a.yaml", &before),
        ("after/a.yaml", &after),
        ("after/<b>.yaml", "a: [\n"),
        ("policy/house.yaml", POLICY),
        ("none/a.yaml", &claim("shop", "data")),
    ])
}

#[tokio::test]
async fn a_report_and_a_picture_are_read_from_a_disk() {
    let Some(chromium) = Chromium::start().await else {
        return;
    };
    let repository = repository();
    let page = |name: &str, arguments: &[&str]| {
        let common = ["--format", "html", "--assume-complete", "--policy", "policy"];
        let output = run(repository.path(), &[&arguments[..1], &common, &arguments[1..]].concat());
        let text = stdout(&output);
        assert!(text.starts_with("<!DOCTYPE html>"), "{}", stderr(&output));
        let path = repository.path().join(name);
        fs::write(&path, text).expect("written");
        format!("file://{}", path.display())
    };
    let report = page("report.html", &["check", "after"]);
    let pages = [
        page("nothing.html", &["check", "none"]),
        page("graph.html", &["graph", "after/a.yaml"]),
        page(
            "change.html",
            &["graph", "--before", "before", "--after", "after/a.yaml"],
        ),
        page("empty.html", &["graph", "-n", "nowhere", "after/a.yaml"]),
    ];
    chromium
        .play("report", &json!({"report": report, "hostile": HOSTILE, "pages": pages}))
        .await;
}
