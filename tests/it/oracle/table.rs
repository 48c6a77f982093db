//! The truth table: what Kubernetes does in each case, and what we say.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt as _;

use super::PLACES;
use super::case::Case;
use super::cases::parts;
use super::page::{self, Row};
use super::site::Placement;
use super::stage::{Stage, on_stage, stage};
use super::verdict::verdict;
use crate::generated;

#[test]
fn every_case_has_a_name_of_its_own() {
    let parts = parts();
    let ids: Vec<&str> = parts
        .iter()
        .flat_map(|(_, cases)| cases)
        .map(|case| &*case.id)
        .collect();
    let different: BTreeSet<&&str> = ids.iter().collect();
    assert_eq!(different.len(), ids.len());
}

#[test]
fn the_page_says_what_the_judge_says() {
    let parts = parts();
    let cases = parts.iter().flat_map(|(_, cases)| cases);
    let now: Vec<(String, String)> = cases
        .map(|case| (case.id.clone(), page::said(&verdict(case))))
        .collect();
    let written: Vec<(String, String)> = page::rows().into_iter().map(|row| (row.id, row.said)).collect();
    assert_eq!(
        written, now,
        "ask Kubernetes again: UPDATE=1 cargo test --test it oracle"
    );
}

async fn seen<'a>(stage: &Stage, case: &'a Case) -> Row<'a> {
    let spread = stage.play(case, Placement::Spread).await;
    Row {
        case,
        spread,
        packed: stage.play(case, Placement::Packed).await,
        said: verdict(case),
    }
}

#[test]
fn kubernetes_agrees() {
    let parts = parts();
    let cases: Vec<&Case> = parts.iter().flat_map(|(_, cases)| cases).collect();
    let page = page::text();
    let page = page.as_str();
    let rows: Vec<Row<'_>> = on_stage(async {
        let stage = stage().await;
        let played = futures::stream::iter(cases.into_iter().enumerate()).map(|(index, case)| async move {
            let row = seen(stage, case).await;
            // On a machine that has no time for it, what a controller tries again after seconds looks like the end.
            (index, if row.is_on(page) { row } else { seen(stage, case).await })
        });
        // In any order, since one that is stuck takes longer; at the end in that of the page.
        let rows: BTreeMap<usize, Row<'_>> = played.buffer_unordered(PLACES).collect().await;
        stage.cleared().await;
        rows.into_values().collect()
    });
    let other: Vec<String> = rows.iter().filter(|row| !row.is_on(page)).map(Row::line).collect();
    assert!(
        other.is_empty() || generated::updates(),
        "other than in docs/oracle.md:\n{}",
        other.join("\n")
    );
    generated::check("docs/oracle.md", &page::print(&parts, &rows));
    let breaches: Vec<String> = rows.iter().filter_map(Row::disagreement).collect();
    assert!(breaches.is_empty(), "Kubernetes disagrees:\n{}", breaches.join("\n"));
}
