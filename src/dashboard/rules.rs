//! The rules: all of them, and the page of each.

use std::collections::BTreeMap;

use super::history::Counts;
use super::overview::{COUNTS, cells};
use super::page::{Align, Place, link, live, path, table};
use super::{Content, Dashboard, markdown};
use crate::audit::pages;
use crate::markup::escaped;

/// Makes the list.
pub(super) fn all(dashboard: &Dashboard) -> Content {
    let mut found: BTreeMap<&str, Counts> = BTreeMap::new();
    for (rule, counted, _, count) in dashboard.store.tally().bounded(0) {
        found.entry(rule).or_default().add(counted, count);
    }
    let mut columns = ["Rule", "What it finds"]
        .map(|heading| (heading, Align::Words))
        .to_vec();
    columns.extend(COUNTS);
    let rows = pages().map(|page| {
        let mut row = vec![link(&path(&["rules", page.id]), page.id), escaped(page.summary)];
        row.extend(cells(found.get(page.id).copied().unwrap_or_default()));
        row
    });
    Content {
        title: "Rules".to_owned(),
        place: Place::Rules,
        body: format!("<h1>Rules</h1>\n{}", live("rules", &table("Rules", &columns, rows))),
    }
}

/// Makes the page of a rule, if there is one of this id.
pub(super) fn one(_: &Dashboard, id: &str) -> Option<Content> {
    let page = pages().find(|page| page.id == id)?;
    Some(Content {
        title: page.id.to_owned(),
        place: Place::Rules,
        body: format!("<div class=\"prose\">\n{}</div>\n", markdown::html(page.text)),
    })
}
