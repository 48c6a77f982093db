//! From when until when the serving certificate holds, and the authority that signs it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// The two ends of the serving certificate's validity: what is left of it is a share, since some hold for a day and
/// others for years.
#[derive(Clone, Debug, Default)]
pub struct Validity {
    start: Gauge,
    expiry: Gauge,
}

impl Validity {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "stateward_certificate_start_timestamp_seconds",
            "Start of the serving certificate's validity",
            self.start.clone(),
        );
        registry.register(
            "stateward_certificate_expiry_timestamp_seconds",
            "End of the serving certificate's validity",
            self.expiry.clone(),
        );
    }

    /// Tells of the certificate that is served from now on, in Unix seconds.
    pub fn tell(&self, not_before: i64, not_after: i64) {
        self.start.set(not_before);
        self.expiry.set(not_after);
    }
}

/// The same of the authority that signs our own certificates; nothing is told where they are not our own.
#[derive(Clone, Debug, Default)]
pub struct AuthorityValidity {
    ends: Arc<Mutex<Option<(i64, i64)>>>,
}

impl AuthorityValidity {
    /// Tells of the authority that signs from now on, in Unix seconds.
    pub fn tell(&self, not_before: i64, not_after: i64) {
        *self.ends.lock().unwrap_or_else(PoisonError::into_inner) = Some((not_before, not_after));
    }
}

impl Collector for AuthorityValidity {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let ends = *self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((start, expiry)) = ends else {
            return Ok(());
        };
        let mut tell = |name, help, value: i64| {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            metric.encode_gauge(&value)
        };
        tell(
            "stateward_authority_start_timestamp_seconds",
            "Start of the validity of the authority that signs our own certificates",
            start,
        )?;
        tell(
            "stateward_authority_expiry_timestamp_seconds",
            "End of the validity of the authority that signs our own certificates",
            expiry,
        )
    }
}
