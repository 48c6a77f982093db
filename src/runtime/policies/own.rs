//! What a cluster holds for us: objects of our own kinds, which are read and kept alike.

use serde_json::Value;

use crate::policy::resource::{EXCEPTIONS, KINDS, POLICIES, Resource};
use crate::policy::{self, Exception, Mistake, Policy, WorkloadKind, exception, workload_kind};
use crate::rules::RULES;

/// A policy, an exception or a declared kind.
pub(super) trait Own: Clone + PartialEq + Send + 'static {
    const RESOURCE: &'static Resource;

    /// Reads one.
    fn parse(object: &Value) -> Result<Self, Vec<Mistake>>;
}

impl Own for Policy {
    const RESOURCE: &'static Resource = &POLICIES;

    fn parse(object: &Value) -> Result<Self, Vec<Mistake>> {
        policy::parse(object, RULES)
    }
}

impl Own for Exception {
    const RESOURCE: &'static Resource = &EXCEPTIONS;

    fn parse(object: &Value) -> Result<Self, Vec<Mistake>> {
        exception::parse(object, RULES)
    }
}

impl Own for WorkloadKind {
    const RESOURCE: &'static Resource = &KINDS;

    fn parse(object: &Value) -> Result<Self, Vec<Mistake>> {
        workload_kind::parse(object)
    }
}

/// How people call an object: `baseline`, `shop/legacy`.
pub(super) fn title(object: &Value) -> Option<String> {
    let metadata = &object["metadata"];
    let name = metadata["name"].as_str()?;
    Some(match metadata["namespace"].as_str() {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name.to_owned(),
    })
}
