//! What is told of the audit, and of what it writes into the cluster.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::labels::{EventFate, EventLabels, ReportFate, ReportLabels};
use super::scraped::Observed;

/// Upper bounds of the buckets of an audit's duration in seconds: 100,000 workloads take about one.
const DURATION_BUCKETS: [f64; 8] = [0.001, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];

/// The metrics of the audit.
#[derive(Debug)]
pub struct Audit {
    /// `stateward_audit_duration_seconds`: how long judging everything took.
    pub duration: Histogram,
    /// `stateward_leader`: 1 where this replica writes for all.
    pub leader: Gauge,
    /// `stateward_open_findings{rule,action,namespace}`: findings there are now.
    pub open_findings: Observed<3>,
    /// `stateward_reports`: reports there are of ours.
    pub reports: Gauge,
    events: Family<EventLabels, Counter>,
    reports_due: Family<ReportLabels, Counter>,
}

impl Audit {
    pub(super) fn new() -> Self {
        let audit = Self {
            duration: Histogram::new(DURATION_BUCKETS),
            leader: Gauge::default(),
            open_findings: Observed::new(
                "stateward_open_findings",
                "Findings there are now, told by the leader",
                ["rule", "action", "namespace"],
            ),
            reports: Gauge::default(),
            events: Family::default(),
            reports_due: Family::default(),
        };
        // From zero on, since alerts ask whether they rise.
        for labels in ReportLabels::all() {
            audit.reports_due.get_or_create(&labels).inc_by(0);
        }
        audit
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "stateward_audit_duration_seconds",
            "How long judging everything took, rests aside",
            self.duration.clone(),
        );
        registry.register(
            "stateward_leader",
            "1 where this replica writes reports, events and status for all",
            self.leader.clone(),
        );
        registry.register(
            "stateward_events",
            "Events, by what became of them",
            self.events.clone(),
        );
        registry.register(
            "stateward_reports",
            "Reports of ours in the cluster",
            self.reports.clone(),
        );
        registry.register(
            "stateward_reports_due",
            "Reports that were due, by what became of them",
            self.reports_due.clone(),
        );
        registry.register_collector(Box::new(self.open_findings.clone()));
    }

    /// Counts an event.
    pub fn event(&self, result: EventFate) {
        self.events.get_or_create(&EventLabels { result }).inc();
    }

    /// Counts a report that was due.
    pub fn report(&self, result: ReportFate) {
        self.reports_due.get_or_create(&ReportLabels { result }).inc();
    }
}
