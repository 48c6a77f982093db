//! Leases of `coordination.k8s.io/v1`, as we write them.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;

/// By which all Leases of an installation can be listed.
pub(super) const NAME_LABEL: (&str, &str) = ("app.kubernetes.io/name", "stateward");
/// What a Lease is for: `leader` or `replica`.
pub(super) const COMPONENT: &str = "app.kubernetes.io/component";

/// For how long an API server may keep us waiting before we ask again.
pub(super) const ANSWER: Duration = Duration::from_secs(3);

/// What the annotations of a Lease say.
pub(super) type Annotations = BTreeMap<String, String>;

/// A Lease of this name, for this purpose.
pub(super) fn named(name: &str, component: &str, spec: LeaseSpec) -> Lease {
    let labels = [NAME_LABEL, (COMPONENT, component)];
    Lease {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
            ..ObjectMeta::default()
        },
        spec: Some(spec),
    }
}

/// A spec that says who holds it from now on.
pub(super) fn held(identity: &str, duration: Duration) -> LeaseSpec {
    LeaseSpec {
        holder_identity: Some(identity.to_owned()),
        lease_duration_seconds: i32::try_from(duration.as_secs()).ok(),
        renew_time: Some(now()),
        ..LeaseSpec::default()
    }
}

/// For people to read: nothing is decided by it.
pub(super) fn now() -> MicroTime {
    MicroTime(Timestamp::now())
}
