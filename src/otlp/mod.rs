//! Findings as OTLP log records: what many clusters find meets where their logs meet.
//!
//! A record tells that a finding opened, closed, or stands. News wait in a bounded queue; all that stand are told when
//! this replica begins to lead, again every few hours, and after something was lost: a store that forgets what it has
//! not heard of for longer than that is never wrong for long.

mod answer;
mod batch;
mod cluster;
mod collector;
mod endpoint;
mod envelope;
mod exporter;
mod queue;
mod record;
mod standing;

pub use endpoint::Endpoint;
pub use exporter::{Exporter, Settings};
pub use queue::News;
