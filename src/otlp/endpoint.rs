//! Where a collector listens.

use http::Uri;
use http::uri::PathAndQuery;

use super::signal::Signal;

/// The URL that items are posted to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(Uri);

impl Endpoint {
    /// Parses where log records go to.
    ///
    /// # Errors
    /// It is no URL, or none for this.
    pub fn for_logs(text: &str) -> Result<Self, String> {
        Self::parse(Signal::Logs, text)
    }

    /// Parses where spans go to.
    ///
    /// # Errors
    /// It is no URL, or none for this.
    pub fn for_traces(text: &str) -> Result<Self, String> {
        Self::parse(Signal::Traces, text)
    }

    pub(super) fn uri(&self) -> &Uri {
        &self.0
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }

    /// A URL with a path is taken as it is, one without gets that of the specification: as with the variables
    /// `OTEL_EXPORTER_OTLP_LOGS_ENDPOINT` and `OTEL_EXPORTER_OTLP_ENDPOINT`.
    fn parse(signal: Signal, text: &str) -> Result<Self, String> {
        let uri: Uri = text.parse().map_err(|_| "not a URL".to_owned())?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err("a URL such as http://collector:4318".to_owned());
        }
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        if authority.contains('@') {
            return Err("a URL without a user: nothing secret belongs into arguments".to_owned());
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Ok(Self(uri));
        }
        let mut parts = uri.into_parts();
        parts.path_and_query = Some(PathAndQuery::from_static(signal.path()));
        Uri::from_parts(parts).map(Self).map_err(|_| "not a URL".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_a_path_gets_the_one_of_the_specification() {
        for (text, url) in [
            ("http://collector:4318", "http://collector:4318/v1/logs"),
            ("https://collector.example/", "https://collector.example/v1/logs"),
            ("http://[::1]:4318/otlp/logs", "http://[::1]:4318/otlp/logs"),
            ("http://collector/?tenant=a", "http://collector/?tenant=a"),
        ] {
            let endpoint = Endpoint::for_logs(text).unwrap();
            assert_eq!(endpoint.uri().to_string(), url);
            assert_eq!(endpoint.is_encrypted(), text.starts_with("https"));
        }
        let traces = Endpoint::for_traces("http://collector:4318").unwrap();
        assert_eq!(traces.uri().to_string(), "http://collector:4318/v1/traces");
        for text in [
            "collector:4318",
            "grpc://collector:4317",
            "http://",
            "http://me:secret@collector",
            "/v1/logs",
            "",
        ] {
            assert!(Endpoint::for_logs(text).is_err(), "{text:?}");
        }
    }
}
