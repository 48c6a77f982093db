//! What a broken or hostile client may send: one clear answer, and the next client is served.

#![expect(clippy::unwrap_used, reason = "a failed step of a helper is a failed test")]
#![expect(clippy::panic, reason = "a rule with a bug is what one test is about")]

use std::sync::Arc;
use std::time::Duration;

use hyper_util::service::TowerToHyperService;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use stateward::admission::{OnError, Webhook, router};
use stateward::graph::{Facts, Features, Field, Graph, Knowledge};
use stateward::metrics::{Port, Validity};
use stateward::rules::kit::{Action, Case, Rule};
use stateward::server::accept::Server;
use stateward::server::limits::Limits;
use stateward::server::self_signed::SelfSigned;
use stateward::server::shutdown::Shutdown;
use stateward::server::tls::{CertResolver, server_config};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::webhook::{webhook, with_rules};

const MOST_BYTES: usize = 8 * 1024 * 1024;

/// A webhook served over TLS on loopback.
struct Site {
    address: std::net::SocketAddr,
    ca_pem: String,
}

impl Site {
    async fn start() -> Self {
        Self::of(webhook(empty_graph())).await
    }

    async fn of(webhook: Webhook) -> Self {
        Self::within(webhook, Limits::default()).await
    }

    async fn within(webhook: Webhook, limits: Limits) -> Self {
        let made = SelfSigned::new(["localhost".to_owned()]).unwrap();
        let tls = server_config(CertResolver::new(made.certificate, Validity::default())).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let traffic = webhook.metrics.traffic(Port::Webhook);
        let server = Server::tls(listener, tls, limits, traffic).expect("a thread");
        let address = server.local_addr().unwrap();
        let router = router(Arc::new(webhook));
        tokio::spawn(async move { server.serve(TowerToHyperService::new(router), &Shutdown::new()).await });
        Self {
            address,
            ca_pem: made.ca_pem,
        }
    }

    async fn connect(&self) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(self.ca_pem.as_bytes()).unwrap())
            .unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(self.address).await.unwrap();
        TlsConnector::from(Arc::new(config))
            .connect(ServerName::try_from("localhost").unwrap(), stream)
            .await
            .unwrap()
    }

    /// Sends bytes over a connection of their own and reads the answer.
    async fn send(&self, bytes: &[u8]) -> Reply {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        stream.flush().await.unwrap();
        Reply::read(&mut stream).await
    }

    async fn post(&self, body: impl AsRef<[u8]>) -> Reply {
        self.send(&request("application/json", body.as_ref())).await
    }

    /// The server lives: the next client gets its answer.
    async fn lives(&self) {
        let reply = self.post(review(deployment()).to_string()).await;
        assert!(reply.allowed());
    }
}

/// An answer, never one that asks to be retried.
struct Reply {
    status: u16,
    body: String,
}

impl Reply {
    async fn read(stream: &mut TlsStream<TcpStream>) -> Self {
        let mut bytes = Vec::new();
        loop {
            let mut buffer = [0; 16 * 1024];
            let read = stream.read(&mut buffer).await.unwrap();
            assert!(
                read > 0,
                "closed without an answer: {}",
                String::from_utf8_lossy(&bytes)
            );
            bytes.extend_from_slice(&buffer[..read]);
            let text = String::from_utf8_lossy(&bytes);
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            let head = head.to_ascii_lowercase();
            assert!(!head.contains("\r\nretry-after:"), "{head}");
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                return Self {
                    status,
                    body: body.to_owned(),
                };
            }
        }
    }

    fn response(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        serde_json::from_str::<Value>(&self.body).unwrap()["response"].take()
    }

    fn allowed(&self) -> bool {
        self.response()["allowed"].as_bool().unwrap()
    }

    /// Allowed, with one warning that has these words.
    fn warns(&self, words: &str) {
        let response = self.response();
        assert_eq!(response["allowed"], true);
        let warning = response["warnings"][0].as_str().unwrap();
        assert!(warning.contains(words), "{warning}");
    }

    /// Refused with one line that has these words.
    fn refuses(&self, status: u16, words: &str) {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.body.lines().count(), 1, "{}", self.body);
        assert!(self.body.contains(words), "{}", self.body);
    }
}

fn empty_graph() -> Arc<Graph> {
    Arc::new(Graph::new(Facts::new(Knowledge::Complete)))
}

fn request(content_type: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST /validate?timeout=5s HTTP/1.1\r\nhost: a\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn deployment() -> Value {
    json!({"metadata": {"name": "web", "namespace": "shop"}, "spec": {"replicas": 1}})
}

fn review(object: Value) -> Value {
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "u", "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
        "resource": {"group": "apps", "version": "v1", "resource": "deployments"},
        "name": "web", "namespace": "shop", "operation": "CREATE", "userInfo": {"username": "ann"},
        "object": object}})
}

#[tokio::test]
async fn an_oversized_body_is_refused_before_it_is_read() {
    let site = Site::start().await;
    let head = |length: usize| {
        format!(
            "POST /validate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    site.send(head(MOST_BYTES + 1).as_bytes()).await.refuses(413, "8 MiB");
    site.send(head(usize::MAX / 2).as_bytes()).await.refuses(413, "8 MiB");

    let mut largest = review(deployment()).to_string();
    largest.extend(std::iter::repeat_n(' ', MOST_BYTES - largest.len()));
    assert!(site.post(largest).await.allowed());
    site.lives().await;
}

#[tokio::test]
async fn an_oversized_chunked_body_is_refused_once_it_is_too_large() {
    let site = Site::start().await;
    let mut stream = site.connect().await;
    let head =
        "POST /mutate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = vec![b' '; 64 * 1024];
    for _ in 0..MOST_BYTES / chunk.len() {
        stream.write_all(b"10000\r\n").await.unwrap();
        stream.write_all(&chunk).await.unwrap();
        stream.write_all(b"\r\n").await.unwrap();
    }
    stream.write_all(b"1\r\n \r\n").await.unwrap();
    stream.flush().await.unwrap();
    Reply::read(&mut stream).await.refuses(413, "8 MiB");
    site.lives().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_holds_its_connection_only_and_not_for_ever() {
    let limits = Limits {
        body_timeout: Duration::from_secs(1),
        ..Limits::default()
    };
    let site = Site::within(webhook(empty_graph()), limits).await;
    let whole = request("application/json", review(deployment()).to_string().as_bytes());
    let mut slow = site.connect().await;
    slow.write_all(&whole[..whole.len() - 1]).await.unwrap();
    slow.flush().await.unwrap();
    site.lives().await;
    let mut answer = Vec::new();
    let _ = slow.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
    site.lives().await;
}

#[tokio::test]
async fn a_truncated_body_ends_that_connection_only() {
    let site = Site::start().await;
    let whole = request("application/json", review(deployment()).to_string().as_bytes());
    for share in [10, 3, 2] {
        let mut stream = site.connect().await;
        stream
            .write_all(&whole[..whole.len() - whole.len() / share])
            .await
            .unwrap();
        stream.shutdown().await.unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        assert!(!rest.starts_with(b"HTTP/1.1 200"));
    }
    site.lives().await;
}

#[tokio::test]
async fn deep_nesting_neither_overflows_nor_denies() {
    let site = Site::start().await;
    let deep = |open: &str, close: &str| open.repeat(100_000) + &close.repeat(100_000);
    let body = |object: &str| review(json!("HERE")).to_string().replace("\"HERE\"", object);
    for nested in [deep("[", "]"), deep("{\"a\":", "}").replace(":}", ":1}")] {
        site.post(&nested).await.refuses(400, "");
        assert!(site.post(body(&nested)).await.allowed());
        let spec = format!(r#"{{"metadata":{{"name":"web"}},"spec":{nested}}}"#);
        assert!(site.post(body(&spec)).await.allowed());
        let unknown = format!(r#"{{"metadata":{{"name":"web"}},"future":{nested}}}"#);
        assert!(site.post(body(&unknown)).await.allowed());
    }
    site.post(body(&"[".repeat(100_000)))
        .await
        .refuses(400, "not an AdmissionReview");
    site.lives().await;
}

#[tokio::test]
async fn duplicate_keys_mean_nothing() {
    let site = Site::start().await;
    let twice = review(deployment())
        .to_string()
        .replace(r#""uid":"u""#, r#""uid":"first","uid":"last""#);
    site.post(twice).await.refuses(400, "a field stands twice");
    let object = r#"{"metadata":{"name":"web"},"spec":{"replicas":1},"spec":{"replicas":2}}"#;
    let twice = review(json!("HERE")).to_string().replace("\"HERE\"", object);
    site.post(twice).await.warns("could not read this Deployment");
}

#[tokio::test]
async fn only_json_is_taken() {
    let site = Site::start().await;
    let body = review(deployment()).to_string();
    for wrong in [
        "text/plain",
        "application/yaml",
        "application/vnd.kubernetes.protobuf",
        "",
        "application/json5",
    ] {
        site.send(&request(wrong, body.as_bytes()))
            .await
            .refuses(415, "application/json");
    }
    for right in [
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/json ;x",
    ] {
        assert!(site.send(&request(right, body.as_bytes())).await.allowed());
    }
}

#[tokio::test]
async fn what_is_no_review_is_refused_in_one_line() {
    let site = Site::start().await;
    let mut beta = review(deployment());
    beta["apiVersion"] = json!("admission.k8s.io/v1beta1");
    let mut other = review(deployment());
    other["kind"] = json!("Review");
    let mut without = review(deployment());
    without["request"] = Value::Null;
    for (body, words) in [
        (String::new(), "not an AdmissionReview"),
        ("hello".to_owned(), "not an AdmissionReview"),
        ("null".to_owned(), "not an AdmissionReview"),
        ("[]".to_owned(), "not an AdmissionReview"),
        ("{}".to_owned(), "apiVersion"),
        (review(deployment()).to_string() + "x", "not an AdmissionReview"),
        (beta.to_string(), "admission.k8s.io/v1beta1"),
        (other.to_string(), "Review"),
        (without.to_string(), "no request"),
        ("{\"apiVersion\":\"a\\nb\"}".to_owned(), "apiVersion"),
    ] {
        site.post(&body).await.refuses(400, words);
    }
    let mut invalid = review(deployment()).to_string().into_bytes();
    let at = invalid.windows(3).position(|bytes| bytes == b"ann").unwrap();
    invalid[at] = 0xff;
    site.post(invalid).await.refuses(400, "not an AdmissionReview");
}

#[tokio::test]
async fn other_requests_are_refused() {
    let site = Site::start().await;
    for (line, status) in [
        ("GET /validate", 405),
        ("PUT /mutate", 405),
        ("HEAD /validate", 405),
        ("GET /", 404),
        ("POST /validate/", 404),
        ("POST /%76alidate", 404),
        ("CONNECT example.com:443", 404),
        ("OPTIONS *", 404),
    ] {
        let reply = site
            .send(format!("{line} HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n").as_bytes())
            .await;
        assert_eq!(reply.status, status, "{line}");
    }
    for head in [
        "POST /validate HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        "POST /validate HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        "POST /validate HTTP/1.1\r\nhost a\r\n\r\n",
        "POST /validate HTTP/9.9\r\n\r\n",
        "\0\0\0\0\r\n\r\n",
    ] {
        assert_eq!(site.send(head.as_bytes()).await.status, 400, "{head:?}");
    }
    let many = "a: b\r\n".repeat(10_000);
    let reply = site
        .send(format!("POST /validate HTTP/1.1\r\n{many}\r\n").as_bytes())
        .await;
    assert_eq!(reply.status, 431);
    site.lives().await;
}

#[tokio::test]
async fn garbage_instead_of_tls_disturbs_nobody() {
    let site = Site::start().await;
    let mut review_in_plain_text = TcpStream::connect(site.address).await.unwrap();
    let body = review(deployment()).to_string();
    let _ = review_in_plain_text
        .write_all(&request("application/json", body.as_bytes()))
        .await;
    let mut answer = Vec::new();
    let _ = review_in_plain_text.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP/"), "answered without TLS");
    site.lives().await;
}

#[tokio::test]
async fn a_long_uid_comes_back_and_a_huge_one_does_not() {
    let site = Site::start().await;
    let mut huge = review(deployment());
    let uid = "\"é\\".repeat(30_000);
    huge["request"]["uid"] = json!(uid);
    assert_eq!(site.post(huge.to_string()).await.response()["uid"], *uid);
    huge["request"]["uid"] = json!(uid.repeat(10));
    site.post(huge.to_string()).await.refuses(400, "the uid is too long");
}

#[tokio::test]
async fn an_unknown_kind_passes_with_a_warning() {
    let site = Site::start().await;
    for change in [
        json!({"kind": "Widget"}),
        json!({"group": "example.com"}),
        json!({"version": "v2"}),
    ] {
        let mut review = review(deployment());
        for (member, value) in change.as_object().unwrap() {
            review["request"]["kind"][member] = value.clone();
        }
        site.post(review.to_string()).await.warns("and did not check it");
    }
}

#[tokio::test]
async fn requests_that_play_no_part_pass_in_silence() {
    let site = Site::start().await;
    let pass = async |change: &dyn Fn(&mut Value)| {
        let mut review = review(deployment());
        change(&mut review["request"]);
        let response = site.post(review.to_string()).await.response();
        assert_eq!(response, json!({"uid": "u", "allowed": true}));
    };
    pass(&|request| request["operation"] = json!("CONNECT")).await;
    pass(&|request| request["subResource"] = json!("status")).await;
    pass(&|request| request["namespace"] = Value::Null).await;
}

#[tokio::test]
async fn an_object_of_wrong_types_passes_with_a_warning() {
    let site = Site::start().await;
    for object in [
        json!({"metadata": {"name": 7}}),
        json!({"spec": 7}),
        json!({"spec": {"replicas": "three"}}),
        json!({"spec": {"template": {"spec": {"volumes": {"a": 1}}}}}),
        json!("a text"),
        json!(7),
    ] {
        site.post(review(object).to_string())
            .await
            .warns("could not read this Deployment");
    }
}

static PANICS: &[&Rule] = &[&Rule {
    id: "panics",
    summary: "a rule with a bug",
    cases: &[Case::always(Action::Deny)],
    judges: Features::having(Field::Strategy),
    judge: Some(|_, _, _| panic!("a bug in a rule")),
    ..Rule::DEFAULTS
}];

#[tokio::test]
async fn a_panic_costs_one_answer() {
    let site = Site::of(with_rules(empty_graph(), PANICS, OnError::Allow)).await;
    let body = review(deployment()).to_string();
    site.post(&body).await.warns("failed to judge this request");
    // The namespace's lock was held when the rule panicked.
    site.post(&body).await.warns("failed to judge this request");

    let site = Site::of(with_rules(empty_graph(), PANICS, OnError::Deny)).await;
    let response = site.post(&body).await.response();
    assert_eq!(response["allowed"], false);
    assert_eq!(response["status"]["code"], 403);
    let mut other = review(deployment());
    other["request"]["kind"]["kind"] = json!("DaemonSet");
    assert!(site.post(other.to_string()).await.allowed());
}
