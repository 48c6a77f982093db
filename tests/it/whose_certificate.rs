//! Installing with a certificate of others: what `stateward manifests` prints, by who says whom to trust.

use serde_json::Value;

use crate::install::{entries, kind, objects, stateward};

#[test]
fn cert_manager_fills_the_secret_that_is_mounted_and_writes_the_bundle() {
    let objects = objects(&stateward(&["manifests", "--cert-manager=ClusterIssuer/ca", "--namespace=guard"]).stdout);
    let certificate = kind(&objects, "Certificate");
    let pod = &kind(&objects, "Deployment")["spec"]["template"]["spec"];
    assert_eq!(
        pod["volumes"][0]["secret"]["secretName"],
        certificate["spec"]["secretName"]
    );
    assert_eq!(
        certificate["spec"]["dnsNames"],
        serde_json::json!(["stateward.guard.svc"])
    );
    assert_eq!(
        certificate["spec"]["issuerRef"],
        serde_json::json!({"kind": "ClusterIssuer", "name": "ca"})
    );
    let name = certificate["metadata"]["name"].as_str().expect("a name");
    for configuration in ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"] {
        let annotations = &kind(&objects, configuration)["metadata"]["annotations"];
        assert_eq!(annotations["cert-manager.io/inject-ca-from"], format!("guard/{name}"));
    }
    assert!(
        entries(&objects)
            .iter()
            .all(|(_, policy, bundle)| policy == "Ignore" && bundle.is_null())
    );
    // What it need not do, it may not: it looks whom its configurations trust, and changes nothing.
    may(&objects, &["list", "watch"]);
}

/// Asserts that no Secret may be read, and what may be done with the configurations.
fn may(objects: &[Value], verbs: &[&str]) {
    for role in ["Role", "ClusterRole"] {
        let rules = &kind(objects, role)["rules"];
        assert!(!rules.to_string().contains("secrets"), "{role}");
        for rule in rules.as_array().expect("rules") {
            if rule["apiGroups"][0] == "admissionregistration.k8s.io" {
                assert_eq!(rule["verbs"], serde_json::json!(verbs));
                assert_eq!(rule["resourceNames"], serde_json::json!(["stateward"]));
            }
        }
    }
}

#[test]
fn where_the_secret_says_who_signed_the_replicas_write_whom_to_trust() {
    let objects = objects(&stateward(&["manifests", "--ca-from-secret"]).stdout);
    assert!(entries(&objects).iter().all(|(_, _, bundle)| bundle.is_null()));
    may(&objects, &["list", "patch", "watch"]);
    for [one, other] in [
        ["--cert-manager=ca", "--ca-bundle=ca.crt"],
        ["--cert-manager=ca", "--ca-from-secret"],
        ["--ca-from-secret", "--ca-bundle=ca.crt"],
    ] {
        let both = stateward(&["manifests", one, other]);
        assert_eq!(both.status.code(), Some(2), "{one} {other}");
    }
}
