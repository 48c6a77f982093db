//! What passes while nobody answers, and that each request comes through one entry while somebody does.
//!
//! All requests are dry runs. The audit log says which entries a request passed through in vain.

use std::collections::{BTreeMap, BTreeSet};

use http::Request;
use k8s_openapi::api::admissionregistration::v1::{ValidatingWebhook, ValidatingWebhookConfiguration};
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;
use stateward::cluster::scope::{FailurePolicy, OptOut, Scope, failure};
use stateward::cluster::webhooks::{Configurations, Endpoint, NAME, NAMESPACE};
use stateward::graph::Kinds;

use super::cases::{Case, cases};
use super::{Reached, SCALE, WORKLOADS, nobody};
use crate::controlplane::{ControlPlane, eventually};

/// An entry that is sent all that the entries for workloads are sent together.
const REFERENCE: &str = "reference.stateward.dev";

#[tokio::test]
async fn without_us_only_what_a_shared_claim_forbids_is_refused_and_every_request_has_one_entry() {
    let cluster = ControlPlane::start().await;
    let client = cluster.client().await;
    let namespace = cluster.namespace("outage").await;
    let opted_out = cluster.namespace("opted-out").await;
    let label = ["label", "namespace", &opted_out, "stateward.dev/admission=ignore"];
    cluster.kubectl(label).await.succeeded();
    let (existing, cases) = cases(&namespace, &opted_out);
    let list = json!({"apiVersion": "v1", "kind": "List", "items": existing});
    let create = ["create", "-n", &namespace, "-f", "-"];
    cluster.kubectl_stdin(create, &list.to_string()).await.succeeded();
    let leaving = ["delete", "deployment", "leaving", "--wait=false", "-n", &namespace];
    cluster.kubectl(leaving).await.succeeded();

    register(&client, &Scope::default()).await;
    passes_only_what_it_should(&cluster, "default", &cases, &[WORKLOADS], |case| case.entry).await;

    let strict = Scope {
        opt_out: OptOut::Honoured,
        failures: BTreeMap::from([failure("scale=Fail").expect("an entry")]),
        ..Scope::default()
    };
    register(&client, &strict).await;
    // What the choices are about, and Deployments for all the rest.
    let about = |case: &Case| {
        ["scale ", "opted out", "/deployments"]
            .iter()
            .any(|part| case.what.contains(part))
    };
    let cases: Vec<Case> = cases.into_iter().filter(about).collect();
    let scales_up = |case: &Case| case.what.ends_with("scale up");
    let first = cases.iter().find(|case| scales_up(case)).expect("a scale");
    eventually("the new configuration", async || {
        let refusal = send(&client, "probe", first).await?;
        refusal.contains("scale.stateward.dev").then_some(())
    })
    .await;
    passes_only_what_it_should(&cluster, "strict", &cases, &[WORKLOADS, SCALE], |case| {
        if case.what.starts_with("opted out") {
            None
        } else {
            case.entry
        }
    })
    .await;
}

/// Sends every case, and compares what was refused, and all entries that it came through, with what is expected.
async fn passes_only_what_it_should(
    cluster: &ControlPlane,
    run: &str,
    cases: &[Case],
    failing: &[Reached],
    expected: impl Fn(&Case) -> Reached,
) {
    let client = cluster.client().await;
    let first = cases.iter().find(|case| expected(case) == WORKLOADS).expect("a case");
    eventually("the API server's use of the webhooks", async || {
        send(&client, "probe", first).await
    })
    .await;
    let mut refused = BTreeMap::new();
    for (number, case) in cases.iter().enumerate() {
        let refusal = send(&client, &format!("{run}-{number}"), case).await;
        let closed = expected(case).filter(|_| failing.contains(&expected(case)));
        // A condition that errors refuses too, but in other words than a call in vain.
        let as_expected = match (&refusal, closed) {
            (None, None) => true,
            (Some(text), Some(entry)) => text.contains(&format!("failed calling webhook \"{entry}\"")),
            _ => false,
        };
        assert!(
            as_expected,
            "{run}: {}: expected {:?}, got {refusal:?}",
            case.what,
            expected(case)
        );
        refused.insert(number, closed);
    }
    let in_vain = eventually("the audit events of all cases", async || {
        let found = in_vain(cluster, run);
        (found.len() == cases.len()).then_some(found)
    })
    .await;
    for (number, case) in cases.iter().enumerate() {
        let mut entries = in_vain[&number].clone();
        let sent_before = entries.remove(REFERENCE);
        entries.extend(refused[&number].map(str::to_owned));
        let expected = expected(case);
        let wanted: BTreeSet<String> = expected.map(str::to_owned).into_iter().collect();
        assert_eq!(entries, wanted, "{run}: {}", case.what);
        let of_workloads = ["workloads.stateward.dev", "advice.stateward.dev", "scale.stateward.dev"];
        let of_workloads = expected.is_some_and(|entry| of_workloads.contains(&entry));
        assert_eq!(sent_before, of_workloads, "{run}: {}: lost, or new", case.what);
    }
}

/// The validating entries that each case of a run passed through in vain, by its number.
fn in_vain(cluster: &ControlPlane, run: &str) -> BTreeMap<usize, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    for event in cluster.audit_log() {
        let uri = event["requestURI"].as_str().unwrap_or_default();
        let number = uri.split_once(&format!("case={run}-")).map(|(_, number)| number);
        if let Some(number) = number.and_then(|number| number.parse().ok()) {
            let annotations = event["annotations"].as_object().into_iter().flatten();
            let failed = annotations.filter(|(key, _)| key.starts_with("failed-open.validating."));
            let names = failed.filter_map(|(_, name)| name.as_str().map(str::to_owned));
            found.insert(number, names.collect());
        }
    }
    found
}

/// Sends a case as a dry run; returns why it was refused.
async fn send(client: &Client, tag: &str, case: &Case) -> Option<String> {
    let (content, body) = match case.method {
        "PATCH" => ("application/merge-patch+json", case.body.clone()),
        // Options in a body would make the API server forget that this is a dry run.
        "DELETE" => ("application/json", String::new()),
        _ => ("application/json", case.body.clone()),
    };
    let mut request = Request::builder()
        .method(case.method)
        .uri(format!("{}?dryRun=All&case={tag}", case.path))
        .header("content-type", content);
    if !case.user.is_empty() {
        // Who may do anything, under this name.
        request = request.header("impersonate-group", "system:masters");
        request = request.header("impersonate-user", case.user);
    }
    let request = request
        .body(body.into_bytes())
        .expect("invariant: written in this file");
    let error = client.request_text(request).await.err()?.to_string();
    assert!(error.contains("failed calling webhook"), "{}: {error}", case.what);
    Some(error)
}

/// Registers the entries with the failure policies of an installation and nobody behind them, and one that is sent all
/// that those for workloads are sent.
async fn register(client: &Client, scope: &Scope) {
    let endpoint = Endpoint::Service {
        namespace: NAMESPACE,
        ca: None,
        fail: FailurePolicy::Fail,
    };
    let Configurations {
        mut mutating,
        mut validating,
    } = Configurations::new(Kinds::builtin(), endpoint, scope);
    for webhook in mutating.webhooks.iter_mut().flatten() {
        webhook.client_config = nobody();
    }
    let webhooks = validating.webhooks.as_mut().expect("webhooks");
    webhooks.iter_mut().for_each(|webhook| webhook.client_config = nobody());
    let reference = reference(webhooks);
    let mut beside = ValidatingWebhookConfiguration {
        webhooks: Some(vec![reference]),
        ..ValidatingWebhookConfiguration::default()
    };
    beside.metadata.name = Some("reference".to_owned());
    let parameters = PatchParams::apply("test").force();
    let api: Api<ValidatingWebhookConfiguration> = Api::all(client.clone());
    api.patch("reference", &parameters, &Patch::Apply(&beside))
        .await
        .expect("accepted");
    Api::all(client.clone())
        .patch(NAME, &parameters, &Patch::Apply(&mutating))
        .await
        .map(|_: k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration| ())
        .expect("accepted");
    // Last: the API server learns of these in the order in which they were written.
    api.patch(NAME, &parameters, &Patch::Apply(&validating))
        .await
        .expect("accepted");
}

/// The entry for everything about workloads, whoever may deny it: `advice` without what keeps the others' share away.
fn reference(webhooks: &[ValidatingWebhook]) -> ValidatingWebhook {
    let advice = webhooks.iter().find(|webhook| webhook.name == "advice.stateward.dev");
    let mut reference = advice.expect("an entry").clone();
    reference.name = REFERENCE.to_owned();
    let shares = ["not-for-workloads", "not-more-replicas"];
    let conditions = reference.match_conditions.as_mut().expect("conditions");
    conditions.retain(|condition| !shares.contains(&&*condition.name));
    reference
}
