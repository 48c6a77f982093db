//! A `WorkloadPolicyException` from its JSON value.

use serde_json::Value;

use super::Exception;
use super::description::document;
use crate::policy::check::{Mistake, check};
use crate::policy::glob::Of;
use crate::policy::parse::{globs, selector, texts, time};
use crate::rules::kit::Rule;
use crate::time::Time;

/// Reads an exception.
///
/// # Errors
/// Every mistake in it: it is valid as a whole, or not at all.
pub fn parse(exception: &Value, rules: &[&Rule]) -> Result<Exception, Vec<Mistake>> {
    let mistakes = check(exception, &document(rules));
    if mistakes.is_empty() {
        Ok(read(exception, rules))
    } else {
        Err(mistakes)
    }
}

/// Reads what has no mistakes: a member that is not there, and nothing else, is left out below.
fn read(exception: &Value, rules: &[&Rule]) -> Exception {
    let (metadata, spec) = (&exception["metadata"], &exception["spec"]);
    let matching = &spec["match"];
    let said = |value: &Value| value.as_str().unwrap_or_default().trim().to_owned();
    let ids = rules.iter().map(|rule| rule.id);
    Exception {
        namespace: metadata["namespace"].as_str().unwrap_or_default().into(),
        name: said(&metadata["name"]),
        created: time(&metadata["creationTimestamp"]),
        rules: ids.filter(|id| texts(&spec["rules"]).any(|rule| rule == *id)).collect(),
        names: globs(&matching["names"], Of::Workload),
        kinds: texts(&matching["kinds"]).map(Into::into).collect(),
        labels: selector(&matching["objectSelector"]),
        reason: said(&spec["reason"]),
        owner: said(&spec["owner"]),
        expires: time(&spec["expiresAt"]).unwrap_or(Time::ALWAYS),
    }
}
