//! The first page: health, policies in force, findings by rule and namespace, their trend, exceptions that expire.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::history::Counts;
use super::page::{Align, Place, counted, link, live, number, path, table};
use super::{Content, Dashboard, trend};
use crate::clock;
use crate::graph::{Knowledge, Name};
use crate::markup::escaped;
use crate::time::Time;

/// So many namespaces stand on the first page: those with the most findings.
const NAMESPACES: usize = 15;
/// So many exceptions: those first that end first.
const EXCEPTIONS: usize = 50;

/// Makes the page.
pub(super) fn page(dashboard: &Dashboard) -> Content {
    let (mut all, mut rules, mut namespaces) = (Counts::default(), BTreeMap::new(), BTreeMap::new());
    for (rule, counted, namespace, count) in dashboard.store.tally().bounded(usize::MAX) {
        all.add(counted, count);
        rules.entry(rule).or_insert_with(Counts::default).add(counted, count);
        namespaces
            .entry(namespace)
            .or_insert_with(Counts::default)
            .add(counted, count);
    }
    let title = if dashboard.store.judged_all().is_none() {
        "Judging".to_owned()
    } else if all.found() == 0 {
        "Nothing found".to_owned()
    } else {
        counted(usize::try_from(all.found()).unwrap_or(usize::MAX), "finding")
    };
    let mut summary = format!("<h1>{title}</h1>\n");
    levels(&mut summary, all);
    health(&mut summary, dashboard);
    let mut body = live("summary", &summary);
    body.push_str("<h2>Since start</h2>\n");
    body.push_str(&live("trend", &trend::figure(&dashboard.history.trend())));
    body.push_str("<div class=\"columns\">\n<section>\n<h2>By rule</h2>\n");
    body.push_str(&live("by-rule", &by_rule(&rules)));
    body.push_str("</section>\n<section>\n<h2>By namespace</h2>\n");
    body.push_str(&live("by-namespace", &by_namespace(namespaces)));
    body.push_str("</section>\n</div>\n<h2>Policies in force</h2>\n");
    body.push_str(&live("policies", &policies(dashboard)));
    body.push_str("<h2>Exceptions that expire</h2>\n");
    body.push_str(&live("exceptions", &exceptions(dashboard, clock::now())));
    Content {
        title: "Overview".to_owned(),
        place: Place::Overview,
        body,
    }
}

/// The counts, each with its sign.
pub(super) fn levels(text: &mut String, counts: Counts) {
    text.push_str("<ul class=\"levels\">\n");
    for (class, sign, count, words) in [
        ("error", "\u{2716}", counts.errors, "errors: a policy denies them"),
        ("warning", "\u{25b2}", counts.warnings, "warnings"),
        (
            "note",
            "\u{25cf}",
            counts.notes,
            "notes: only recorded, or nobody can tell",
        ),
        (
            "pass",
            "\u{2713}",
            counts.let_pass,
            "let pass by annotation or exception",
        ),
    ] {
        let _ = writeln!(
            text,
            "<li class=\"{class}\"><b><span aria-hidden=\"true\">{sign}</span> {count}</b> {words}</li>"
        );
    }
    text.push_str("</ul>\n");
}

/// The cells of a row of counts, and their columns.
pub(super) const COUNTS: [(&str, Align); 4] = [
    ("Errors", Align::Numbers),
    ("Warnings", Align::Numbers),
    ("Notes", Align::Numbers),
    ("Let pass", Align::Numbers),
];

pub(super) fn cells(counts: Counts) -> [String; 4] {
    [counts.errors, counts.warnings, counts.notes, counts.let_pass].map(number)
}

fn health(text: &mut String, dashboard: &Dashboard) {
    let objects: usize = dashboard.graph.counts().into_iter().map(|(_, count)| count).sum();
    let judged = match dashboard.store.judged_all() {
        Some(at) => format!("everything was judged at {}", Time::from_seconds(at).in_words()),
        None => "everything is being judged for the first time".to_owned(),
    };
    let words = format!(
        "{} in {}; {judged}",
        counted(objects, "object"),
        counted(dashboard.graph.namespaces().len(), "namespace")
    );
    let _ = writeln!(text, "<p class=\"mute\">{}</p>", escaped(&words));
    let facts = dashboard.graph.facts();
    let unknown = facts
        .kinds
        .iter()
        .filter(|kind| facts.knowledge(*kind) == Knowledge::Unavailable);
    let unknown: Vec<&str> = unknown.map(|kind| kind.label()).collect();
    let (_, report) = dashboard.readiness.report();
    // What is well and has nothing to say needs no line.
    let checks = report
        .lines()
        .filter(|line| line.starts_with("[-]") || line.contains(' '));
    let mut lines: Vec<String> = checks
        .map(|line| line.trim_start_matches("[+]").replace("[-]", "not ready: "))
        .collect();
    if !unknown.is_empty() {
        lines.push(format!(
            "not known, for they may not be read or the API server does not answer: {}",
            unknown.join(", ")
        ));
    }
    lines.extend(dashboard.notes.iter().cloned());
    if !lines.is_empty() {
        text.push_str("<ul class=\"mute\">\n");
        for line in lines {
            let _ = writeln!(text, "<li>{}</li>", escaped(&line));
        }
        text.push_str("</ul>\n");
    }
}

fn by_rule(rules: &BTreeMap<&str, Counts>) -> String {
    if rules.is_empty() {
        return nothing();
    }
    let mut columns = vec![("Rule", Align::Words)];
    columns.extend(COUNTS);
    let row = |(rule, counts): (&&str, &Counts)| {
        let mut row = vec![link(&path(&["rules", rule]), rule)];
        row.extend(cells(*counts));
        row
    };
    table("Findings by rule", &columns, rules.iter().map(row))
}

fn by_namespace(namespaces: BTreeMap<Name, Counts>) -> String {
    if namespaces.is_empty() {
        return nothing();
    }
    let all = namespaces.len();
    let mut namespaces: Vec<(Name, Counts)> = namespaces.into_iter().collect();
    namespaces.sort_by_key(|(_, counts)| std::cmp::Reverse((counts.errors, counts.warnings, counts.notes)));
    namespaces.truncate(NAMESPACES);
    let mut columns = vec![("Namespace", Align::Words)];
    columns.extend(COUNTS);
    let row = |(name, counts): &(Name, Counts)| {
        let mut row = vec![link(&path(&["namespaces", name]), name)];
        row.extend(cells(*counts));
        row
    };
    let mut text = table("Findings by namespace", &columns, namespaces.iter().map(row));
    if all > NAMESPACES {
        let _ = writeln!(
            text,
            "<p><a href=\"/namespaces\">All {all} namespaces with findings, and the others</a></p>"
        );
    }
    text
}

fn nothing() -> String {
    "<p class=\"mute\">Nothing found.</p>\n".to_owned()
}

fn policies(dashboard: &Dashboard) -> String {
    let in_force = dashboard.in_force();
    if in_force.names.is_empty() {
        return "<p>None: nothing is judged.</p>\n".to_owned();
    }
    let mut text = String::from("<ul>\n");
    for name in &in_force.names {
        let _ = writeln!(text, "<li>{}</li>", escaped(name));
    }
    let _ = writeln!(
        text,
        "</ul>\n<p class=\"mute\">From: {}</p>",
        escaped(&in_force.from.join(", "))
    );
    text
}

fn exceptions(dashboard: &Dashboard, now: Time) -> String {
    let policies = dashboard.policies.load();
    let mut all: Vec<_> = policies.all_exceptions().collect();
    if all.is_empty() {
        return "<p class=\"mute\">There are no exceptions.</p>\n".to_owned();
    }
    all.sort_by_key(|exception| (exception.expires, &exception.namespace, &exception.name));
    let columns = ["Until", "Exception", "Owner", "Rules", "Reason"].map(|heading| (heading, Align::Words));
    let row = |exception: &&crate::policy::Exception| {
        let until = if exception.expires <= now {
            format!("{}: over", exception.expires.in_words())
        } else if exception.expires.is_soon(now) {
            format!("{}: {}", exception.expires.in_words(), exception.expires.seen_from(now))
        } else {
            exception.expires.in_words()
        };
        vec![
            escaped(&until),
            link(&path(&["namespaces", &exception.namespace]), &exception.title()),
            escaped(&exception.owner),
            escaped(&exception.rules.join(", ")),
            escaped(&exception.reason),
        ]
    };
    let mut text = table("Exceptions", &columns, all.iter().take(EXCEPTIONS).map(row));
    if all.len() > EXCEPTIONS {
        let _ = writeln!(text, "<p class=\"mute\">{} more end later.</p>", all.len() - EXCEPTIONS);
    }
    text
}
