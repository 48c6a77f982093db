//! What exceptions make of a finding.

use super::basis::Basis;
use super::decision::{Exemption, Granted};
use crate::graph::{Labels, Shard, Workload};
use crate::policy::{Exception, Exceptions, Policies, Void};
use crate::time::Time;

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

/// Why an exception counts for nothing in its namespace; `None` where it counts. Of several workloads that it is meant
/// for, the one decides whose policies let most count; where it is meant for none yet, one without labels would.
#[must_use]
pub fn void_where_meant(exception: &Exception, shard: &Shard, policies: &Policies, time: Time) -> Option<Void> {
    let void = |labels: &Labels| {
        let settings = policies.resolve(&shard.namespace, shard.namespace_labels(), labels);
        let allowed = settings.map(|settings| settings.exceptions.clone()).unwrap_or_default();
        exception.void(&allowed, time)
    };
    let meant = shard.workloads().filter(|workload| exception.selects(workload));
    let lenience = |void: &Option<Void>| match void {
        None => 2,
        Some(Void::TooLong(_) | Void::Expired) => 1,
        Some(Void::Forbidden) => 0,
    };
    meant
        .map(|workload| void(&workload.labels))
        .max_by_key(lenience)
        .unwrap_or_else(|| void(&Labels::default()))
}
