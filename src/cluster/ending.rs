//! Whether the API server refused a write because the place that it was for is gone, or going.

use kube::core::Status;

/// What it says of a namespace that is being deleted (`NamespaceTerminatingCause` of `k8s.io/api`).
const TERMINATING: &str = "NamespaceTerminating";

/// Whether nobody is left to write to: that is no failure.
#[must_use]
pub fn is_ending(status: &Status) -> bool {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    status.is_not_found() || causes.into_iter().any(|cause| cause.reason == TERMINATING)
}
