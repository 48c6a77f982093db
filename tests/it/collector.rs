//! A real OpenTelemetry Collector for tests, which receives OTLP over HTTP and writes what it gets to a file.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;

use crate::controlplane::build::{Module, Target, built, required};
use crate::controlplane::process::{Process, Scratch};
use crate::controlplane::{ControlPlane, eventually, free_port};

const GO_MOD: &str = include_str!("../collector/go.mod");
const GO_SUM: &str = include_str!("../collector/go.sum");
const MAIN: &str = include_str!("../collector/main.go");

/// What the module builds.
const PROGRAM: Target = Target {
    name: "collector",
    package: ".",
    built_as: "collector",
};

/// A Collector on a port of its own; dropping it ends it.
pub struct Collector {
    port: u16,
    grpc_port: u16,
    running: Option<Process>,
    scratch: Scratch,
}

/// A log record: the attributes of its resource and its own, which have different names;
/// `body`, `time` and `eventName` beside them.
pub type Record = BTreeMap<String, String>;

/// A span: its fields, and as texts the attributes of its resource and its own.
#[derive(Clone, Debug)]
pub struct Span {
    pub fields: Value,
    pub attributes: BTreeMap<String, String>,
}

impl Collector {
    /// One that does not run yet.
    pub fn new() -> Self {
        Self {
            port: free_port().expect("a port is free"),
            grpc_port: free_port().expect("a port is free"),
            running: None,
            scratch: Scratch::new().expect("a directory can be made"),
        }
    }

    /// What `--otlp-logs` and `--otlp-traces` take.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where API servers send spans to: they speak gRPC.
    pub fn grpc_address(&self) -> String {
        format!("127.0.0.1:{}", self.grpc_port)
    }

    /// Starts it, and waits until it listens.
    pub async fn start(&mut self) {
        let directory = spawn_blocking(|| built(&module(), &[PROGRAM])).await;
        let directory = directory.expect("the build ends").expect("the Collector is built");
        let config = self.scratch.write("config.yaml", self.config()).expect("a file");
        let mut command = Command::new(directory.join(PROGRAM.name));
        command.arg("--config").arg(format!("file:{}", config.display()));
        let log = self.scratch.path().join("collector.log");
        let process = Process::start(&command, &log).expect("the Collector starts");
        let process = self.running.insert(process);
        eventually("the Collector's port", async || {
            let ended = process.ended().expect("a process can be waited for");
            assert_eq!(
                ended,
                None,
                "the Collector ended: {}",
                fs::read_to_string(&log).unwrap_or_default()
            );
            TcpStream::connect(("127.0.0.1", self.port)).await.ok()
        })
        .await;
    }

    /// Every record that has come so far, in order.
    pub fn records(&self) -> Vec<Record> {
        let items = items(&self.file("logs"), ["resourceLogs", "scopeLogs", "logRecords"]);
        let records = items.into_iter().map(|(record, mut all)| {
            all.insert("body".to_owned(), text(&record["body"]["stringValue"]));
            for (name, field) in [("eventName", "eventName"), ("time", "timeUnixNano")] {
                all.insert(name.to_owned(), text(&record[field]));
            }
            all
        });
        records.collect()
    }

    /// Every span that has come so far, in order.
    pub fn spans(&self) -> Vec<Span> {
        let items = items(&self.file("traces"), ["resourceSpans", "scopeSpans", "spans"]);
        let spans = items
            .into_iter()
            .map(|(fields, attributes)| Span { fields, attributes });
        spans.collect()
    }

    /// Waits until something follows from the records.
    pub async fn says<T>(&self, what: &str, wanted: impl Fn(Vec<Record>) -> Option<T>) -> T {
        eventually(what, async || wanted(self.records())).await
    }

    /// Waits for a span.
    pub async fn span(&self, what: &str, wanted: impl Fn(&Span) -> bool) -> Span {
        eventually(what, async || self.spans().into_iter().find(&wanted)).await
    }

    fn file(&self, signal: &str) -> PathBuf {
        self.scratch.path().join(format!("{signal}.json"))
    }

    fn config(&self) -> String {
        let file = |signal| {
            let path = self.file(signal);
            format!(
                "file/{signal}: {{path: {}, append: true, flush_interval: 50ms}}",
                path.display()
            )
        };
        format!(
            "receivers: {{otlp: {{protocols: {{http: {{endpoint: 127.0.0.1:{}}}, grpc: {{endpoint: {}}}}}}}}}\n\
             exporters: {{{}, {}}}\n\
             service: {{pipelines: {{\n\
             logs: {{receivers: [otlp], exporters: [file/logs]}},\n\
             traces: {{receivers: [otlp], exporters: [file/traces]}}}}}}\n",
            self.port,
            self.grpc_address(),
            file("logs"),
            file("traces")
        )
    }
}

fn module() -> Module {
    Module {
        name: "collector",
        version: required(GO_MOD, "go.opentelemetry.io/collector/otelcol"),
        recipe: &[GO_MOD, GO_SUM, MAIN],
        link_flags: "-s -w".to_owned(),
        why: ", an OpenTelemetry Collector with two components; it takes 1 to 4 minutes on 2 cores".to_owned(),
        instead: String::new(),
        write: None,
    }
}

/// Attributes of these names have these values.
#[track_caller]
pub fn assert_told(attributes: &BTreeMap<String, String>, expected: &[(&str, &str)]) {
    for (name, value) in expected {
        assert_eq!(
            attributes.get(*name).map(String::as_str),
            Some(*value),
            "{name}: {attributes:?}"
        );
    }
}

/// By what telemetry tells a cluster: the uid of a namespace that each has.
pub async fn uid_of(cluster: &ControlPlane) -> String {
    let uid = ["get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}"];
    cluster.kubectl(uid).await.succeeded().stdout
}

/// The items in a file of requests, each with the attributes of its resource and its own.
fn items(file: &Path, [of_resources, of_scopes, items]: [&str; 3]) -> Vec<(Value, BTreeMap<String, String>)> {
    let written = fs::read_to_string(file).unwrap_or_default();
    // What follows the last line end is being written.
    let whole = written.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut found = Vec::new();
    for line in whole.lines() {
        let request: Value = serde_json::from_str(line).expect("a request in JSON");
        for resource in list(&request[of_resources]) {
            let of_resource = list(&resource["resource"]["attributes"]);
            for item in list(&resource[of_scopes]).iter().flat_map(|scope| list(&scope[items])) {
                let attributes = of_resource.iter().cloned().chain(list(&item["attributes"]));
                let named = attributes.map(|pair| (text(&pair["key"]), text(&pair["value"]["stringValue"])));
                let named = named.collect();
                found.push((item, named));
            }
        }
    }
    found
}

/// A text; of what is none, such as a number in an attribute of somebody else's, an empty one.
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
