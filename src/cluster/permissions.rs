//! What an installation may write: Leases and the Secret of its authority in its own namespace, reports and events
//! everywhere, the status of policies, exceptions and kinds, and whom its own webhook configurations trust.

use k8s_openapi::api::rbac::v1::{PolicyRule, Role, RoleBinding, RoleRef, Subject};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::webhooks::{AUTHORITY_SECRET, NAME};

/// What is written into any namespace. Server-side apply needs `create` beside `patch`, and reads nothing.
const WRITTEN: [(&str, &str, &[&str]); 6] = [
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
    ("stateward.dev", "workloadkinds/status", &["patch"]),
];

/// What it takes to ask who bears a token and what they may.
const TOKENS: [(&str, &str, &[&str]); 2] = [
    ("authentication.k8s.io", "tokenreviews", &["create"]),
    ("authorization.k8s.io", "subjectaccessreviews", &["create"]),
];

/// What the replicas do with the Leases of their own namespace.
const LEASES: (&str, &str, &[&str]) = (
    "coordination.k8s.io",
    "leases",
    &["create", "delete", "get", "list", "patch", "update"],
);

/// What of its own an installation writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writes {
    /// What is found, and its certificates too.
    Certificates,
    /// What is found.
    Findings,
    /// What is found, and whom to trust.
    Trust,
}

/// The rules of what is written into any namespace.
pub(super) fn written() -> impl Iterator<Item = PolicyRule> {
    WRITTEN.into_iter().map(rule)
}

/// The rules of asking about tokens, where the dashboard is shown to those who bear one.
pub(super) fn tokens() -> impl Iterator<Item = PolicyRule> {
    TOKENS.into_iter().map(rule)
}

/// The role in our own namespace: of all Secrets the one of the authority. To create cannot be granted by name, since
/// the name is not known when it is asked for.
pub(super) fn role(metadata: ObjectMeta, writes: Writes) -> Role {
    let mut rules = vec![rule(LEASES)];
    if writes == Writes::Certificates {
        rules.push(rule(("", "secrets", &["create"])));
        rules.push(PolicyRule {
            resource_names: Some(vec![AUTHORITY_SECRET.to_owned()]),
            ..rule(("", "secrets", &["delete", "list", "update", "watch"]))
        });
    }
    Role {
        metadata,
        rules: Some(rules),
    }
}

/// The rule of our two webhook configurations: no others can be read or changed, and none created. Where others say there
/// whom to trust, we only look whether that fits.
pub(super) fn configurations(writes: Writes) -> PolicyRule {
    let resources = ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"];
    let verbs: &[&str] = match writes {
        Writes::Certificates | Writes::Trust => &["list", "patch", "watch"],
        Writes::Findings => &["list", "watch"],
    };
    PolicyRule {
        resources: Some(resources.map(str::to_owned).to_vec()),
        resource_names: Some(vec![NAME.to_owned()]),
        ..rule(("admissionregistration.k8s.io", "", verbs))
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
