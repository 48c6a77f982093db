//! The status of one object, as it is written. Pure: whether it differs from what is there is for the writer to see.

use serde_json::{Value, json};

use super::counts::Findings;
use super::standing::{Situation, Standing};
use crate::policy::{Exception, Policy, Void, WorkloadKind};
use crate::time::Time;

/// A status that differs in nothing else is written again for a new time of the last full audit after so long.
const AUDITED_AGAIN: i64 = 600;
/// And for a new time of the last use after so long.
const USED_AGAIN: i64 = 3_600;

/// What a policy amounts to, as the last full audit saw it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Audited {
    pub(super) at: Time,
    pub(super) workloads: u64,
    pub(super) findings: Findings,
}

/// The status of a policy. Before a leader has judged everything once, what the one before it said stays.
pub(super) fn policy(
    standing: &Standing<Policy>,
    audited: Option<Audited>,
    served_everywhere: bool,
    now: Time,
) -> Value {
    let (holds, reason, message) = match standing.complaint() {
        Some(complaint) => (false, "Invalid", complaint),
        None if served_everywhere => (true, "Served", "every replica serves it".to_owned()),
        None => (
            false,
            "NotServedEverywhere",
            "not every replica serves it yet".to_owned(),
        ),
    };
    let former = &standing.status;
    let mut status = json!({
        "conditions": [condition("Ready", holds, reason, message, standing, now)],
        "observedGeneration": standing.generation,
    });
    match audited {
        Some(Audited {
            at,
            workloads,
            findings,
        }) => {
            let Findings {
                denied,
                warned,
                audited,
            } = findings;
            status["workloads"] = workloads.into();
            status["findings"] = json!({"denied": denied, "warned": warned, "audited": audited});
            status["lastFullAudit"] = at.to_string().into();
        }
        None => keep(&mut status, former, &["workloads", "findings", "lastFullAudit"]),
    }
    unless_fresh(status, former, "lastFullAudit", AUDITED_AGAIN)
}

/// The status of an exception that counts for nothing as `void` says, and lets `findings` pass; `None` as long as
/// nobody knows how many.
pub(super) fn exception(standing: &Standing<Exception>, void: Option<Void>, findings: Option<u64>, now: Time) -> Value {
    let complaint = standing.complaint();
    let (holds, reason, message) = match (&standing.valid, void, complaint) {
        (None, _, complaint) => (false, "Invalid", complaint.unwrap_or_default()),
        (Some(valid), Some(void), _) => (false, reason(void), valid.told(void)),
        (Some(_), None, Some(complaint)) => (true, "LastGood", complaint),
        (Some(valid), None, None) => (true, "Active", format!("it counts until {}", valid.expires)),
    };
    let former = &standing.status;
    let mut status = json!({
        "conditions": [condition("Active", holds, reason, message, standing, now)],
        "observedGeneration": standing.generation,
    });
    keep(&mut status, former, &["lastUsed"]);
    match findings {
        Some(findings) => {
            status["findings"] = findings.into();
            if findings > 0 {
                status["lastUsed"] = now.to_string().into();
            }
        }
        None => keep(&mut status, former, &["findings"]),
    }
    unless_fresh(status, former, "lastUsed", USED_AGAIN)
}

/// The status of a declared kind of whose objects that becomes.
pub(super) fn kind(standing: &Standing<WorkloadKind>, situation: &Situation, now: Time) -> Value {
    let title = |kind: &WorkloadKind| format!("{} of {}", kind.kind, kind.group);
    let objects = |kind: &WorkloadKind| format!("{}.{}", kind.plural, kind.group);
    let (holds, reason, message) = match (&standing.valid, standing.complaint(), situation) {
        (_, Some(complaint), _) => (false, "Invalid", complaint),
        (None, None, _) | (_, None, Situation::Unknown) => {
            (false, "Pending", "nobody has looked for it yet".to_owned())
        }
        (Some(valid), None, Situation::DeclaredTwice(first)) => (
            false,
            "DeclaredTwice",
            format!("{} is declared by {first} already, which counts", title(valid)),
        ),
        (Some(valid), None, Situation::Forbidden) => (
            false,
            "Forbidden",
            format!(
                "no permission to list and watch {}, so that the kind is not judged: install again with `stateward \
                 manifests --workload-kinds FILE`, or with the kind among workloadKinds.declared of the chart",
                objects(valid)
            ),
        ),
        (Some(valid), None, Situation::NotServed) => (
            false,
            "NotServed",
            format!(
                "the cluster has no {} yet; it is looked for every few seconds",
                objects(valid)
            ),
        ),
        (Some(_), None, Situation::Watched) => (
            true,
            "Watched",
            "its objects are watched and judged; requests about them are answered where the installation sends them"
                .to_owned(),
        ),
    };
    json!({
        "conditions": [condition("Ready", holds, reason, message, standing, now)],
        "observedGeneration": standing.generation,
    })
}

const fn reason(void: Void) -> &'static str {
    match void {
        Void::Expired => "Expired",
        Void::Forbidden => "NotAllowed",
        Void::TooLong(_) => "TooLong",
    }
}

/// A condition; the time of its last change is that of the former one, where it says the same.
fn condition<T>(kind: &str, holds: bool, reason: &str, message: String, standing: &Standing<T>, now: Time) -> Value {
    let status = if holds { "True" } else { "False" };
    let mut former = standing.status["conditions"].as_array().into_iter().flatten();
    let former = former.find(|condition| condition["type"] == kind && condition["status"] == status);
    let since = former.and_then(|condition| condition["lastTransitionTime"].as_str());
    json!({
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "observedGeneration": standing.generation,
        "lastTransitionTime": since.map_or_else(|| now.to_string(), str::to_owned),
    })
}

/// Takes over what was said before of these fields.
fn keep(status: &mut Value, former: &Value, fields: &[&str]) {
    for field in fields {
        if let Some(value) = former.get(field) {
            status[field] = value.clone();
        }
    }
}

/// The former status where only a time differs from it, and not by much: a write for that alone is not worth it.
fn unless_fresh(status: Value, former: &Value, time: &str, again: i64) -> Value {
    let seconds = |value: &Value| Some(Time::parse(value.get(time)?.as_str()?)?.seconds());
    let mut as_before = status.clone();
    keep(&mut as_before, former, &[time]);
    let age = seconds(&status).zip(seconds(former)).map(|(now, then)| now - then);
    let is_fresh = as_before == *former && age.is_some_and(|age| (0..again).contains(&age));
    if is_fresh { as_before } else { status }
}

#[cfg(test)]
mod tests {
    use super::exception as exception_status;
    use super::*;
    use crate::policy::exception;
    use crate::rules::RULES;

    const NOON: i64 = 1_800_000_000;

    fn at(seconds: i64) -> Time {
        Time::from_seconds(NOON + seconds)
    }

    fn standing<T>(valid: Option<T>, mistakes: &[&str], status: Value) -> Standing<T> {
        Standing {
            namespace: None,
            name: "a".to_owned(),
            valid,
            mistakes: mistakes.iter().map(|&text| text.to_owned()).collect(),
            generation: 3,
            status,
        }
    }

    fn good() -> Policy {
        let object = json!({
            "apiVersion": "stateward.dev/v1alpha1", "kind": "WorkloadPolicy", "metadata": {"name": "a"}, "spec": {},
        });
        crate::policy::parse(&object, RULES).unwrap()
    }

    fn excepted() -> Exception {
        let object = json!({
            "apiVersion": "stateward.dev/v1alpha1", "kind": "WorkloadPolicyException",
            "metadata": {"name": "a", "namespace": "shop"},
            "spec": {
                "rules": ["rwo-replicas"], "match": {}, "reason": "OPS-1", "owner": "team",
                "expiresAt": at(100).to_string(),
            },
        });
        exception::parse(&object, RULES).unwrap()
    }

    fn said(status: &Value) -> (&str, &str, &str) {
        let condition = &status["conditions"][0];
        let field = |name: &str| condition[name].as_str().unwrap();
        (field("status"), field("reason"), field("message"))
    }

    fn audited(seconds: i64, denied: u64) -> Option<Audited> {
        Some(Audited {
            at: at(seconds),
            workloads: 12,
            findings: Findings {
                denied,
                ..Findings::default()
            },
        })
    }

    #[test]
    fn a_policy_is_ready_when_every_replica_serves_its_last_version() {
        let of = |valid, mistakes: &[&str], everywhere| {
            let standing = standing(valid, mistakes, Value::Null);
            policy(&standing, None, everywhere, at(0))
        };
        assert_eq!(
            said(&of(Some(good()), &[], true)),
            ("True", "Served", "every replica serves it")
        );
        assert_eq!(
            said(&of(Some(good()), &[], false)),
            ("False", "NotServedEverywhere", "not every replica serves it yet")
        );
        assert_eq!(
            said(&of(Some(good()), &["spec.profile: no"], true)),
            (
                "False",
                "Invalid",
                "spec.profile: no; the last good version stays in force"
            )
        );
        assert_eq!(
            said(&of(None, &["spec.profile: no"], true)),
            ("False", "Invalid", "spec.profile: no; it is left out")
        );
    }

    #[test]
    fn a_policy_is_written_for_what_changed_and_now_and_then_for_the_time() {
        let after = |former: &Value, audited, everywhere, now| {
            policy(
                &standing(Some(good()), &[], former.clone()),
                audited,
                everywhere,
                at(now),
            )
        };
        let first = after(&Value::Null, audited(0, 1), true, 5);
        assert_eq!(first["lastFullAudit"], at(0).to_string());
        assert_eq!(first["findings"], json!({"denied": 1, "warned": 0, "audited": 0}));
        assert_eq!(first["observedGeneration"], 3);
        assert_eq!(
            after(&first, audited(599, 1), true, 599),
            first,
            "only the time would be another"
        );
        let later = after(&first, audited(600, 1), true, 600);
        assert_eq!(later["lastFullAudit"], at(600).to_string());
        assert_eq!(later["conditions"], first["conditions"], "nothing of it changed");
        let other = after(&first, audited(60, 2), true, 60);
        assert_eq!(
            (&other["findings"]["denied"], &other["lastFullAudit"]),
            (&2.into(), &at(60).to_string().into())
        );
        // Who has just begun to lead knows no counts yet.
        assert_eq!(after(&first, None, true, 60), first);
        let lost = after(&first, None, false, 60);
        assert_eq!(lost["conditions"][0]["lastTransitionTime"], at(60).to_string());
        assert_eq!(lost["findings"], first["findings"]);
    }

    #[test]
    fn a_kind_is_ready_when_its_objects_are_watched_and_else_says_what_to_do() {
        let object = json!({
            "apiVersion": "stateward.dev/v1alpha1", "kind": "WorkloadKind", "metadata": {"name": "a"},
            "spec": {"group": "example.com", "version": "v1", "kind": "Widget", "plural": "widgets", "podTemplate": "/spec/template"},
        });
        let widget = crate::policy::workload_kind::parse(&object).unwrap();
        let of = |valid: Option<&WorkloadKind>, mistakes: &[&str], situation| {
            kind(&standing(valid.cloned(), mistakes, Value::Null), &situation, at(0))
        };
        let good = |situation| of(Some(&widget), &[], situation);
        let watched = good(Situation::Watched);
        assert_eq!((said(&watched).0, said(&watched).1), ("True", "Watched"));
        let forbidden = good(Situation::Forbidden);
        assert_eq!((said(&forbidden).0, said(&forbidden).1), ("False", "Forbidden"));
        assert!(
            said(&forbidden)
                .2
                .contains("no permission to list and watch widgets.example.com")
        );
        assert_eq!(said(&good(Situation::NotServed)).1, "NotServed");
        assert_eq!(said(&good(Situation::Unknown)).1, "Pending");
        assert_eq!(
            said(&good(Situation::DeclaredTwice("b".to_owned()))).2,
            "Widget of example.com is declared by b already, which counts"
        );
        let wrong = of(Some(&widget), &["spec.kind: no"], Situation::Watched);
        assert_eq!(
            said(&wrong),
            (
                "False",
                "Invalid",
                "spec.kind: no; the last good version stays in force"
            )
        );
        assert_eq!(
            said(&of(None, &["spec.kind: no"], Situation::Unknown)).2,
            "spec.kind: no; it is left out"
        );
    }

    #[test]
    fn an_exception_says_whether_it_counts_and_when_it_was_used() {
        let of = |valid, mistakes: &[&str], void, findings, former: &Value, now| {
            exception_status(&standing(valid, mistakes, former.clone()), void, findings, at(now))
        };
        let active = of(Some(excepted()), &[], None, Some(2), &Value::Null, 0);
        let until = format!("it counts until {}", at(100));
        assert_eq!(said(&active), ("True", "Active", &*until));
        assert_eq!(
            (&active["findings"], &active["lastUsed"]),
            (&2.into(), &at(0).to_string().into())
        );
        assert_eq!(of(Some(excepted()), &[], None, Some(2), &active, 3_599), active);
        let used = of(Some(excepted()), &[], None, Some(2), &active, 3_600);
        assert_eq!(used["lastUsed"], at(3_600).to_string());
        // What it let pass is gone: the time of its last use stays.
        let unused = of(Some(excepted()), &[], None, Some(0), &active, 60);
        assert_eq!(
            (&unused["findings"], &unused["lastUsed"]),
            (&0.into(), &at(0).to_string().into())
        );
        assert_eq!(of(Some(excepted()), &[], None, None, &active, 60), active);

        let void = |void| of(Some(excepted()), &[], Some(void), Some(0), &active, 100);
        assert_eq!(said(&void(Void::Expired)).1, "Expired");
        assert_eq!(said(&void(Void::Forbidden)).1, "NotAllowed");
        assert_eq!(said(&void(Void::TooLong(at(50)))).1, "TooLong");
        assert_eq!(
            void(Void::Expired)["conditions"][0]["lastTransitionTime"],
            at(100).to_string()
        );
        assert_eq!(
            said(&of(Some(excepted()), &["spec.owner: no"], None, Some(0), &active, 0)),
            (
                "True",
                "LastGood",
                "spec.owner: no; the last good version stays in force"
            )
        );
        assert_eq!(
            said(&of(None, &["spec.owner: no"], None, Some(0), &Value::Null, 0)),
            ("False", "Invalid", "spec.owner: no; it is left out")
        );
    }
}
