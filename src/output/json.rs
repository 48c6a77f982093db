//! JSON, version v1: the contract with other programs. Members may be added; none changes or goes.

use serde::Serialize;

use crate::audit::report::{Exemption, Failure, Granted, Related};
use crate::audit::{Entry, Level, Location, Object, Report};

#[derive(Serialize)]
struct Document<'a> {
    version: &'static str,
    summary: Summary,
    policies: Policies<'a>,
    findings: Vec<Finding<'a>>,
    /// What could not be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failures: Vec<Broken<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    notes: &'a [String],
}

/// The policies in force.
#[derive(Serialize)]
struct Policies<'a> {
    names: &'a [String],
    from: &'a [String],
}

#[derive(Serialize)]
struct Summary {
    objects: usize,
    workloads: usize,
    errors: usize,
    warnings: usize,
    notes: usize,
    skipped: usize,
    overrides: usize,
    exceptions: usize,
    known: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding<'a> {
    rule: &'a str,
    verdict: &'a str,
    level: &'a str,
    object: Named<'a>,
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<Place<'a>>,
    message: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    remedy: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related: Vec<Other<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_because: Option<&'a str>,
    /// A warning becomes a denial then.
    #[serde(skip_serializing_if = "Option::is_none")]
    denied_after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exception: Option<Excepted<'a>>,
    /// Why an exception that is meant for it does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    ignored_exception: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Excepted<'a> {
    /// With its namespace: `shop/legacy`.
    name: &'a str,
    owner: &'a str,
    reason: &'a str,
    expires_at: String,
}

#[derive(Serialize)]
struct Other<'a> {
    object: Named<'a>,
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<Place<'a>>,
    message: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Named<'a> {
    api_version: &'a str,
    kind: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct Place<'a> {
    file: &'a str,
    line: u32,
    column: u32,
    /// The template that Helm made it from.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
}

#[derive(Serialize)]
struct Broken<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<Place<'a>>,
    message: &'a str,
}

pub(super) fn render(report: &Report) -> String {
    let document = Document {
        version: "v1",
        summary: Summary {
            objects: report.objects,
            workloads: report.workloads,
            errors: report.count(Level::Error),
            warnings: report.count(Level::Warning),
            notes: report.count(Level::Note),
            skipped: report.skipped.len(),
            overrides: report.overrides(),
            exceptions: report.exceptions(),
            known: report.known,
        },
        policies: Policies {
            names: &report.policies.names,
            from: &report.policies.from,
        },
        findings: report.entries.iter().map(Finding::from).collect(),
        failures: report.failures.iter().map(Broken::from).collect(),
        notes: &report.notes,
    };
    let mut text = serde_json::to_string_pretty(&document).expect("invariant: strings and numbers always have a form");
    text.push('\n');
    text
}

impl<'a> From<&'a Entry> for Finding<'a> {
    fn from(entry: &'a Entry) -> Self {
        Self {
            rule: entry.rule,
            verdict: entry.verdict(),
            level: entry.level.as_str(),
            object: (&entry.object).into(),
            path: &entry.path,
            location: entry.location.as_ref().map(Place::from),
            message: &entry.message,
            remedy: &entry.remedy,
            related: entry.related.iter().map(Other::from).collect(),
            allowed_because: entry.allowed_because.as_deref(),
            denied_after: entry.denied_after.map(|date| date.to_string()),
            exception: entry.granted().map(Excepted::from),
            ignored_exception: match &entry.exemption {
                Some(Exemption::Void(why)) => Some(why),
                Some(Exemption::Granted(_)) | None => None,
            },
        }
    }
}

impl<'a> From<&'a Granted> for Excepted<'a> {
    fn from(granted: &'a Granted) -> Self {
        Self {
            name: &granted.exception,
            owner: &granted.owner,
            reason: &granted.reason,
            expires_at: granted.expires.to_string(),
        }
    }
}

impl<'a> From<&'a Related> for Other<'a> {
    fn from(related: &'a Related) -> Self {
        Self {
            object: (&related.object).into(),
            path: &related.path,
            location: related.location.as_ref().map(Place::from),
            message: &related.message,
        }
    }
}

impl<'a> From<&'a Object> for Named<'a> {
    fn from(object: &'a Object) -> Self {
        Self {
            api_version: &object.api_version,
            kind: &object.kind,
            namespace: &object.namespace,
            name: &object.name,
        }
    }
}

impl<'a> From<&'a Location> for Place<'a> {
    fn from(location: &'a Location) -> Self {
        Self {
            file: &location.file,
            line: location.line,
            column: location.column,
            source: location.source.as_deref(),
        }
    }
}

impl<'a> From<&'a Failure> for Broken<'a> {
    fn from(failure: &'a Failure) -> Self {
        Self {
            file: &failure.file,
            location: failure.location.as_ref().map(Place::from),
            message: &failure.message,
        }
    }
}
