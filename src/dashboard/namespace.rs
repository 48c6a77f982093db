//! A namespace: its picture, its workloads, and which findings came and went lately.

use std::cmp::Reverse;
use std::fmt::Write as _;

use super::history::{Changed, Counts};
use super::overview::{COUNTS, cells, levels};
use super::page::{Align, Place, ROWS, link, live, pager, path, search, segment, table};
use super::query::Query;
use super::{Content, Dashboard};
use crate::audit::Level;
use crate::explain::picture;
use crate::findings::Counted;
use crate::graph::Kinds;
use crate::markup::escaped;
use crate::picture::{Column, Form, Id, Node, Picture, limited, svg};

/// So many changes are shown.
const CHANGES: usize = 30;

/// Makes the page, if there is such a namespace.
pub(super) fn page(dashboard: &Dashboard, namespace: &str, query: &Query) -> Option<Content> {
    let picture = dashboard.look(namespace, |basis| picture(&basis.shard.namespace, basis))?;
    let kinds = dashboard.graph.facts().kinds;
    let changes = dashboard.history.changes(namespace, CHANGES);
    let workloads = workloads(&picture, namespace, kinds, query);
    let mut summary = String::new();
    levels(&mut summary, counts(&picture, |_| true));
    let figure = figure(limited(picture));
    let mut body = format!("<h1>{}</h1>\n", escaped(&format!("Namespace {namespace}")));
    body.push_str(&live("summary", &summary));
    body.push_str(&live("picture", &figure));
    body.push_str("<h2>Workloads</h2>\n");
    body.push_str(&search("Kind or name", &query.words, ""));
    body.push_str(&live("workloads", &workloads));
    body.push_str("<h2>What came and went lately</h2>\n");
    body.push_str(&live("changes", &changed(&changes, namespace)));
    Some(Content {
        title: format!("Namespace {namespace}"),
        place: Place::Namespaces,
        body,
    })
}

/// How many findings there are on what is `meant`.
fn counts(picture: &Picture, meant: impl Fn(&Id) -> bool) -> Counts {
    let mut counts = Counts::default();
    for mark in picture.marks.iter().filter(|mark| meant(&mark.on)) {
        let counted = match mark.level {
            _ if mark.is_let_pass => Counted::Allowed,
            Level::Error => Counted::Deny,
            Level::Warning => Counted::Warn,
            Level::Note => Counted::Audit,
        };
        counts.add(counted, 1);
    }
    counts
}

/// A picture with what it leaves out.
pub(super) fn figure(picture: Picture) -> String {
    let left_out = picture.left_out_in_words();
    let left_out = left_out.map(|words| format!("<p class=\"mute\">{}</p>\n", escaped(&words)));
    if picture.nodes.is_empty() {
        return "<p class=\"mute\">There is nothing to draw.</p>\n".to_owned();
    }
    format!(
        "{}<figure tabindex=\"0\" role=\"group\" aria-label=\"Picture\">{}</figure>\n",
        left_out.unwrap_or_default(),
        svg(std::slice::from_ref(&picture), Form::Page)
    )
}

/// Where the page of a workload of a picture is.
pub(super) fn address(id: &Id, namespace: &str, kinds: &Kinds) -> Option<String> {
    let kind = kinds.of(id.api_version, id.kind)?;
    Some(path(&["namespaces", namespace, &segment(kind), &id.name]))
}

fn workloads(picture: &Picture, namespace: &str, kinds: &Kinds, query: &Query) -> String {
    let is_meant = |node: &&Node| node.id.column == Column::Workloads && query.meets(&node.id.title());
    let mut rows: Vec<(&Node, Counts)> = picture
        .nodes
        .iter()
        .filter(is_meant)
        .map(|node| (node, Counts::default()))
        .collect();
    // By the findings of the picture, so that ten thousand workloads are gone through once.
    for mark in &picture.marks {
        if let Ok(place) = rows.binary_search_by(|(node, _)| node.id.cmp(&mark.on)) {
            let one = Picture {
                marks: vec![mark.clone()],
                ..Picture::default()
            };
            let more = counts(&one, |_| true);
            let row = &mut rows[place].1;
            row.errors += more.errors;
            row.warnings += more.warnings;
            row.notes += more.notes;
            row.let_pass += more.let_pass;
        }
    }
    rows.sort_by_key(|(_, counts)| Reverse((counts.errors, counts.warnings, counts.notes)));
    let mut columns = ["Workload", "Pods"].map(|heading| (heading, Align::Words)).to_vec();
    columns.extend(COUNTS);
    let shown: Vec<Vec<String>> = rows
        .iter()
        .skip(query.page.saturating_mul(ROWS))
        .take(ROWS)
        .map(|(node, counts)| {
            let title = node.id.title();
            let title = match address(&node.id, namespace, kinds) {
                Some(address) => link(&address, &title),
                None => escaped(&title),
            };
            let mut row = vec![title, escaped(&node.lines.join(", "))];
            row.extend(cells(*counts));
            row
        })
        .collect();
    let pager = pager(shown.len(), rows.len(), query, "workload");
    format!("{pager}{}", table("Workloads", &columns, shown))
}

fn changed(changes: &[Changed], namespace: &str) -> String {
    if changes.is_empty() {
        return "<p class=\"mute\">No finding came or went since the dashboard began to look.</p>\n".to_owned();
    }
    let columns = ["When", "Object", "Rule", "What"].map(|heading| (heading, Align::Words));
    let row = |change: &Changed| {
        let object = &change.object;
        let title = format!("{} {}", object.kind, object.name);
        let title = if object.kind.is_workload() {
            link(
                &path(&["namespaces", namespace, &segment(object.kind), &object.name]),
                &title,
            )
        } else {
            escaped(&title)
        };
        let mut what = String::new();
        let _ = write!(what, "{} ({})", change.way.as_str(), change.counted.as_str());
        vec![
            escaped(&change.at.to_string().replace('T', " ").replace('Z', " UTC")),
            title,
            link(&path(&["rules", change.rule]), change.rule),
            escaped(&what),
        ]
    };
    table("What came and went", &columns, changes.iter().map(row))
}
