//! The spans of reviews: every replica sends its own.

use std::sync::Arc;

use kube::Client;

use super::error::StartError;
use super::parts::{End, Parts};
use crate::admission::Traces;
use crate::otlp::{SpanExporter, Target};

/// Begins to send, where somebody wants them; returns who is to hear of reviews.
///
/// # Errors
/// TLS cannot be set up.
pub(super) fn start(
    target: Option<Target>,
    client: Option<Client>,
    parts: &mut Parts,
) -> Result<Option<Arc<dyn Traces>>, StartError> {
    let Some(target) = target else { return Ok(None) };
    let exporter = SpanExporter::new(target, client, &parts.metrics).map_err(|cause| StartError::Otlp {
        flag: "--otlp-traces",
        cause,
    })?;
    let spans = exporter.spans();
    let answered = parts.answered();
    parts.start("traces", End::Awaited, exporter.run(answered));
    Ok(Some(Arc::new(spans)))
}
