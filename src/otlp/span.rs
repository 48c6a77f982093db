//! A review as a span, in the JSON of OTLP.

use std::borrow::Cow;
use std::hash::{BuildHasher as _, RandomState};

use serde::Serialize;

use super::item::{Item, KeyValue, attributes, clipped, written};
use crate::admission::{Reviewed, TraceParent};
use crate::metrics::Outcome;
use crate::rules::kit::PatchOperation;

/// `SPAN_KIND_SERVER`: the other end of a span of the API server.
const SERVER: u8 = 2;
/// `STATUS_CODE_ERROR`.
const ERROR: u8 = 2;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Span<'a> {
    trace_id: String,
    span_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_span_id: Option<String>,
    name: &'static str,
    kind: u8,
    /// JSON has no 64-bit integers: they are texts.
    start_time_unix_nano: String,
    end_time_unix_nano: String,
    attributes: Vec<KeyValue<'a>>,
    /// Unset but for what failed in this process: a denial is an answer as good as any.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
}

#[derive(Serialize)]
struct Status {
    code: u8,
}

/// Which span it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ids {
    trace: u128,
    span: u64,
}

impl Ids {
    /// Of a new span, in the trace of its parent or in a new one.
    pub(super) fn random(parent: Option<TraceParent>) -> Self {
        // The keys of a new hasher are random; no other source is needed for this. Zero is no id.
        let random = || RandomState::new().hash_one(()).max(1);
        Self {
            trace: parent.map_or_else(
                || u128::from(random()) << 64 | u128::from(random()),
                |parent| parent.trace,
            ),
            span: random(),
        }
    }
}

/// What a span says of a review that ended now, in Unix nanoseconds.
///
/// The names of attributes are those of records where both say the same; the rest is called as in the log, in metrics and
/// in the audit log of the API server.
pub(super) fn span(review: &Reviewed<'_>, ids: Ids, now: u128) -> Item {
    let annotation = |key: &str| {
        let told = review.annotations.iter().find(|(told, _)| *told == key);
        clipped(told.map_or("", |(_, value)| value))
    };
    let paths = review.patch.iter().map(|PatchOperation::Add { path, .. }| &**path);
    let paths: Vec<&str> = paths.collect();
    written(&Span {
        trace_id: format!("{:032x}", ids.trace),
        span_id: format!("{:016x}", ids.span),
        parent_span_id: review.parent.map(|parent| format!("{:016x}", parent.span)),
        name: review.webhook.as_str(),
        kind: SERVER,
        start_time_unix_nano: now.saturating_sub(review.took.as_nanos()).to_string(),
        end_time_unix_nano: now.to_string(),
        attributes: attributes([
            ("stateward.request.uid", clipped(review.uid)),
            ("stateward.decision", review.outcome.as_str().into()),
            ("stateward.findings", annotation("findings")),
            ("stateward.overrides", annotation("overrides")),
            ("stateward.exceptions", annotation("exceptions")),
            ("stateward.incomplete_data", annotation("incomplete-data")),
            ("stateward.patched", clipped(paths.join(","))),
            ("stateward.operation", clipped(review.operation)),
            (
                "stateward.dry_run",
                if review.dry_run { "true" } else { "false" }.into(),
            ),
            ("stateward.resource", resource(review)),
            ("k8s.namespace.name", clipped(review.namespace)),
            ("k8s.object.api_version", api_version(review)),
            ("k8s.object.kind", clipped(review.kind)),
            ("k8s.object.name", clipped(review.name)),
        ]),
        status: (review.outcome == Outcome::Error).then_some(Status { code: ERROR }),
    })
}

/// `deployments.apps/scale`: what the request is for, whose name it has.
fn resource<'a>(review: &Reviewed<'a>) -> Cow<'a, str> {
    let mut text = Cow::from(review.resource);
    for (mark, part) in [(".", review.resource_group), ("/", review.sub_resource)] {
        if !part.is_empty() {
            text = text + mark + part;
        }
    }
    clipped(text)
}

fn api_version<'a>(review: &Reviewed<'a>) -> Cow<'a, str> {
    match review.group {
        "" => clipped(review.version),
        group => clipped(format!("{group}/{}", review.version)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::metrics::Webhook;

    const IDS: Ids = Ids { trace: 0xa, span: 0xb };

    fn scale<'a>(annotations: &'a [(&'static str, String)]) -> Reviewed<'a> {
        Reviewed {
            parent: None,
            took: Duration::from_nanos(7),
            webhook: Webhook::Validate,
            outcome: Outcome::Deny,
            uid: "7e3c",
            operation: "UPDATE",
            group: "autoscaling",
            version: "v1",
            kind: "Scale",
            resource_group: "apps",
            resource: "deployments",
            sub_resource: "scale",
            namespace: "shop",
            name: "web",
            dry_run: false,
            annotations,
            patch: &[],
        }
    }

    fn told(review: &Reviewed<'_>) -> Value {
        serde_json::from_str(&span(review, IDS, 1_800_000_000_000_000_001)).unwrap()
    }

    fn attributes(span: &Value) -> Value {
        let attributes = span["attributes"].as_array().unwrap().iter();
        let pair = |attribute: &Value| {
            let key = attribute["key"].as_str().unwrap().to_owned();
            (key, attribute["value"]["stringValue"].clone())
        };
        attributes.map(pair).collect()
    }

    #[test]
    fn a_span_says_what_was_asked_and_answered() {
        let annotations = [
            ("decision", "denied".to_owned()),
            ("findings", "rwo-replicas=Deny".to_owned()),
        ];
        let denied = Reviewed {
            parent: Some(TraceParent {
                trace: 0xa,
                span: 0xc,
                sampled: true,
            }),
            ..scale(&annotations)
        };
        let mut denied = told(&denied);
        assert_eq!(
            attributes(&denied),
            json!({
                "stateward.request.uid": "7e3c",
                "stateward.decision": "deny",
                "stateward.findings": "rwo-replicas=Deny",
                "stateward.operation": "UPDATE",
                "stateward.dry_run": "false",
                "stateward.resource": "deployments.apps/scale",
                "k8s.namespace.name": "shop",
                "k8s.object.api_version": "autoscaling/v1",
                "k8s.object.kind": "Scale",
                "k8s.object.name": "web",
            })
        );
        denied.as_object_mut().unwrap().remove("attributes");
        assert_eq!(
            denied,
            json!({
                "traceId": "0000000000000000000000000000000a",
                "spanId": "000000000000000b",
                "parentSpanId": "000000000000000c",
                "name": "validate",
                "kind": 2,
                "startTimeUnixNano": "1799999999999999994",
                "endTimeUnixNano": "1800000000000000001",
            })
        );
    }

    #[test]
    fn what_was_written_is_told_by_its_place_alone() {
        let patch = ["/spec/strategy", "/spec/serviceName"].map(|path| PatchOperation::add(path, "a value"));
        let span = told(&Reviewed {
            webhook: Webhook::Mutate,
            outcome: Outcome::Patch,
            group: "",
            dry_run: true,
            patch: &patch,
            ..scale(&[])
        });
        let attributes = attributes(&span);
        assert_eq!(attributes["stateward.patched"], "/spec/strategy,/spec/serviceName");
        assert_eq!(attributes["stateward.dry_run"], "true");
        assert_eq!(attributes["k8s.object.api_version"], "v1");
        assert_eq!((&span["name"], &span["parentSpanId"]), (&json!("mutate"), &Value::Null));
        assert!(!span.to_string().contains("a value"), "{span}");
    }

    #[test]
    fn only_what_failed_here_is_an_error() {
        for (outcome, status) in [
            (Outcome::Allow, Value::Null),
            (Outcome::Deny, Value::Null),
            (Outcome::Warn, Value::Null),
            (Outcome::Error, json!({"code": 2})),
        ] {
            let annotations = [("incomplete-data", "Service".to_owned())];
            let span = told(&Reviewed {
                outcome,
                ..scale(&annotations)
            });
            assert_eq!(span["status"], status, "{outcome:?}");
            assert_eq!(attributes(&span)["stateward.incomplete_data"], "Service");
        }
    }

    #[test]
    fn a_span_stays_small() {
        let long = "x".repeat(1_000_000);
        let span = span(
            &Reviewed {
                uid: &long,
                kind: &long,
                resource: &long,
                group: &long,
                ..scale(&[])
            },
            IDS,
            1,
        );
        assert!(span.len() < 6_000, "{}", span.len());
    }

    #[test]
    fn ids_are_new_but_for_the_trace_of_a_parent() {
        let parent = TraceParent {
            trace: 5,
            span: 6,
            sampled: true,
        };
        let child = Ids::random(Some(parent));
        assert_eq!(child.trace, 5);
        let (one, other) = (Ids::random(None), Ids::random(None));
        assert!(one.trace != other.trace && one.span != other.span && child.span != 6);
    }
}
