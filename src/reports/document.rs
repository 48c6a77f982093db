//! A report as the API server takes it. Pure.

use serde_json::{Value, json};

use super::api::Flavour;
use crate::findings::{Counted, Found, Workload};
use crate::fnv::Fnv;
use crate::graph::{ObjectRef, Uid};

/// More results than these help nobody, and an object of Kubernetes must not be large.
const RESULTS: usize = 50;
/// Longer messages are cut: rules write some 200 characters, but names may be long.
const MESSAGE: usize = 1_000;
/// What names of reports begin with: others name theirs by the bare uid of the object, in the same namespace.
const PREFIX: &str = "stateward-";
pub(super) const SOURCE: &str = "stateward";
/// By which our reports are found again.
pub(super) const LABEL: (&str, &str) = ("app.kubernetes.io/managed-by", "stateward");
/// The annotation with a hash of what the report says: read back, it tells whether there is anything to write.
pub(super) const CONTENT: &str = "stateward.dev/content";
/// The property by which viewers tell results apart. Without one they hash the message, and a number that moves in it
/// would be a new result each time.
pub(super) const RESULT_ID: &str = "resultID";

/// A report, and a hash of all that it says.
#[derive(Debug, PartialEq)]
pub(super) struct Document {
    pub(super) body: Value,
    pub(super) content: String,
}

/// The name of the report on a workload.
pub(super) fn name(uid: Uid) -> String {
    format!("{PREFIX}{uid}")
}

/// The workload that a report of this name is on.
pub(super) fn uid(name: &str) -> Option<Uid> {
    Uid::parse(name.strip_prefix(PREFIX)?)
}

impl Document {
    /// The report on a workload, which has findings.
    pub(super) fn new(flavour: Flavour, workload: &Workload, uid: Uid, findings: &[Found]) -> Self {
        let Workload { namespace, object, .. } = workload;
        let results: Vec<Value> = findings
            .iter()
            .take(RESULTS)
            .map(|found| result(workload, found))
            .collect();
        let count = |wanted: &str| results.iter().filter(|result| result["result"] == wanted).count();
        let summary = json!({
            "pass": 0, "fail": count("fail"), "warn": count("warn"), "error": count("error"), "skip": count("skip"),
        });
        let owner = json!({
            "apiVersion": object.kind.api_version(), "kind": object.kind.as_str(), "name": &*object.name,
            "uid": uid.to_string(),
        });
        let mut scope = owner.clone();
        scope["namespace"] = json!(&**namespace);
        let mut body = json!({
            "apiVersion": flavour.group_version(),
            "kind": flavour.kind(),
            "metadata": {
                "name": name(uid),
                "namespace": &**namespace,
                "labels": {LABEL.0: LABEL.1},
                // Garbage collection removes the report with its workload.
                "ownerReferences": [owner],
            },
            "scope": scope,
            "summary": summary,
            "results": results,
        });
        if flavour == Flavour::OpenReports {
            body["source"] = json!(SOURCE);
        }
        // `serde_json` sorts the members, so that equal reports are equal texts.
        let content = Fnv::default().text(&body.to_string()).digits();
        body["metadata"]["annotations"] = json!({CONTENT: &*content});
        Self { body, content }
    }
}

fn result(workload: &Workload, found: &Found) -> Value {
    let counted = Counted::of(found);
    let (result, severity) = match counted {
        Counted::Allowed | Counted::Excepted => ("skip", "info"),
        Counted::Audit => ("warn", "low"),
        Counted::Deny => ("fail", "high"),
        Counted::Unknown => ("error", "info"),
        Counted::Warn => ("warn", "medium"),
    };
    let mut properties = json!({
        RESULT_ID: found.id(workload),
        "action": found.action.as_str().to_lowercase(),
    });
    let related: Vec<String> = found.related.iter().map(named).collect();
    let excepted = found.excepted.as_ref();
    let reason = excepted
        .map(|granted| &granted.reason)
        .or(found.allowed_because.as_ref());
    for (key, value) in [
        ("exception", excepted.map(|granted| granted.exception.clone())),
        ("expires", excepted.map(|granted| granted.expires.to_string())),
        ("owner", excepted.map(|granted| granted.owner.clone())),
        ("path", Some(found.path.clone())),
        ("remedy", Some(found.remedy.clone())),
        ("related", Some(related.join(", "))),
        ("reason", reason.cloned()),
    ] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            properties[key] = json!(clipped(&value));
        }
    }
    json!({
        "source": SOURCE,
        "policy": &*found.policies,
        "rule": found.rule,
        "category": "Workload state",
        "severity": severity,
        "result": result,
        "scored": true,
        "timestamp": {"seconds": found.first_seen, "nanos": 0},
        "message": clipped(&found.message),
        "properties": properties,
    })
}

fn named(object: &ObjectRef) -> String {
    format!("{} {}", object.kind, object.name)
}

fn clipped(text: &str) -> String {
    if text.chars().count() <= MESSAGE {
        return text.to_owned();
    }
    text.chars().take(MESSAGE - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Kind;
    use crate::rules::kit::{Action, Verdict};

    fn workload() -> (Workload, Uid) {
        let uid = Uid::parse("7e3c0c5a-0000-4000-8000-000000000001").unwrap();
        let workload = Workload {
            namespace: "shop".into(),
            object: ObjectRef::new(Kind::DEPLOYMENT, "web"),
            uid: Some(uid),
        };
        (workload, uid)
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
            message: "Deployment shop/web: 3 replicas".to_owned(),
            remedy: String::new(),
            related: vec![ObjectRef::new(Kind::CLAIM, "data")],
            allowed_because: None,
            excepted: None,
            first_seen: 1_800_000_000,
        }
    }

    fn document(findings: &[Found]) -> Document {
        let (workload, uid) = workload();
        Document::new(Flavour::OpenReports, &workload, uid, findings)
    }

    #[test]
    fn a_report_is_named_after_its_workload_and_owned_by_it() {
        let Document { body, content } = document(&[found(Action::Deny)]);
        let metadata = &body["metadata"];
        assert_eq!(metadata["name"], "stateward-7e3c0c5a-0000-4000-8000-000000000001");
        assert_eq!(uid(metadata["name"].as_str().unwrap()), Some(workload().1));
        assert_eq!(
            metadata["ownerReferences"],
            json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web",
                "uid": "7e3c0c5a-0000-4000-8000-000000000001"}])
        );
        assert_eq!(metadata["annotations"][CONTENT], content);
        assert_eq!(uid("7e3c0c5a-0000-4000-8000-000000000001"), None, "somebody else's");
        assert!(body.to_string().len() < 2_048, "{}", body.to_string().len());
    }

    #[test]
    fn every_finding_has_its_result() {
        let allowed = Found {
            allowed_because: Some("moving".to_owned()),
            ..found(Action::Audit)
        };
        let unknown = Found {
            verdict: Verdict::Unknown,
            ..found(Action::Warn)
        };
        let all = [
            found(Action::Deny),
            found(Action::Warn),
            found(Action::Audit),
            allowed,
            unknown,
        ];
        let Document { body, .. } = document(&all);
        let results: Vec<&str> = body["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|result| result["result"].as_str().unwrap())
            .collect();
        assert_eq!(results, ["fail", "warn", "warn", "skip", "error"]);
        assert_eq!(
            body["summary"],
            json!({"pass": 0, "fail": 1, "warn": 2, "error": 1, "skip": 1})
        );
        assert_eq!(body["results"][3]["properties"]["reason"], "moving");
        assert_eq!(
            body["results"][0]["properties"]["related"],
            "PersistentVolumeClaim data"
        );
    }

    #[test]
    fn what_it_says_has_a_hash_and_a_moving_number_no_new_id() {
        let three = document(&[found(Action::Deny)]);
        assert_eq!(three, document(&[found(Action::Deny)]));
        let four = Found {
            message: "Deployment shop/web: 4 replicas".to_owned(),
            ..found(Action::Deny)
        };
        let four = document(&[four]);
        assert_ne!(three.content, four.content);
        let id = |document: &Document| document.body["results"][0]["properties"][RESULT_ID].clone();
        assert_eq!(id(&three), id(&four));
    }

    #[test]
    fn a_report_stays_small() {
        let long = Found {
            message: "x".repeat(100_000),
            ..found(Action::Deny)
        };
        let Document { body, .. } = document(&vec![long; 1_000]);
        assert_eq!(body["results"].as_array().unwrap().len(), RESULTS);
        assert!(body.to_string().len() < 100_000);
    }
}
