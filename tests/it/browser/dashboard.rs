//! The dashboard: every kind of page, whatever objects are called, and what somebody does with them.

use serde_json::json;

use super::Chromium;
use crate::dashboard::Dashboard;
use crate::dashboard::objects::{HOSTILE, claim, deployment};

/// Objects with names that try to be more, and more workloads than a page has rows.
fn objects() -> String {
    let mut objects = claim("shop", "data") + &deployment("shop", "web", "data", 3);
    for name in [HOSTILE, &long()] {
        objects.push_str(&claim(name, name));
        objects.push_str(&deployment(name, name, name, 2));
    }
    for number in 0..101 {
        objects.push_str(&deployment("many", &format!("web-{number}"), "data", 2));
    }
    objects
}

/// As long as a name may be.
fn long() -> String {
    "n".repeat(253)
}

fn encoded(name: &str) -> String {
    form_urlencoded::byte_serialize(name.as_bytes()).collect()
}

#[tokio::test]
async fn every_page_is_well_at_any_width_and_in_the_dark() {
    let Some(chromium) = Chromium::start().await else {
        return;
    };
    let dashboard = Dashboard::of(&objects()).await;
    let mut paths: Vec<String> = [
        "/",
        "/namespaces",
        "/namespaces/shop",
        "/namespaces/shop/deployments.apps/web",
        "/rules",
        "/rules/rwo-replicas",
        "/decisions",
        "/replay",
    ]
    .map(str::to_owned)
    .to_vec();
    for name in [HOSTILE, &long()].map(encoded) {
        paths.push(format!("/namespaces/{name}"));
        paths.push(format!("/namespaces/{name}/deployments.apps/{name}"));
    }
    let urls: Vec<String> = paths
        .iter()
        .map(|path| format!("{}{path}", dashboard.address()))
        .collect();
    chromium.play("pages", &json!(urls)).await;
}

#[tokio::test]
async fn mouse_and_keyboard_do_all_there_is_to_do() {
    let Some(chromium) = Chromium::start().await else {
        return;
    };
    let dashboard = Dashboard::of(&objects()).await;
    let cast = json!({
        "base": dashboard.address(),
        "manifest": deployment("shop", "other", "data", 3),
    });
    chromium.play("dashboard", &cast).await;
}
