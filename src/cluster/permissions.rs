//! What an installation may write: Leases in its own namespace, reports and events everywhere, and the status of
//! policies and exceptions.

use k8s_openapi::api::rbac::v1::{PolicyRule, Role, RoleBinding, RoleRef, Subject};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// What is written into any namespace. Server-side apply needs `create` beside `patch`, and reads nothing.
const WRITTEN: [(&str, &str, &[&str]); 5] = [
    ("events.k8s.io", "events", &["create"]),
    ("openreports.io", "reports", &["create", "delete", "list", "patch"]),
    (
        "wgpolicyk8s.io",
        "policyreports",
        &["create", "delete", "list", "patch"],
    ),
    // Only of what is there, so that nothing is created.
    ("stateward.dev", "workloadpolicies/status", &["patch"]),
    ("stateward.dev", "workloadpolicyexceptions/status", &["patch"]),
];

/// What the replicas do with the Leases of their own namespace.
const LEASES: (&str, &str, &[&str]) = (
    "coordination.k8s.io",
    "leases",
    &["create", "delete", "get", "list", "patch", "update"],
);

/// The rules of what is written into any namespace.
pub(super) fn written() -> impl Iterator<Item = PolicyRule> {
    WRITTEN.into_iter().map(rule)
}

/// The role in our own namespace.
pub(super) fn role(metadata: ObjectMeta) -> Role {
    Role {
        metadata,
        rules: Some(vec![rule(LEASES)]),
    }
}

/// Who has it.
pub(super) fn role_binding(metadata: ObjectMeta, role: &str, subject: Subject) -> RoleBinding {
    RoleBinding {
        metadata,
        role_ref: RoleRef {
            api_group: Some("rbac.authorization.k8s.io".to_owned()),
            kind: "Role".to_owned(),
            name: role.to_owned(),
        },
        subjects: Some(vec![subject]),
    }
}

fn rule((group, resource, verbs): (&str, &str, &[&str])) -> PolicyRule {
    PolicyRule {
        api_groups: Some(vec![group.to_owned()]),
        resources: Some(vec![resource.to_owned()]),
        verbs: verbs.iter().map(|&verb| verb.to_owned()).collect(),
        ..PolicyRule::default()
    }
}
