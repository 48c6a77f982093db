//! The last decisions in which something was found, for whoever asks what would happen under other policies.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use super::review::Request;
use crate::judge::{Decision, Judged};
use crate::time::Time;

/// How many decisions are remembered: some megabytes at most, as each has few findings.
const REMEMBERED: usize = 1_000;
/// How many findings of one decision are.
const FINDINGS: usize = 20;

/// The last decisions in which something was found, without the objects, the oldest first.
#[derive(Debug, Default)]
pub struct Decisions(Mutex<VecDeque<Value>>);

impl Decisions {
    /// `GET /decisions`.
    pub fn router(self: Arc<Self>) -> Router {
        Router::new().route("/decisions", get(all)).with_state(self)
    }

    /// Keeps a decision in which something was found.
    pub(super) fn remember(&self, request: &Request<'_>, decision: &Decision, now: Time) {
        let findings = decision.findings.iter().take(FINDINGS).map(finding);
        let remembered = json!({
            "time": now.to_string(),
            "uid": request.uid,
            "operation": request.operation,
            "kind": request.kind,
            "subResource": request.sub_resource,
            "namespace": request.namespace.as_deref().unwrap_or_default(),
            "name": request.name,
            "dryRun": request.dry_run,
            "allowed": decision.is_allowed(),
            "findings": findings.collect::<Vec<_>>(),
        });
        let mut decisions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if decisions.len() == REMEMBERED {
            decisions.pop_front();
        }
        decisions.push_back(remembered);
    }

    fn to_json(&self) -> String {
        let decisions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        json!({"version": "v1", "decisions": *decisions}).to_string()
    }
}

async fn all(State(decisions): State<Arc<Decisions>>) -> Response {
    ([(CONTENT_TYPE, "application/json")], decisions.to_json()).into_response()
}

fn finding(judged: &Judged) -> Value {
    let object = &judged.finding.object;
    json!({
        "rule": judged.finding.rule.id,
        "action": judged.action.to_string(),
        "kind": object.kind.as_str(),
        "name": object.name.as_str(),
        "message": judged.message,
        "deniedAfter": judged.denied_after.map(|date| date.to_string()),
        "exception": judged.granted().map(|granted| &granted.exception),
    })
}
