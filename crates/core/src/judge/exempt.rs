//! What exceptions make of a finding.

use super::basis::Basis;
use super::decision::{Exemption, Granted};
use crate::graph::Workload;
use crate::policy::Exceptions;

/// What the exceptions of its namespace say of what `rule` finds in a workload, where policies let `allowed` count. Of
/// several, one that counts, and of those the one that ends last.
pub(super) fn exemption(
    rule: &str,
    workload: &Workload,
    namespace: &str,
    allowed: &Exceptions,
    basis: &Basis<'_>,
) -> Option<Exemption> {
    let exceptions = basis.policies.exceptions(namespace).iter();
    let meant = exceptions.filter(|exception| exception.is_meant_for(rule, workload));
    let weighed = meant.map(|exception| (exception.void(allowed, basis.time), exception));
    let (void, exception) = weighed.max_by_key(|(void, exception)| (void.is_none(), exception.expires))?;
    Some(match void {
        Some(void) => Exemption::Void(exception.told(void)),
        None => Exemption::Granted(Granted {
            exception: exception.title(),
            owner: exception.owner.clone(),
            reason: exception.reason.clone(),
            expires: exception.expires,
        }),
    })
}
