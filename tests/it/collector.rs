//! A real OpenTelemetry Collector for tests, which receives OTLP over HTTP and writes what it gets to a file.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;

use crate::controlplane::build::{Module, Target, built, required};
use crate::controlplane::process::{Process, Scratch};
use crate::controlplane::{eventually, free_port};

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
    running: Option<Process>,
    scratch: Scratch,
}

/// A log record: the attributes of its resource and its own, which have different names;
/// `body`, `time` and `eventName` beside them.
pub type Record = BTreeMap<String, String>;

impl Collector {
    /// One that does not run yet.
    pub fn new() -> Self {
        Self {
            port: free_port().expect("a port is free"),
            running: None,
            scratch: Scratch::new().expect("a directory can be made"),
        }
    }

    /// What `--otlp-logs` takes.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
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
        let text = fs::read_to_string(self.file()).unwrap_or_default();
        // What follows the last line end is being written.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let requests = whole
            .lines()
            .map(|line| serde_json::from_str(line).expect("a request in JSON"));
        requests.flat_map(|request: Value| records(&request)).collect()
    }

    /// Waits until something follows from the records.
    pub async fn says<T>(&self, what: &str, wanted: impl Fn(Vec<Record>) -> Option<T>) -> T {
        eventually(what, async || wanted(self.records())).await
    }

    fn file(&self) -> PathBuf {
        self.scratch.path().join("logs.json")
    }

    fn config(&self) -> String {
        format!(
            "receivers: {{otlp: {{protocols: {{http: {{endpoint: 127.0.0.1:{}}}}}}}}}\n\
             exporters: {{file: {{path: {}, append: true, flush_interval: 50ms}}}}\n\
             service: {{pipelines: {{logs: {{receivers: [otlp], exporters: [file]}}}}}}\n",
            self.port,
            self.file().display()
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
    }
}

fn records(request: &Value) -> Vec<Record> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut records = Vec::new();
    for resource in list(&request["resourceLogs"]) {
        let of_resource = list(&resource["resource"]["attributes"]);
        for record in list(&resource["scopeLogs"])
            .iter()
            .flat_map(|scope| list(&scope["logRecords"]))
        {
            let attributes = of_resource.iter().cloned().chain(list(&record["attributes"]));
            let text = |value: &Value| value["stringValue"].as_str().expect("a text").to_owned();
            let named = attributes.map(|pair| (pair["key"].as_str().expect("a key").to_owned(), text(&pair["value"])));
            let mut all: Record = named.collect();
            all.insert("body".to_owned(), text(&record["body"]));
            for (name, field) in [("eventName", "eventName"), ("time", "timeUnixNano")] {
                all.insert(name.to_owned(), record[field].as_str().expect("a text").to_owned());
            }
            records.push(all);
        }
    }
    records
}
