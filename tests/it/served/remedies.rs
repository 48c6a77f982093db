//! What messages tell people to do, done before a real API server.

use super::objects::{claim, deployment};
use super::{Policy, Shop};

/// The only replica surges: with what the API server has made of its strategy, it never rolls out.
#[tokio::test]
async fn both_ways_out_of_a_surge_that_a_denial_names_can_be_gone() {
    let shop = Shop::shared().await;
    let namespace = shop.namespace(Policy::Strict).await;
    let recreate = deployment("web", "data", 1);
    let rolling = |strategy: &str| recreate.replace("strategy: {type: Recreate}, ", strategy);
    let applied = &["apply", "--server-side", "--force-conflicts"][..];
    shop.create(&namespace, &[claim("data", "ReadWriteOnce")])
        .await
        .succeeded();

    let surging = rolling("").replace(
        "metadata: {name: web}",
        "metadata: {name: web, annotations: {stateward.dev/allow: \"rwo-surge: moving\"}}",
    );
    shop.send(&namespace, applied, &[surging]).await.succeeded();

    // Why Recreate is not the first that is told.
    for strategy in ["", "rollingUpdate: null, "] {
        let strategy = format!("strategy: {{{strategy}type: Recreate}}, ");
        let output = shop.send(&namespace, applied, &[rolling(&strategy)]).await.failed();
        assert!(output.stderr.contains("rollingUpdate: Forbidden"), "{}", output.stderr);
    }
    let no_surge = rolling("strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}, ");
    shop.send(&namespace, applied, &[no_surge]).await.succeeded();
    let surging = rolling("strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}, ");
    let denied = shop.send(&namespace, applied, &[surging]).await.failed().stderr;

    let (_, told) = denied.split_once("once by: kubectl ").expect("a command to paste");
    let (command, _) = told.split_once(" (field").expect("the field comes last");
    let (command, patch) = command.split_once(" -p ").expect("a patch");
    let arguments = format!("{command} -p {}", patch.trim_matches('\''));
    shop.cluster.kubectl(arguments.split(' ')).await.succeeded();
    let strategy = shop.field(&namespace, "deployment/web", ".spec.strategy").await;
    assert_eq!(strategy, r#"{"type":"Recreate"}"#);
    // And from then on the manifest may say so.
    shop.send(&namespace, applied, &[recreate]).await.succeeded();
}
