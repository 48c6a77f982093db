//! Lists and watches, as an API server may serve them on a bad day.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stateward::graph::{Kind, Knowledge, Lookup, Version};

use super::Live;
use super::fake::{Fake, failure, list, page, version_info};
use crate::controlplane::eventually;

const SERVICES: &str = "/api/v1/services";
const KIND: Kind = Kind::SERVICE;

fn service(name: &str, version: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "shop", "resourceVersion": version}, "spec": {}})
}

fn bookmark(version: &str) -> Value {
    json!({"kind": "Service", "metadata": {"resourceVersion": version}})
}

/// Waits until a call was made, and returns how many had been before.
async fn called(fake: &Fake, call: &str) {
    eventually(call, async || {
        fake.calls(SERVICES)
            .iter()
            .any(|made| made.contains(call))
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn reads_all_pages_and_watches_from_their_version() {
    let fake = Fake::default();
    fake.on_read(SERVICES, 200, page("more", &[service("a", "1")])).on_read(
        SERVICES,
        200,
        list("7", &[service("b", "2")]),
    );
    let live = Live::start(&fake.client());
    live.watches.synced().await;
    assert_eq!(live.names(KIND), ["shop/a", "shop/b"]);
    assert_eq!(live.knowledge(KIND), Knowledge::Complete);
    called(&fake, "watch=true").await;
    let calls = fake.calls(SERVICES);
    assert_eq!(
        calls[..2],
        [
            format!("{SERVICES}?limit=500"),
            format!("{SERVICES}?limit=500&continue=more")
        ]
    );
    assert!(
        calls[2].contains("allowWatchBookmarks=true") && calls[2].ends_with("resourceVersion=7"),
        "{calls:?}"
    );
    let metrics = live.metrics.encode().unwrap();
    assert!(
        metrics.contains("stateward_graph_objects{kind=\"Service\"} 2"),
        "{metrics}"
    );
    assert!(
        metrics.contains("stateward_watch_age_seconds{kind=\"Service\"}"),
        "{metrics}"
    );
}

#[tokio::test]
async fn the_version_is_asked_for_until_it_is_told() {
    let fake = Fake::default();
    fake.on_read("/version", 500, failure(500))
        .on_read("/version", 200, version_info("1", "37"));
    let live = Live::start(&fake.client());
    let version = eventually("the version", async || live.graph.facts().version).await;
    assert_eq!(version, Version::new(1, 37));
}

#[tokio::test]
async fn follows_events_and_goes_on_after_a_break() {
    let fake = Fake::default();
    fake.on_read(SERVICES, 200, list("7", &[service("a", "1")]));
    let first = fake.on_watch(SERVICES);
    let second = fake.on_watch(SERVICES);
    let live = Live::start(&fake.client());
    first.send("ADDED", &service("b", "8"));
    first.send("DELETED", &service("a", "9"));
    live.until_names(KIND, &["shop/b"]).await;
    first.send("BOOKMARK", &bookmark("20"));
    first.send_text("{\"type\": \"ADDED\", \"obj");
    first.cut();
    called(&fake, "resourceVersion=20").await;
    second.send("MODIFIED", &service("c", "21"));
    live.until_names(KIND, &["shop/b", "shop/c"]).await;
    assert_eq!(
        fake.calls(SERVICES)
            .iter()
            .filter(|call| call.contains("limit"))
            .count(),
        1
    );
}

#[tokio::test]
async fn quiet_watches_go_on_and_fruitless_ones_lead_to_a_new_list() {
    let fake = Fake::default();
    fake.on_read(SERVICES, 200, list("7", &[service("a", "1")]));
    for _ in 0..8 {
        // Nothing is written anywhere in the cluster: the version stays.
        fake.on_watch(SERVICES).send("BOOKMARK", &bookmark("7"));
    }
    for _ in 0..5 {
        drop(fake.on_watch(SERVICES));
    }
    fake.on_read(SERVICES, 200, list("3", &[service("b", "2")]));
    let live = Live::start(&fake.client());
    live.until_names(KIND, &["shop/b"]).await;
    called(&fake, "resourceVersion=3").await;
    let calls = fake.calls(SERVICES);
    assert_eq!(calls.iter().filter(|call| call.contains("limit")).count(), 2);
    assert_eq!(
        calls.iter().filter(|call| call.ends_with("resourceVersion=7")).count(),
        13
    );
}

#[tokio::test]
async fn lists_again_when_its_version_is_gone_and_drops_what_vanished_at_the_end() {
    let fake = Fake::default();
    fake.on_read(SERVICES, 200, list("7", &[service("a", "1"), service("b", "1")]));
    let first = fake.on_watch(SERVICES);
    let live = Live::start(&fake.client());
    live.until_names(KIND, &["shop/a", "shop/b"]).await;
    // A relist that fails amid its pages takes nothing away.
    fake.on_read(SERVICES, 200, page("more", &[service("c", "30")]))
        .on_read(SERVICES, 500, failure(500))
        .on_read(SERVICES, 0, Value::Null);
    first.send("ERROR", &failure(410));
    eventually("the second try of the relist", async || {
        (fake
            .calls(SERVICES)
            .iter()
            .filter(|call| call.contains("limit"))
            .count()
            == 4)
            .then_some(())
    })
    .await;
    assert_eq!(live.names(KIND), ["shop/a", "shop/b", "shop/c"]);

    let fake = Fake::default();
    fake.on_read(SERVICES, 200, list("7", &[service("a", "1"), service("b", "1")]))
        .on_read(SERVICES, 200, list("30", &[service("c", "30")]));
    let first = fake.on_watch(SERVICES);
    let live = Live::start(&fake.client());
    live.until_names(KIND, &["shop/a", "shop/b"]).await;
    first.send("ERROR", &failure(410));
    live.until_names(KIND, &["shop/c"]).await;
    called(&fake, "resourceVersion=30").await;
}

#[tokio::test]
async fn a_kind_that_may_not_be_read_is_unknown_until_it_may() {
    let fake = Fake::default();
    fake.on_read(SERVICES, 403, failure(403));
    fake.on_read("/apis/storage.k8s.io/v1/csidrivers", 404, failure(404));
    let live = Live::start(&fake.client());
    live.watches.synced().await;
    live.until_knowledge(Kind::CLAIM, Knowledge::Complete).await;
    fake.on_read(SERVICES, 200, list("7", &[service("a", "1")]));
    live.until_knowledge(KIND, Knowledge::Complete).await;
    live.until_knowledge(Kind::DRIVER, Knowledge::Complete).await;
    let calls = fake.calls(SERVICES);
    assert_eq!(calls[0], calls[1], "asked again after the refusal");
}

#[tokio::test]
async fn a_permission_that_was_there_is_gone_only_when_it_was_refused_several_times() {
    for (refusals, knowledge) in [(4, Knowledge::Complete), (5, Knowledge::Unavailable)] {
        let fake = Fake::default();
        fake.on_read(SERVICES, 200, list("7", &[service("a", "1")]));
        let watch = fake.on_watch(SERVICES);
        for _ in 0..refusals {
            fake.on_read(SERVICES, 403, failure(403));
        }
        fake.on_read(SERVICES, 0, Value::Null);
        let live = Live::start(&fake.client());
        live.until_names(KIND, &["shop/a"]).await;
        watch.send("ERROR", &failure(410));
        eventually("all answers to be given", async || {
            let calls = fake.calls(SERVICES);
            let lists = calls.iter().filter(|call| call.contains("limit")).count();
            (lists == refusals + 2).then_some(())
        })
        .await;
        assert_eq!(live.knowledge(KIND), knowledge, "after {refusals} refusals");
        assert_eq!(live.names(KIND), ["shop/a"]);
    }
}

#[tokio::test]
async fn an_object_that_cannot_be_read_spoils_no_other_and_leaves_no_old_truth() {
    let fake = Fake::default();
    let broken = |version: &str| json!({"metadata": {"name": "b", "namespace": "shop", "resourceVersion": version}, "spec": {"selector": 7}});
    fake.on_read(
        SERVICES,
        200,
        list("7", &[service("a", "1"), broken("2"), service("c", "3")]),
    );
    let watch = fake.on_watch(SERVICES);
    let live = Live::start(&fake.client());
    live.watches.synced().await;
    assert_eq!(live.names(KIND), ["shop/a", "shop/c"]);
    assert_eq!(live.knowledge(KIND), Knowledge::Partial);
    watch.send("MODIFIED", &service("b", "8"));
    live.until_names(KIND, &["shop/a", "shop/b", "shop/c"]).await;
    live.until_knowledge(KIND, Knowledge::Complete).await;
    watch.send("MODIFIED", &broken("9"));
    live.until_names(KIND, &["shop/a", "shop/c"]).await;
    live.until_knowledge(KIND, Knowledge::Partial).await;
    watch.send("DELETED", &broken("10"));
    live.until_knowledge(KIND, Knowledge::Complete).await;
}

#[tokio::test]
async fn silence_makes_a_kind_unknown_and_a_bookmark_brings_it_back() {
    let fake = Fake::default();
    fake.on_read(SERVICES, 200, list("7", &[service("a", "1")]));
    let watch = fake.on_watch(SERVICES);
    let now = Arc::new(Mutex::new(Instant::now()));
    let clock = now.clone();
    let live = Live::start_at(&fake.client(), move || *clock.lock().unwrap());
    live.watches.synced().await;
    *now.lock().unwrap() += Duration::from_secs(299);
    live.watches.refresh();
    assert_eq!(live.knowledge(KIND), Knowledge::Complete);
    *now.lock().unwrap() += Duration::from_secs(1);
    live.watches.refresh();
    assert_eq!(live.knowledge(KIND), Knowledge::Unavailable);
    assert_eq!(live.names(KIND), ["shop/a"]);
    watch.send("BOOKMARK", &bookmark("8"));
    live.until_knowledge(KIND, Knowledge::Complete).await;
    // Readiness does not depend on it.
    live.watches.synced().await;
}

#[tokio::test]
async fn what_a_workload_owns_is_not_kept_and_goes_once_it_is_owned() {
    let path = "/apis/apps/v1/replicasets";
    let kind = Kind::REPLICA_SET;
    let set = |name: &str, owned: bool| {
        let owner = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "controller": true});
        let owners: Vec<Value> = owned.then_some(owner).into_iter().collect();
        json!({"metadata": {"name": name, "namespace": "shop", "resourceVersion": "3", "ownerReferences": owners}})
    };
    let fake = Fake::default();
    fake.on_read(path, 200, list("7", &[set("free", false), set("owned", true)]));
    let watch = fake.on_watch(path);
    let live = Live::start(&fake.client());
    live.until_names(kind, &["shop/free"]).await;
    watch.send("MODIFIED", &set("owned", false));
    live.until_names(kind, &["shop/free", "shop/owned"]).await;
    watch.send("MODIFIED", &set("free", true));
    live.until_names(kind, &["shop/owned"]).await;
}

#[tokio::test]
async fn a_claim_that_was_listed_first_gets_its_volume() {
    let fake = Fake::default();
    let claim = json!({"metadata": {"name": "data", "namespace": "shop"}, "spec": {"volumeName": "pv"}});
    let volume = json!({"metadata": {"name": "pv"}, "spec": {"accessModes": ["ReadWriteMany"], "nfs": {},
        "claimRef": {"namespace": "shop", "name": "data"}}});
    fake.on_read("/api/v1/persistentvolumeclaims", 200, list("7", &[claim]));
    fake.on_read("/api/v1/persistentvolumes", 403, failure(403));
    fake.on_read("/api/v1/persistentvolumes", 200, list("7", &[volume]));
    let live = Live::start(&fake.client());
    live.watches.synced().await;
    let modes = || {
        live.graph.with("shop", |shard| {
            let claim = shard.claim("data").unwrap();
            claim.volume.clone().map(|volume| volume.modes.to_string())
        })
    };
    eventually("the volume", async || {
        (modes() == Lookup::Known("ReadWriteMany".to_owned())).then_some(())
    })
    .await;
}
