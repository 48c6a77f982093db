//! Who hears of every review, and of the trace that it is part of.

use std::time::{Duration, Instant};

use axum::http::HeaderMap;

use super::response::Answer;
use super::review::Request;
use super::traceparent::TraceParent;
use crate::metrics::{Outcome, Webhook as Phase};
use crate::rules::kit::PatchOperation;

/// Hears of reviews while their answers still wait: it must not wait for anything.
pub trait Traces: Send + Sync {
    fn reviewed(&self, review: &Reviewed<'_>);
}

/// A review, and what became of it; of the object nothing but its names.
#[derive(Clone, Copy, Debug)]
pub struct Reviewed<'a> {
    /// The span of the caller, where it told of one.
    pub parent: Option<TraceParent>,
    /// From the head of the request to the answer.
    pub took: Duration,
    pub webhook: Phase,
    pub outcome: Outcome,
    pub uid: &'a str,
    pub operation: &'a str,
    pub group: &'a str,
    pub version: &'a str,
    pub kind: &'a str,
    pub resource_group: &'a str,
    pub resource: &'a str,
    pub sub_resource: &'a str,
    pub namespace: &'a str,
    pub name: &'a str,
    pub dry_run: bool,
    /// What the audit log is told.
    pub annotations: &'a [(&'static str, String)],
    pub patch: &'a [PatchOperation],
}

/// A review that somebody wants to hear of.
pub(super) struct Traced<'t> {
    traces: &'t dyn Traces,
    parent: Option<TraceParent>,
    began: Instant,
}

impl<'t> Traced<'t> {
    /// The review that begins with these headers; `None` where its trace is not recorded, and where none is.
    pub(super) fn of(traces: Option<&'t dyn Traces>, headers: &HeaderMap) -> Option<Self> {
        let traces = traces?;
        let parent = TraceParent::of(headers);
        let recorded = parent.is_none_or(|parent| parent.sampled);
        recorded.then(|| Self {
            traces,
            parent,
            began: Instant::now(),
        })
    }

    /// Tells what became of it.
    pub(super) fn answered(self, webhook: Phase, request: &Request<'_>, answer: &Answer<'_>, outcome: Outcome) {
        self.traces.reviewed(&Reviewed {
            parent: self.parent,
            took: self.began.elapsed(),
            webhook,
            outcome,
            uid: &request.uid,
            operation: &request.operation,
            group: &request.group,
            version: &request.version,
            kind: &request.kind,
            resource_group: &request.resource_group,
            resource: &request.resource,
            sub_resource: &request.sub_resource,
            namespace: request.namespace.as_deref().unwrap_or_default(),
            name: &request.name,
            dry_run: request.dry_run,
            annotations: &answer.annotations,
            patch: &answer.patch,
        });
    }
}
