//! What the dashboard draws: rows of panels, each with its questions.

/// How a panel shows its values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Lines over time.
    Lines,
    /// Areas upon one another, whose sum says something.
    Stack,
    /// The present values, coloured from these thresholds on; the first colour is that of all below.
    Values(&'static [(&'static str, Option<f64>)]),
}

/// A panel.
#[derive(Clone, Copy, Debug)]
pub struct Panel {
    pub title: &'static str,
    /// What a reader has to know; empty where the title says it.
    pub description: &'static str,
    pub shape: Shape,
    /// A unit's id in Grafana.
    pub unit: &'static str,
    /// Of 24 columns.
    pub width: u64,
    /// Expressions, each with the legend of its series.
    pub asks: &'static [(&'static str, &'static str)],
}

/// A row of panels under a heading.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub title: &'static str,
    pub panels: &'static [Panel],
}

use Shape::{Lines, Stack, Values};

const NEUTRAL: &[(&str, Option<f64>)] = &[("blue", None)];
const SOME_IS_BAD: &[(&str, Option<f64>)] = &[("green", None), ("red", Some(1.0))];
const NONE_IS_BAD: &[(&str, Option<f64>)] = &[("red", None), ("green", Some(1.0))];
const QUARTER_IS_BAD: &[(&str, Option<f64>)] = &[("red", None), ("yellow", Some(0.25)), ("green", Some(0.34))];

/// The dashboard, from above.
pub const ROWS: &[Row] = &[
    Row {
        title: "Health",
        panels: HEALTH,
    },
    Row {
        title: "Admission",
        panels: ADMISSION,
    },
    Row {
        title: "Cluster",
        panels: CLUSTER,
    },
    Row {
        title: "Server",
        panels: SERVER,
    },
];

const HEALTH: &[Panel] = &[
    Panel {
        title: "Replicas",
        description: "By version.",
        shape: Values(NONE_IS_BAD),
        unit: "short",
        width: 4,
        asks: &[("count by (version) (stateward_build_info)", "{{version}}")],
    },
    Panel {
        title: "Leaders",
        description: "Who writes reports, events and statuses; two for a moment are harmless.",
        shape: Values(NONE_IS_BAD),
        unit: "short",
        width: 4,
        asks: &[("sum(stateward_leader)", "leaders")],
    },
    Panel {
        title: "Certificate's time left",
        description: "The replica with the least; of the authority as well, where certificates are our own.",
        shape: Values(QUARTER_IS_BAD),
        unit: "percentunit",
        width: 4,
        asks: &[
            (
                "min((stateward_certificate_expiry_timestamp_seconds - time()) \
                 / (stateward_certificate_expiry_timestamp_seconds - stateward_certificate_start_timestamp_seconds))",
                "certificate",
            ),
            (
                "min((stateward_authority_expiry_timestamp_seconds - time()) \
                 / (stateward_authority_expiry_timestamp_seconds - stateward_authority_start_timestamp_seconds))",
                "authority",
            ),
        ],
    },
    Panel {
        title: "Certificate's end",
        description: "",
        shape: Values(NEUTRAL),
        unit: "dateTimeFromNow",
        width: 4,
        asks: &[
            (
                "min(stateward_certificate_expiry_timestamp_seconds) * 1000",
                "certificate",
            ),
            ("min(stateward_authority_expiry_timestamp_seconds) * 1000", "authority"),
        ],
    },
    Panel {
        title: "Changes refused",
        description: "Policies and certificates that were changed and are not in force; the last good ones are.",
        shape: Values(SOME_IS_BAD),
        unit: "short",
        width: 4,
        asks: &[("sum(max by (what, reason) (stateward_reload_refused))", "refused")],
    },
    Panel {
        title: "Passed unjudged, 24 h",
        description: "What the API server let pass since it got no answer; 0 as well where its metrics are not scraped.",
        shape: Values(SOME_IS_BAD),
        unit: "short",
        width: 4,
        asks: &[(
            "sum(increase(apiserver_admission_webhook_fail_open_count{name=~\".+[.]stateward[.]dev\"}[24h])) or vector(0)",
            "requests",
        )],
    },
    Panel {
        title: "Age of watches",
        description: "A healthy watch shows life every minute; the oldest of all replicas.",
        shape: Lines,
        unit: "s",
        width: 12,
        asks: &[("max by (kind) (stateward_watch_age_seconds)", "{{kind}}")],
    },
    Panel {
        title: "Objects in the graph",
        description: "",
        shape: Lines,
        unit: "short",
        width: 12,
        asks: &[("max by (kind) (stateward_graph_objects)", "{{kind}}")],
    },
];

const ADMISSION: &[Panel] = &[
    Panel {
        title: "Requests by decision",
        description: "",
        shape: Stack,
        unit: "reqps",
        width: 12,
        asks: &[(
            "sum by (decision) (rate(stateward_requests_total[$__rate_interval]))",
            "{{decision}}",
        )],
    },
    Panel {
        title: "Time to an answer",
        description: "From a request's head to its answer, by share of the requests that were faster.",
        shape: Lines,
        unit: "s",
        width: 12,
        asks: &[
            (
                "histogram_quantile(0.5, sum by (le) (rate(stateward_request_duration_seconds_bucket[$__rate_interval])))",
                "50 %",
            ),
            (
                "histogram_quantile(0.9, sum by (le) (rate(stateward_request_duration_seconds_bucket[$__rate_interval])))",
                "90 %",
            ),
            (
                "histogram_quantile(0.99, sum by (le) (rate(stateward_request_duration_seconds_bucket[$__rate_interval])))",
                "99 %",
            ),
        ],
    },
    Panel {
        title: "Findings by rule",
        description: "In requests.",
        shape: Stack,
        unit: "cps",
        width: 12,
        asks: &[(
            "sum by (rule, action) (rate(stateward_findings_total[$__rate_interval]))",
            "{{rule}} {{action}}",
        )],
    },
    Panel {
        title: "Defaults written",
        description: "",
        shape: Stack,
        unit: "cps",
        width: 12,
        asks: &[(
            "sum by (rule) (rate(stateward_patches_total[$__rate_interval]))",
            "{{rule}}",
        )],
    },
    Panel {
        title: "Decisions without a fact",
        description: "Decisions that lacked a fact which a rule wanted, and the kinds that were unknown.",
        shape: Lines,
        unit: "cps",
        width: 12,
        asks: &[
            (
                "sum(rate(stateward_incomplete_decisions_total[$__rate_interval]))",
                "decisions",
            ),
            (
                "sum by (kind) (rate(stateward_unknown_lookups_total[$__rate_interval]))",
                "{{kind}}",
            ),
        ],
    },
    Panel {
        title: "Reads while a request waits",
        description: "",
        shape: Stack,
        unit: "cps",
        width: 12,
        asks: &[(
            "sum by (kind, result) (rate(stateward_live_reads_total[$__rate_interval]))",
            "{{kind}} {{result}}",
        )],
    },
];

const CLUSTER: &[Panel] = &[
    Panel {
        title: "Open findings by action",
        description: "What is found in the cluster now; the leader tells.",
        shape: Stack,
        unit: "short",
        width: 8,
        asks: &[("sum by (action) (stateward_open_findings)", "{{action}}")],
    },
    Panel {
        title: "Open findings by rule",
        description: "",
        shape: Stack,
        unit: "short",
        width: 8,
        asks: &[("sum by (rule) (stateward_open_findings)", "{{rule}}")],
    },
    Panel {
        title: "Open findings by namespace",
        description: "The ten namespaces with the most.",
        shape: Lines,
        unit: "short",
        width: 8,
        asks: &[(
            "topk(10, sum by (namespace) (stateward_open_findings))",
            "{{namespace}}",
        )],
    },
    Panel {
        title: "Policies",
        description: "In force on some replica, and on every one: less for longer than a minute means that they differ.",
        shape: Lines,
        unit: "short",
        width: 8,
        asks: &[("max by (state) (stateward_policies)", "{{state}}")],
    },
    Panel {
        title: "Exceptions",
        description: "",
        shape: Stack,
        unit: "short",
        width: 8,
        asks: &[("max by (state) (stateward_exceptions)", "{{state}}")],
    },
    Panel {
        title: "Reports in the cluster",
        description: "",
        shape: Lines,
        unit: "short",
        width: 8,
        asks: &[("max(stateward_reports)", "reports")],
    },
    Panel {
        title: "Reports and events due",
        description: "By what became of them.",
        shape: Lines,
        unit: "cps",
        width: 12,
        asks: &[
            (
                "sum by (result) (rate(stateward_reports_due_total[$__rate_interval]))",
                "reports {{result}}",
            ),
            (
                "sum by (result) (rate(stateward_events_total[$__rate_interval]))",
                "events {{result}}",
            ),
            (
                "sum by (result) (rate(stateward_otlp_records_total[$__rate_interval]))",
                "records {{result}}",
            ),
            (
                "sum by (result) (rate(stateward_otlp_spans_total[$__rate_interval]))",
                "spans {{result}}",
            ),
        ],
    },
    Panel {
        title: "Time to judge everything",
        description: "Rests aside, on average.",
        shape: Lines,
        unit: "s",
        width: 12,
        asks: &[(
            "sum by (instance) (rate(stateward_audit_duration_seconds_sum[1h])) \
             / sum by (instance) (rate(stateward_audit_duration_seconds_count[1h]))",
            "{{instance}}",
        )],
    },
];

const SERVER: &[Panel] = &[
    Panel {
        title: "Request bodies held",
        description: "",
        shape: Lines,
        unit: "bytes",
        width: 8,
        asks: &[("sum by (instance) (stateward_body_bytes)", "{{instance}}")],
    },
    Panel {
        title: "Connections ended by the server",
        description: "",
        shape: Stack,
        unit: "cps",
        width: 8,
        asks: &[(
            "sum by (port, reason) (rate(stateward_connections_ended_total[$__rate_interval]))",
            "{{port}} {{reason}}",
        )],
    },
    Panel {
        title: "Reviews without room, and reservations",
        description: "Reviews that were answered 503, per second; admitted workloads that the watch has not delivered yet.",
        shape: Lines,
        unit: "short",
        width: 8,
        asks: &[
            (
                "sum(rate(stateward_bodies_refused_total[$__rate_interval]))",
                "503 per second",
            ),
            (
                "sum by (instance) (stateward_reservations)",
                "reservations {{instance}}",
            ),
        ],
    },
];
