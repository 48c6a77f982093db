//! The last decisions in which something was found, for whoever asks what would happen under other policies; and the last
//! injections.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::review::Request;
use crate::judge::{Decision, Judged};
use crate::rules::kit::Action;
use crate::time::Time;

/// How many decisions are remembered, and how many injections: some megabytes at most, as each has few findings.
const REMEMBERED: usize = 1_000;
/// How many findings of one decision are.
const FINDINGS: usize = 20;
/// The longest name of a user that is remembered in full, in characters.
const LONGEST_USER: usize = 256;

/// The last decisions in which something was found and the last injections, without the objects, the oldest first.
#[derive(Debug, Default)]
pub struct Decisions {
    state: Mutex<Held>,
    news: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Held {
    decisions: VecDeque<Remembered>,
    injections: VecDeque<Remembered>,
}

/// What is remembered of a request: never its object.
#[derive(Clone, Debug)]
pub struct Remembered {
    pub time: Time,
    pub uid: String,
    pub user: String,
    pub operation: String,
    pub kind: String,
    pub sub_resource: String,
    pub namespace: String,
    pub name: String,
    pub dry_run: bool,
    pub allowed: bool,
    pub findings: Vec<Found>,
    /// The rules that injected something.
    pub injected: Vec<&'static str>,
}

/// What is remembered of a finding.
#[derive(Clone, Debug)]
pub struct Found {
    pub rule: &'static str,
    pub action: Action,
    pub kind: &'static str,
    pub name: String,
    pub message: String,
    pub denied_after: Option<Time>,
    pub exception: Option<String>,
}

impl Decisions {
    /// `GET /decisions`.
    pub fn router(self: Arc<Self>) -> Router {
        Router::new().route("/decisions", get(all)).with_state(self)
    }

    /// All that is remembered, the newest first.
    #[must_use]
    pub fn remembered(&self) -> Vec<Remembered> {
        let held = self.lock();
        let mut all: Vec<Remembered> = held.decisions.iter().chain(&held.injections).cloned().collect();
        drop(held);
        all.reverse();
        all.sort_by_key(|one| std::cmp::Reverse(one.time));
        all
    }

    /// Told of whenever there is one more.
    pub fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }

    /// Keeps a decision in which something was found.
    pub(super) fn remember(&self, request: &Request<'_>, decision: &Decision, now: Time) {
        let findings = decision.findings.iter().take(FINDINGS).map(Found::of);
        let remembered = Remembered {
            allowed: decision.is_allowed(),
            findings: findings.collect(),
            ..Remembered::of(request, now)
        };
        keep(&mut self.lock().decisions, remembered);
        self.news.send_replace(());
    }

    /// Keeps that rules injected defaults.
    pub(super) fn remember_injection(&self, request: &Request<'_>, rules: &[&'static str], now: Time) {
        let remembered = Remembered {
            injected: rules.to_vec(),
            ..Remembered::of(request, now)
        };
        keep(&mut self.lock().injections, remembered);
        self.news.send_replace(());
    }

    fn to_json(&self) -> String {
        let decisions: Vec<Value> = self.lock().decisions.iter().map(Remembered::to_json).collect();
        json!({"version": "v1", "decisions": decisions}).to_string()
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn keep(held: &mut VecDeque<Remembered>, one: Remembered) {
    if held.len() == REMEMBERED {
        held.pop_front();
    }
    held.push_back(one);
}

async fn all(State(decisions): State<Arc<Decisions>>) -> Response {
    ([(CONTENT_TYPE, "application/json")], decisions.to_json()).into_response()
}

impl Remembered {
    fn of(request: &Request<'_>, time: Time) -> Self {
        Self {
            time,
            uid: request.uid.to_string(),
            user: request.user.chars().take(LONGEST_USER).collect(),
            operation: request.operation.to_string(),
            kind: request.kind.to_string(),
            sub_resource: request.sub_resource.to_string(),
            namespace: request.namespace.as_deref().unwrap_or_default().to_owned(),
            name: request.name.to_string(),
            dry_run: request.dry_run,
            allowed: true,
            findings: Vec::new(),
            injected: Vec::new(),
        }
    }

    /// Without the user: everybody who reaches the admin port may read it.
    fn to_json(&self) -> Value {
        json!({
            "time": self.time.to_string(),
            "uid": self.uid,
            "operation": self.operation,
            "kind": self.kind,
            "subResource": self.sub_resource,
            "namespace": self.namespace,
            "name": self.name,
            "dryRun": self.dry_run,
            "allowed": self.allowed,
            "findings": self.findings.iter().map(Found::to_json).collect::<Vec<_>>(),
        })
    }
}

impl Found {
    fn of(judged: &Judged) -> Self {
        let object = &judged.finding.object;
        Self {
            rule: judged.finding.rule.id,
            action: judged.action,
            kind: object.kind.as_str(),
            name: object.name.to_string(),
            message: judged.message.clone(),
            denied_after: judged.denied_after,
            exception: judged.granted().map(|granted| granted.exception.clone()),
        }
    }

    fn to_json(&self) -> Value {
        json!({
            "rule": self.rule,
            "action": self.action.to_string(),
            "kind": self.kind,
            "name": self.name,
            "message": self.message,
            "deniedAfter": self.denied_after.map(|date| date.to_string()),
            "exception": self.exception,
        })
    }
}
