//! SARIF 2.1.0 (OASIS), as GitHub's and other code scanning read it.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::paragraph;
use crate::audit::report::Granted;
use crate::audit::{Entry, Location, Report, pages};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// What a finding is, wherever it stands: it survives the lines above it being edited.
const FINGERPRINT: &str = "findingIdentity/v1";

pub(super) fn render(report: &Report) -> String {
    let mut hit: Vec<&'static str> = report.entries.iter().map(|entry| entry.rule).collect();
    hit.sort_unstable();
    hit.dedup();
    let failures = report.failures.iter().map(|failure| {
        let mut notification = json!({
            "level": "error",
            "message": {"text": format!("{}: {}", failure.file, failure.message)},
        });
        if let Some(at) = &failure.location {
            notification["locations"] = json!([{"physicalLocation": physical(at)}]);
        }
        notification
    });
    let notes = report
        .notes
        .iter()
        .map(|note| json!({"level": "note", "message": {"text": note}}));
    let tool = json!({"driver": {
        "name": "stateward",
        "version": env!("CARGO_PKG_VERSION"),
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "informationUri": env!("CARGO_PKG_REPOSITORY"),
        "rules": hit.iter().map(|id| rule(id)).collect::<Vec<_>>(),
    }});
    let invocations = json!([{
        "executionSuccessful": report.failures.is_empty(),
        "toolExecutionNotifications": failures.chain(notes).collect::<Vec<_>>(),
    }]);
    let results = Results {
        entries: &report.entries,
        rules: &hit,
    };
    let document = Document {
        schema: SCHEMA,
        runs: [Run {
            column_kind: "unicodeCodePoints",
            invocations,
            results,
            tool,
        }],
        version: "2.1.0",
    };
    let mut text = serde_json::to_string_pretty(&document).expect("invariant: texts and numbers always have a form");
    text.push('\n');
    text
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    runs: [Run<'a>; 1],
    version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    column_kind: &'static str,
    invocations: Value,
    results: Results<'a>,
    tool: Value,
}

/// The findings, each made when it is written: a cluster has many, and a tree of all of them would be larger than the
/// graph.
struct Results<'a> {
    entries: &'a [Entry],
    rules: &'a [&'static str],
}

impl Serialize for Results<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seen = BTreeMap::new();
        serializer.collect_seq(self.entries.iter().map(|entry| result(entry, self.rules, &mut seen)))
    }
}

fn rule(id: &str) -> Value {
    let page = pages().find(|page| page.id == id);
    let (summary, text) = page.map_or(("", ""), |page| (page.summary, page.text));
    // The examples of a page are many, and upload sizes are limited.
    let text = text.split("\n## Denied").next().unwrap_or(text).trim_end();
    json!({
        "id": id,
        "shortDescription": {"text": summary},
        "help": {"text": text, "markdown": text},
        "properties": {"tags": ["kubernetes", "state"]},
    })
}

fn result(entry: &Entry, rules: &[&str], seen: &mut BTreeMap<String, usize>) -> Value {
    let object = &entry.object;
    let identity = [
        entry.rule,
        &*object.kind,
        &*object.namespace,
        &*object.name,
        &*entry.subject,
    ]
    .join("/");
    let times = seen.entry(identity.clone()).or_default();
    *times += 1;
    let mut location = json!({
        "logicalLocations": [{
            "name": &*object.name,
            "fullyQualifiedName": format!("{}{}", object.title().replace(' ', "/"), entry.path),
            "kind": "resource",
        }],
    });
    if let Some(at) = &entry.location {
        location["physicalLocation"] = physical(at);
    }
    let related = entry.related.iter().filter_map(|related| {
        let at = related.location.as_ref()?;
        Some(json!({"physicalLocation": physical(at), "message": {"text": related.message}}))
    });
    let related: Vec<Value> = related.collect();
    let mut result = json!({
        "ruleId": entry.rule,
        "ruleIndex": rules.iter().position(|rule| *rule == entry.rule),
        "level": entry.level.as_str(),
        "message": {"text": paragraph(&entry.message, &entry.remedy)},
        "locations": [location],
        "partialFingerprints": {FINGERPRINT: format!("{identity}:{times}")},
        "properties": {"verdict": entry.verdict()},
    });
    if !related.is_empty() {
        result["relatedLocations"] = related.into();
    }
    if let Some(reason) = &entry.allowed_because {
        result["suppressions"] = json!([{"kind": "inSource", "justification": reason}]);
    }
    if let Some(granted) = entry.granted() {
        let Granted {
            exception,
            reason,
            expires,
            ..
        } = granted;
        let justification = format!("exception {exception} until {expires}: {reason}");
        result["suppressions"] = json!([{"kind": "external", "justification": justification}]);
    }
    result
}

fn physical(at: &Location) -> Value {
    json!({
        "artifactLocation": {"uri": uri(&at.file)},
        "region": {
            "startLine": at.line,
            "startColumn": at.column,
            "endColumn": at.column + at.width.max(1),
        },
    })
}

/// A path as a relative reference of a URI (RFC 3986): what is not allowed there is percent-encoded.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.replace('\\', "/").bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(byte as char);
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_references() {
        assert_eq!(uri("a b/ü:c.yaml"), "a%20b/%C3%BC%3Ac.yaml");
    }
}
