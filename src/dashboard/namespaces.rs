//! All namespaces, those with the worst findings first.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::history::Counts;
use super::overview::{COUNTS, cells};
use super::page::{Align, Place, ROWS, link, live, number, pager, path, search, table};
use super::query::Query;
use super::{Content, Dashboard};
use crate::graph::Name;

/// Makes the page.
pub(super) fn page(dashboard: &Dashboard, query: &Query) -> Content {
    let mut namespaces: BTreeMap<Name, (u64, Counts)> = BTreeMap::new();
    dashboard.graph.each_shard(|shard| {
        if !shard.namespace.is_empty() && query.meets(&shard.namespace) {
            let workloads = shard.workloads().count() as u64;
            namespaces.insert(shard.namespace.clone(), (workloads, Counts::default()));
        }
    });
    for (_, counted, namespace, count) in dashboard.store.tally().bounded(usize::MAX) {
        if let Some((_, counts)) = namespaces.get_mut(&namespace) {
            counts.add(counted, count);
        }
    }
    let mut rows: Vec<(Name, u64, Counts)> = namespaces
        .into_iter()
        .map(|(name, (workloads, counts))| (name, workloads, counts))
        .collect();
    rows.sort_by_key(|(_, _, counts)| Reverse((counts.errors, counts.warnings, counts.notes)));
    let mut columns = vec![("Namespace", Align::Words), ("Workloads", Align::Numbers)];
    columns.extend(COUNTS);
    let shown: Vec<Vec<String>> = rows
        .iter()
        .skip(query.page.saturating_mul(ROWS))
        .take(ROWS)
        .map(|(name, workloads, counts)| {
            let mut row = vec![link(&path(&["namespaces", name]), name), number(*workloads)];
            row.extend(cells(*counts));
            row
        })
        .collect();
    let pager = pager(shown.len(), rows.len(), query, "namespace");
    let list = format!("{pager}{}", table("Namespaces", &columns, shown));
    Content {
        title: "Namespaces".to_owned(),
        place: Place::Namespaces,
        body: format!(
            "<h1>Namespaces</h1>\n{}{}",
            search("Name", &query.words, ""),
            live("namespaces", &list)
        ),
    }
}
