//! Who is let in, and what every answer tells the browser.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::uri::Authority;
use http::{HeaderValue, Method, StatusCode};

use super::sign_in;
use crate::cluster::access::{Bearer, Tokens};

/// What a page may do: nothing but show itself and ask its own server.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 6] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "same-origin"),
    (CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Who may see the pages.
#[derive(Debug)]
pub enum Guard {
    /// Whoever reaches a port of this machine alone. A page from elsewhere, whose name was made to mean this machine
    /// (DNS rebinding), says so in `Host`.
    Loopback,
    /// Whoever bears a token of somebody who may list the policies.
    Tokens(Arc<Tokens>),
}

/// Why a request is not let in.
enum Refusal {
    Plain(StatusCode, &'static str),
    /// As a page that asks for a token.
    SignIn(StatusCode, &'static str),
}

/// What is shown to everybody: it tells nothing of a cluster.
const OPEN: [&str; 4] = ["/style.css", "/script.js", "/icon.svg", sign_in::PATH];

/// Lets a request in, or says why not.
pub(super) async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let admitted = match guard.admit(&request) {
        Ok(Some((tokens, token))) => bears(&tokens, &token).await,
        Ok(None) => Ok(()),
        Err(refusal) => Err(refusal),
    };
    let mut response = match admitted {
        Ok(()) => next.run(request).await,
        Err(Refusal::Plain(status, why)) => (status, why).into_response(),
        Err(Refusal::SignIn(status, why)) => sign_in::form(status, why),
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

impl Guard {
    /// Lets a request in, but for a token that is to be asked about.
    fn admit(&self, request: &Request) -> Result<Option<(Arc<Tokens>, String)>, Refusal> {
        let refused = |status, why| Err(Refusal::Plain(status, why));
        if ![Method::GET, Method::HEAD, Method::POST].contains(request.method()) {
            return refused(StatusCode::METHOD_NOT_ALLOWED, "only read, please\n");
        }
        let text = |name| {
            request
                .headers()
                .get(name)
                .map(|value: &HeaderValue| value.to_str().unwrap_or_default())
        };
        // Of HTTP/2 it stands in the URI.
        let authority = request.uri().authority().map(Authority::as_str);
        let host = text(HOST).or(authority).unwrap_or_default();
        if matches!(self, Self::Loopback) && !is_loopback(host) {
            let why = "ask for localhost, or the address of this port\n";
            return refused(StatusCode::MISDIRECTED_REQUEST, why);
        }
        // Another page may send a form here, though it cannot read the answer.
        let foreign = text(ORIGIN).filter(|origin| origin.split_once("://").map(|(_, host)| host) != Some(host));
        if request.method() == Method::POST && foreign.is_some() {
            return refused(StatusCode::FORBIDDEN, "a form of another page was sent here\n");
        }
        let Self::Tokens(tokens) = self else {
            return Ok(None);
        };
        if OPEN.contains(&request.uri().path()) {
            return Ok(None);
        }
        match sign_in::token(request.headers()) {
            Some(token) => Ok(Some((tokens.clone(), token.to_owned()))),
            None => Err(Refusal::SignIn(StatusCode::UNAUTHORIZED, "A token is needed.")),
        }
    }
}

/// Asks who bears a token.
async fn bears(tokens: &Tokens, token: &str) -> Result<(), Refusal> {
    match tokens.bearer(token).await {
        Bearer::Allowed => Ok(()),
        Bearer::Forbidden => Err(Refusal::SignIn(
            StatusCode::FORBIDDEN,
            "The bearer of this token may not list workloadpolicies.",
        )),
        Bearer::Nobody => Err(Refusal::SignIn(
            StatusCode::UNAUTHORIZED,
            "The API server does not know this token.",
        )),
        Bearer::Unanswered => Err(Refusal::Plain(
            StatusCode::SERVICE_UNAVAILABLE,
            "the API server does not say who bears this token: try again\n",
        )),
    }
}

/// Whether a `Host` names this machine as such.
fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for host in [
            "localhost",
            "localhost:8090",
            "127.0.0.1:8090",
            "127.1.2.3",
            "[::1]:8090",
            "LOCALHOST",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example:8090",
            "10.0.0.1:8090",
            "127.0.0.1.evil.example",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
