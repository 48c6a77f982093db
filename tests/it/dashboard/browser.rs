//! A browser, as far as it asks and reads.

use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use roxmltree::{Document, ParsingOptions};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::server;

/// Asks one server.
#[derive(Clone, Debug, Default)]
pub(super) struct Browser {
    pub(super) address: String,
    /// The authority that its server is known by, where it is asked over TLS.
    ca_pem: Option<String>,
    headers: Vec<(String, String)>,
}

impl Browser {
    pub(super) fn at(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            ..Self::default()
        }
    }

    /// The same, over TLS.
    pub(super) fn over_tls(&self, ca_pem: &str) -> Self {
        Self {
            ca_pem: Some(ca_pem.to_owned()),
            ..self.clone()
        }
    }

    /// The same, with a header more.
    pub(super) fn with(&self, name: &str, value: &str) -> Self {
        let mut headers = self.headers.clone();
        headers.push((name.to_owned(), value.to_owned()));
        Self {
            headers,
            ..self.clone()
        }
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.ask(Method::GET, path, String::new()).await).await
    }

    pub(super) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        Answer::of(self.ask(Method::POST, path, body).await).await
    }

    /// The head of the answer, and its body as it comes.
    pub(super) async fn ask(&self, method: Method, path: &str, body: String) -> Response<Incoming> {
        let stream = TcpStream::connect(&self.address).await.expect("somebody listens");
        let mut sender = match &self.ca_pem {
            None => opened(stream).await,
            Some(ca_pem) => {
                let stream = server::handshake(stream, ca_pem, &["http/1.1"]).await;
                opened(stream.expect("TLS")).await
            }
        };
        let mut request = Request::builder().method(method).uri(path);
        let named = self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host"));
        if !named {
            request = request.header("host", &self.address);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(body))).expect("a request");
        sender.send_request(request).await.expect("an answer")
    }
}

async fn opened<S>(stream: S) -> SendRequest<Full<Bytes>>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP");
    tokio::spawn(connection);
    sender
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: http::HeaderMap,
    pub(super) body: String,
}

impl Answer {
    async fn of(answer: Response<Incoming>) -> Self {
        let (head, body) = answer.into_parts();
        let bytes = body.collect().await.expect("a whole body").to_bytes();
        Self {
            status: head.status,
            headers: head.headers,
            body: String::from_utf8(bytes.to_vec()).expect("UTF-8"),
        }
    }

    pub(super) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.expect("the header")
    }

    /// The page, which must be well-formed.
    pub(super) fn page(&self) -> Page<'_> {
        let options = ParsingOptions {
            allow_dtd: true,
            ..ParsingOptions::default()
        };
        let parsed = Document::parse_with_options(&self.body, options);
        Page(parsed.expect("well-formed"))
    }
}

/// A page as a tree.
pub(super) struct Page<'a>(Document<'a>);

impl Page<'_> {
    /// What there is to read.
    pub(super) fn text(&self) -> String {
        let texts = self.0.descendants().filter(|node| node.is_text());
        texts.filter_map(|node| node.text()).collect::<Vec<_>>().join(" ")
    }

    /// Where links lead.
    pub(super) fn links(&self) -> Vec<String> {
        let links = self.0.descendants().filter(|node| node.has_tag_name("a"));
        links
            .filter_map(|node| node.attribute("href").map(str::to_owned))
            .collect()
    }

    /// What a strict policy would not let it do, or what would be asked of others.
    pub(super) fn breaches(&self) -> Vec<String> {
        let mut breaches = Vec::new();
        for node in self.0.descendants().filter(roxmltree::Node::is_element) {
            let name = node.tag_name().name();
            let inline = ["script", "style"].contains(&name) && node.text().is_some_and(|text| !text.trim().is_empty());
            if inline {
                breaches.push(format!("{name} in the page"));
            }
            for attribute in node.attributes() {
                let (key, value) = (attribute.name(), attribute.value());
                let leads = ["href", "src", "action", "srcset", "data"].contains(&key);
                if key == "style" || key.starts_with("on") || (leads && !value.starts_with(['/', '#', '?'])) {
                    breaches.push(format!("{name} {key}={value:?}"));
                }
            }
        }
        breaches
    }

    /// Ids that stand twice, fields without a label, and whatever else nobody finds without seeing it.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let elements: Vec<_> = self.0.descendants().filter(roxmltree::Node::is_element).collect();
        let mut ids: Vec<&str> = elements.iter().filter_map(|node| node.attribute("id")).collect();
        ids.sort_unstable();
        let twice = ids.windows(2).filter(|pair| pair[0] == pair[1]);
        faults.extend(twice.map(|pair| format!("id {} stands twice", pair[0])));
        let labels: Vec<&str> = elements.iter().filter_map(|node| node.attribute("for")).collect();
        for node in &elements {
            let is_field = ["input", "select", "textarea"].contains(&node.tag_name().name());
            if is_field && !node.attribute("id").is_some_and(|id| labels.contains(&id)) {
                faults.push(format!("a {} has no label", node.tag_name().name()));
            }
        }
        for (name, count) in [("main", 1), ("h1", 1), ("title", 1)] {
            let is_one = |node: &&roxmltree::Node<'_, '_>| node.tag_name().name() == name;
            // A picture has titles of its own.
            let outside = |node: &&roxmltree::Node<'_, '_>| !node.ancestors().any(|one| one.tag_name().name() == "svg");
            let found = elements.iter().filter(is_one).filter(outside).count();
            if found != count {
                faults.push(format!("{found} {name}"));
            }
        }
        faults
    }
}
