//! Policies that the cluster holds, through their whole life: awaited, edited, refused, left out, lost and deleted.

use std::process::Command;
use std::time::SystemTime;

use stateward::time::Time;

use super::Served;
use super::objects::{claim, deployment};
use crate::controlplane::{ControlPlane, eventually};
use crate::policies::agreement::{exception, policy};
use crate::policies::cluster::{define, loosen};

/// A cluster whose policies are served, and a namespace with a claim.
struct Guarded {
    cluster: ControlPlane,
    served: Served,
    namespace: String,
}

impl Guarded {
    async fn write(&self, name: &str, spec: &str) {
        let object = policy(name, spec).to_string();
        let apply = ["apply", "-f", "-"];
        self.cluster.kubectl_stdin(apply, &object).await.succeeded();
    }

    /// What is said of a Deployment whose replicas share a disk; `None` where it is let through without a word.
    async fn said(&self) -> Option<String> {
        let create = ["create", "--dry-run=server", "-n", &self.namespace, "-f", "-"];
        let output = self.cluster.kubectl_stdin(create, &deployment("web", "data", 3)).await;
        let what = if output.success { "allowed" } else { "denied" };
        let about = output.stderr.contains("rwo-replicas").then_some(output.stderr);
        about.map(|_| what.to_owned())
    }

    async fn until_said(&self, wanted: Option<&str>) {
        eventually(&format!("the answer {wanted:?}"), async || {
            (self.said().await.as_deref() == wanted).then_some(())
        })
        .await;
    }

    /// Waits until readiness says this of policies.
    async fn until_told(&self, status: u16, words: &str) {
        until_told(&self.served, status, words).await;
    }
}

async fn until_told(served: &Served, status: u16, words: &str) {
    eventually(&format!("{status}: {words}"), async || {
        let (now, report) = served.admin("/readyz?verbose").await?;
        let line = report.lines().find(|line| line[3..].starts_with("policies"))?;
        (now == status && line.ends_with(words)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn policies_in_the_cluster_rule_and_never_get_looser_by_accident() {
    let cluster = ControlPlane::start().await;
    let served = Served::launch(&cluster, &["--policy-source", "cluster"]);
    until_told(
        &served,
        503,
        "[-]policies the API server has no workloadpolicies.stateward.dev: apply what `stateward crds` prints; \
         the API server has no workloadpolicyexceptions.stateward.dev: apply what `stateward crds` prints; \
         the API server has no workloadkinds.stateward.dev: apply what `stateward crds` prints",
    )
    .await;
    define(&cluster).await;
    until_told(&served, 200, "[+]policies no policy in the cluster: nothing is judged").await;
    served.called(&cluster).await;
    let namespace = cluster.namespace("guarded").await;
    let create = ["create", "-n", &namespace, "-f", "-"];
    let data = claim("data", "ReadWriteOnce");
    cluster.kubectl_stdin(create, &data).await.succeeded();
    let guarded = Guarded {
        cluster,
        served,
        namespace,
    };
    assert_eq!(guarded.said().await, None);

    guarded.write("shop", "{profile: Baseline}").await;
    guarded.until_said(Some("denied")).await;
    guarded.until_told(200, "[+]policies").await;
    guarded
        .write("shop", "{rules: [{id: rwo-replicas, actions: [Warn]}]}")
        .await;
    guarded.until_said(Some("allowed")).await;
    guarded.write("shop", "{profile: Baseline}").await;
    guarded.until_said(Some("denied")).await;
    an_audit_asks_the_cluster(&guarded);

    mistakes_are_refused(&guarded).await;
    exceptions_let_pass_what_policies_allow(&guarded).await;
    mistakes_that_got_in_change_nothing(&guarded).await;
    a_lost_definition_loosens_nothing(&guarded).await;

    // What is deleted while its definition is there, is meant.
    let delete = ["delete", "wpol", "shop"];
    guarded.cluster.kubectl(delete).await.succeeded();
    guarded.until_said(None).await;
    guarded
        .until_told(200, "no policy in the cluster: nothing is judged")
        .await;
}

fn an_audit_asks_the_cluster(guarded: &Guarded) {
    let audit = |arguments: &[&str]| {
        let kubeconfig = guarded.cluster.kubeconfig();
        let mut command = Command::new(env!("CARGO_BIN_EXE_stateward"));
        command.arg("audit").arg("--kubeconfig").arg(kubeconfig).args(arguments);
        String::from_utf8(command.output().expect("the binary runs").stdout).expect("UTF-8")
    };
    let told = audit(&[]);
    assert!(told.contains("policies: shop (cluster)"), "{told}");
    let told = audit(&["--policy", "strict"]);
    assert!(told.contains("policies: strict (built in)"), "{told}");
}

async fn mistakes_are_refused(guarded: &Guarded) {
    let apply = async |spec: &str| {
        let object = policy("shop", spec).to_string();
        guarded.cluster.kubectl_stdin(["apply", "-f", "-"], &object).await
    };
    let refused =
        apply("{priority: 2000, rules: [{id: rwo-replica}, {id: rwo-surge, parameters: {strategy: recreate}}]}");
    let stderr = refused.await.failed().stderr;
    for saying in [
        "admission webhook \"policies.stateward.dev\" denied the request: the WorkloadPolicy is not valid",
        "spec.priority: expected a whole number from -1000 to 1000, found 2000",
        "spec.rules[0].id: there is no rule \"rwo-replica\", did you mean \"rwo-replicas\"?",
        "spec.rules[1].parameters.strategy: \"recreate\" is none of Recreate, NoSurge, did you mean \"Recreate\"?",
    ] {
        assert!(stderr.contains(saying), "{stderr}");
    }
    let unused = policy("elsewhere", "{match: {namespaces: [elsewhere-*]}}").to_string();
    let create = ["create", "--dry-run=server", "-f", "-"];
    let created = guarded.cluster.kubectl_stdin(create, &unused).await.succeeded();
    let warning = "policy \"elsewhere\" applies in no namespace of this cluster at present";
    assert!(created.stderr.contains(warning), "{}", created.stderr);
    assert_eq!(guarded.said().await.as_deref(), Some("denied"));
}

/// An exception's life: refused with mistakes, of no effect, in force, lost with its definition, deleted.
async fn exceptions_let_pass_what_policies_allow(guarded: &Guarded) {
    let (cluster, namespace) = (&guarded.cluster, &guarded.namespace);
    let in_days = |days: i64| {
        let now = SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_secs();
        Time::from_seconds(i64::try_from(now).expect("seconds") + days * 86_400).to_string()
    };
    let apply = async |rule: &str, days: i64| {
        let expires = in_days(days);
        let spec = format!("{{rules: [{rule}], match: {{}}, reason: OPS-1, owner: team, expiresAt: '{expires}'}}");
        let object = exception("legacy", &spec);
        let apply = ["apply", "-n", namespace, "-f", "-"];
        let mut object = object;
        object["metadata"]["namespace"] = namespace.as_str().into();
        cluster.kubectl_stdin(apply, &object.to_string()).await
    };
    let refused = async |rule: &str, days: i64, why: &str| {
        let stderr = apply(rule, days).await.failed().stderr;
        assert!(stderr.contains("the WorkloadPolicyException is not valid"), "{stderr}");
        assert!(stderr.contains(why), "{stderr}");
    };
    let known = "spec.rules[0]: there is no rule \"rwo-replica\", did you mean \"rwo-replicas\"?";
    refused("rwo-replica", 60, known).await;
    refused("rwo-replicas", -1, "spec.expiresAt: ").await;
    let told = apply("rwo-replicas", 60).await.succeeded().stderr;
    assert!(told.contains("the policies in force allow none here"), "{told}");
    assert_eq!(guarded.said().await.as_deref(), Some("denied"));

    guarded
        .write(
            "shop",
            "{profile: Baseline, exceptions: {allowed: true, maxDuration: 90d}}",
        )
        .await;
    guarded.until_said(None).await;
    refused("rwo-replicas", 91, "the policies in force let it be ").await;

    let delete = ["delete", "crd", "workloadpolicyexceptions.stateward.dev"];
    cluster.kubectl(delete).await.succeeded();
    let gone =
        format!("{namespace}/legacy: gone with their definition, and stay in force: create them again, or restart");
    eventually("the word of the lost exception", async || {
        let (_, report) = guarded.served.admin("/readyz?verbose").await?;
        report.contains(&gone).then_some(())
    })
    .await;
    assert_eq!(guarded.said().await, None);

    define(cluster).await;
    eventually("the exception again", async || {
        apply("rwo-replicas", 60).await.success.then_some(())
    })
    .await;
    guarded.until_told(200, "[+]policies").await;
    let delete = ["delete", "-n", namespace, "wpolex", "legacy"];
    cluster.kubectl(delete).await.succeeded();
    guarded.until_said(Some("denied")).await;
    guarded.write("shop", "{profile: Baseline}").await;
}

/// Beyond the schema, and our webhook is not asked.
async fn mistakes_that_got_in_change_nothing(guarded: &Guarded) {
    let cluster = &guarded.cluster;
    let delete = ["delete", "mutatingwebhookconfiguration", "stateward-dev"];
    cluster.kubectl(delete).await.succeeded();
    loosen(cluster).await;
    let wrong = "{rules: [{id: rwo-replicas, actions: [], mutation: Enabled}]}";
    let object = policy("shop", wrong).to_string();
    eventually("a policy that nobody looks at", async || {
        let applied = cluster.kubectl_stdin(["apply", "-f", "-"], &object).await;
        applied.success.then_some(())
    })
    .await;
    let mistake = "spec.rules[0].mutation: rule \"rwo-replicas\" injects nothing: it cannot be enabled";
    let kept = format!("shop is not valid, its last good version stays in force: {mistake}");
    guarded.until_told(200, &kept).await;
    guarded.write("other", wrong).await;
    let left_out = format!("other is not valid, it is left out: {mistake}; {kept}");
    guarded.until_told(200, &left_out).await;
    assert_eq!(guarded.said().await.as_deref(), Some("denied"));
    guarded.refused("invalid").await;
    cluster.kubectl(["delete", "wpol", "other"]).await.succeeded();
    guarded.write("shop", "{profile: Baseline}").await;
    guarded.until_told(200, "[+]policies").await;
}

async fn a_lost_definition_loosens_nothing(guarded: &Guarded) {
    let delete = ["delete", "crd", "workloadpolicies.stateward.dev"];
    guarded.cluster.kubectl(delete).await.succeeded();
    let gone = "shop: gone with their definition, and stay in force: create them again, or restart to mean it";
    guarded.until_told(200, gone).await;
    assert_eq!(guarded.said().await.as_deref(), Some("denied"));
    guarded.refused("gone").await;
    // Another definition of the same name has no policies yet, which nobody meant either.
    define(&guarded.cluster).await;
    guarded.write("new", "{match: {namespaces: [nowhere]}}").await;
    let logged = guarded.served.logged(|line| line["policies"] == "new, shop").await;
    assert_eq!(logged["from"], "cluster");
    assert_eq!(guarded.said().await.as_deref(), Some("denied"));
    guarded.until_told(200, gone).await;
    guarded.cluster.kubectl(["delete", "wpol", "new"]).await.succeeded();
    guarded.write("shop", "{profile: Strict}").await;
    guarded.until_told(200, "[+]policies").await;
    assert_eq!(guarded.said().await.as_deref(), Some("denied"));
}

impl Guarded {
    /// Asserts that the metric tells of this reason.
    async fn refused(&self, reason: &str) {
        let labels = [("what", "policies"), ("reason", reason)];
        let metrics = self.served.metrics().await;
        assert_eq!(
            metrics.series("stateward_reload_refused", &labels),
            Some(1.0),
            "{reason}"
        );
    }
}
