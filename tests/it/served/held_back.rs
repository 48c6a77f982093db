//! A new image that `partition-stall` holds back, by whatever writes it: what becomes of the partition when the same is
//! written again, once somebody has lowered it, and when nobody holds back any more.

use std::slice::from_ref;

use super::objects::{headless, stateful_set};
use super::releases::Release;
use super::{Policy, Shop};
use crate::chart::helm::Helm;
use crate::controlplane::eventually;

/// How somebody writes a StatefulSet again.
#[derive(Clone, Copy, Debug)]
enum Way {
    Helm(Helm),
    Kubectl(&'static [&'static str]),
}

/// A namespace in which somebody does.
struct Writer {
    way: Way,
    shop: &'static Shop,
    namespace: String,
    release: Option<Release>,
    /// What stands in the manifest before `replicas`.
    strategy: &'static str,
}

impl Writer {
    /// Creates the first version.
    async fn new(way: Way, strategy: &'static str) -> Self {
        let shop = Shop::shared().await;
        let release = match way {
            Way::Helm(helm) => Some(Release::new(helm, Policy::Defaults).await),
            Way::Kubectl(_) => None,
        };
        let namespace = match &release {
            Some(release) => release.namespace.clone(),
            None => shop.namespace(Policy::Defaults).await,
        };
        let writer = Self {
            way,
            shop,
            namespace,
            release,
            strategy,
        };
        match &writer.release {
            Some(release) => release.apply("install", &[writer.set(1)]).await,
            None => {
                let verb: &[&str] = if matches!(way, Way::Kubectl(["replace"])) {
                    &["create"]
                } else {
                    writer.verb()
                };
                shop.send(&writer.namespace, verb, &[writer.set(1)]).await.succeeded();
            }
        }
        writer
    }

    fn set(&self, version: u32) -> String {
        stateful_set("db", 3)
            .replace("image: db", &format!("image: db:{version}"))
            .replace("replicas: 3", &format!("{}replicas: 3", self.strategy))
    }

    const fn verb(&self) -> &'static [&'static str] {
        match self.way {
            Way::Helm(_) => &[],
            Way::Kubectl(verb) => verb,
        }
    }

    /// Writes a version, and returns the partition that is there then.
    async fn write(&self, version: u32) -> String {
        match &self.release {
            Some(release) => release.apply("upgrade", &[self.set(version)]).await,
            None => {
                let set = self.set(version);
                self.shop
                    .send(&self.namespace, self.verb(), from_ref(&set))
                    .await
                    .succeeded();
            }
        }
        let path = ".spec.updateStrategy.rollingUpdate.partition";
        self.shop.field(&self.namespace, "statefulset/db", path).await
    }

    async fn lower(&self) {
        let patch = r#"patch statefulset db -p {"spec":{"updateStrategy":{"rollingUpdate":{"partition":0}}}}"#;
        self.shop.kubectl(&self.namespace, patch).await.succeeded();
    }

    /// Ends all that is injected on request.
    async fn leave(&self) {
        let label = ["label", "namespace", &self.namespace, "policy-"];
        self.shop.cluster.kubectl(label).await.succeeded();
        let peers = headless("ring").replace("app: ring", "app: etcd");
        eventually("the policy to be another", async || {
            let dry = [
                "create",
                "--dry-run=server",
                "-o",
                "jsonpath={.spec.publishNotReadyAddresses}",
            ];
            let shown = self.shop.send(&self.namespace, &dry, from_ref(&peers)).await;
            shown.stdout.is_empty().then_some(())
        })
        .await;
    }
}

const MERGING: [Way; 4] = [
    Way::Kubectl(&["apply"]),
    Way::Kubectl(&["apply", "--server-side"]),
    Way::Helm(Helm::Three),
    Way::Helm(Helm::Four),
];

#[tokio::test]
async fn what_merges_leaves_the_partition_until_somebody_lowers_it() {
    for way in MERGING {
        let writer = Writer::new(way, "").await;
        assert_eq!(writer.write(2).await, "2", "{way:?}: one pod first");
        assert_eq!(writer.write(2).await, "2", "{way:?}: the same again");
        writer.lower().await;
        assert_eq!(writer.write(2).await, "0", "{way:?}: once lowered");
        assert_eq!(writer.write(3).await, "2", "{way:?}: the next image");
        writer.leave().await;
        // It is in no manifest, so nothing takes it out: this image reaches one pod too, and nobody says so.
        assert_eq!(writer.write(4).await, "2", "{way:?}: with nobody who holds back");
        writer.lower().await;
        assert_eq!(
            writer.write(5).await,
            "0",
            "{way:?}: lowered, with nobody who holds back"
        );
    }
}

#[tokio::test]
async fn what_replaces_lets_the_image_go_on_with_the_same_manifest() {
    let way = Way::Kubectl(&["replace"]);
    let writer = Writer::new(way, "").await;
    assert_eq!(writer.write(2).await, "2");
    assert_eq!(writer.write(2).await, "0", "the same again");
    assert_eq!(writer.write(3).await, "2");
    writer.leave().await;
    assert_eq!(writer.write(4).await, "0", "with nobody who holds back");
}

/// The partition is the manifest's then, and the manifest says 0.
#[tokio::test]
async fn a_manifest_with_a_partition_lets_the_image_go_on_with_the_next_apply() {
    for way in MERGING {
        let writer = Writer::new(way, "updateStrategy: {rollingUpdate: {partition: 0}}, ").await;
        assert_eq!(writer.write(2).await, "2", "{way:?}: one pod first");
        assert_eq!(writer.write(2).await, "0", "{way:?}: the same again");
        writer.leave().await;
        assert_eq!(writer.write(3).await, "0", "{way:?}: with nobody who holds back");
    }
}
