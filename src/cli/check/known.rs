//! Known findings: accepted once, written to a file, and left out from then on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use stateward_yaml::{Document, Node, Position};

use crate::audit::{Entry, Report};
use crate::manifests::files;

const VERSION: &str = "v1";

/// A file of known findings. What a finding is does not depend on where it stands, so that moving a file or editing
/// above a finding changes nothing; each line accepts one finding, as bad as it was or less.
#[derive(Debug)]
pub struct Known {
    lines: BTreeMap<Line, Vec<Position>>,
}

/// An accepted finding. Its order puts the same finding together, the least bad first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    rule: String,
    kind: String,
    #[serde(default)]
    namespace: String,
    name: String,
    #[serde(default)]
    subject: String,
    /// How bad it may be; where nothing is written, any way.
    #[serde(default = "any_extent")]
    extent: u64,
}

const fn any_extent() -> u64 {
    u64::MAX
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
        let reading = stateward_yaml::read(text);
        if let Some(problem) = reading.problems().first() {
            bail!("{name}:{problem}");
        }
        let root = reading
            .document(0)
            .map(Document::root)
            .with_context(|| format!("{name}: holds no known findings; write the file with --write-known"))?;
        let heading: Heading = root
            .to()
            .map_err(|error| anyhow!("{name}:{}: {error}", error.position()))?;
        if heading.version != VERSION {
            bail!(
                "{name}:{}: version {:?} is not known here, only {VERSION:?}",
                root.position_of("/version"),
                heading.version
            );
        }
        let mut lines: BTreeMap<Line, Vec<Position>> = BTreeMap::new();
        for finding in root.get("findings").into_iter().flat_map(Node::items) {
            let line: Line = finding
                .to()
                .map_err(|error| anyhow!("{name}:{}: {error}", error.position()))?;
            lines.entry(line).or_default().push(finding.position());
        }
        Ok(Self { lines })
    }

    /// Takes the known findings out of a report, and notes what is known and no longer found.
    pub fn take_out(mut self, report: &mut Report, path: &Path) {
        let total = report.entries.len();
        report
            .entries
            .retain(|entry| entry.is_let_pass() || !self.accepts(&Line::of(entry)));
        let open = report.entries.iter().filter(|entry| !entry.is_let_pass());
        let worse: BTreeSet<Line> = open.map(|entry| Line::of(entry).however_bad()).collect();
        report.known += total - report.entries.len();
        let mut stale: Vec<(Position, Line)> = Vec::new();
        for (line, positions) in self.lines {
            stale.extend(positions.into_iter().map(|position| (position, line.clone())));
        }
        stale.sort();
        let name = path.display();
        report.notes.extend(stale.into_iter().map(|(position, line)| {
            let is_worse = worse.contains(&line.clone().however_bad());
            let Line {
                rule,
                kind,
                namespace,
                name: object,
                ..
            } = line;
            let place = if namespace.is_empty() {
                object
            } else {
                format!("{namespace}/{object}")
            };
            if is_worse {
                format!("{name}:{position}: {rule} on {kind} {place} is worse than when it was accepted")
            } else {
                format!("{name}:{position}: {rule} on {kind} {place} is known and no longer found: delete the line")
            }
        }));
    }

    /// Uses up the line that accepts a finding, of several the one for the least bad.
    fn accepts(&mut self, found: &Line) -> bool {
        let mut at_least_as_bad = self.lines.range_mut(found..);
        let Some((line, positions)) = at_least_as_bad.next() else {
            return false;
        };
        if line.clone().however_bad() != found.clone().however_bad() {
            return false;
        }
        positions.pop();
        if positions.is_empty() {
            let line = line.clone();
            self.lines.remove(&line);
        }
        true
    }
}

/// Writes the findings of a report as known ones; tells how many.
///
/// # Errors
/// When the file cannot be written.
pub fn write(report: &Report, path: &Path) -> anyhow::Result<usize> {
    let open = report.entries.iter().filter(|entry| !entry.is_let_pass());
    let mut found: Vec<Line> = open.map(Line::of).collect();
    found.sort();
    let lines = found.iter().map(serde_json::to_string);
    let lines: Vec<String> = lines.collect::<Result<_, _>>()?;
    // One finding a line: so that a diff shows what was accepted.
    let list = if lines.is_empty() {
        String::new()
    } else {
        format!("\n  {}\n", lines.join(",\n  "))
    };
    let text = format!("{{\"version\":\"{VERSION}\",\"findings\":[{list}]}}\n");
    std::fs::write(path, text).with_context(|| format!("--write-known {}: cannot write the file", path.display()))?;
    Ok(found.len())
}

impl Line {
    fn of(entry: &Entry) -> Self {
        Self {
            rule: entry.rule.to_owned(),
            kind: entry.object.kind.to_string(),
            namespace: entry.object.namespace.to_string(),
            name: entry.object.name.to_string(),
            subject: entry.subject.to_string(),
            extent: entry.extent,
        }
    }

    /// What says which finding it is.
    fn however_bad(self) -> Self {
        Self { extent: 0, ..self }
    }
}
