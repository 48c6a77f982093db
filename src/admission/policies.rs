//! Our own objects before they are stored: every mistake at once, each with its field and the name that was probably
//! meant.

use serde_json::Value;
use tracing::info;

use super::response::Answer;
use super::review::{Payload, Request};
use super::webhook::unknown_kind;
use crate::graph::{Graph, Kind, Knowledge, Lookup};
use crate::judge::void_where_meant;
use crate::metrics::Outcome;
use crate::policy::description::KIND;
use crate::policy::exception::description::KIND as EXCEPTION;
use crate::policy::resource::group;
use crate::policy::workload_kind::description::KIND as WORKLOAD_KIND;
use crate::policy::{self, Applies, Mistake, Policies, Policy, Void, exception, workload_kind};
use crate::rules::kit::Rule;
use crate::time::Time;

/// By what our own objects are checked.
pub(super) struct Basis<'a> {
    pub(super) graph: &'a Graph,
    pub(super) policies: &'a Policies,
    pub(super) rules: &'a [&'static Rule],
    pub(super) time: Time,
}

/// Answers a write of a policy, of an exception or of a declared kind.
pub(super) fn check<'r>(request: &'r Request<'_>, basis: &Basis<'_>) -> (Answer<'r>, Outcome) {
    let check = match &*request.kind {
        _ if request.group != group() => return unknown_kind(request),
        KIND => check_policy,
        EXCEPTION => check_exception,
        WORKLOAD_KIND => check_kind,
        _ => return unknown_kind(request),
    };
    let mut answer = Answer {
        uid: &request.uid,
        ..Answer::default()
    };
    // A deletion has none.
    let Payload::Raw(json) = request.object else {
        return (answer, Outcome::Allow);
    };
    let mut written: Value = serde_json::from_str(json).unwrap_or_default();
    name(&mut written, request);
    match check(&written, basis) {
        Ok(None) => (answer, Outcome::Allow),
        Ok(Some(warning)) => {
            answer.warnings.push(warning);
            (answer, Outcome::Warn)
        }
        Err(mistakes) => {
            let Request {
                uid, user, kind, name, ..
            } = request;
            info!(%uid, %user, %kind, %name, mistakes = mistakes.len(), "Refused");
            answer.denial = Some(denial(kind, &mistakes));
            (answer, Outcome::Deny)
        }
    }
}

/// The mistakes in a policy, or what has to be said of it.
fn check_policy(written: &Value, basis: &Basis<'_>) -> Result<Option<String>, Vec<Mistake>> {
    let policy = policy::parse(written, basis.rules)?;
    Ok(unused(&policy, basis.graph))
}

/// The mistakes in a declaration of a kind.
fn check_kind(written: &Value, _: &Basis<'_>) -> Result<Option<String>, Vec<Mistake>> {
    workload_kind::parse(written).map(|_| None)
}

/// The mistakes in an exception, or why it counts for nothing now.
fn check_exception(written: &Value, basis: &Basis<'_>) -> Result<Option<String>, Vec<Mistake>> {
    let exception = exception::parse(written, basis.rules)?;
    let over = |message: String| {
        vec![Mistake {
            pointer: "/spec/expiresAt".to_owned(),
            message,
        }]
    };
    // Wherever it is allowed.
    if exception.expires <= basis.time {
        return Err(over(format!("{} is over", exception.expires)));
    }
    let shard = basis.graph.namespace(&exception.namespace);
    match void_where_meant(&exception, &shard, basis.policies, basis.time) {
        None => Ok(None),
        Some(Void::TooLong(latest)) => Err(over(format!("the policies in force let it be {latest} at the latest"))),
        // A policy that allows it may come after it.
        Some(void @ (Void::Forbidden | Void::Expired)) => Ok(Some(exception.told(void))),
    }
}

/// More mistakes than these are not told apart: whoever made them mends these first.
const TOLD: usize = 20;

fn denial(kind: &str, mistakes: &[Mistake]) -> String {
    let mut text = format!("the {kind} is not valid");
    for mistake in mistakes.iter().take(TOLD) {
        text.push_str(&format!("\n  {mistake}"));
    }
    if let Some(more) = mistakes.len().checked_sub(TOLD).filter(|more| *more > 0) {
        text.push_str(&format!("\n  and {more} more"));
    }
    text
}

/// Gives an object its name that only gets one when it is stored (`metadata.generateName`), and its namespace, which
/// stands in the path of the request alone.
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
    if let Some(namespace) = &request.namespace {
        metadata.entry("namespace").or_insert_with(|| (**namespace).into());
    }
}

/// Says that the policy applies nowhere, where that is known.
fn unused(policy: &Policy, graph: &Graph) -> Option<String> {
    if graph.facts().knowledge(Kind::NAMESPACE) != Knowledge::Complete {
        return None;
    }
    let mut applies = Applies::No;
    graph.each_shard(|shard| {
        if let Lookup::Known(facts) = shard.facts() {
            let here = policy
                .matching
                .applies_in(&shard.namespace, Lookup::Known(&facts.labels));
            applies = applies.max(here);
        }
    });
    let name = &policy.name;
    (applies == Applies::No).then(|| format!("policy {name:?} applies in no namespace of this cluster at present"))
}
