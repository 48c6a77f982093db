//! What `docs/audit.md` tells people to type, typed.

use super::Served;
use super::objects::{claim, deployment};
use super::reports::{OPEN_REPORTS, POLICY_REPORTS, create, define, leader};
use crate::controlplane::{ControlPlane, eventually};

const PAGE: &str = include_str!("../../../docs/audit.md");

/// The commands of the page, with what each must show.
const SHOWN: [(&str, &[&str]); 5] = [
    ("get reports.openreports.io", &["Deployment", "web", "stateward-"]),
    ("get policyreports", &["No resources found"]),
    ("events", &["RwoReplicas", "3 replicas mount claim"]),
    ("describe", &["RwoReplicas", "3 replicas mount claim"]),
    ("get leases", &["stateward-leader"]),
];

/// The lines of the first block of commands.
fn commands() -> Vec<&'static str> {
    let (_, rest) = PAGE.split_once("\n```sh\n").expect("a block of commands");
    rest.split("\n```").next().unwrap_or(rest).lines().collect()
}

#[tokio::test]
async fn the_commands_of_the_page_show_what_they_should() {
    let cluster = ControlPlane::start().await;
    define(&cluster, POLICY_REPORTS, "policyreports.wgpolicyk8s.io").await;
    define(&cluster, OPEN_REPORTS, "reports.openreports.io").await;
    for namespace in ["shop", "stateward-system"] {
        cluster.kubectl(["create", "namespace", namespace]).await.succeeded();
    }
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let served = Served::with(&["--kubeconfig", &kubeconfig, "--namespace", "stateward-system"]);
    // What it finds when it begins would leave no event.
    served.logged(|line| line["message"] == "Everything was judged").await;
    leader(&[&served]).await;
    create(
        &cluster,
        "shop",
        &[claim("data", "ReadWriteOnce"), deployment("web", "data", 3)],
    )
    .await;

    let commands = commands();
    assert_eq!(commands.len(), SHOWN.len(), "{commands:?}");
    for (command, (verb, wanted)) in commands.into_iter().zip(SHOWN) {
        let arguments = command.strip_prefix("kubectl ").expect("a command of kubectl");
        assert!(arguments.starts_with(verb), "{command}");
        eventually(command, async || {
            let output = cluster.kubectl(arguments.split(' ')).await;
            let shown = format!("{}{}", output.stdout, output.stderr);
            (output.success && wanted.iter().all(|wanted| shown.contains(wanted))).then_some(())
        })
        .await;
    }
}
