//! A finding as a log record, in the JSON of OTLP.

use std::borrow::Cow;

use serde::Serialize;

use super::item::{AnyValue, Item, KeyValue, attributes, clipped, written};
use crate::findings::{Counted, Found, Workload};
use crate::time::Time;

/// The name that all of our records have: with their attributes they are one kind of event.
const EVENT: &str = "stateward.finding";

/// What became of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Closed,
    Open,
    /// It was there before, and is as the record says.
    Standing,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogRecord<'a> {
    /// JSON has no 64-bit integers: they are texts.
    time_unix_nano: String,
    observed_time_unix_nano: String,
    severity_number: u8,
    severity_text: &'static str,
    event_name: &'static str,
    body: AnyValue<'a>,
    attributes: Vec<KeyValue<'a>>,
}

/// What a record says; `nanoseconds` is the time in Unix nanoseconds.
///
/// Objects have the attributes `k8s.object.*` whatever their kind, as those of the Collector's receiver of Kubernetes
/// events: with one attribute a kind, no query could ask for the name.
pub(super) fn record(state: State, workload: &Workload, found: &Found, nanoseconds: u128) -> Item {
    let Workload { namespace, object, uid } = workload;
    let counted = Counted::of(found);
    let (severity_number, severity_text) = severity(state, counted);
    let excepted = found.excepted.as_ref();
    let reason = excepted
        .map(|granted| &granted.reason)
        .or(found.allowed_because.as_ref());
    let optional = |text: Option<String>| Cow::from(text.unwrap_or_default());
    written(&LogRecord {
        time_unix_nano: nanoseconds.to_string(),
        observed_time_unix_nano: nanoseconds.to_string(),
        severity_number,
        severity_text,
        event_name: EVENT,
        body: AnyValue {
            string_value: clipped(&found.message),
        },
        attributes: attributes([
            ("stateward.finding.id", found.id(workload).into()),
            ("stateward.state", state.as_str().into()),
            ("stateward.rule", found.rule.into()),
            ("stateward.action", counted.as_str().into()),
            ("stateward.policy", clipped(&found.policies)),
            (
                "stateward.first_seen",
                Time::from_seconds(found.first_seen).to_string().into(),
            ),
            ("stateward.owner", clipped(&found.owner)),
            ("stateward.subject", clipped(&found.subject)),
            ("stateward.remedy", clipped(&found.remedy)),
            ("stateward.reason", clipped(reason.map_or("", String::as_str))),
            (
                "stateward.exception",
                optional(excepted.map(|granted| granted.exception.clone())),
            ),
            (
                "stateward.exception.owner",
                clipped(excepted.map_or("", |granted| granted.owner.as_str())),
            ),
            (
                "stateward.exception.expires",
                optional(excepted.map(|granted| granted.expires.to_string())),
            ),
            ("k8s.namespace.name", Cow::from(&**namespace)),
            ("k8s.object.api_version", object.kind.api_version().into()),
            ("k8s.object.kind", object.kind.as_str().into()),
            ("k8s.object.name", Cow::from(&*object.name)),
            ("k8s.object.uid", optional(uid.map(|uid| uid.to_string()))),
        ]),
    })
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::Standing => "standing",
        }
    }
}

/// Number and text of the specification's severities.
const fn severity(state: State, counted: Counted) -> (u8, &'static str) {
    match (state, counted) {
        (State::Closed, _) => (9, "INFO"),
        (_, Counted::Deny) => (17, "ERROR"),
        (_, Counted::Warn) => (13, "WARN"),
        (_, Counted::Allowed | Counted::Audit | Counted::Excepted | Counted::Unknown) => (9, "INFO"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::graph::{Kind, ObjectRef, Uid};
    use crate::judge::Granted;
    use crate::rules::kit::{Action, Verdict};

    fn workload() -> Workload {
        Workload {
            namespace: "shop".into(),
            object: ObjectRef::new(Kind::DEPLOYMENT, "web"),
            uid: Uid::parse("7e3c0c5a-0000-4000-8000-000000000001"),
        }
    }

    fn found(action: Action) -> Found {
        Found {
            rule: "rwo-replicas",
            subject: "data".into(),
            verdict: Verdict::Violation,
            action,
            policies: "baseline".into(),
            owner: "front".into(),
            path: "/spec/replicas".to_owned(),
            message: "Deployment shop/web: \"3\" replicas".to_owned(),
            remedy: String::new(),
            related: Vec::new(),
            allowed_because: None,
            excepted: None,
            first_seen: 1_800_000_000,
        }
    }

    fn read(record: &str) -> Value {
        serde_json::from_str(record).unwrap()
    }

    fn attribute(record: &Value, wanted: &str) -> Option<String> {
        let attributes = record["attributes"].as_array().unwrap();
        let found = attributes.iter().find(|attribute| attribute["key"] == wanted)?;
        Some(found["value"]["stringValue"].as_str().unwrap().to_owned())
    }

    #[test]
    fn a_record_says_what_was_found_where_and_whose_it_is() {
        let found = found(Action::Deny);
        let record = read(&record(State::Open, &workload(), &found, 1_800_000_000_000_000_001));
        assert_eq!(record["timeUnixNano"], "1800000000000000001");
        assert_eq!(record["severityText"], "ERROR");
        assert_eq!(record["eventName"], "stateward.finding");
        assert_eq!(
            record["body"],
            json!({"stringValue": "Deployment shop/web: \"3\" replicas"})
        );
        for (key, value) in [
            ("stateward.finding.id", &*found.id(&workload())),
            ("stateward.state", "open"),
            ("stateward.rule", "rwo-replicas"),
            ("stateward.action", "deny"),
            ("stateward.policy", "baseline"),
            ("stateward.first_seen", "2027-01-15T08:00:00Z"),
            ("stateward.owner", "front"),
            ("k8s.namespace.name", "shop"),
            ("k8s.object.kind", "Deployment"),
            ("k8s.object.name", "web"),
            ("k8s.object.uid", "7e3c0c5a-0000-4000-8000-000000000001"),
        ] {
            assert_eq!(attribute(&record, key).as_deref(), Some(value), "{key}");
        }
        assert_eq!(attribute(&record, "stateward.remedy"), None, "there is none");
    }

    #[test]
    fn what_is_let_pass_or_over_is_no_alarm() {
        let excepted = Found {
            excepted: Some(Granted {
                exception: "shop/legacy".to_owned(),
                owner: "ops".to_owned(),
                reason: "moving".to_owned(),
                expires: Time::from_seconds(1_900_000_000),
            }),
            ..found(Action::Deny)
        };
        let told = read(&record(State::Standing, &workload(), &excepted, 1));
        assert_eq!(
            (&told["severityNumber"], &told["severityText"]),
            (&json!(9), &json!("INFO"))
        );
        assert_eq!(attribute(&told, "stateward.action").as_deref(), Some("excepted"));
        assert_eq!(attribute(&told, "stateward.reason").as_deref(), Some("moving"));
        assert_eq!(attribute(&told, "stateward.exception.owner").as_deref(), Some("ops"));
        let closed = read(&record(State::Closed, &workload(), &found(Action::Deny), 1));
        assert_eq!(closed["severityText"], "INFO");
        assert_eq!(attribute(&closed, "stateward.action").as_deref(), Some("deny"));
    }

    #[test]
    fn a_record_stays_small() {
        let long = Found {
            message: "ü".repeat(100_000),
            remedy: "x".repeat(100_000),
            ..found(Action::Warn)
        };
        assert!(record(State::Open, &workload(), &long, 1).len() < 4_000);
    }
}
