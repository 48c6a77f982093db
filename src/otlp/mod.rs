//! OTLP: findings as log records, so that what many clusters find meets where their logs meet; and reviews as spans, so
//! that they are part of the traces of the API server.
//!
//! A record tells that a finding opened, closed, or stands. News wait in a bounded queue; all that stand are told when
//! this replica begins to lead, again every few hours, and after something was lost: a store that forgets what it has
//! not heard of for longer than that is never wrong for long.
//!
//! A span tells of a review, from the replica that answered it. They wait in a queue of their own, and what is dropped of
//! them is lost.

mod answer;
mod batch;
mod cluster;
mod collector;
mod endpoint;
mod envelope;
mod exporter;
mod item;
mod news;
mod queue;
mod record;
mod sender;
mod signal;
mod span;
mod spans;
mod standing;

pub use endpoint::Endpoint;
pub use exporter::{Exporter, Settings};
pub use news::News;
pub use sender::Target;
pub use spans::{SpanExporter, Spans};
