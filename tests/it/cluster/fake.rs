//! An API server that answers as scripted, and otherwise has no objects and no changes.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex};

use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::{StreamExt as _, stream};
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Bytes, Frame};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

type Answer = UnsyncBoxBody<Bytes, io::Error>;

/// The scripts, by path.
#[derive(Clone, Default)]
pub struct Fake {
    script: Arc<Mutex<Script>>,
}

#[derive(Default)]
struct Script {
    reads: HashMap<String, VecDeque<(u16, Value)>>,
    watches: HashMap<String, VecDeque<UnboundedReceiver<Line>>>,
    calls: Vec<String>,
}

type Line = Result<String, io::Error>;

/// The server's end of a watch; dropping it ends the watch.
pub struct Stream(UnboundedSender<Line>);

impl Stream {
    /// Sends an event.
    pub fn send(&self, kind: &str, object: &Value) {
        let line = json!({"type": kind, "object": object});
        self.0
            .unbounded_send(Ok(format!("{line}\n")))
            .expect("the watch is open");
    }

    /// Sends what is no whole line.
    pub fn send_text(&self, text: &str) {
        self.0.unbounded_send(Ok(text.to_owned())).expect("the watch is open");
    }

    /// Breaks the connection.
    pub fn cut(self) {
        self.0
            .unbounded_send(Err(io::Error::other("connection reset")))
            .expect("the watch is open");
    }
}

impl Fake {
    /// A client of it.
    pub fn client(&self) -> Client {
        let fake = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let answer = fake.answer(&request);
            async move { Ok::<_, Infallible>(answer) }
        });
        Client::new(service, "default")
    }

    /// Answers one more read of a path; those without an answer get an empty list.
    pub fn on_read(&self, path: &str, status: u16, body: Value) -> &Self {
        let mut script = self.script.lock().expect("no test panics while it scripts");
        script
            .reads
            .entry(path.to_owned())
            .or_default()
            .push_back((status, body));
        self
    }

    /// Answers one more watch of a path; those without an answer stay silent.
    pub fn on_watch(&self, path: &str) -> Stream {
        let (sender, receiver) = unbounded();
        let mut script = self.script.lock().expect("no test panics while it scripts");
        script.watches.entry(path.to_owned()).or_default().push_back(receiver);
        Stream(sender)
    }

    /// The paths with queries below a path, in order.
    pub fn calls(&self, path: &str) -> Vec<String> {
        let script = self.script.lock().expect("no test panics while it scripts");
        script
            .calls
            .iter()
            .filter(|call| call.starts_with(path))
            .cloned()
            .collect()
    }

    fn answer(&self, request: &Request<Body>) -> Response<Answer> {
        let mut script = self.script.lock().expect("no test panics while it scripts");
        let path = request.uri().path();
        let query = request.uri().query().unwrap_or_default();
        script.calls.push(format!("{path}?{query}"));
        if query.contains("watch=true") {
            let lines = match script.watches.get_mut(path).and_then(VecDeque::pop_front) {
                Some(lines) => lines.left_stream(),
                None => stream::pending().right_stream(),
            };
            let frames = lines.map(|line| line.map(|text| Frame::data(Bytes::from(text))));
            return Response::new(StreamBody::new(frames).boxed_unsync());
        }
        let (status, body) = match script.reads.get_mut(path).and_then(VecDeque::pop_front) {
            Some(answer) => answer,
            None => (200, list("1", &[])),
        };
        let hung = status == 0;
        let body = stream::once(async move {
            if hung {
                std::future::pending::<()>().await;
            }
            Ok(Frame::data(Bytes::from(body.to_string())))
        });
        let mut response = Response::new(StreamBody::new(body).boxed_unsync());
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
        response
    }
}

/// What `/version` answers.
pub fn version_info(major: &str, minor: &str) -> Value {
    json!({"major": major, "minor": minor, "gitVersion": "", "gitCommit": "", "gitTreeState": "", "buildDate": "",
        "goVersion": "", "compiler": "", "platform": ""})
}

/// A list, or its last page.
pub fn list(version: &str, items: &[Value]) -> Value {
    json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": version}, "items": items})
}

/// A page that is not the last.
pub fn page(next: &str, items: &[Value]) -> Value {
    json!({"metadata": {"resourceVersion": "5", "continue": next}, "items": items})
}

/// What the API server says when it refuses.
pub fn failure(code: u16) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": "no"})
}
