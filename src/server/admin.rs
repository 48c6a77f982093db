//! The admin endpoints: `/livez`, `/readyz` and `/metrics`, in plain HTTP on an address of their own.

use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};

use super::shutdown::Shutdown;
use crate::metrics::Metrics;

/// Tells whether requests should be sent to this process: every gate is open, and it is not stopping.
#[derive(Clone, Debug)]
pub struct Readiness {
    checks: Arc<Mutex<Vec<Check>>>,
    shutdown: Shutdown,
}

#[derive(Debug)]
struct Check {
    name: &'static str,
    state: Condition,
}

#[derive(Debug)]
enum Condition {
    /// Why the gate is closed.
    Closed(String),
    Open,
    /// Open, with something that its keeper should look after.
    Remarked(String),
}

impl Readiness {
    /// Starts without gates; the check `shutdown` fails as soon as stopping is requested.
    pub fn new(shutdown: Shutdown) -> Self {
        Self {
            checks: Arc::default(),
            shutdown,
        }
    }

    /// Adds a gate, closed for the given reason until it is opened.
    pub fn gate(&self, name: &'static str, reason: &str) -> Gate {
        let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        checks.push(Check {
            name,
            state: Condition::Closed(reason.to_owned()),
        });
        Gate {
            checks: Arc::clone(&self.checks),
            index: checks.len() - 1,
        }
    }

    /// Adds a check that holds, with something that somebody should look after.
    pub fn remark(&self, name: &'static str, remark: &str) {
        let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        checks.push(Check {
            name,
            state: Condition::Remarked(one_line(remark)),
        });
    }

    /// Returns whether all is well, and a line for every check: `[+]name`, maybe with a remark, or `[-]name reason`.
    pub fn report(&self) -> (StatusCode, String) {
        let checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        let shutdown = Check {
            name: "shutdown",
            state: if self.shutdown.is_requested() {
                Condition::Closed("stopping".to_owned())
            } else {
                Condition::Open
            },
        };
        let mut status = StatusCode::OK;
        let mut report = String::new();
        for Check { name, state } in checks.iter().chain([&shutdown]) {
            // Writing to a string cannot fail.
            let _ = match state {
                Condition::Open => writeln!(report, "[+]{name}"),
                Condition::Remarked(remark) => writeln!(report, "[+]{name} {remark}"),
                Condition::Closed(reason) => {
                    status = StatusCode::SERVICE_UNAVAILABLE;
                    writeln!(report, "[-]{name} {reason}")
                }
            };
        }
        (status, report)
    }
}

/// One condition of readiness, held by whoever knows it.
#[derive(Clone, Debug)]
pub struct Gate {
    checks: Arc<Mutex<Vec<Check>>>,
    index: usize,
}

impl Gate {
    /// The condition holds.
    pub fn open(&self) {
        self.set(Condition::Open);
    }

    /// The condition holds, and somebody should look after something all the same.
    pub fn remark(&self, remark: &str) {
        self.set(Condition::Remarked(one_line(remark)));
    }

    /// The condition does not hold, for this reason.
    pub fn close(&self, reason: &str) {
        self.set(Condition::Closed(one_line(reason)));
    }

    fn set(&self, state: Condition) {
        let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(check) = checks.get_mut(self.index) {
            check.state = state;
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the admin endpoints.
pub fn router(readiness: Readiness, metrics: Arc<Metrics>) -> Router {
    Router::new()
        .route("/livez", get(async || "[+]process\n"))
        .route("/readyz", get(readyz))
        .with_state(readiness)
        .merge(Router::new().route("/metrics", get(scrape)).with_state(metrics))
}

async fn readyz(State(readiness): State<Readiness>) -> (StatusCode, String) {
    readiness.report()
}

/// OpenMetrics text, which Prometheus asks for.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// The text format of Prometheus, which everybody reads.
const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

async fn scrape(State(metrics): State<Arc<Metrics>>, headers: HeaderMap) -> Response {
    let accepted = headers.get_all(ACCEPT).iter();
    let mut accepted = accepted.filter_map(|value| value.to_str().ok());
    let (media_type, text) = if accepted.any(|types| types.contains("application/openmetrics-text")) {
        (OPEN_METRICS, metrics.encode())
    } else {
        (PLAIN, metrics.encode_plain())
    };
    match text {
        Ok(text) => ([(CONTENT_TYPE, media_type)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_when_every_gate_is_open_and_nobody_asked_to_stop() {
        let shutdown = Shutdown::new();
        let readiness = Readiness::new(shutdown.clone());
        let certificate = readiness.gate("certificate", "not loaded yet");
        let policies = readiness.gate("policies", "not loaded yet");
        certificate.open();
        assert_eq!(
            readiness.report(),
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "[+]certificate\n[-]policies not loaded yet\n[+]shutdown\n".to_owned()
            )
        );
        policies.open();
        assert_eq!(
            readiness.report(),
            (StatusCode::OK, "[+]certificate\n[+]policies\n[+]shutdown\n".to_owned())
        );
        shutdown.request();
        assert_eq!(
            readiness.report(),
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "[+]certificate\n[+]policies\n[-]shutdown stopping\n".to_owned()
            )
        );
    }
}
