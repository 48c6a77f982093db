//! How much is logged: `--log-level`, else `RUST_LOG`.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::words::the_page_has_every_field;
use super::{Served, workshop};
use crate::controlplane::process::Scratch;
use crate::controlplane::{ControlPlane, eventually, free_port};

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

/// A connection that is refused is told once, and in the end why; the client's own lines of every attempt are not.
#[tokio::test]
async fn a_cluster_that_is_not_there_is_told_once_and_then_given_up() {
    let scratch = Scratch::new().expect("a directory can be made");
    let port = free_port().expect("a port is free");
    let stale = format!(
        "{{\"apiVersion\": \"v1\", \"kind\": \"Config\", \"current-context\": \"c\", \
         \"contexts\": [{{\"name\": \"c\", \"context\": {{\"cluster\": \"c\", \"user\": \"c\"}}}}], \
         \"clusters\": [{{\"name\": \"c\", \"cluster\": {{\"server\": \"https://127.0.0.1:{port}\"}}}}], \
         \"users\": [{{\"name\": \"c\", \"user\": {{}}}}]}}"
    );
    let stale = scratch.write("stale", stale).expect("it can be written");
    let served = Served::with(&["--kubeconfig", &stale.display().to_string()]);
    assert_ne!(served.ended().await.code(), Some(0));
    let lines = served.log();
    let told: Vec<&Value> = lines
        .iter()
        .filter(|line| line["message"] != "Policies loaded" && line["level"] != "INFO")
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[0]["message"], "The cluster does not answer yet");
    let last = told[1]["message"].as_str().unwrap_or_default();
    assert!(
        last.starts_with("error: cannot reach the cluster at https://127.0.0.1:"),
        "{last}"
    );
    assert!(last.contains("kubectl config get-contexts"), "{last}");
    for told in [last, told[0]["error"].as_str().unwrap_or_default()] {
        assert!(
            told.contains("Connection refused") && !told.contains("ServiceError"),
            "the cause alone: {told}"
        );
    }
}

/// A process that ends with the test, whatever becomes of that.
struct Guarded(Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whoever read the log may be gone, as in `stateward serve 2>&1 | head`.
#[tokio::test]
async fn a_log_that_nobody_reads_keeps_no_signal_from_ending_the_process() {
    let child = Command::new(env!("CARGO_BIN_EXE_stateward"))
        .args(["serve", "--no-cluster", "--shutdown-delay=0"])
        .args(["--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let Guarded(child) = &mut Guarded(child.expect("it starts"));
    let log = BufReader::new(child.stderr.take().expect("a pipe"));
    assert!(log.lines().map_while(Result::ok).any(|line| line.contains("Serving\"")));
    // The pipe is closed by now.
    let kill = Command::new("kill")
        .args(["-s", "TERM", &child.id().to_string()])
        .status();
    assert!(kill.expect("kill runs").success());
    let ended = eventually("the end of the process", async || child.try_wait().expect("a child")).await;
    assert_eq!(ended.code(), Some(0));
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
