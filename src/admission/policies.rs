//! Our own objects before they are stored: every mistake at once, each with its field and the name that was probably
//! meant.

use serde_json::Value;
use tracing::info;

use super::response::Answer;
use super::review::{Payload, Request};
use super::webhook::unknown_kind;
use crate::graph::{Graph, Kind, Knowledge, Lookup};
use crate::metrics::Outcome;
use crate::policy::description::KIND;
use crate::policy::resource::group;
use crate::policy::{self, Applies, Mistake, Policy};
use crate::rules::kit::Rule;

/// Answers a write of a policy.
pub(super) fn check<'r>(request: &'r Request<'_>, graph: &Graph, rules: &[&Rule]) -> (Answer<'r>, Outcome) {
    let mut answer = Answer {
        uid: &request.uid,
        ..Answer::default()
    };
    if request.group != group() || request.kind != KIND {
        return unknown_kind(request);
    }
    // A deletion has none.
    let Payload::Raw(json) = request.object else {
        return (answer, Outcome::Allow);
    };
    let mut written: Value = serde_json::from_str(json).unwrap_or_default();
    name(&mut written, request);
    match policy::parse(&written, rules) {
        Ok(policy) => {
            answer.warnings.extend(unused(&policy, graph));
            let outcome = if answer.warnings.is_empty() {
                Outcome::Allow
            } else {
                Outcome::Warn
            };
            (answer, outcome)
        }
        Err(mistakes) => {
            let Request { uid, user, name, .. } = request;
            info!(%uid, %user, %name, mistakes = mistakes.len(), "Policy refused");
            answer.denial = Some(denial(&mistakes));
            (answer, Outcome::Deny)
        }
    }
}

/// More mistakes than these are not told apart: whoever made them mends these first.
const TOLD: usize = 20;

fn denial(mistakes: &[Mistake]) -> String {
    let mut text = "the policy is not valid".to_owned();
    for mistake in mistakes.iter().take(TOLD) {
        text.push_str(&format!("\n  {mistake}"));
    }
    if let Some(more) = mistakes.len().checked_sub(TOLD).filter(|more| *more > 0) {
        text.push_str(&format!("\n  and {more} more"));
    }
    text
}

/// Gives an object its name that only gets one when it is stored (`metadata.generateName`).
fn name(written: &mut Value, request: &Request<'_>) {
    let Some(metadata) = written.get_mut("metadata").and_then(Value::as_object_mut) else {
        return;
    };
    let begun = metadata.get("generateName").cloned();
    if let Some(name) = begun.filter(|_| metadata.get("name").is_none_or(Value::is_null)) {
        metadata.insert("name".to_owned(), name);
    } else if !request.name.is_empty() {
        metadata.entry("name").or_insert_with(|| (*request.name).into());
    }
}

/// Says that the policy applies nowhere, where that is known.
fn unused(policy: &Policy, graph: &Graph) -> Option<String> {
    if graph.facts().knowledge(Kind::NAMESPACE) != Knowledge::Complete {
        return None;
    }
    let mut applies = Applies::No;
    graph.each_shard(|shard| {
        if let Lookup::Known(facts) = &shard.facts {
            let here = policy
                .matching
                .applies_in(&shard.namespace, Lookup::Known(&facts.labels));
            applies = applies.max(here);
        }
    });
    let name = &policy.name;
    (applies == Applies::No).then(|| format!("policy {name:?} applies in no namespace of this cluster at present"))
}
