//! The pictures of `docs/pictures.md` are those that the program draws of the files beside them.

use std::path::Path;

use super::command::{run, stderr, stdout};
use crate::generated;

/// The picture, what it is drawn of, and the rule that the story is about.
const STORIES: [(&str, &[&str], &str); 3] = [
    ("shared-disk", &["docs/pictures/shared-disk.yaml"], "rwo-consumers"),
    ("stuck-rollout", &["docs/pictures/stuck-rollout.yaml"], "rwo-surge"),
    (
        "lost-service",
        &[
            "--before",
            "docs/pictures/lost-service/before.yaml",
            "--after",
            "docs/pictures/lost-service/after.yaml",
        ],
        "service-missing",
    ),
];

#[test]
fn the_pictures_of_the_page_are_current() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/pictures.md")).expect("the page");
    for (name, arguments, rule) in STORIES {
        let fixed = [
            "graph",
            "--assume-complete",
            "--policy",
            "baseline",
            "--at",
            "2026-06-01",
            "--format",
            "svg",
        ];
        let output = run(root, &[&fixed, arguments].concat());
        assert!(output.status.success(), "{name}: {}", stderr(&output));
        let picture = stdout(&output);
        let document = roxmltree::Document::parse(&picture).expect("well-formed");
        let mut texts = document.descendants().filter_map(|node| node.text());
        assert!(texts.any(|text| text.contains(rule)), "{name} does not tell of {rule}");
        generated::check(&format!("docs/pictures/{name}.svg"), &picture);
        assert!(
            page.contains(&format!("(pictures/{name}.svg)")),
            "the page shows {name}.svg"
        );
        assert!(
            page.contains(&format!("stateward graph --assume-complete {}", arguments.join(" "))),
            "{name}"
        );
    }
}

#[test]
fn what_the_page_says_of_a_workload_is_what_is_explained() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let arguments = [
        "explain",
        "deploy/web",
        "--assume-complete",
        "docs/pictures/shared-disk.yaml",
    ];
    let output = run(
        root,
        &[&arguments[..], &["--policy", "baseline", "--at", "2026-06-01"]].concat(),
    );
    assert!(output.status.success(), "{}", stderr(&output));
    let page = std::fs::read_to_string(root.join("docs/pictures.md")).expect("the page");
    let (begin, end) = (
        "$ stateward explain deploy/web --assume-complete docs/pictures/shared-disk.yaml\n",
        "```\n",
    );
    let (before, rest) = page.split_once(begin).expect("the page shows the command");
    let (_, after) = rest.split_once(end).expect("a fence");
    generated::check(
        "docs/pictures.md",
        &[before, begin, &stdout(&output), end, after].concat(),
    );
}
