//! The reports of ours that are in the cluster, as they were read back or written.

use std::collections::BTreeMap;
use std::time::Duration;

use kube::Client;
use kube::api::{Api, DynamicObject, ListParams};
use serde_json::Value;
use tokio::time::timeout;

use super::api::Flavour;
use super::document::{CONTENT, LABEL, RESULT_ID, uid};
use crate::graph::{Name, Uid};

/// An API server that takes longer for a page has lost the request.
const ANSWER: Duration = Duration::from_secs(60);
/// As large as kubectl's.
const PAGE: u32 = 500;

/// A report.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) namespace: Name,
    /// The hash of what it says; empty where somebody took that away.
    pub(super) content: String,
}

/// The reports that were read.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// By the workload that they are on.
    pub(super) reports: BTreeMap<Uid, Known>,
    /// The findings that they tell of, by id, with the time when each was seen first.
    pub(super) told: Vec<(String, i64)>,
}

impl Read {
    /// Reads all reports of ours.
    pub(super) async fn all(client: &Client, flavour: Flavour) -> Result<Self, String> {
        let reports: Api<DynamicObject> = Api::all_with(client.clone(), &flavour.resource());
        let mut read = Self::default();
        let mut page = ListParams::default()
            .labels(&format!("{}={}", LABEL.0, LABEL.1))
            .limit(PAGE);
        loop {
            let list = match timeout(ANSWER, reports.list(&page)).await {
                Ok(Ok(list)) => list,
                Ok(Err(error)) => return Err(error.to_string()),
                Err(_) => return Err("no answer to a list".to_owned()),
            };
            list.items.iter().for_each(|report| read.add(report));
            match list.metadata.continue_.filter(|next| !next.is_empty()) {
                Some(next) => page = page.continue_token(&next),
                None => return Ok(read),
            }
        }
    }

    fn add(&mut self, report: &DynamicObject) {
        let metadata = &report.metadata;
        // Somebody else may use the label for theirs.
        let Some(uid) = metadata.name.as_deref().and_then(uid) else {
            return;
        };
        let annotations = metadata.annotations.as_ref();
        let content = annotations.and_then(|annotations| annotations.get(CONTENT));
        let known = Known {
            namespace: metadata.namespace.as_deref().unwrap_or_default().into(),
            content: content.cloned().unwrap_or_default(),
        };
        self.reports.insert(uid, known);
        let results = report.data["results"].as_array();
        self.told.extend(results.into_iter().flatten().filter_map(told));
    }
}

fn told(result: &Value) -> Option<(String, i64)> {
    let id = result["properties"][RESULT_ID].as_str()?;
    Some((id.to_owned(), result["timestamp"]["seconds"].as_i64()?))
}
