//! The Prometheus metrics, their names and their closed label sets, in one place.

use std::fmt;
use std::sync::{Arc, OnceLock};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Upper bounds of the request duration buckets in seconds: fine where a healthy answer lies (tens of microseconds),
/// and up to the 5 s after which the API server gives up on us.
const DURATION_BUCKETS: [f64; 13] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0,
];

/// Every metric of the process; shared by reference, cheap to write.
///
/// The names are a contract with dashboards and alerts.
/// Counters are registered without `_total`: the encoder appends it.
#[derive(Debug)]
pub struct Metrics {
    /// `stateward_certificate_expiry_timestamp_seconds`: end of the serving certificate's validity, in Unix seconds.
    pub certificate_expiry: Gauge,
    /// `stateward_graph_objects{kind}`: objects in the graph.
    pub graph_objects: Observed,
    /// `stateward_incomplete_decisions_total`: decisions made without a fact that a rule wanted.
    pub incomplete_decisions: Counter,
    /// `stateward_policy_reload_failures_total`: changed policies that were refused, the last good ones staying.
    pub policy_reload_failures: Counter,
    /// `stateward_reservations`: admitted workloads that the watch has not delivered yet.
    pub reservations: Computed,
    /// `stateward_watch_age_seconds{kind}`: seconds since the watch of a kind last showed life.
    pub watch_age: Observed,
    findings: Family<FindingLabels, Counter>,
    live_reads: Family<LiveReadLabels, Counter>,
    mutate_duration: Histogram,
    patches: Family<RuleLabel, Counter>,
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    unknown_lookups: Family<KindLabel, Counter>,
    validate_duration: Histogram,
}

impl Metrics {
    /// Returns all metrics, registered and at zero.
    pub fn new() -> Self {
        let durations = Family::<WebhookLabel, Histogram, fn() -> Histogram>::new_with_constructor(|| {
            Histogram::new(DURATION_BUCKETS)
        });
        let duration_of = |webhook| durations.get_or_create_owned(&WebhookLabel { webhook });
        let mut metrics = Self {
            certificate_expiry: Gauge::default(),
            graph_objects: Observed::new("stateward_graph_objects", "Objects in the graph"),
            incomplete_decisions: Counter::default(),
            policy_reload_failures: Counter::default(),
            reservations: Computed {
                name: "stateward_reservations",
                help: "Admitted workloads that the watch has not delivered yet",
                source: Arc::default(),
            },
            watch_age: Observed::new(
                "stateward_watch_age_seconds",
                "Seconds since the watch of this kind last delivered an event, a bookmark or a list",
            ),
            findings: Family::default(),
            live_reads: Family::default(),
            mutate_duration: duration_of(Webhook::Mutate),
            patches: Family::default(),
            registry: Registry::default(),
            requests: Family::default(),
            unknown_lookups: Family::default(),
            validate_duration: duration_of(Webhook::Validate),
        };
        let registry = &mut metrics.registry;
        registry.register(
            "stateward_requests",
            "Admission requests answered",
            metrics.requests.clone(),
        );
        registry.register(
            "stateward_findings",
            "Findings in admission requests",
            metrics.findings.clone(),
        );
        registry.register(
            "stateward_request_duration_seconds",
            "Time from a request's head to its answer",
            durations,
        );
        registry.register(
            "stateward_unknown_lookups",
            "Look-ups that found a kind's facts unknown",
            metrics.unknown_lookups.clone(),
        );
        registry.register(
            "stateward_incomplete_decisions",
            "Decisions made without a fact that a rule wanted",
            metrics.incomplete_decisions.clone(),
        );
        registry.register(
            "stateward_live_reads",
            "Objects asked of the API server while deciding",
            metrics.live_reads.clone(),
        );
        registry.register(
            "stateward_patches",
            "Defaults written into objects",
            metrics.patches.clone(),
        );
        registry.register(
            "stateward_policy_reload_failures",
            "Changed policies that were refused",
            metrics.policy_reload_failures.clone(),
        );
        registry.register(
            "stateward_certificate_expiry_timestamp_seconds",
            "End of the serving certificate's validity",
            metrics.certificate_expiry.clone(),
        );
        registry.register_collector(Box::new(metrics.graph_objects.clone()));
        registry.register_collector(Box::new(metrics.reservations.clone()));
        registry.register_collector(Box::new(metrics.watch_age.clone()));
        metrics
    }

    /// Counts an answered request and the seconds it took.
    pub fn request(&self, webhook: Webhook, operation: Operation, decision: Decision, seconds: f64) {
        let labels = RequestLabels {
            webhook,
            operation,
            decision,
        };
        self.requests.get_or_create(&labels).inc();
        match webhook {
            Webhook::Mutate => self.mutate_duration.observe(seconds),
            Webhook::Validate => self.validate_duration.observe(seconds),
        }
    }

    /// Counts a finding by the rule's id and the action taken on it.
    pub fn finding(&self, rule: &'static str, action: &'static str) {
        self.findings.get_or_create(&FindingLabels { rule, action }).inc();
    }

    /// Counts a look-up that found the facts of a kind unknown.
    pub fn unknown_lookup(&self, kind: &'static str) {
        self.unknown_lookups.get_or_create(&KindLabel { kind }).inc();
    }

    /// Counts a read of one object (or one list) from the API server while a request waited.
    pub fn live_read(&self, kind: &'static str, result: LiveRead) {
        self.live_reads.get_or_create(&LiveReadLabels { kind, result }).inc();
    }

    /// Counts a default that a rule wrote into an object.
    pub fn patch(&self, rule: &'static str) {
        self.patches.get_or_create(&RuleLabel { rule }).inc();
    }

    /// Returns all metrics as OpenMetrics text.
    ///
    /// # Errors
    /// None in practice: writing to a string cannot fail.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::with_capacity(8 * 1024);
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// Reads the present values of a metric, one a kind.
type Source = Box<dyn Fn() -> Vec<(&'static str, f64)> + Send + Sync>;

/// A gauge by kind whose values are computed when they are scraped, such as an age.
#[derive(Clone)]
pub struct Observed {
    name: &'static str,
    help: &'static str,
    source: Arc<OnceLock<Source>>,
}

impl Observed {
    fn new(name: &'static str, help: &'static str) -> Self {
        Self {
            name,
            help,
            source: Arc::default(),
        }
    }

    /// Sets where the values come from; only the first call counts, because there is one owner.
    /// The source is called at every scrape and must not block.
    pub fn observe(&self, source: impl Fn() -> Vec<(&'static str, f64)> + Send + Sync + 'static) {
        let first = self.source.set(Box::new(source)).is_ok();
        debug_assert!(first, "{} is observed twice", self.name);
    }
}

impl Collector for Observed {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(source) = self.source.get() else {
            return Ok(());
        };
        let mut metric = encoder.encode_descriptor(self.name, self.help, None, MetricType::Gauge)?;
        for (kind, value) in source() {
            metric.encode_family(&KindLabel { kind })?.encode_gauge(&value)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observed")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A gauge whose value is computed when it is scraped.
#[derive(Clone)]
pub struct Computed {
    name: &'static str,
    help: &'static str,
    source: Arc<OnceLock<Box<dyn Fn() -> u64 + Send + Sync>>>,
}

impl Computed {
    /// Sets where the value comes from; only the first call counts, because there is one owner.
    /// The source is called at every scrape and must not block.
    pub fn observe(&self, source: impl Fn() -> u64 + Send + Sync + 'static) {
        let first = self.source.set(Box::new(source)).is_ok();
        debug_assert!(first, "{} is observed twice", self.name);
    }
}

impl Collector for Computed {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(source) = self.source.get() else {
            return Ok(());
        };
        encoder
            .encode_descriptor(self.name, self.help, None, MetricType::Gauge)?
            .encode_gauge(&source())
    }
}

impl fmt::Debug for Computed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Computed")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Gives a closed set of label values: the variants and the texts they are written as.
macro_rules! label_values {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl EncodeLabelValue for $name {
            fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
                let text = match self {
                    $(Self::$variant => $text,)+
                };
                EncodeLabelValue::encode(&text, encoder)
            }
        }
    };
}

label_values! {
    /// The answer to a request.
    Decision {
        /// Allowed, nothing to say.
        Allow = "allow",
        /// Refused by a rule.
        Deny = "deny",
        /// We failed (a panic, an unreadable object, a passed deadline) and answered as `--on-error` wants.
        Error = "error",
        /// Allowed with defaults written in.
        Patch = "patch",
        /// Allowed with warnings.
        Warn = "warn",
    }
}

label_values! {
    /// How a read from the API server ended.
    LiveRead {
        /// The object does not exist.
        Absent = "absent",
        /// The API server refused or failed.
        Error = "error",
        /// The object exists.
        Found = "found",
        /// Too many reads were already under way.
        Skipped = "skipped",
        /// No answer in time.
        Timeout = "timeout",
    }
}

label_values! {
    /// The operation of an admission request; what is none of the four verbs is `other`.
    Operation {
        /// CREATE
        Create = "create",
        /// DELETE
        Delete = "delete",
        /// CONNECT, or a body without a readable request.
        Other = "other",
        /// UPDATE
        Update = "update",
    }
}

label_values! {
    /// The webhook that was asked.
    Webhook {
        /// `/mutate`
        Mutate = "mutate",
        /// `/validate`
        Validate = "validate",
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct FindingLabels {
    rule: &'static str,
    action: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct KindLabel {
    kind: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct LiveReadLabels {
    kind: &'static str,
    result: LiveRead,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct RequestLabels {
    webhook: Webhook,
    operation: Operation,
    decision: Decision,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct RuleLabel {
    rule: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct WebhookLabel {
    webhook: Webhook,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_labels_are_the_contract() {
        let metrics = Metrics::new();
        metrics.request(Webhook::Validate, Operation::Create, Decision::Deny, 0.000_07);
        metrics.finding("rwo-replicas", "deny");
        metrics.unknown_lookup("PersistentVolumeClaim");
        metrics.live_read("Service", LiveRead::Timeout);
        metrics.patch("rwo-surge");
        metrics.incomplete_decisions.inc();
        metrics.policy_reload_failures.inc();
        metrics.reservations.observe(|| 3);
        metrics.certificate_expiry.set(1_800_000_000);
        metrics
            .graph_objects
            .observe(|| vec![("Deployment", 12.0), ("Service", 7.0)]);
        metrics.watch_age.observe(|| vec![("Service", 1.5)]);

        let text = metrics.encode().unwrap();
        for line in [
            r#"stateward_requests_total{webhook="validate",operation="create",decision="deny"} 1"#,
            r#"stateward_findings_total{rule="rwo-replicas",action="deny"} 1"#,
            r#"stateward_request_duration_seconds_bucket{le="0.0001",webhook="validate"} 1"#,
            r#"stateward_request_duration_seconds_count{webhook="validate"} 1"#,
            r#"stateward_request_duration_seconds_count{webhook="mutate"} 0"#,
            r#"stateward_unknown_lookups_total{kind="PersistentVolumeClaim"} 1"#,
            "stateward_incomplete_decisions_total 1",
            r#"stateward_live_reads_total{kind="Service",result="timeout"} 1"#,
            "stateward_reservations 3",
            r#"stateward_patches_total{rule="rwo-surge"} 1"#,
            "stateward_policy_reload_failures_total 1",
            "stateward_certificate_expiry_timestamp_seconds 1800000000",
            r#"stateward_graph_objects{kind="Deployment"} 12.0"#,
            r#"stateward_watch_age_seconds{kind="Service"} 1.5"#,
        ] {
            assert!(text.lines().any(|l| l == line), "no {line:?} in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn an_age_is_computed_at_every_scrape() {
        let metrics = Metrics::new();
        assert!(!metrics.encode().unwrap().contains("watch_age"));
        let scrapes = std::sync::atomic::AtomicU32::new(0);
        metrics.watch_age.observe(move || {
            let n = scrapes.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            vec![("Service", f64::from(n))]
        });
        assert!(metrics.encode().unwrap().contains(r#"{kind="Service"} 0.0"#));
        assert!(metrics.encode().unwrap().contains(r#"{kind="Service"} 1.0"#));
    }
}
