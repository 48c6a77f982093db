//! From when until when the serving certificate holds.

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
