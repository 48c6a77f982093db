//! Good and bad policies, of which parser and schema say the same.

use serde_json::{Value, json};
use stateward::policy::{exception, parse};
use stateward::rules::RULES;

use super::validator::validate;
use super::{documents, for_editors, is_exception, of_exceptions};

/// Specs that are valid.
pub const GOOD: &[&str] = &[
    "{}",
    "{match: null, profile: null, priority: null, rules: null, overrides: null}",
    "{match: {}, rules: []}",
    "{profile: Strict, overrides: Forbidden, priority: -1000}",
    "{priority: 1000}",
    "{match: {namespaces: [shop, 'legacy-*', 'team-?', '*'], excludeNamespaces: []}}",
    "{match: {excludeNamespaces: ['*-test', 'a*b']}}",
    "{match: {namespaceSelector: {}, objectSelector: {matchLabels: {}, matchExpressions: []}}}",
    "{match: {namespaceSelector: {matchLabels: {a.b/c: ''}}}}",
    "{match: {objectSelector: {matchExpressions: [{key: a, operator: In, values: [b, c]}]}}}",
    "{match: {objectSelector: {matchExpressions: [{key: a, operator: NotIn, values: [b, b]}]}}}",
    "{match: {objectSelector: {matchExpressions: [{key: a, operator: Exists}, {key: a, operator: DoesNotExist}]}}}",
    "{rules: [{id: rwo-replicas}]}",
    "{rules: [{id: rwo-replicas, actions: null, mutation: null, parameters: null}]}",
    "{rules: [{id: rwo-replicas, actions: []}, {id: rwo-surge, actions: [Deny, Warn, Audit]}]}",
    "{rules: [{id: rwo-surge, actions: [Deny, Deny]}]}",
    "{rules: [{id: rwo-surge, mutation: Enabled, parameters: {strategy: NoSurge, local-provisioners: []}}]}",
    "{rules: [{id: claim-missing, parameters: {grace: 5m}}, {id: service-missing, parameters: {grace: 0s}}]}",
    "{rules: [{id: service-name-missing, mutation: Disabled, parameters: {fallback: None}}]}",
    "{rules: [{id: claim-template-storage, parameters: {min: 1024, max: 1.5Ti, storage: '1e3'}}]}",
    "{rules: [{id: claim-template-storage, parameters: {min: 100m, max: +1E, storage: .5Gi}}]}",
    "{rules: [{id: dangling-volume-mount, parameters: {injected: [a, b], storageClassName: fast}}]}",
    "{profile: Strict, enforceAfter: '2026-12-24T18:00:00+01:00'}",
    "{rules: [{id: rwo-surge, enforceAfter: '2026-12-24T18:00:00.5Z'}]}",
    "{exceptions: {allowed: false}}",
    "{exceptions: {allowed: true, maxDuration: 90d, namespaces: ['legacy-*']}}",
];

/// Specs that are not.
pub const BAD: &[&str] = &[
    "null",
    "[]",
    "strict",
    "{profil: Strict}",
    "{profile: strict}",
    "{profile: [Strict]}",
    "{overrides: true}",
    "{priority: '1'}",
    "{priority: 1.5}",
    "{priority: 1001}",
    "{priority: -1001}",
    "{match: []}",
    "{match: {namespace: [a]}}",
    "{match: {namespaces: shop}}",
    "{match: {namespaces: []}}",
    "{match: {namespaces: ['']}}",
    "{match: {namespaces: [Shop]}}",
    "{match: {namespaces: [a.b]}}",
    "{match: {namespaces: ['-a']}}",
    "{match: {namespaces: ['a-']}}",
    "{match: {namespaces: ['[a-z]']}}",
    "{match: {namespaces: [1]}}",
    "{match: {namespaces: [a, a]}}",
    "{match: {namespaces: [a23456789-123456789-123456789-123456789-123456789-123456789-1234]}}",
    "{match: {excludeNamespaces: ['!a']}}",
    "{match: {excludeNamespaces: [a, b, a]}}",
    "{match: {namespaceSelector: [a]}}",
    "{match: {namespaceSelector: {matchLabel: {}}}}",
    "{match: {namespaceSelector: {matchLabels: {a: 1}}}}",
    "{match: {namespaceSelector: {matchLabels: [a]}}}",
    "{match: {namespaceSelector: {matchExpressions: [{key: a, operator: Gt, values: ['1']}]}}}",
    "{match: {namespaceSelector: {matchExpressions: [{operator: Exists}]}}}",
    "{match: {namespaceSelector: {matchExpressions: [{key: a}]}}}",
    "{match: {namespaceSelector: {matchExpressions: [{key: a, operator: In, values: [1]}]}}}",
    "{match: {namespaceSelector: {matchExpressions: [{key: a, operator: In, value: b}]}}}",
    "{rules: {id: rwo-replicas}}",
    "{rules: [rwo-replicas]}",
    "{rules: [{id: rwo-replica}]}",
    "{rules: [{actions: [Deny]}]}",
    "{rules: [{id: null}]}",
    "{rules: [{id: rwo-replicas, action: [Deny]}]}",
    "{rules: [{id: rwo-replicas, actions: Deny}]}",
    "{rules: [{id: rwo-replicas, actions: [deny]}]}",
    "{rules: [{id: rwo-replicas, actions: [null]}]}",
    "{rules: [{id: rwo-replicas}, {id: rwo-replicas}]}",
    "{rules: [{id: rwo-surge, mutation: enabled}]}",
    "{rules: [{id: rwo-surge, parameters: []}]}",
    "{rules: [{id: rwo-surge, parameters: {strategie: Recreate}}]}",
    "{rules: [{id: rwo-surge, parameters: {strategy: recreate}}]}",
    "{rules: [{id: rwo-surge, parameters: {local-provisioners: a}}]}",
    "{rules: [{id: claim-template-storage, parameters: {min: 10 Gi}}]}",
    "{rules: [{id: claim-template-storage, parameters: {min: 10GiB}}]}",
    "{rules: [{id: claim-template-storage, parameters: {min: 1.5}}]}",
    "{rules: [{id: claim-template-storage, parameters: {min: [1]}}]}",
    "{rules: [{id: claim-missing, parameters: {grace: 60}}]}",
    "{rules: [{id: claim-missing, parameters: {grace: 1d}}]}",
    "{rules: [{id: dangling-volume-mount, parameters: {injected: [1]}}]}",
    "{enforceAfter: '2026-12-24'}",
    "{enforceAfter: tomorrow}",
    "{rules: [{id: rwo-surge, enforceAfter: '2026-12-24 18:00:00Z'}]}",
    "{exceptions: true}",
    "{exceptions: {}}",
    "{exceptions: {allowed: 'true'}}",
    "{exceptions: {allowed: true, maxDuration: 3 months}}",
    "{exceptions: {allowed: true, maxDuration: 0d}}",
    "{exceptions: {allowed: true, namespaces: []}}",
];

/// Specs of exceptions that are valid.
pub const GOOD_EXCEPTIONS: &[&str] = &[
    "{rules: [rwo-surge], match: {}, reason: a, owner: b, expiresAt: '2026-12-24T00:00:00Z'}",
    "{rules: [rwo-surge, rwo-job], match: {kinds: [Deployment, Pod], names: ['web-*', a.b], objectSelector: {}}, \
     reason: a b, owner: 'c, d', expiresAt: '2026-12-24T00:00:00-05:00'}",
    "{rules: [rwo-surge], match: {names: null, objectSelector: {matchLabels: {a: b}}}, reason: a, owner: b, \
     expiresAt: '2026-12-24T00:00:00Z'}",
];

/// Specs of exceptions that are not.
pub const BAD_EXCEPTIONS: &[&str] = &[
    "{}",
    "{match: {}, reason: a, owner: b, expiresAt: '2026-12-24T00:00:00Z'}",
    "{rules: [], match: {}, reason: a, owner: b, expiresAt: '2026-12-24T00:00:00Z'}",
    "{rules: [rwo], match: {}, reason: a, owner: b, expiresAt: '2026-12-24T00:00:00Z'}",
    "{rules: [rwo-job, rwo-job], match: {}, reason: a, owner: b, expiresAt: '2026-12-24T00:00:00Z'}",
    "{rules: [rwo-job], reason: a, owner: b, expiresAt: '2026-12-24T00:00:00Z'}",
    "{rules: [rwo-job], match: {names: []}, reason: a, owner: b, expiresAt: '2026-12-24T00:00:00Z'}",
    "{rules: [rwo-job], match: {names: [Web]}, reason: a, owner: b, expiresAt: '2026-12-24T00:00:00Z'}",
    "{rules: [rwo-job], match: {kinds: [Service]}, reason: a, owner: b, expiresAt: '2026-12-24T00:00:00Z'}",
    "{rules: [rwo-job], match: {namespaces: [a]}, reason: a, owner: b, expiresAt: '2026-12-24T00:00:00Z'}",
    "{rules: [rwo-job], match: {}, reason: REASON, owner: b, expiresAt: '2026-12-24T00:00:00Z'}",
    "{rules: [rwo-job], match: {}, reason: ' ', owner: b, expiresAt: '2026-12-24T00:00:00Z'}",
    "{rules: [rwo-job], match: {}, reason: a, expiresAt: '2026-12-24T00:00:00Z'}",
    "{rules: [rwo-job], match: {}, reason: a, owner: '', expiresAt: '2026-12-24T00:00:00Z'}",
    "{rules: [rwo-job], match: {}, reason: a, owner: b}",
    "{rules: [rwo-job], match: {}, reason: a, owner: b, expiresAt: '2026-12-24'}",
    "{rules: [rwo-job], match: {}, reason: a, owner: b, expiresAt: 60d}",
];

/// What depends on the rule or the operator: the parser knows it, and the API server by CEL, but no JSON Schema.
pub const BEYOND_A_SCHEMA: &[&str] = &[
    "{rules: [{id: rwo-replicas, mutation: Enabled}]}",
    "{rules: [{id: lost-default, mutation: Disabled}]}",
    "{rules: [{id: rwo-replicas, parameters: {strategy: Recreate}}]}",
    "{match: {namespaceSelector: {matchExpressions: [{key: a, operator: In}]}}}",
    "{match: {namespaceSelector: {matchExpressions: [{key: a, operator: In, values: []}]}}}",
    "{match: {namespaceSelector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}}}",
];

/// The policy of a spec.
pub fn policy(name: &str, spec: &str) -> Value {
    let spec: Value = serde_saphyr::from_str(spec).expect("YAML");
    json!({
        "apiVersion": "stateward.dev/v1alpha1",
        "kind": "WorkloadPolicy",
        "metadata": {"name": name},
        "spec": spec,
    })
}

/// The exception of a spec.
pub fn exception(name: &str, spec: &str) -> Value {
    let spec: Value = serde_saphyr::from_str(spec).expect("YAML");
    json!({
        "apiVersion": "stateward.dev/v1alpha1",
        "kind": "WorkloadPolicyException",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": spec,
    })
}

/// Compares what both say of exceptions with what is expected.
fn agree_on_exceptions(documents: &[Value], good: bool) {
    let schema = of_exceptions();
    for document in documents {
        let (parser, validator) = (exception::parse(document, RULES), validate(document, &schema));
        assert_eq!(parser.is_ok(), good, "the parser says {parser:?} of {document}");
        assert_eq!(validator.is_ok(), good, "the schema says {validator:?} of {document}");
    }
}

/// Compares what both say with what is expected of each.
fn agree(documents: &[Value], parsed: bool, valid: bool) {
    let schema = for_editors();
    for document in documents {
        let (parser, validator) = (parse(document, RULES), validate(document, &schema));
        assert_eq!(parser.is_ok(), parsed, "the parser says {parser:?} of {document}");
        assert_eq!(validator.is_ok(), valid, "the schema says {validator:?} of {document}");
    }
}

#[test]
fn parser_and_schema_say_the_same() {
    let policies = |specs: &[&str]| -> Vec<Value> { specs.iter().map(|spec| policy("a", spec)).collect() };
    agree(&policies(GOOD), true, true);
    agree(&policies(BAD), false, false);
    agree(&policies(BEYOND_A_SCHEMA), false, true);
    let exceptions = |specs: &[&str]| -> Vec<Value> { specs.iter().map(|spec| exception("a", spec)).collect() };
    agree_on_exceptions(&exceptions(GOOD_EXCEPTIONS), true);
    agree_on_exceptions(&exceptions(BAD_EXCEPTIONS), false);
    let whole = |text: &str| documents(text);
    agree(
        &whole(
            "{apiVersion: stateward.dev/v1alpha1, kind: WorkloadPolicy, metadata: {name: a, labels: {b: c}}, spec: {}, \
             status: {d: e}}",
        ),
        true,
        true,
    );
    for bad in [
        "{kind: WorkloadPolicy, metadata: {name: a}, spec: {}}",
        "{apiVersion: v1, kind: WorkloadPolicy, metadata: {name: a}, spec: {}}",
        "{apiVersion: stateward.dev/v1alpha1, kind: Policy, metadata: {name: a}, spec: {}}",
        "{apiVersion: stateward.dev/v1alpha1, kind: WorkloadPolicy, spec: {}}",
        "{apiVersion: stateward.dev/v1alpha1, kind: WorkloadPolicy, metadata: {}, spec: {}}",
        "{apiVersion: stateward.dev/v1alpha1, kind: WorkloadPolicy, metadata: {name: ''}, spec: {}}",
        "{apiVersion: stateward.dev/v1alpha1, kind: WorkloadPolicy, metadata: {name: a}, spec: {}, status: 1}",
        "{apiVersion: stateward.dev/v1alpha1, kind: WorkloadPolicy, metadata: {name: a}, spec: {}, specs: {}}",
        "{apiVersion: stateward.dev/v1alpha1, kind: WorkloadPolicy, metadata: {name: a}}",
        "[]",
    ] {
        agree(&whole(bad), false, false);
    }
}

#[test]
fn the_policies_in_this_repository_are_valid() {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("policies").expect("the folder") {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("UTF-8");
        found.extend(documents(&text));
    }
    for page in ["README.md", "docs/policies.md"] {
        let text = std::fs::read_to_string(page).expect("UTF-8");
        let blocks = text.split("\n```yaml\n").skip(1);
        let blocks = blocks.filter_map(|block| block.split("\n```\n").next());
        let ours = ["kind: WorkloadPolicy\n", "kind: WorkloadPolicyException\n"];
        let policies = blocks.filter(|block| ours.iter().any(|kind| block.contains(kind)));
        found.extend(policies.flat_map(documents));
    }
    let (exceptions, policies): (Vec<Value>, Vec<Value>) = found.into_iter().partition(is_exception);
    assert!(policies.len() > 10, "only {} policies were found", policies.len());
    agree(&policies, true, true);
    assert!(!exceptions.is_empty());
    agree_on_exceptions(&exceptions, true);
}
