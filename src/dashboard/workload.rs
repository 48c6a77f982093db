//! A workload: its picture, what is known of it, what is found in full, and what the next change would meet.

use std::cmp::Reverse;
use std::fmt::Write as _;

use super::namespace::figure;
use super::page::{Place, link, live, path, segment};
use super::{Content, Dashboard};
use crate::audit::{entries, pages};
use crate::explain::{self, Explained, picture};
use crate::graph::{Kind, ObjectRef};
use crate::judge::{Basis, inspect_one};
use crate::markup::escaped;
use crate::output::html::finding;
use crate::picture::{Column, Id, around, limited};

/// Makes the page, if there is such a workload.
pub(super) fn page(dashboard: &Dashboard, namespace: &str, kind: &str, name: &str) -> Option<Content> {
    let facts = dashboard.graph.facts();
    let kind = facts
        .kinds
        .iter()
        .find(|one| one.is_workload() && segment(*one) == kind)?;
    dashboard.look(namespace, |basis| content(dashboard, kind, name, basis))?
}

fn content(dashboard: &Dashboard, kind: Kind, name: &str, basis: &Basis<'_>) -> Option<Content> {
    let namespace = &basis.shard.namespace;
    let object = ObjectRef::new(kind, name);
    basis.shard.workload(&object)?;
    let id = Id::of(Column::Workloads, kind, &object.name);
    let whole = picture(namespace, basis);
    let explained = explain::workload(&id, &whole, basis, &dashboard.in_force())?;
    let title = explained.title.clone();
    let mut body = format!(
        "<p class=\"mute\">{}</p>\n<h1>{}</h1>\n",
        link(&path(&["namespaces", namespace]), &format!("Namespace {namespace}")),
        escaped(&title)
    );
    body.push_str(&live("picture", &figure(limited(around(&whole, &id)))));
    body.push_str("<h2>Findings</h2>\n");
    body.push_str(&live("findings", &findings(&object, basis)));
    body.push_str("<h2>What is known of it</h2>\n");
    body.push_str(&live("known", &known(&explained)));
    Some(Content {
        title,
        place: Place::Namespaces,
        body,
    })
}

fn findings(object: &ObjectRef, basis: &Basis<'_>) -> String {
    let mut entries = entries(inspect_one(object, basis), &basis.shard.namespace);
    entries.sort_by_key(|entry| Reverse(entry.level));
    if entries.is_empty() {
        return "<p class=\"mute\">Nothing found.</p>\n".to_owned();
    }
    let mut text = String::new();
    for entry in &entries {
        let summary = pages().find(|page| page.id == entry.rule).map(|page| page.summary);
        let label = summary.map(|summary| format!("The rule {}: {summary}", entry.rule));
        let see = label.as_deref().map(|label| (label, path(&["rules", entry.rule])));
        finding::write(&mut text, entry, "", see);
    }
    text
}

/// What the findings do not say.
fn known(explained: &Explained) -> String {
    let mut text = String::from("<dl>\n");
    for (label, facts) in &explained.facts {
        if *label == "found" {
            continue;
        }
        let label = if *label == "next" {
            "What the next change would meet"
        } else {
            label
        };
        let _ = writeln!(text, "<dt>{}</dt>", escaped(label));
        if facts.is_empty() {
            text.push_str("<dd class=\"mute\">none</dd>\n");
        }
        for fact in facts {
            let _ = writeln!(text, "<dd>{}</dd>", escaped(fact));
        }
    }
    text.push_str("</dl>\n");
    text
}
