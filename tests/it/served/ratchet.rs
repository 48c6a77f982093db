//! What was wrong before the webhook came is only warned about, until it gets worse.

use super::objects::{claim, deployment};
use super::{Policy, Shop};

const OLDER: &str = Shop::OLDER;

#[tokio::test]
async fn a_new_image_for_an_old_violator_is_warned_about() {
    let shop = Shop::shared().await;
    let updated = shop
        .kubectl(OLDER, "set image deployment/image web=web:2")
        .await
        .succeeded();
    assert_eq!(
        updated.stderr,
        "Warning: 1 finding from before remains: rwo-replicas (stateward audit -n older shows it)\n"
    );
}

#[tokio::test]
async fn an_old_violator_grows_no_further_and_may_shrink() {
    let shop = Shop::shared().await;
    let refused = shop
        .kubectl(OLDER, "scale deployment/scale --replicas=4")
        .await
        .failed();
    assert!(
        refused
            .stderr
            .contains("rwo-replicas: scaling Deployment older/scale from 3 to 4: "),
        "{}",
        refused.stderr
    );
    let patch = r#"patch deployment scale -p {"spec":{"replicas":4}}"#;
    shop.kubectl(OLDER, patch).await.failed();
    let down = shop
        .kubectl(OLDER, "scale deployment/shrink --replicas=2")
        .await
        .succeeded();
    assert!(down.stderr.contains("(already there)"), "{}", down.stderr);
    shop.kubectl(OLDER, "scale deployment/shrink --replicas=1")
        .await
        .succeeded();
    // It is whole now, and stays so.
    shop.kubectl(OLDER, "scale deployment/shrink --replicas=2")
        .await
        .failed();
}

#[tokio::test]
async fn an_old_violator_may_be_deleted_and_does_not_come_back() {
    let shop = Shop::shared().await;
    let deleted = shop.kubectl(OLDER, "delete deployment gone").await.succeeded();
    assert_eq!(deleted.stderr, "");
    let again = shop.create(OLDER, &[deployment("gone", "gone", 3)]).await.failed();
    assert!(again.stderr.contains("rwo-replicas"), "{}", again.stderr);
}

#[tokio::test]
async fn an_annotation_with_a_reason_opens_the_way_for_a_scale() {
    let shop = Shop::shared().await;
    let up = "scale deployment/allowed --replicas=4";
    let refused = shop.kubectl(OLDER, up).await.failed();
    // The message itself names the command.
    let way_out = refused
        .stderr
        .split_once("kubectl annotate ")
        .expect("a way out in the message")
        .1
        .trim_end();
    assert_eq!(
        way_out,
        "deployment allowed -n older stateward.dev/allow='rwo-replicas: REASON'"
    );
    let without = shop
        .kubectl(OLDER, "annotate deployment allowed stateward.dev/allow=rwo-replicas")
        .await
        .succeeded();
    assert!(without.stderr.contains("without a reason"), "{}", without.stderr);
    shop.kubectl(OLDER, up).await.failed();
    shop.cluster
        .kubectl([
            "annotate",
            "deployment",
            "allowed",
            "-n",
            OLDER,
            "--overwrite",
            "stateward.dev/allow=rwo-replicas: moving to RWX, OPS-123",
        ])
        .await
        .succeeded();
    let scaled = shop.kubectl(OLDER, up).await.succeeded();
    assert_eq!(scaled.stderr, "");
    let event = shop
        .cluster
        .audit_event(|event| {
            event["objectRef"]["name"] == "allowed"
                && event["objectRef"]["subresource"] == "scale"
                && event["responseStatus"]["code"] == 200
        })
        .await;
    assert_eq!(
        event["annotations"]["scale.stateward.dev/overrides"],
        "rwo-replicas: moving to RWX, OPS-123"
    );
}

#[tokio::test]
async fn metadata_and_finalizers_of_an_old_violator_change_freely() {
    let shop = Shop::shared().await;
    shop.kubectl(OLDER, "label deployment metadata team=shop")
        .await
        .succeeded();
    shop.kubectl(OLDER, "annotate deployment metadata note=x")
        .await
        .succeeded();
    for finalizers in [r#"["stateward.dev/test"]"#, "null"] {
        let patch = format!(r#"patch deployment metadata -p {{"metadata":{{"finalizers":{finalizers}}}}}"#);
        let patched = shop.kubectl(OLDER, &patch).await.succeeded();
        assert_eq!(patched.stderr, "");
    }
}

#[tokio::test]
async fn a_stricter_policy_later_does_not_turn_old_warnings_into_denials() {
    let shop = Shop::shared().await;
    let namespace = shop.namespace(Policy::Baseline).await;
    let surging = deployment("web", "data", 1).replace("strategy: {type: Recreate}, ", "");
    let created = shop
        .create(&namespace, &[claim("data", "ReadWriteOnce"), surging])
        .await
        .succeeded();
    assert!(created.stderr.contains("Warning: rwo-surge"), "{}", created.stderr);
    shop.cluster
        .kubectl(["label", "namespace", &namespace, "policy=strict"])
        .await
        .succeeded();
    let strict = shop.namespace(Policy::Strict).await;
    // The watch delivers in order: a namespace that is younger is known, so this one's new label is too.
    shop.kubectl(&strict, "get pods").await.succeeded();
    let updated = shop
        .kubectl(&namespace, "set image deployment/web web=web:2")
        .await
        .succeeded();
    assert!(
        updated.stderr.contains("1 finding from before remains: rwo-surge ("),
        "{}",
        updated.stderr
    );
}
