//! The paths that the API server calls.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;

use super::body::{Refusal, TOO_LARGE, collect, is_too_large};
use super::traces::Traced;
use super::webhook::{Webhook, now};
use crate::metrics::Webhook as Phase;

/// No honest answer is nearly as long: only names and uids that no API server lets through make one.
const LONGEST_ANSWER: usize = 256 * 1024;
const TOO_LONG: Refusal = (
    StatusCode::BAD_REQUEST,
    "the answer would be longer than 256 KiB: a name or the uid is too long\n",
);

/// Answers that are longer keep the room of their request until they are written: most are some hundred bytes.
const SHORT_ANSWER: usize = 4 * 1024;

/// `POST /validate`, `POST /mutate` and `POST /policies`.
pub fn router(webhook: Arc<Webhook>) -> Router {
    let graph = webhook.graph.clone();
    webhook.metrics.reservations.observe(move || graph.reservations(now()));
    Router::new()
        .route("/validate", post(validate))
        .route("/mutate", post(mutate))
        .route("/policies", post(policies))
        .with_state(webhook)
}

async fn validate(State(webhook): State<Arc<Webhook>>, request: Request) -> Response {
    review(&webhook, Phase::Validate, request).await
}

async fn mutate(State(webhook): State<Arc<Webhook>>, request: Request) -> Response {
    review(&webhook, Phase::Mutate, request).await
}

async fn policies(State(webhook): State<Arc<Webhook>>, request: Request) -> Response {
    review(&webhook, Phase::Policies, request).await
}

async fn review(webhook: &Webhook, phase: Phase, request: Request) -> Response {
    let (head, mut body) = request.into_parts();
    if let Err(refusal) = check(&head.headers, &body) {
        return refusal.into_response();
    }
    let traced = Traced::of(webhook.traces.as_deref(), &head.headers);
    drop(head);
    // Without a timer of its own, which would cost every request a system call: the server ends the connection of a
    // body that does not come.
    let read = match collect(&mut body).await {
        Ok(read) => read,
        Err(refusal) => return refusal.into_response(),
    };
    match webhook.answer(phase, &read, traced).await {
        Ok(answer) if answer.len() > LONGEST_ANSWER => TOO_LONG.into_response(),
        Ok(answer) => {
            let mut response = Response::new(held(answer, body));
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(CONTENT_TYPE, json);
            response
        }
        Err(why) => (StatusCode::BAD_REQUEST, format!("{why}\n")).into_response(),
    }
}

/// An answer as a body. A client that sends much, is answered much, and reads nothing, goes on holding what it held.
fn held(answer: Vec<u8>, request: Body) -> Body {
    if answer.len() <= SHORT_ANSWER {
        return Body::from(answer);
    }
    Body::from(Bytes::from_owner(Held {
        answer,
        _request: request,
    }))
}

struct Held {
    answer: Vec<u8>,
    _request: Body,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.answer
    }
}

/// Refuses what need not be read.
fn check(headers: &HeaderMap, body: &Body) -> Result<(), Refusal> {
    let content_type = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let media_type = content_type.split(|byte| *byte == b';').next().unwrap_or_default();
    if !media_type.trim_ascii().eq_ignore_ascii_case(b"application/json") {
        return Err((
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Content-Type must be application/json\n",
        ));
    }
    // What Content-Length announces.
    if is_too_large(body) {
        return Err(TOO_LARGE);
    }
    Ok(())
}
