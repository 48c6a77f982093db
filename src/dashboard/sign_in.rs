//! How somebody in a browser brings a token: a form, and a cookie that ends with the browser.

use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::Content;
use super::page::{Place, page};
use super::query::pairs;
use crate::markup::escaped;

/// Where the form is sent to.
pub(super) const PATH: &str = "/sign-in";
/// Only over TLS, and by no other page (RFC 6265bis, "__Host-").
const NAME: &str = "__Host-stateward";

/// The token of a request: the header counts for more than the cookie.
pub(super) fn token(headers: &HeaderMap) -> Option<&str> {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = header.and_then(|value| value.split_once(' '));
    let bearer = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut cookies = cookies
        .flat_map(|value| value.split(';'))
        .filter_map(|one| one.trim().split_once('='));
    let cookie = || cookies.find(|(name, _)| *name == NAME).map(|(_, token)| token);
    bearer.map(|(_, token)| token.trim()).or_else(cookie)
}

/// Asks for a token.
pub(super) fn form(status: StatusCode, why: &str) -> Response {
    let content = Content {
        title: "Sign in".to_owned(),
        place: Place::Nowhere,
        body: format!(
            "<h1>Sign in</h1>\n<p>{}</p>\n<p>Whoever may list <code>workloadpolicies.stateward.dev</code> may see these \
             pages. <code>kubectl create token NAME</code> makes a token of a service account.</p>\n\
             <form method=\"post\" action=\"{PATH}\">\n<div class=\"field\"><label for=\"token\">Token</label>\
             <input id=\"token\" name=\"token\" type=\"password\" autocomplete=\"off\" required=\"required\"/></div>\n\
             <div><button type=\"submit\">Sign in</button></div>\n</form>\n",
            escaped(why)
        ),
    };
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (WWW_AUTHENTICATE, "Bearer")];
    (status, headers, page(&content, 0)).into_response()
}

/// Keeps the token of a form in a cookie, and goes to the first page, which tells whether it is good.
pub(super) async fn keep(body: Bytes) -> Response {
    let token = pairs(&body)
        .find(|(key, _)| key == "token")
        .map(|(_, token)| token.trim().to_owned());
    // A token is of these characters (RFC 6750), and nothing else gets into a header.
    let is_token = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
    let token = token.filter(|token| !token.is_empty() && token.chars().all(is_token));
    let cookie = token.and_then(|token| {
        let text = format!("{NAME}={token}; Path=/; Secure; HttpOnly; SameSite=Strict");
        HeaderValue::from_str(&text).ok()
    });
    match cookie {
        Some(cookie) => {
            let headers = [(SET_COOKIE, cookie), (LOCATION, HeaderValue::from_static("/"))];
            (StatusCode::SEE_OTHER, headers).into_response()
        }
        None => form(StatusCode::BAD_REQUEST, "That is no token."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_in_a_header_or_in_our_cookie() {
        let headers = |name, value| HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
        assert_eq!(token(&headers(AUTHORIZATION, "Bearer abc")), Some("abc"));
        assert_eq!(token(&headers(COOKIE, "a=b; __Host-stateward=abc")), Some("abc"));
        for (name, value) in [(AUTHORIZATION, "Basic abc"), (COOKIE, "stateward=abc"), (COOKIE, "abc")] {
            assert_eq!(token(&headers(name, value)), None, "{value}");
        }
    }
}
