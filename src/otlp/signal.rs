//! The kinds of items: what differs between them is where they are sent, in which envelope, and what counts them.

use crate::metrics::{Fates, Sent};

/// A kind of items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// Log records: findings.
    Logs,
    /// Spans: reviews.
    Traces,
}

impl Signal {
    /// The flag that wants them sent.
    pub(super) const fn flag(self) -> &'static str {
        match self {
            Self::Logs => "--otlp-logs",
            Self::Traces => "--otlp-traces",
        }
    }

    /// Where OTLP over HTTP takes them, if nothing else is said.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Logs => "/v1/logs",
            Self::Traces => "/v1/traces",
        }
    }

    /// The lists in a body, from the outermost to that of the items.
    pub(super) const fn lists(self) -> [&'static str; 3] {
        match self {
            Self::Logs => ["resourceLogs", "scopeLogs", "logRecords"],
            Self::Traces => ["resourceSpans", "scopeSpans", "spans"],
        }
    }

    /// What counts them.
    pub(super) const fn fates(self, sent: &Sent) -> &Fates {
        match self {
            Self::Logs => &sent.records,
            Self::Traces => &sent.spans,
        }
    }
}
