//! The pages of files: all of them, whatever objects are called, and however many there are.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::Dashboard;
use super::browser::Browser;
use super::objects::{HOSTILE, claim, deployment};
use crate::controlplane::process::Scratch;

/// Follows every link from the first page on; returns the paths.
async fn crawled(browser: &Browser) -> BTreeSet<String> {
    let mut seen = BTreeSet::from(["/".to_owned()]);
    let mut open = vec!["/".to_owned()];
    while let Some(path) = open.pop() {
        let answer = browser.get(&path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; ") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        let page = answer.page();
        assert_eq!(page.breaches(), Vec::<String>::new(), "{path}");
        assert_eq!(page.faults(), Vec::<String>::new(), "{path}");
        for link in page.links().into_iter().filter(|link| link.starts_with('/')) {
            if seen.insert(link.clone()) {
                open.push(link);
            }
        }
    }
    seen
}

#[tokio::test]
async fn every_page_is_whole_whatever_objects_are_called() {
    let long = "n".repeat(253);
    let mut objects = claim("shop", "data") + &deployment("shop", "web", "data", 3);
    for name in [HOSTILE, &long, "a/b?c#d%", "\u{202e}evil\u{1}"] {
        objects.push_str(&claim(name, name));
        objects.push_str(&deployment(name, name, name, 2));
    }
    let dashboard = Dashboard::of(&objects).await;
    let paths = crawled(&dashboard.browser).await;
    let rules = stateward::rules::RULES.len();
    assert!(paths.len() > rules + 15, "{paths:?}");
    let page = dashboard.browser.get("/namespaces/shop/deployments.apps/web").await;
    let text = page.page().text();
    for wanted in [
        "rwo-replicas",
        "What the next change would meet",
        "scaling it to 4 is denied: rwo-replicas",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    for hostile in paths.iter().filter(|path| path.contains("script%3E")) {
        let page = dashboard.browser.get(hostile).await;
        assert!(page.page().text().contains(HOSTILE), "{hostile}");
    }
}

#[tokio::test]
async fn ten_thousand_workloads_make_no_long_page() {
    let mut objects = String::new();
    for number in 0..10_000 {
        let _ = match number % 3 {
            0 | 1 => {
                let claim = format!("data-{}", number / 3);
                write!(objects, "{}", deployment("many", &format!("web-{number}"), &claim, 2))
            }
            _ => write!(objects, "{}", deployment(&format!("n-{number}"), "web", "data", 2)),
        };
    }
    let scratch = Scratch::new().expect("a directory can be made");
    let objects = scratch.write("objects.yaml", claim("many", "data") + &objects);
    // Not judged once in the background, which is in no hurry: pages of namespaces and workloads do it for themselves.
    let dashboard = Dashboard::launch(&[&objects.expect("written").display().to_string()]).await;
    for path in [
        "/",
        "/namespaces",
        "/namespaces/many",
        "/namespaces/many/deployments.apps/web-0",
        "/rules",
    ] {
        let answer = dashboard.browser.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.body.len() <= 300 * 1024, "{path}: {} bytes", answer.body.len());
        assert!(answer.page().text().len() > 500, "{path}");
    }
    let found = dashboard.browser.get("/namespaces/many?q=web-9999").await;
    assert!(
        found
            .page()
            .links()
            .contains(&"/namespaces/many/deployments.apps/web-9999".to_owned())
    );
}

#[tokio::test]
async fn only_pages_of_this_machine_are_answered() {
    let dashboard = Dashboard::of(&claim("shop", "data")).await;
    let evil = dashboard.browser.with("host", "evil.example").get("/").await;
    assert_eq!((evil.status.as_u16(), evil.body.contains("shop")), (421, false));
    let origin = dashboard.browser.with("origin", "http://evil.example");
    assert_eq!(origin.post("/replay", &[("manifest", "a")]).await.status, 403);
    assert_eq!(dashboard.browser.get("/nothing").await.status, 404);
    let decisions = dashboard.browser.get("/decisions").await;
    assert!(decisions.page().text().contains("only its own dashboard has seen them"));
    assert!(dashboard.interrupted().await.success());
}

#[tokio::test]
async fn a_manifest_is_replayed_against_what_is_there() {
    let dashboard = Dashboard::of(&claim("shop", "data")).await;
    let manifests = deployment("shop", "web", "data", 1) + &deployment("shop", "other", "data", 3);
    let answer = dashboard
        .browser
        .post("/replay", &[("manifest", &manifests), ("namespace", "shop")])
        .await;
    let page = answer.page();
    let text = page.text();
    for wanted in [
        "Deployment shop/web, created",
        "\u{2716} Denied",
        "rwo-replicas",
        "Deployment shop/other, created",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    // The first was let through, so that the second meets it.
    assert!(text.contains("is also used by Deployment shop/web"), "{text}");
    assert_eq!((page.breaches(), page.faults()), (Vec::new(), Vec::new()));
    // A browser ends lines as mail does.
    let sent = manifests.replace('\n', "\r\n");
    let again = dashboard.browser.post("/replay", &[("manifest", &sent)]).await;
    assert!(again.page().text().contains(&manifests), "{}", again.body);
    let nothing = dashboard.browser.get("/namespaces/shop").await;
    assert!(!nothing.body.contains("deployments.apps/web"), "it was kept");
    let strange = dashboard.browser.post("/replay", &[("manifest", HOSTILE)]).await;
    assert!(strange.page().text().contains("Not replayed"), "{}", strange.body);
}
