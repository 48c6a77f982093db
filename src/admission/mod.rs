//! `AdmissionReview` v1 in, a `Change` through the judge, a review out.

mod body;
mod change;
mod decisions;
mod live;
mod policies;
mod refusals;
mod response;
mod review;
mod routes;
mod traceparent;
mod traces;
mod webhook;

pub use decisions::{Decisions, Remembered};
pub use live::{Answer, LiveReads};
pub use refusals::Refusals;
pub use routes::router;
pub use traceparent::TraceParent;
pub use traces::{Reviewed, Traces};
pub use webhook::{OnError, Webhook, now};
