//! The pictures of pages in the documents. Letters differ from machine to machine, so that nothing compares them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::Chromium;
use crate::controlplane::process::Scratch;
use crate::dashboard::Dashboard;
use crate::generated;
use crate::pictures::command::{run, stdout};

/// What the stories of `docs/pictures.md` are told with.
const STORIES: [&str; 3] = ["shared-disk.yaml", "stuck-rollout.yaml", "lost-service/after.yaml"];

fn pictures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures")
}

/// All stories as one file; what two of them have is there once.
fn stories() -> String {
    let texts = STORIES.map(|story| fs::read_to_string(pictures().join(story)).expect(story));
    let mut seen = BTreeSet::new();
    let documents = texts.iter().flat_map(|text| text.split("---\n"));
    let documents: Vec<&str> = documents.filter(|document| seen.insert(*document)).collect();
    documents.join("---\n")
}

#[tokio::test]
async fn documents_show_pages_as_they_are() {
    let Some(chromium) = Chromium::start().await else {
        return;
    };
    let scratch = Scratch::new().expect("a directory can be made");
    let file = scratch.write("shop.yaml", stories()).expect("written");
    let check = run(
        scratch.path(),
        &["check", "--assume-complete", "--format", "html", "shop.yaml"],
    );
    let report = scratch.write("report.html", stdout(&check)).expect("written");
    let dashboard = Dashboard::start(&["--assume-complete", &file.display().to_string()]).await;
    let base = dashboard.address();
    let directory = if generated::updates() {
        pictures()
    } else {
        scratch.path().to_owned()
    };
    let shot = |name: &str, url: String, scheme: &str| {
        let path = directory.join(name);
        json!({"path": path, "url": url, "colorScheme": scheme})
    };
    let shots = [
        shot("overview.webp", format!("{base}/"), "dark"),
        shot(
            "workload.webp",
            format!("{base}/namespaces/shop/deployments.apps/web"),
            "light",
        ),
        shot("report.webp", format!("file://{}", report.display()), "light"),
    ];
    chromium.play("screenshots", &json!(shots)).await;
}
