//! A report as one page: summary, findings with excerpt and remedy, pictures. It asks nobody for anything, and works from
//! a disk; without its script everything is there, and only filter and grouping are not. What may be wider than the window
//! scrolls by itself, and the keyboard can stop there.

pub mod finding;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::audit::report::{Granted, Object};
use crate::audit::{Entry, Level, Report};
use crate::digest;
use crate::graph::Name;
use crate::markup::escaped;
use crate::picture::{self, Form, Picture, svg};

/// The style of a page.
pub const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// So many pictures: a page of them is still opened at once.
const PICTURES: usize = 50;

/// What is known of an object beside what was found.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// Its neighbourhood.
    pub picture: Option<Picture>,
    /// Whom it belongs to.
    pub team: Option<String>,
}

/// What is known of objects, by namespace, kind and name.
#[derive(Clone, Debug, Default)]
pub struct Surroundings(pub BTreeMap<(Name, Name, Name), Beside>);

impl Surroundings {
    fn of(&self, object: &Object) -> Option<&Beside> {
        let key = (object.namespace.clone(), object.kind.clone(), object.name.clone());
        self.0.get(&key)
    }
}

/// Writes the page.
#[must_use]
pub fn render(report: &Report, surroundings: &Surroundings) -> String {
    let pictures = Pictures::of(report, surroundings);
    let mut text = String::new();
    head(&mut text, report);
    text.push_str("<main>\n");
    summary(&mut text, report);
    exceptions(&mut text, report);
    tools(&mut text);
    text.push_str("<div id=\"list\">\n");
    let mut groups: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in &report.entries {
        groups.entry(&entry.object.namespace).or_default().push(entry);
    }
    for (namespace, entries) in groups {
        let heading = if namespace.is_empty() { "none" } else { namespace };
        let _ = writeln!(text, "<section><h2>{}</h2>", escaped(heading));
        for entry in entries {
            let team = surroundings.of(&entry.object).and_then(|beside| beside.team.as_deref());
            let see = pictures.place(entry).map(|place| ("Picture", format!("#p{place}")));
            finding::write(&mut text, entry, team.unwrap_or_default(), see);
        }
        text.push_str("</section>\n");
    }
    text.push_str("</div>\n");
    pictures.write(&mut text);
    let _ = write!(text, "</main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n");
    text
}

fn head(text: &mut String, report: &Report) {
    let styles = [digest::source(STYLE), digest::source(picture::STYLE)].join(" ");
    let script = digest::source(SCRIPT);
    let _ = write!(
        text,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src {styles}; script-src {script}; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>stateward: {}</title>\n\
         <style>{STYLE}</style>\n<style>{}</style>\n</head>\n<body>\n",
        escaped(&counts(report)),
        picture::STYLE
    );
}

/// `2 errors, 1 warning`.
fn counts(report: &Report) -> String {
    let levels = [Level::Error, Level::Warning, Level::Note].map(|level| (report.count(level), level.as_str()));
    let counts: Vec<String> = levels
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| counted(count, word))
        .collect();
    if counts.is_empty() {
        "nothing found".to_owned()
    } else {
        counts.join(", ")
    }
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn summary(text: &mut String, report: &Report) {
    let _ = writeln!(text, "<h1>{}</h1>", escaped(&counts(report)));
    let mut line = format!(
        "{}, {}",
        counted(report.objects, "object"),
        counted(report.workloads, "workload")
    );
    if !report.policies.from.is_empty() {
        let (names, from) = (report.policies.names.join(", "), report.policies.from.join(", "));
        let _ = write!(line, "; policies: {names} ({from})");
    }
    for (count, words) in [
        (report.overrides(), "allowed by annotation"),
        (report.exceptions(), "let pass by exception"),
        (report.known, "known and left out"),
        (report.skipped.len(), "skipped"),
    ] {
        if count > 0 {
            let _ = write!(line, "; {count} {words}");
        }
    }
    let _ = writeln!(text, "<p class=\"mute\">{}</p>", escaped(&line));
    if !report.failures.is_empty() {
        text.push_str("<h2>What could not be read</h2>\n<ul>\n");
        for failure in &report.failures {
            let at = failure.location.as_ref();
            let at = at.map_or(String::new(), |at| format!(":{}:{}", at.line, at.column));
            let words = format!("{}{at}: {}", failure.file, failure.message);
            let _ = writeln!(text, "<li>{}</li>", escaped(&words));
        }
        text.push_str("</ul>\n");
    }
    if !report.notes.is_empty() {
        text.push_str("<ul class=\"mute\">\n");
        for note in &report.notes {
            let _ = writeln!(text, "<li>{}</li>", escaped(note));
        }
        text.push_str("</ul>\n");
    }
    let mut rules: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for entry in &report.entries {
        let counts = rules.entry(entry.rule).or_default();
        counts[match entry.level {
            Level::Error => 0,
            Level::Warning => 1,
            Level::Note => 2,
        }] += 1;
    }
    if rules.is_empty() {
        return;
    }
    text.push_str(
        "<div class=\"wide\" tabindex=\"0\"><table>\n<tr><th>Rule</th><th>Errors</th><th>Warnings</th><th>Notes</th></tr>\n",
    );
    for (rule, [errors, warnings, notes]) in rules {
        let _ = writeln!(
            text,
            "<tr><td>{}</td><td class=\"n\">{errors}</td><td class=\"n\">{warnings}</td><td class=\"n\">{notes}</td></tr>",
            escaped(rule)
        );
    }
    text.push_str("</table></div>\n");
}

/// The exceptions that let something pass, those first that end first.
fn exceptions(text: &mut String, report: &Report) {
    let mut granted: Vec<(&Granted, usize)> = Vec::new();
    for one in report.entries.iter().filter_map(Entry::granted) {
        match granted.iter_mut().find(|(other, _)| other.exception == one.exception) {
            Some((_, count)) => *count += 1,
            None => granted.push((one, 1)),
        }
    }
    if granted.is_empty() {
        return;
    }
    granted.sort_by_key(|(one, _)| (one.expires, one.exception.clone()));
    text.push_str(
        "<h2>Exceptions</h2>\n<div class=\"wide\" tabindex=\"0\"><table>\n<tr><th>Until</th><th>Exception</th><th>Owner</th><th>Reason</th>\
         <th>Findings</th></tr>\n",
    );
    for (one, count) in granted {
        let _ = writeln!(
            text,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"n\">{count}</td></tr>",
            escaped(&one.expires.in_words()),
            escaped(&one.exception),
            escaped(&one.owner),
            escaped(&one.reason)
        );
    }
    text.push_str("</table></div>\n");
}

/// What the script works with; without it there is nothing to be seen of it.
fn tools(text: &mut String) {
    text.push_str(
        "<div id=\"tools\" role=\"search\" hidden>\n\
         <div><label for=\"words\">Search</label><input id=\"words\" type=\"search\"></div>\n\
         <div><label for=\"level\">Level</label><select id=\"level\"><option value=\"\">all</option>\
         <option value=\"error\">errors</option><option value=\"warning\">warnings</option>\
         <option value=\"note\">notes</option></select></div>\n\
         <div><label for=\"group\">Group by</label><select id=\"group\"><option value=\"namespace\">namespace</option>\
         <option value=\"team\">team</option><option value=\"rule\">rule</option></select></div>\n\
         <output id=\"count\" class=\"mute\"></output>\n</div>\n",
    );
}

/// The pictures of the objects on which most was found, each once.
struct Pictures<'r> {
    /// With the title of the object.
    all: Vec<(&'r Object, &'r Picture)>,
    left_out: usize,
}

impl<'r> Pictures<'r> {
    fn of(report: &'r Report, surroundings: &'r Surroundings) -> Self {
        let mut all: Vec<(Level, &Object, &Picture)> = Vec::new();
        let mut seen: BTreeMap<&Object, usize> = BTreeMap::new();
        for entry in &report.entries {
            let picture = surroundings
                .of(&entry.object)
                .and_then(|beside| beside.picture.as_ref());
            let Some(picture) = picture else { continue };
            match seen.get(&entry.object) {
                Some(place) => all[*place].0 = all[*place].0.max(entry.level),
                None => {
                    seen.insert(&entry.object, all.len());
                    all.push((entry.level, &entry.object, picture));
                }
            }
        }
        // Stable: of one level they stay in the order of the report.
        all.sort_by_key(|(level, ..)| std::cmp::Reverse(*level));
        let left_out = all.len().saturating_sub(PICTURES);
        all.truncate(PICTURES);
        Self {
            all: all.into_iter().map(|(_, object, picture)| (object, picture)).collect(),
            left_out,
        }
    }

    /// Which picture belongs to a finding.
    fn place(&self, entry: &Entry) -> Option<usize> {
        self.all.iter().position(|(object, _)| **object == entry.object)
    }

    fn write(&self, text: &mut String) {
        if self.all.is_empty() {
            return;
        }
        text.push_str("<h2>Pictures</h2>\n");
        if self.left_out > 0 {
            let _ = writeln!(
                text,
                "<p class=\"mute\">Those of {} with the worst findings; stateward graph draws the others.</p>",
                counted(self.all.len(), "object")
            );
        }
        for (place, (object, picture)) in self.all.iter().enumerate() {
            let _ = writeln!(
                text,
                "<figure id=\"p{place}\" tabindex=\"0\"><figcaption>{}</figcaption>{}</figure>",
                escaped(&object.title()),
                svg(std::slice::from_ref(*picture), Form::Page)
            );
        }
    }
}
