//! A GitOps tool applies an installation again and again, and must find nothing to change.

use super::installation::{ENFORCE, Installed};
use crate::flux;

#[tokio::test]
async fn flux_finds_no_difference_in_what_the_leader_wrote() {
    let installed = Installed::bare().await;
    let kubeconfig = installed.cluster.kubeconfig();
    let apply = async |arguments: &[&str]| flux::apply(kubeconfig, &installed.leading_here(arguments)).await;
    let first = apply(&[]).await;
    assert!(
        first.len() > 10 && first.values().all(|action| action == "created"),
        "{first:?}"
    );
    installed.lead_here().await;
    let replica = installed.replica(0, &[]);
    installed.use_replica(0, &replica).await;
    let authority = installed.secret("ca.crt").await;
    installed.trusted(&authority).await;

    let again = apply(&[]).await;
    assert_eq!(again.len(), first.len());
    assert!(again.values().all(|action| action == "unchanged"), "{again:?}");
    let versions = installed.versions().await;

    // Another mode changes what it is about, and takes nothing away that the leader wrote.
    let enforced = apply(ENFORCE).await;
    let changed: Vec<&str> = enforced
        .iter()
        .filter(|(_, action)| *action != "unchanged")
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        changed,
        [
            "Deployment/stateward-system/stateward",
            "ValidatingWebhookConfiguration/stateward"
        ]
    );
    let webhooks = installed.webhooks().await;
    assert!(webhooks.iter().all(|entry| installed.is_trusted(entry, &authority)));
    assert_ne!(installed.versions().await, versions);
    let enforced = apply(ENFORCE).await;
    assert!(enforced.values().all(|action| action == "unchanged"), "{enforced:?}");
}
