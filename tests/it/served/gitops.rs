//! A GitOps tool applies an installation again and again, and must find nothing to change.

use super::Served;
use super::installation::{ENFORCE, Installed};
use crate::controlplane::eventually;
use crate::gitops::{ARGO, FLUX, Tool};

/// Of a kind that the installation itself defines.
const POLICY: &str = r#"
---
apiVersion: stateward.dev/v1alpha1
kind: WorkloadPolicy
metadata:
  name: exceptions
spec:
  exceptions:
    allowed: true
    maxDuration: 90d
"#;

/// An installation by a tool, and its leader, which has written what it writes.
struct Applied {
    installed: Installed,
    tool: &'static Tool,
    options: &'static [&'static str],
    authority: String,
    objects: usize,
    _leader: Served,
}

impl Applied {
    async fn new(tool: &'static Tool, options: &'static [&'static str]) -> Self {
        let installed = Installed::bare().await;
        let kubeconfig = installed.cluster.kubeconfig();
        let objects = installed.leading_here(&[]);
        let first = tool.apply(options, kubeconfig, &objects).await;
        let created = first.values().all(|action| action == "created");
        assert!(first.len() > 10 && created, "{first:?}");
        installed.lead_here().await;
        let leader = installed.replica(0, &[]);
        installed.use_replica(0, &leader).await;
        let second = tool.apply(options, kubeconfig, &(objects + POLICY)).await;
        assert_eq!(second["WorkloadPolicy/exceptions"], "created", "{second:?}");
        let authority = installed.secret("ca.crt").await;
        installed.trusted(&authority).await;
        installed.disowned().await;
        // Its status, which the leader writes.
        eventually("a policy that is served", async || {
            let reason = r#"-o=jsonpath={.status.conditions[?(@.type=="Ready")].reason}"#;
            let get = installed.cluster.kubectl(["get", "wpol", "exceptions", reason]).await;
            (get.succeeded().stdout == "Served").then_some(())
        })
        .await;
        Self {
            installed,
            tool,
            options,
            authority,
            objects: second.len(),
            _leader: leader,
        }
    }

    /// Applies it once more, and says what was not as applied before.
    async fn again(&self, arguments: &[&str]) -> Vec<String> {
        let objects = self.installed.leading_here(arguments) + POLICY;
        let kubeconfig = self.installed.cluster.kubeconfig();
        let found = self.tool.apply(self.options, kubeconfig, &objects).await;
        assert_eq!(found.len(), self.objects);
        let changed = found.into_iter().filter(|(_, action)| action != "unchanged");
        changed.map(|(name, _)| name).collect()
    }

    async fn finds_no_difference(&self) {
        let versions = self.installed.versions().await;
        assert_eq!(self.again(&[]).await, [""; 0]);
        assert_eq!(self.installed.versions().await, versions);

        // Another mode changes what it is about, and takes nothing away that the leader wrote.
        assert_eq!(
            self.again(ENFORCE).await,
            [
                "Deployment/stateward-system/stateward",
                "ValidatingWebhookConfiguration/stateward"
            ]
        );
        let webhooks = self.installed.webhooks().await;
        let trusted = |entry| self.installed.is_trusted(entry, &self.authority);
        assert!(webhooks.iter().all(trusted));
        assert_ne!(self.installed.versions().await, versions);
        assert_eq!(self.again(ENFORCE).await, [""; 0]);
    }
}

#[tokio::test]
async fn flux_finds_no_difference_in_what_the_leader_wrote() {
    Applied::new(&FLUX, &[]).await.finds_no_difference().await;
}

#[tokio::test]
async fn argo_finds_no_difference_in_what_the_leader_wrote() {
    Applied::new(&ARGO, &[]).await.finds_no_difference().await;
}

#[tokio::test]
async fn argo_applying_by_the_server_finds_no_difference() {
    let options = &["ServerSideApply"];
    Applied::new(&ARGO, options).await.finds_no_difference().await;
}

#[tokio::test]
async fn argo_asking_the_server_for_differences_finds_none() {
    let options = &["ServerSideApply", "ServerSideDiff"];
    Applied::new(&ARGO, options).await.finds_no_difference().await;
}

/// Replacing takes away what is not in the manifests; Argo CD sees no difference in that either.
#[tokio::test]
async fn the_leader_writes_again_what_argo_replaced() {
    let applied = Applied::new(&ARGO, &["Replace"]).await;
    let generations = applied.installed.generations().await;
    assert_eq!(applied.again(&[]).await, [""; 0]);
    assert_ne!(applied.installed.generations().await, generations);
    applied.installed.trusted(&applied.authority).await;
}
