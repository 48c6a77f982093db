//! From the installation to the end.

use std::pin::Pin;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::{happens, report};
use crate::controlplane::eventually;
use crate::helm::Helm;
use crate::load::Load;
use crate::release::{NAMESPACE, Release};

/// For how long what stands is looked at.
const WHILE: Duration = Duration::from_secs(2);

/// What Helm does in one step of a release's life.
type Step<'r> = Pin<Box<dyn Future<Output = ()> + 'r>>;

/// Nobody may be refused in vain from the first minute to the last, and nothing pass where it is to be denied.
pub async fn lives_and_leaves(helm: Helm) {
    let name = if helm == Helm::Three { "3" } else { "4" };
    let release = Release::none(helm).await;
    let load = Load::start(&release.client);
    let step = async |what: &str, change: Step<'_>| {
        let since = Instant::now();
        change.await;
        sleep(WHILE).await;
        let tally = load.take();
        report(&format!("Helm {name}: {what}"), &tally, since);
        tally.nobody_was_refused();
        tally
    };
    step("installed", Box::pin(release.upgrade("Audit", &[]))).await;
    step("made to enforce", Box::pin(release.upgrade("Enforce", &[]))).await;
    load.calm().await;
    load.take();
    let again = release.upgrade("Enforce", &["--set=podAnnotations.again=yes"]);
    step("upgraded", Box::pin(again)).await.nothing_passed();
    let back = release.helm(&["rollback", "stateward", "--wait", "--timeout=4m"]);
    step("rolled back", Box::pin(back)).await.nothing_passed();
    let removal = release.helm(&["uninstall", "stateward", "--wait"]);
    step("uninstalled", Box::pin(removal)).await;
    load.finish().await.nobody_was_refused();
    let kinds = "validatingwebhookconfigurations,mutatingwebhookconfigurations";
    let left = release.cluster.told(["get", kinds, "-o", "name"]);
    assert_eq!(left, "", "who asks a webhook that is gone");
    let policies = release
        .cluster
        .told(["get", "workloadpolicies.stateward.dev", "-o", "name"]);
    assert_eq!(policies, "", "their kind is kept");
}

/// Who does not begin in mode Audit: what could be denied is refused until somebody can answer.
pub async fn enforced_at_once() {
    let release = Release::none(Helm::Four).await;
    // The Lease of the leader that was is not over yet; a first installation finds none.
    release.cluster.told(["delete", "leases", "--all", "-n", NAMESPACE]);
    let load = Load::start(&release.client);
    let since = Instant::now();
    release.upgrade("Enforce", &[]).await;
    load.calm().await;
    let tally = load.finish().await;
    report("Helm 4: installed in mode Enforce at once", &tally, since);
    release.is_whole().await;
}

/// The new pod cannot live, and the old ones stay until somebody looks.
pub async fn a_limit_that_is_too_small() {
    let tally = happens(&[], "a limit of 8 MiB, and taken back", async |release| {
        let limit = r#"{"spec":{"template":{"spec":{"containers":[{"name":"stateward","resources":{
            "limits":{"memory":"8Mi"},"requests":{"memory":"8Mi"}}}]}}}}"#;
        let patch = ["patch", "deployment", "stateward", "-n", NAMESPACE, "--patch", limit];
        release.cluster.told(patch);
        eventually("a pod that memory does not suffice", async || {
            let states = release.pods();
            let dead = states.iter().any(|pod| {
                let state = &pod["status"]["containerStatuses"][0];
                let ends = [&state["state"]["terminated"], &state["lastState"]["terminated"]];
                ends.iter()
                    .any(|end| end["reason"] == "OOMKilled" || end["exitCode"] == 137)
                    || state["state"]["waiting"]["reason"] == "CrashLoopBackOff"
            });
            dead.then_some(())
        })
        .await;
        let undo = ["rollout", "undo", "deployment/stateward", "-n", NAMESPACE];
        release.cluster.told(undo);
    })
    .await;
    tally.nobody_was_refused();
    tally.nothing_passed();
}
