//! For people: grouped by file, the line with a caret under the field, what else plays a part, what to do.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Notes, Paint, Style};
use crate::audit::report::{Exemption, Failure, Granted, STDIN, Skipped};
use crate::audit::{Entry, InForce, Level, Location, Report};

const RED: &str = "\x1b[1;31m";
const YELLOW: &str = "\x1b[1;33m";
const CYAN: &str = "\x1b[1;36m";
const BLUE: &str = "\x1b[1;34m";
const BOLD: &str = "\x1b[1m";

/// What stands under one heading: a file, or a namespace.
#[derive(Default)]
struct Group<'a> {
    failures: Vec<&'a Failure>,
    entries: Vec<&'a Entry>,
    skipped: Vec<&'a Skipped>,
}

pub(super) fn render(report: &Report, style: Style) -> String {
    let mut page = Page {
        text: String::new(),
        paint: style.paint,
    };
    let mut groups: BTreeMap<&str, Group<'_>> = BTreeMap::new();
    for failure in &report.failures {
        groups.entry(&failure.file).or_default().failures.push(failure);
    }
    let shown = |entry: &&Entry| entry.level > Level::Note || style.notes == Notes::Shown;
    for entry in report.entries.iter().filter(shown) {
        let heading = entry.location.as_ref().map_or(&*entry.object.namespace, |at| &*at.file);
        groups.entry(heading).or_default().entries.push(entry);
    }
    if style.notes == Notes::Shown {
        for skipped in &report.skipped {
            groups.entry(&skipped.location.file).or_default().skipped.push(skipped);
        }
    }
    for (heading, group) in groups {
        page.group(heading, &group);
    }
    if !report.policies.from.is_empty() {
        page.line(&[("", &policies(&report.policies))]);
    }
    for note in &report.notes {
        page.line(&[(CYAN, "note"), ("", ": "), ("", note)]);
    }
    page.line(&[("", &summary(report, style.notes))]);
    page.text
}

struct Page {
    text: String,
    paint: Paint,
}

impl Page {
    fn group(&mut self, heading: &str, group: &Group<'_>) {
        let heading = if heading == STDIN { "standard input" } else { heading };
        self.line(&[(BOLD, heading)]);
        for failure in &group.failures {
            self.line(&[("", "  "), (RED, "error"), ("", ": "), ("", &failure.message)]);
            self.place(failure.location.as_ref(), "");
            self.text.push('\n');
        }
        for entry in &group.entries {
            self.entry(entry);
        }
        for skipped in &group.skipped {
            let at = format!("{}:{}", skipped.location.line, skipped.location.column);
            self.line(&[
                ("", "  "),
                (CYAN, "skipped"),
                ("", " "),
                ("", &at),
                ("", ": "),
                ("", &skipped.why),
            ]);
        }
        if !group.skipped.is_empty() {
            self.text.push('\n');
        }
    }

    fn entry(&mut self, entry: &Entry) {
        let (colour, word) = match entry.level {
            Level::Error => (RED, "error"),
            Level::Note => (CYAN, "note"),
            Level::Warning => (YELLOW, "warning"),
        };
        self.line(&[
            ("", "  "),
            (colour, &format!("{word}[{}]", entry.rule)),
            ("", ": "),
            (BOLD, &entry.message),
        ]);
        self.place(entry.location.as_ref(), &entry.path);
        if entry.location.is_none() && !entry.path.is_empty() {
            self.detail("field", &entry.path);
        }
        for related in &entry.related {
            let place = match &related.location {
                Some(at) => format!("{}:{}:{}", at.file, at.line, at.column),
                None => related.object.title(),
            };
            self.detail("see", &format!("{place}: {}", related.message));
        }
        if !entry.remedy.is_empty() {
            self.detail("fix", &entry.remedy);
        }
        if let Some(reason) = &entry.allowed_because {
            self.detail("allowed", reason);
        }
        if let Some(date) = entry.denied_after {
            self.detail("denied", &format!("from {} on", date.in_words()));
        }
        match &entry.exemption {
            Some(Exemption::Granted(granted)) => self.detail("excepted", &excepted(granted)),
            Some(Exemption::Void(why)) => self.detail("note", why),
            None => {}
        }
        self.text.push('\n');
    }

    /// The place and its line, with a caret for every character of the value; or with the field that is not there.
    fn place(&mut self, location: Option<&Location>, path: &str) {
        let Some(at) = location else { return };
        let number = at.line.to_string();
        let margin = " ".repeat(number.len());
        let source = at
            .source
            .as_ref()
            .map_or(String::new(), |source| format!(" ({source})"));
        let place = format!("{}:{}:{}{source}", at.file, at.line, at.column);
        self.line(&[("", "  "), ("", &margin), (BLUE, "--> "), ("", &place)]);
        let before = " ".repeat(at.excerpt.before as usize);
        let carets = "^".repeat(at.width.max(1) as usize);
        self.line(&[("", "  "), (BLUE, &format!("{number} | ")), ("", &at.excerpt.text)]);
        let field = path.rsplit('/').next().unwrap_or_default();
        let label = if at.missing && !field.is_empty() {
            format!(" {} is not set here", field.replace("~1", "/").replace("~0", "~"))
        } else {
            String::new()
        };
        self.line(&[
            ("", "  "),
            ("", &margin),
            (BLUE, " | "),
            ("", &before),
            (RED, &carets),
            ("", &label),
        ]);
    }

    fn detail(&mut self, label: &str, words: &str) {
        self.line(&[("", "  "), (BLUE, "= "), (BOLD, label), ("", ": "), ("", words)]);
    }

    /// Writes a line of coloured parts. What comes out of files cannot bring colours or commands of its own.
    fn line(&mut self, parts: &[(&str, &str)]) {
        let start = self.text.len();
        for (colour, words) in parts {
            let words = words.replace(|c: char| c.is_control(), "\u{fffd}");
            if self.paint == Paint::Plain || colour.is_empty() {
                self.text.push_str(&words);
            } else {
                let _ = write!(self.text, "{colour}{words}\x1b[0m");
            }
        }
        let end = self.text.trim_end_matches(' ').len().max(start);
        self.text.truncate(end);
        self.text.push('\n');
    }
}

/// `shop/legacy until 2026-12-24, team-shop: why`.
fn excepted(granted: &Granted) -> String {
    let Granted {
        exception,
        owner,
        reason,
        expires,
    } = granted;
    format!("{exception} until {}, {owner}: {reason}", expires.in_words())
}

fn policies(in_force: &InForce) -> String {
    let names = match &*in_force.names {
        [] => "none".to_owned(),
        names => names.join(", "),
    };
    format!("policies: {names} ({})", in_force.from.join(", "))
}

fn summary(report: &Report, notes: Notes) -> String {
    let mut counts = Vec::new();
    let mut add = |count: usize, one: &str, more: &str| {
        if count > 0 {
            counts.push(format!("{count} {}", if count == 1 { one } else { more }));
        }
    };
    let unread = report.failures.len();
    add(report.count(Level::Error), "error", "errors");
    add(report.count(Level::Warning), "warning", "warnings");
    let hint = if notes == Notes::Counted {
        " (shown with -v)"
    } else {
        ""
    };
    add(
        report.count(Level::Note),
        &format!("note{hint}"),
        &format!("notes{hint}"),
    );
    add(
        report.overrides(),
        "of them allowed by annotation",
        "of them allowed by annotation",
    );
    add(
        report.exceptions(),
        "of them let pass by exception",
        "of them let pass by exception",
    );
    add(report.known, "known finding left out", "known findings left out");
    add(unread, "document cannot be read", "documents cannot be read");
    if counts.is_empty() {
        counts.push("nothing found".to_owned());
    }
    let skipped = match report.skipped.len() {
        0 => String::new(),
        count => format!(", {count} skipped"),
    };
    let plural = |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
    format!(
        "{}, {}{skipped}: {}",
        plural(report.objects, "object"),
        plural(report.workloads, "workload"),
        counts.join(", ")
    )
}
