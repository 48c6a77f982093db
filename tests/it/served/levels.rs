//! How much is logged: `--log-level`, else `RUST_LOG`.

use serde_json::Value;

use super::words::the_page_has_every_field;
use super::{Served, workshop};
use crate::controlplane::ControlPlane;

/// All that is logged until the process has ended, and a request in which nothing is found was answered.
async fn logged(cluster: &ControlPlane, rust_log: &str, arguments: &[&str]) -> Vec<Value> {
    let arguments = [&["--shutdown-delay=0"], arguments].concat();
    let served = Served::launch_in(&[("RUST_LOG", rust_log)], cluster.kubeconfig(), &arguments);
    served.ready().await;
    served.called(cluster).await;
    served.signal("TERM");
    assert_eq!(served.ended().await.code(), Some(0), "{}", served.text());
    served.log()
}

fn has(lines: &[Value], level: &str, message: &str) -> bool {
    lines
        .iter()
        .any(|line| line["level"] == level && line["message"] == message)
}

#[tokio::test]
async fn the_flag_and_else_the_variable_say_how_much_is_logged() {
    let cluster = workshop().await;
    let debug = |line: &&Value| line["level"] == "DEBUG";

    let lines = logged(&cluster, "", &[]).await;
    assert!(
        has(&lines, "INFO", "Serving") && !has(&lines, "DEBUG", "Decided"),
        "{lines:?}"
    );

    let lines = logged(&cluster, "warn", &[]).await;
    assert!(!lines.iter().any(|line| line["level"] == "INFO"), "{lines:?}");

    // Modules apart, as the page says; and every line of a decision has the same fields.
    let lines = logged(&cluster, "info,stateward::admission=debug", &[]).await;
    assert!(
        has(&lines, "INFO", "Serving") && has(&lines, "DEBUG", "Decided"),
        "{lines:?}"
    );
    for line in lines.iter().filter(debug) {
        assert_eq!(line["target"], "stateward::admission::webhook", "{line}");
        the_page_has_every_field(line);
    }

    // The flag counts more; of others it wants no details.
    let lines = logged(&cluster, "error", &["--log-level=debug"]).await;
    assert!(
        has(&lines, "INFO", "Serving") && has(&lines, "DEBUG", "Decided"),
        "{lines:?}"
    );
    let others = |line: &&Value| {
        !line["target"]
            .as_str()
            .is_some_and(|target| target.starts_with("stateward"))
    };
    assert!(!lines.iter().filter(debug).any(|line| others(&line)), "{lines:?}");
    let lines = logged(&cluster, "debug", &["--log-level=error"]).await;
    assert!(
        !has(&lines, "INFO", "Serving") && !has(&lines, "DEBUG", "Decided"),
        "{lines:?}"
    );
}
