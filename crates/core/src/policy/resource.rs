//! The kinds of ours that an API server serves: their names, and their CustomResourceDefinitions.

use serde_json::{Value, json};

use super::description::{API_VERSION, KIND, document};
use super::exception::description::{self as exception, KIND as EXCEPTION};
use super::openapi::{Form, schema};
use super::status;
use super::workload_kind::description::{self as workload_kind, KIND as WORKLOAD_KIND};
use crate::rules::kit::Rule;

/// A kind that an API server serves once it has its definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource {
    pub kind: &'static str,
    /// As in a URL.
    pub plural: &'static str,
    singular: &'static str,
    short: &'static str,
    scope: &'static str,
    /// One sentence for `kubectl explain`.
    summary: &'static str,
    columns: &'static [Column],
}

/// A column of `kubectl get`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Column {
    name: &'static str,
    of: &'static str,
    path: &'static str,
    description: &'static str,
}

/// `WorkloadPolicy`.
pub const POLICIES: Resource = Resource {
    kind: KIND,
    plural: "workloadpolicies",
    singular: "workloadpolicy",
    short: "wpol",
    scope: "Cluster",
    summary: "A policy says which workloads are judged, and what follows from a finding.",
    columns: &[
        Column {
            name: "Profile",
            of: "string",
            path: ".spec.profile",
            description: "The profile that states an action for every rule.",
        },
        Column {
            name: "Priority",
            of: "integer",
            path: ".spec.priority",
            description: "Of several policies that state one thing, the highest counts.",
        },
        Column {
            name: "Ready",
            of: "string",
            path: r#".status.conditions[?(@.type=="Ready")].status"#,
            description: "Whether every replica serves this policy.",
        },
        Column {
            name: "Denied",
            of: "integer",
            path: ".status.findings.denied",
            description: "Findings that would be denied.",
        },
        Column {
            name: "Warned",
            of: "integer",
            path: ".status.findings.warned",
            description: "Findings that are warned about.",
        },
        Column {
            name: "Age",
            of: "date",
            path: ".metadata.creationTimestamp",
            description: "The time since the policy was created.",
        },
    ],
};

/// `WorkloadPolicyException`.
pub const EXCEPTIONS: Resource = Resource {
    kind: EXCEPTION,
    plural: "workloadpolicyexceptions",
    singular: "workloadpolicyexception",
    short: "wpolex",
    scope: "Namespaced",
    summary: "An exception lets findings of some rules pass in workloads of its namespace, until a day, because somebody answers for it.",
    columns: &[
        Column {
            name: "Rules",
            of: "string",
            path: ".spec.rules",
            description: "The rules whose findings are let pass.",
        },
        Column {
            name: "Owner",
            of: "string",
            path: ".spec.owner",
            description: "Who answers for it.",
        },
        Column {
            name: "Expires",
            of: "string",
            path: ".spec.expiresAt",
            description: "The moment from which on it counts no more.",
        },
        Column {
            name: "Active",
            of: "string",
            path: r#".status.conditions[?(@.type=="Active")].status"#,
            description: "Whether it counts.",
        },
        Column {
            name: "Used",
            of: "integer",
            path: ".status.findings",
            description: "Findings that it lets pass now.",
        },
    ],
};

/// `WorkloadKind`.
pub const KINDS: Resource = Resource {
    kind: WORKLOAD_KIND,
    plural: "workloadkinds",
    singular: "workloadkind",
    short: "wkind",
    scope: "Cluster",
    summary: "A kind of workload that is not built into Kubernetes, and where its fields stand.",
    columns: &[
        Column {
            name: "Kind",
            of: "string",
            path: ".spec.kind",
            description: "The kind that is declared.",
        },
        Column {
            name: "Group",
            of: "string",
            path: ".spec.group",
            description: "Its API group.",
        },
        Column {
            name: "Ready",
            of: "string",
            path: r#".status.conditions[?(@.type=="Ready")].status"#,
            description: "Whether its objects are watched and judged.",
        },
        Column {
            name: "Age",
            of: "date",
            path: ".metadata.creationTimestamp",
            description: "The time since it was declared.",
        },
    ],
};

/// All of them.
pub const ALL: [&Resource; 3] = [&POLICIES, &EXCEPTIONS, &KINDS];

/// The definitions of all of them over these rules, in the order in which they are applied.
#[must_use]
pub fn definitions(rules: &[&Rule]) -> Vec<Value> {
    let mut policy = schema(&document(rules), Form::Cluster);
    policy["properties"]["status"] = status::policy();
    let mut excepted = schema(&exception::document(rules), Form::Cluster);
    excepted["properties"]["status"] = status::exception();
    let mut kind = schema(&workload_kind::document(), Form::Cluster);
    kind["properties"]["status"] = status::kind();
    vec![
        POLICIES.definition(policy),
        EXCEPTIONS.definition(excepted),
        KINDS.definition(kind),
    ]
}

impl Resource {
    /// The name of its definition.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}.{}", self.plural, group())
    }

    fn definition(&self, mut schema: Value) -> Value {
        schema["description"] = self.summary.into();
        let columns = self.columns.iter().map(|column| {
            json!({
                "name": column.name,
                "type": column.of,
                "jsonPath": column.path,
                "description": column.description,
            })
        });
        json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": self.name(), "labels": {"app.kubernetes.io/name": "stateward"}},
            "spec": {
                "group": group(),
                "scope": self.scope,
                "names": {
                    "kind": self.kind,
                    "listKind": format!("{}List", self.kind),
                    "plural": self.plural,
                    "singular": self.singular,
                    "shortNames": [self.short],
                    "categories": ["stateward"],
                },
                "versions": [{
                    "name": version(),
                    "served": true,
                    "storage": true,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": columns.collect::<Vec<_>>(),
                    "schema": {"openAPIV3Schema": schema},
                }],
            },
        })
    }
}

/// The API group of all of them.
#[must_use]
pub fn group() -> &'static str {
    API_VERSION.split_once('/').map_or(API_VERSION, |(group, _)| group)
}

/// The API version of all of them, without the group.
#[must_use]
pub fn version() -> &'static str {
    API_VERSION.split_once('/').map_or("", |(_, version)| version)
}
