//! Known findings: accepted once, written to a file, and left out from then on.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::audit::{Entry, Report};
use crate::manifests::{self, Position, files};

const VERSION: &str = "v1";

/// A file of known findings. What a finding is does not depend on where it stands, so that moving a file or editing
/// above a finding changes nothing; each line accepts one finding.
#[derive(Debug)]
pub struct Known {
    lines: BTreeMap<Identity, Vec<Position>>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Identity {
    rule: String,
    kind: String,
    #[serde(default)]
    namespace: String,
    name: String,
    #[serde(default)]
    subject: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Heading {
    version: String,
    #[serde(rename = "findings")]
    _findings: IgnoredAny,
}

impl Known {
    /// Reads a file.
    ///
    /// # Errors
    /// With file, line and column.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let name = path.display();
        let text = files::load(path).with_context(|| format!("--known {name}"))?;
        let reading = manifests::read(text);
        if let Some(problem) = reading.problems().first() {
            bail!("{name}:{problem}");
        }
        let document = reading
            .document(0)
            .with_context(|| format!("{name}: holds no known findings; write the file with --write-known"))?;
        let heading: Heading = document
            .to()
            .map_err(|error| anyhow!("{name}:{}: {error}", error.position()))?;
        if heading.version != VERSION {
            bail!(
                "{name}:{}: version {:?} is not known here, only {VERSION:?}",
                document.position_of("/version"),
                heading.version
            );
        }
        let mut lines: BTreeMap<Identity, Vec<Position>> = BTreeMap::new();
        for index in 0.. {
            let place = document.locate(&format!("/findings/{index}"));
            if !place.exact {
                break;
            }
            let identity =
                Identity::deserialize(place.node).map_err(|error| anyhow!("{name}:{}: {error}", error.position()))?;
            lines.entry(identity).or_default().push(place.node.position());
        }
        Ok(Self { lines })
    }

    /// Takes the known findings out of a report, and notes what is known and no longer found.
    pub fn take_out(mut self, report: &mut Report, path: &Path) {
        let total = report.entries.len();
        report.entries.retain(|entry| {
            let lines = self.lines.get_mut(&Identity::of(entry));
            entry.allowed_because.is_some() || lines.and_then(Vec::pop).is_none()
        });
        report.known += total - report.entries.len();
        let mut stale: Vec<(Position, Identity)> = Vec::new();
        for (identity, positions) in self.lines {
            stale.extend(positions.into_iter().map(|position| (position, identity.clone())));
        }
        stale.sort();
        let name = path.display();
        report.notes.extend(stale.into_iter().map(|(position, identity)| {
            let Identity {
                rule,
                kind,
                namespace,
                name: object,
                ..
            } = identity;
            let place = if namespace.is_empty() {
                object
            } else {
                format!("{namespace}/{object}")
            };
            format!("{name}:{position}: {rule} on {kind} {place} is known and no longer found: delete the line")
        }));
    }
}

/// Writes the findings of a report as known ones.
///
/// # Errors
/// When the file cannot be written.
pub fn write(report: &Report, path: &Path) -> anyhow::Result<()> {
    let open = report.entries.iter().filter(|entry| entry.allowed_because.is_none());
    let mut identities: Vec<Identity> = open.map(Identity::of).collect();
    identities.sort();
    let lines = identities.iter().map(serde_json::to_string);
    let lines: Vec<String> = lines.collect::<Result<_, _>>()?;
    // One finding a line: so that a diff shows what was accepted.
    let list = if lines.is_empty() {
        String::new()
    } else {
        format!("\n  {}\n", lines.join(",\n  "))
    };
    let text = format!("{{\"version\":\"{VERSION}\",\"findings\":[{list}]}}\n");
    std::fs::write(path, text).with_context(|| format!("--write-known {}: cannot write the file", path.display()))
}

impl Identity {
    fn of(entry: &Entry) -> Self {
        Self {
            rule: entry.rule.to_owned(),
            kind: entry.object.kind.to_string(),
            namespace: entry.object.namespace.to_string(),
            name: entry.object.name.to_string(),
            subject: entry.subject.to_string(),
        }
    }
}
