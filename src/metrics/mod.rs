//! The Prometheus metrics, their names and their closed label sets, in one place.

mod audit;
mod counters;
mod labels;
mod plain;
mod reloads;
mod scraped;
mod sent;
mod traffic;
mod validity;

use std::fmt;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::rules::kit::{Action, Rule};
pub use audit::Audit;
use counters::Counters;
pub use labels::{End, EventFate, LiveRead, Outcome, Port, Refusal, Reloaded, ReportFate, SentFate, Verb, Webhook};
use labels::{
    EndLabels, FindingLabels, KindLabel, LiveReadLabels, ReloadLabels, RequestLabels, RuleLabel, WebhookLabel,
};
pub use reloads::Reloads;
pub use scraped::{Computed, Observed};
pub use sent::{Fates, Sent};
pub use traffic::Traffic;
pub use validity::{AuthorityValidity, Validity};

/// Upper bounds of the request duration buckets in seconds: fine where a healthy answer lies (tens of microseconds),
/// and up to the 5 s after which the API server gives up on us.
const DURATION_BUCKETS: [f64; 13] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0,
];

type Durations = Family<WebhookLabel, Histogram, fn() -> Histogram>;

/// Every metric of the process; shared by reference, cheap to write.
///
/// The names are a contract with dashboards and alerts.
/// Counters are registered without `_total`: the encoder appends it.
#[derive(Debug)]
pub struct Metrics {
    /// What is told of the audit, and of what it writes into the cluster.
    pub audit: Audit,
    /// `stateward_authority_{start,expiry}_timestamp_seconds`: the validity of our own authority, in Unix seconds.
    pub authority: AuthorityValidity,
    /// `stateward_body_bytes`: bytes of request bodies that are held at present.
    pub body_bytes: Computed,
    /// `stateward_certificate_{start,expiry}_timestamp_seconds`: the serving certificate's validity, in Unix seconds.
    pub certificate: Validity,
    /// `stateward_exceptions{state}`: exceptions, by what the date makes of them.
    pub exceptions: Observed<1>,
    /// `stateward_graph_objects{kind}`: objects in the graph.
    pub graph_objects: Observed<1>,
    /// `stateward_incomplete_decisions_total`: decisions made without a fact that a rule wanted.
    pub incomplete_decisions: Counter,
    /// `stateward_policy_reload_failures_total`: changed policies that were refused, the last good ones staying.
    pub policy_reload_failures: Counter,
    /// `stateward_policies{state}`: policies, by what becomes of them.
    pub policies: Observed<1>,
    /// `stateward_reservations`: admitted workloads that the watch has not delivered yet.
    pub reservations: Computed,
    /// What is told of what is sent to collectors.
    pub sent: Sent,
    /// `stateward_watch_age_seconds{kind}`: seconds since the watch of a kind last showed life.
    pub watch_age: Observed<1>,
    connections_ended: Counters<EndLabels>,
    findings: Counters<FindingLabels>,
    live_reads: Family<LiveReadLabels, Counter>,
    mutate_duration: Histogram,
    patches: Counters<RuleLabel>,
    policies_duration: Histogram,
    refused_bodies: Counter,
    registry: Registry,
    reloads_refused: Family<ReloadLabels, Gauge>,
    requests: Counters<RequestLabels>,
    /// The ids of the rules, sorted: a rule's place.
    rules: Box<[&'static str]>,
    unknown_lookups: Family<KindLabel, Counter>,
    validate_duration: Histogram,
}

impl Metrics {
    /// Returns all metrics, registered and at zero; findings and patches are counted of these rules.
    pub fn new(rules: &[&Rule]) -> Self {
        let mut rules: Box<[&'static str]> = rules.iter().map(|rule| rule.id).collect();
        rules.sort_unstable();
        let durations = Durations::new_with_constructor(|| Histogram::new(DURATION_BUCKETS));
        let duration_of = |webhook| durations.get_or_create_owned(&WebhookLabel { webhook });
        let mut metrics = Self {
            audit: Audit::new(),
            authority: AuthorityValidity::default(),
            body_bytes: Computed::new("stateward_body_bytes", "Bytes of request bodies that are held"),
            certificate: Validity::default(),
            exceptions: Observed::new(
                "stateward_exceptions",
                "Exceptions from policies, by what the date makes of them",
                ["state"],
            ),
            graph_objects: Observed::new("stateward_graph_objects", "Objects in the graph", ["kind"]),
            incomplete_decisions: Counter::default(),
            policy_reload_failures: Counter::default(),
            policies: Observed::new("stateward_policies", "Policies, by what becomes of them", ["state"]),
            reservations: Computed::new(
                "stateward_reservations",
                "Admitted workloads that the watch has not delivered yet",
            ),
            sent: Sent::new(),
            watch_age: Observed::new(
                "stateward_watch_age_seconds",
                "Seconds since the watch of this kind last delivered an event, a bookmark or a list",
                ["kind"],
            ),
            connections_ended: Counters::new(EndLabels::all()),
            findings: Counters::new(rules.iter().flat_map(|rule| FindingLabels::of(rule))),
            live_reads: Family::default(),
            mutate_duration: duration_of(Webhook::Mutate),
            patches: Counters::new(rules.iter().map(|rule| RuleLabel { rule })),
            policies_duration: duration_of(Webhook::Policies),
            refused_bodies: Counter::default(),
            registry: Registry::default(),
            reloads_refused: Family::default(),
            requests: Counters::new(RequestLabels::all()).told_from_zero(RequestLabels::alarming),
            rules,
            unknown_lookups: Family::default(),
            validate_duration: duration_of(Webhook::Validate),
        };
        metrics.register(durations);
        metrics
    }

    /// Registers every metric, in the order in which they are told.
    fn register(&mut self, durations: Durations) {
        let registry = &mut self.registry;
        registry.register(
            "stateward_requests",
            "Admission requests answered",
            self.requests.clone(),
        );
        registry.register(
            "stateward_findings",
            "Findings in admission requests",
            self.findings.clone(),
        );
        registry.register(
            "stateward_request_duration_seconds",
            "Time from a request's head to its answer",
            durations,
        );
        registry.register(
            "stateward_unknown_lookups",
            "Look-ups that found a kind's facts unknown",
            self.unknown_lookups.clone(),
        );
        registry.register(
            "stateward_incomplete_decisions",
            "Decisions made without a fact that a rule wanted",
            self.incomplete_decisions.clone(),
        );
        registry.register(
            "stateward_live_reads",
            "Objects asked of the API server while deciding",
            self.live_reads.clone(),
        );
        registry.register(
            "stateward_patches",
            "Defaults written into objects",
            self.patches.clone(),
        );
        registry.register(
            "stateward_policy_reload_failures",
            "Changed policies that were refused",
            self.policy_reload_failures.clone(),
        );
        registry.register(
            "stateward_reload_refused",
            "1 at the reasons for which files, or the cluster's policies, are not in force, the last good ones staying",
            self.reloads_refused.clone(),
        );
        self.certificate.register(registry);
        registry.register_collector(Box::new(self.authority.clone()));
        registry.register(
            "stateward_connections_ended",
            "Connections that the server ended, by why",
            self.connections_ended.clone(),
        );
        registry.register(
            "stateward_bodies_refused",
            "Request bodies that found no room",
            self.refused_bodies.clone(),
        );
        registry.register_collector(Box::new(self.body_bytes.clone()));
        registry.register_collector(Box::new(self.exceptions.clone()));
        registry.register_collector(Box::new(self.graph_objects.clone()));
        registry.register_collector(Box::new(self.policies.clone()));
        registry.register_collector(Box::new(self.reservations.clone()));
        registry.register_collector(Box::new(self.watch_age.clone()));
        registry.register(
            "stateward_build",
            "What is running",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        self.audit.register(registry);
        self.sent.register(registry);
    }

    /// Counts an answered request and the seconds it took.
    pub fn request(&self, webhook: Webhook, operation: Verb, decision: Outcome, seconds: f64) {
        let labels = RequestLabels {
            webhook,
            operation,
            decision,
        };
        self.requests.increment(labels.place());
        match webhook {
            Webhook::Mutate => self.mutate_duration.observe(seconds),
            Webhook::Policies => self.policies_duration.observe(seconds),
            Webhook::Validate => self.validate_duration.observe(seconds),
        }
    }

    /// How many requests were answered so far.
    pub fn answered(&self) -> u64 {
        self.requests.sum()
    }

    /// What tells of something that is read again and again.
    pub fn reloads(&self, what: Reloaded) -> Reloads {
        Reloads {
            what,
            refused: self.reloads_refused.clone(),
        }
    }

    /// What counts the connections to a port.
    pub fn traffic(&self, port: Port) -> Traffic {
        Traffic {
            refused_bodies: self.refused_bodies.clone(),
            ended: self.connections_ended.clone(),
            port,
        }
    }

    /// Counts a finding by the rule's id and the action taken on it.
    pub fn finding(&self, rule: &'static str, action: Action) {
        if let Some(place) = self.place(rule) {
            self.findings.increment(FindingLabels::place(place, action));
        }
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
        if let Some(place) = self.place(rule) {
            self.patches.increment(place);
        }
    }

    /// A rule's place among those that are counted.
    fn place(&self, rule: &'static str) -> Option<usize> {
        let place = self.rules.binary_search(&rule).ok();
        debug_assert!(place.is_some(), "{rule} is none of the rules that are counted");
        place
    }

    /// Returns all metrics in the text format of Prometheus.
    ///
    /// # Errors
    /// None in practice: writing to a string cannot fail.
    pub fn encode_plain(&self) -> Result<String, fmt::Error> {
        Ok(plain::plain(&self.encode()?))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RULES;

    #[test]
    fn names_and_labels_are_the_contract() {
        let metrics = Metrics::new(RULES);
        metrics.request(Webhook::Validate, Verb::Create, Outcome::Deny, 0.000_07);
        metrics.finding("rwo-replicas", Action::Deny);
        metrics.unknown_lookup("PersistentVolumeClaim");
        metrics.live_read("Service", LiveRead::Timeout);
        metrics.patch("rwo-surge");
        metrics.incomplete_decisions.inc();
        metrics.policy_reload_failures.inc();
        metrics.reservations.observe(|| 3);
        metrics.certificate.tell(1_700_000_000, 1_800_000_000);
        assert!(
            !metrics.encode().unwrap().contains("\nstateward_authority_"),
            "none of our own"
        );
        metrics.authority.tell(1_600_000_000, 1_900_000_000);
        metrics
            .graph_objects
            .observe_each(|| vec![("Deployment", 12.0), ("Service", 7.0)]);
        metrics.watch_age.observe_each(|| vec![("Service", 1.5)]);
        metrics.body_bytes.observe(|| 4096);
        metrics.reloads(Reloaded::Certificate).refused(Refusal::Expired);
        let traffic = metrics.traffic(Port::Admin);
        traffic.ended(End::MadeRoom);
        traffic.refused_bodies.inc();

        let text = metrics.encode().unwrap();
        for line in [
            r#"stateward_requests_total{webhook="validate",operation="create",decision="deny"} 1"#,
            r#"stateward_findings_total{rule="rwo-replicas",action="deny"} 1"#,
            r#"stateward_request_duration_seconds_bucket{le="0.0001",webhook="validate"} 1"#,
            r#"stateward_request_duration_seconds_count{webhook="validate"} 1"#,
            r#"stateward_request_duration_seconds_count{webhook="mutate"} 0"#,
            r#"stateward_unknown_lookups_total{kind="PersistentVolumeClaim"} 1"#,
            "stateward_incomplete_decisions_total 1",
            r#"stateward_connections_ended_total{port="admin",reason="made_room"} 1"#,
            "stateward_bodies_refused_total 1",
            r#"stateward_reload_refused{what="certificate",reason="expired"} 1"#,
            r#"stateward_reload_refused{what="certificate",reason="names"} 0"#,
            "stateward_body_bytes 4096",
            r#"stateward_live_reads_total{kind="Service",result="timeout"} 1"#,
            "stateward_reservations 3",
            r#"stateward_patches_total{rule="rwo-surge"} 1"#,
            "stateward_policy_reload_failures_total 1",
            "stateward_certificate_start_timestamp_seconds 1700000000",
            "stateward_certificate_expiry_timestamp_seconds 1800000000",
            "stateward_authority_start_timestamp_seconds 1600000000",
            "stateward_authority_expiry_timestamp_seconds 1900000000",
            r#"stateward_graph_objects{kind="Deployment"} 12.0"#,
            r#"stateward_watch_age_seconds{kind="Service"} 1.5"#,
        ] {
            assert!(text.lines().any(|l| l == line), "no {line:?} in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
        // What never happened is not told, but for what an alert waits for.
        let told = |series: &str| text.lines().filter(|line| line.starts_with(series)).count();
        for name in ["findings", "patches"] {
            assert_eq!(told(&format!("stateward_{name}_total")), 1, "{text}");
        }
        assert_eq!(told("stateward_requests_total"), 24, "{text}");
        for line in [
            r#"stateward_requests_total{webhook="mutate",operation="update",decision="error"} 0"#,
            r#"stateward_reports_due_total{result="full"} 0"#,
            r#"stateward_otlp_records_total{result="dropped"} 0"#,
        ] {
            assert_eq!(told(line), 1, "no {line:?} in\n{text}");
        }
    }

    #[test]
    fn every_action_on_every_rule_is_counted_for_itself() {
        let metrics = Metrics::new(RULES);
        let actions = [Action::Audit, Action::Deny, Action::Warn];
        for (at, rule) in RULES.iter().enumerate() {
            let rule = rule.id;
            let action = actions[at % actions.len()];
            metrics.finding(rule, action);
            let line = format!(
                "stateward_findings_total{{rule=\"{rule}\",action=\"{}\"}} 1",
                action.as_str().to_lowercase()
            );
            let text = metrics.encode().unwrap();
            assert!(text.lines().any(|it| it == line), "no {line:?} in\n{text}");
            let findings = text.lines().filter(|it| it.starts_with("stateward_findings_total"));
            assert_eq!(findings.count(), at + 1);
        }
    }

    #[test]
    fn an_age_is_computed_at_every_scrape() {
        let metrics = Metrics::new(RULES);
        assert!(!metrics.encode().unwrap().contains("watch_age"));
        let scrapes = std::sync::atomic::AtomicU32::new(0);
        metrics.watch_age.observe_each(move || {
            let n = scrapes.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            vec![("Service", f64::from(n))]
        });
        assert!(metrics.encode().unwrap().contains(r#"{kind="Service"} 0.0"#));
        assert!(metrics.encode().unwrap().contains(r#"{kind="Service"} 1.0"#));
    }
}
