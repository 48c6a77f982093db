//! The connection to a collector: OTLP over HTTP.

use std::fmt;
use std::time::Duration;

use http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{Request, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::Config;
use kube::client::ConfigExt as _;
use tokio::time::timeout;

use super::answer::Answer;
use super::endpoint::Endpoint;
use crate::causes::chain;

/// A collector that takes longer has lost the request; exporters of OpenTelemetry wait as long.
const ANSWER: Duration = Duration::from_secs(10);
/// What is read of an answer.
const BODY: usize = 64 << 10;

/// A collector.
#[derive(Clone)]
pub(super) struct Collector {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    uri: Uri,
}

impl Collector {
    /// Looks for nobody yet. Whom to trust with TLS the system says, or `$SSL_CERT_FILE`.
    pub(super) fn new(endpoint: &Endpoint) -> Result<Self, kube::Error> {
        let mut config = Config::new(endpoint.uri().clone());
        if !endpoint.is_encrypted() {
            // Nobody has to be trusted, and an image from scratch has no list of whom.
            config.root_cert = Some(Vec::new());
        }
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(config.rustls_https_connector()?),
            uri: endpoint.uri().clone(),
        })
    }

    /// Sends a body once.
    pub(super) async fn post(&self, body: Vec<u8>) -> Answer {
        match timeout(ANSWER, self.exchange(body)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => Answer::none(&error),
            Err(_) => Answer::none("no answer"),
        }
    }

    async fn exchange(&self, body: Vec<u8>) -> Result<Answer, String> {
        let request = Request::post(&self.uri)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("stateward/", env!("CARGO_PKG_VERSION")))
            .body(Full::from(body))
            .map_err(|error| error.to_string())?;
        let response = self.client.request(request).await.map_err(|error| chain(&error))?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get(RETRY_AFTER).cloned();
        let retry_after = retry_after.as_ref().and_then(|value| value.to_str().ok());
        // The status counts, whatever becomes of the rest.
        let body = Limited::new(response.into_body(), BODY).collect().await;
        let body = body.map(|body| body.to_bytes()).unwrap_or_default();
        Ok(Answer::of(status, retry_after, &body))
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector")
            .field("uri", &self.uri)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// What is answered to a body by somebody who says just this, and what he was sent.
    async fn answered(answer: &'static str) -> (Answer, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/in", listener.local_addr().unwrap());
        let collector = Collector::new(&Endpoint::for_logs(&url).unwrap()).unwrap();
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"{\"a\":1}") {
                assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0);
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(request).unwrap()
        };
        tokio::join!(collector.post(b"{\"a\":1}".to_vec()), server)
    }

    #[tokio::test]
    async fn a_body_is_posted_and_its_answer_read() {
        let (answer, request) = answered("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
        let nothing_else = Answer::Taken {
            rejected: 0,
            why: String::new(),
        };
        assert_eq!(answer, nothing_else);
        assert!(request.starts_with("POST /in HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("content-type: application/json\r\n"), "{request}");
        let (answer, _) = answered("HTTP/1.1 503 Busy\r\nretry-after: 3\r\ncontent-length: 0\r\n\r\n").await;
        let later = Answer::Later {
            after: Some(Duration::from_secs(3)),
            why: "status 503".to_owned(),
        };
        assert_eq!(answer, later);
        // An answer that is cut short is one.
        let (answer, _) = answered("HTTP/1.1 400 Bad\r\ncontent-length: 9\r\n\r\nno").await;
        assert!(matches!(answer, Answer::Refused { .. }), "{answer:?}");
        let (answer, _) = answered("").await;
        assert!(matches!(answer, Answer::Later { after: None, .. }), "{answer:?}");
    }

    #[tokio::test]
    async fn nobody_who_listens_is_a_reason_to_come_back() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let answer = Collector::new(&Endpoint::for_logs(&url).unwrap())
            .unwrap()
            .post(Vec::new())
            .await;
        let Answer::Later { after: None, why } = answer else {
            panic!("{answer:?}")
        };
        assert!(why.contains("refused"), "{why}");
    }
}
