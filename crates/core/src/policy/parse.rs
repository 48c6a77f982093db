//! A `WorkloadPolicy` from its JSON value.

use serde_json::Value;

use super::check::{Mistake, check};
use super::description::{ACTIONS, MUTATIONS, OVERRIDES, PROFILES, document, operator};
use super::glob::Glob;
use super::matching::Match;
use super::settings::Profile;
use super::statement::{Policy, RuleStatement, Statement};
use crate::graph::{Labels, Requirement, Selector};
use crate::rules::kit::parameters::Value as Setting;
use crate::rules::kit::{Action, ParameterKind, Parameters, Rule};

/// Reads a policy.
///
/// # Errors
/// Every mistake in it: it is valid as a whole, or not at all.
pub fn parse(policy: &Value, rules: &[&Rule]) -> Result<Policy, Vec<Mistake>> {
    let mistakes = check(policy, &document(rules));
    if mistakes.is_empty() {
        Ok(read(policy, rules))
    } else {
        Err(mistakes)
    }
}

/// Reads what has no mistakes: a member that is not there, and nothing else, is left out below.
fn read(policy: &Value, rules: &[&Rule]) -> Policy {
    let spec = &policy["spec"];
    let matching = &spec["match"];
    let priority = spec["priority"].as_i64().and_then(|number| i32::try_from(number).ok());
    let profile = word(&spec["profile"], PROFILES);
    let statements = rules.iter().map(|rule| {
        let entry = list(&spec["rules"]).iter().find(|entry| entry["id"] == rule.id);
        statement(rule, profile, entry.unwrap_or(&Value::Null))
    });
    Policy {
        name: policy["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
        priority: priority.unwrap_or_default(),
        matching: Match {
            namespaces: texts(&matching["namespaces"]).filter_map(Glob::parse).collect(),
            excluded: texts(&matching["excludeNamespaces"]).filter_map(Glob::parse).collect(),
            namespace_labels: selector(&matching["namespaceSelector"]),
            labels: selector(&matching["objectSelector"]),
        },
        statement: Statement {
            rules: statements.collect(),
            overrides: word(&spec["overrides"], OVERRIDES),
        },
    }
}

/// What a policy states of one rule, by its entry or, without actions in it, by the profile.
fn statement(rule: &Rule, profile: Option<Profile>, entry: &Value) -> RuleStatement {
    let listed = entry["actions"].as_array().map(|actions| {
        let strictest: Option<Action> = actions.iter().filter_map(|action| word(action, ACTIONS)).max();
        vec![strictest; rule.cases.len()]
    });
    let mut parameters = Parameters::default();
    for parameter in rule.parameters {
        if let Some(value) = setting(&parameter.kind, &entry["parameters"][parameter.name]) {
            parameters.set_default(parameter.name, value);
        }
    }
    RuleStatement {
        actions: listed.or_else(|| Some(profile?.actions(rule))),
        injects: word(&entry["mutation"], MUTATIONS),
        parameters,
    }
}

fn setting(kind: &ParameterKind, value: &Value) -> Option<Setting> {
    Some(match (kind, value) {
        (_, Value::Null) => return None,
        (ParameterKind::List(_), list) => Setting::List(texts(list).map(str::to_owned).collect()),
        (ParameterKind::Quantity, Value::Number(number)) => Setting::Text(number.to_string()),
        (ParameterKind::Choice(_) | ParameterKind::Quantity | ParameterKind::Text, text) => {
            Setting::Text(text.as_str()?.to_owned())
        }
    })
}

fn selector(value: &Value) -> Selector {
    let pairs = value["matchLabels"].as_object().into_iter().flatten();
    let pairs = pairs.filter_map(|(key, text)| Some((key.as_str(), text.as_str()?)));
    let requirements = list(&value["matchExpressions"]).iter();
    let requirements = requirements.filter_map(|one| {
        Some(Requirement {
            key: one["key"].as_str()?.into(),
            operator: operator(one["operator"].as_str()?)?,
            values: texts(&one["values"]).map(Into::into).collect(),
        })
    });
    Selector {
        match_labels: Labels::from_pairs(pairs),
        match_expressions: requirements.collect(),
    }
}

fn word<T: Copy>(value: &Value, table: &[(&str, T)]) -> Option<T> {
    let word = value.as_str()?;
    let entry = table.iter().find(|(name, _)| *name == word);
    entry.map(|(_, meaning)| *meaning)
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    list(value).iter().filter_map(Value::as_str)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
