//! What a cluster says of our objects, as a schema: nobody parses it, so that it is written as one.

use serde_json::{Value, json};

/// The status of a `WorkloadPolicy`.
pub(super) fn policy() -> Value {
    json!({
        "type": "object",
        "description": "What the cluster says of the policy.",
        "properties": {
            "conditions": conditions("Ready: every replica serves this policy."),
            "observedGeneration": count("The generation of the policy that the status is about."),
            "workloads": count("The workloads that the policy applied to at the last full audit."),
            "findings": {
                "type": "object",
                "description": "What was found in these workloads, by what follows from it.",
                "properties": {
                    "denied": count("Findings that would be denied."),
                    "warned": count("Findings that are warned about."),
                    "audited": count("Findings that are only recorded."),
                },
            },
            "lastFullAudit": time("When everything was last judged."),
        },
    })
}

/// The status of a `WorkloadPolicyException`.
pub(super) fn exception() -> Value {
    json!({
        "type": "object",
        "description": "What the cluster says of the exception.",
        "properties": {
            "conditions": conditions("Active: it counts."),
            "observedGeneration": count("The generation of the exception that the status is about."),
            "findings": count("Findings that it lets pass now."),
            "lastUsed": time("When a finding was last let pass by it."),
        },
    })
}

/// The status of a `WorkloadKind`.
pub(super) fn kind() -> Value {
    json!({
        "type": "object",
        "description": "What the cluster says of the kind.",
        "properties": {
            "conditions": conditions("Ready: objects of the kind are watched and judged."),
            "observedGeneration": count("The generation of the declaration that the status is about."),
        },
    })
}

/// `meta/v1` conditions, with the bounds that Kubernetes' own generator writes for them.
fn conditions(types: &str) -> Value {
    let text = |description: &str, longest: u32, pattern: &str| json!({"type": "string", "description": description, "maxLength": longest, "pattern": pattern});
    json!({
        "type": "array",
        "description": format!("The conditions of the object. {types}"),
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "required": ["type", "status", "lastTransitionTime", "reason", "message"],
            "properties": {
                "type": text(
                    "The type of the condition.",
                    316,
                    r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$",
                ),
                "status": {
                    "type": "string",
                    "description": "Whether the condition holds.",
                    "enum": ["True", "False", "Unknown"],
                },
                "observedGeneration": count("The generation of the object that the condition is about."),
                "lastTransitionTime": time("When the status of the condition last changed."),
                "reason": text("Why, in one word.", 1024, r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"),
                "message": {"type": "string", "description": "Why, for people.", "maxLength": 32768},
            },
        },
    })
}

fn count(description: &str) -> Value {
    json!({"type": "integer", "format": "int64", "minimum": 0, "description": description})
}

fn time(description: &str) -> Value {
    json!({"type": "string", "format": "date-time", "description": description})
}
