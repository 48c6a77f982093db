//! What a batch is sent in: who speaks, and of which cluster.

use std::borrow::Cow;

use serde_json::json;

use super::item::{Item, attributes};
use super::signal::Signal;

/// What ends every body.
const TAIL: &str = "]}]}]}";

/// What is the same of every batch.
#[derive(Debug)]
pub(super) struct Envelope {
    head: String,
}

impl Envelope {
    /// Of a cluster with this name and uid, empty where they are not known.
    pub(super) fn new(signal: Signal, cluster_name: &str, cluster_uid: &str) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        let resource = attributes([
            ("service.name", "stateward".into()),
            ("service.version", version.into()),
            ("k8s.cluster.name", Cow::from(cluster_name)),
            ("k8s.cluster.uid", Cow::from(cluster_uid)),
        ]);
        let resource = json!({ "attributes": resource });
        let scope = json!({"name": "stateward", "version": version});
        let [of_resources, of_scopes, items] = signal.lists();
        Self {
            head: format!(
                r#"{{"{of_resources}":[{{"resource":{resource},"{of_scopes}":[{{"scope":{scope},"{items}":["#
            ),
        }
    }

    /// The body of a request (`ExportLogsServiceRequest`, `ExportTraceServiceRequest`).
    pub(super) fn around(&self, items: &[Item]) -> Vec<u8> {
        [&self.head, &*items.join(","), TAIL].concat().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn records_are_sent_with_the_cluster_that_they_are_of() {
        let of = |name: &str, uid: &str, records: &[&str]| -> Value {
            let records: Vec<Item> = records.iter().map(|&record| record.into()).collect();
            serde_json::from_slice(&Envelope::new(Signal::Logs, name, uid).around(&records)).unwrap()
        };
        let body = of("north \"1\"", "7e3c", &[r#"{"body":1}"#, r#"{"body":2}"#]);
        let logs = &body["resourceLogs"][0];
        let attributes = logs["resource"]["attributes"].as_array().unwrap();
        let named = |name: &str| attributes.iter().find(|attribute| attribute["key"] == name).unwrap();
        assert_eq!(named("k8s.cluster.name")["value"]["stringValue"], "north \"1\"");
        assert_eq!(named("k8s.cluster.uid")["value"]["stringValue"], "7e3c");
        assert_eq!(named("service.name")["value"]["stringValue"], "stateward");
        assert_eq!(logs["scopeLogs"][0]["logRecords"], json!([{"body": 1}, {"body": 2}]));
        let unnamed = of("", "", &[]);
        assert_eq!(
            unnamed["resourceLogs"][0]["resource"]["attributes"]
                .as_array()
                .unwrap()
                .len(),
            2
        );
        let spans = Envelope::new(Signal::Traces, "", "").around(&[r#"{"kind":2}"#.into()]);
        let spans: Value = serde_json::from_slice(&spans).unwrap();
        assert_eq!(
            spans["resourceSpans"][0]["scopeSpans"][0]["spans"],
            json!([{"kind": 2}])
        );
    }
}
