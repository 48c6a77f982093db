//! From what the judge found in a namespace to the entries of a report.

use super::report::{Entry, IGNORED_OVERRIDE, Level, Object, Related};
use crate::graph::{Name, ObjectRef};
use crate::judge::allow::ALLOW;
use crate::judge::{Inspection, Judged};
use crate::rules::kit::{Finding, Verdict};

/// Returns the entries of what was found in a namespace; where its objects stand in files is for others to say.
#[must_use]
pub fn entries(inspection: Inspection, namespace: &Name) -> Vec<Entry> {
    let findings = inspection.findings.into_iter().map(|judged| finding(judged, namespace));
    let problems = inspection.problems.iter();
    let problems = problems.map(|(object, problem)| ignored_override(object, problem, namespace));
    findings.chain(problems).collect()
}

fn finding(judged: Judged, namespace: &Name) -> Entry {
    let Judged {
        finding,
        action,
        allowed_because,
        message,
        denied_after,
        exemption,
        standing: _,
    } = judged;
    let Finding {
        rule,
        verdict,
        object: on,
        subject,
        extent,
        path,
        remedy,
        related,
        ..
    } = finding;
    let related = related.into_iter().map(|one| Related {
        object: object(&one.object, namespace),
        location: None,
        path: one.path,
        message: one.message,
    });
    Entry {
        rule: rule.id,
        verdict,
        level: Level::of(verdict, action),
        object: object(&on, namespace),
        subject,
        extent,
        path,
        location: None,
        message,
        remedy,
        related: related.collect(),
        allowed_because,
        denied_after,
        exemption,
    }
}

fn ignored_override(on: &ObjectRef, problem: &str, namespace: &Name) -> Entry {
    let object = object(on, namespace);
    Entry {
        rule: IGNORED_OVERRIDE,
        verdict: Verdict::Violation,
        level: Level::Warning,
        message: format!("{}: {problem}", object.title()),
        object,
        subject: problem.into(),
        extent: 1,
        location: None,
        path: format!("/metadata/annotations/{}", ALLOW.replace('/', "~1")),
        remedy: String::new(),
        related: Vec::new(),
        allowed_because: None,
        denied_after: None,
        exemption: None,
    }
}

fn object(object: &ObjectRef, namespace: &Name) -> Object {
    let ObjectRef { kind, name } = object;
    Object {
        kind: kind.as_str().into(),
        api_version: kind.api_version().into(),
        name: name.clone(),
        namespace: if kind.is_namespaced() {
            namespace.clone()
        } else {
            "".into()
        },
    }
}
