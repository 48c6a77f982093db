//! The two paths that the API server calls.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body as _;

use super::webhook::{Webhook, now};
use crate::metrics::Webhook as Phase;

/// Object and old object travel together, each up to the API server's own limit of about 3 MiB
/// (`docs/kubernetes-facts.md` §3.1).
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// `POST /validate` and `POST /mutate`.
pub fn router(webhook: Arc<Webhook>) -> Router {
    let graph = webhook.graph.clone();
    webhook.metrics.reservations.observe(move || graph.reservations(now()));
    Router::new()
        .route("/validate", post(validate))
        .route("/mutate", post(mutate))
        .with_state(webhook)
}

async fn validate(State(webhook): State<Arc<Webhook>>, request: Request) -> Response {
    review(&webhook, Phase::Validate, request).await
}

async fn mutate(State(webhook): State<Arc<Webhook>>, request: Request) -> Response {
    review(&webhook, Phase::Mutate, request).await
}

async fn review(webhook: &Webhook, phase: Phase, request: Request) -> Response {
    let (head, body) = request.into_parts();
    if let Err(refusal) = check(&head.headers, &body) {
        return refusal.into_response();
    }
    // Without a timer of its own, which would cost every request a system call: a body that does not come holds its
    // connection as a silent client does, and the server ends both by the same bound.
    let body = match collect(body).await {
        Ok(body) => body,
        Err(refusal) => return refusal.into_response(),
    };
    match webhook.answer(phase, &body).await {
        Ok(answer) => {
            let mut response = Response::new(Body::from(answer));
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(CONTENT_TYPE, json);
            response
        }
        Err(why) => (StatusCode::BAD_REQUEST, format!("{why}\n")).into_response(),
    }
}

type Refusal = (StatusCode, &'static str);

const TOO_LARGE: Refusal = (StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 8 MiB\n");

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
    if body.size_hint().lower() > MOST_BYTES as u64 {
        return Err(TOO_LARGE);
    }
    Ok(())
}

/// The whole body; one that comes in one frame is not copied.
async fn collect(body: Body) -> Result<Bytes, Refusal> {
    match Limited::new(body, MOST_BYTES).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(TOO_LARGE),
        Err(_) => Err((StatusCode::BAD_REQUEST, "the body could not be read\n")),
    }
}
