//! A `WorkloadPolicy` from its JSON value.

use serde_json::Value;

use super::check::{Mistake, check};
use super::description::{ACTIONS, MUTATIONS, OVERRIDES, PROFILES, document, operator};
use super::exception::Exceptions;
use super::glob::{Glob, Of};
use super::matching::Match;
use super::settings::{Enforced, Profile};
use super::statement::{Policy, RuleStatement, Statement};
use crate::graph::{Labels, Requirement, Selector};
use crate::rules::kit::parameters::Value as Setting;
use crate::rules::kit::{Action, ParameterKind, Parameters, Rule};
use crate::time::{Span, Time};

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
    let entries = list(&spec["rules"]);
    let date = Dated {
        date: time(&spec["enforceAfter"]),
        postpones: profile.is_none() && entries.iter().all(|entry| entry["actions"].is_null()),
    };
    let statements = rules.iter().map(|rule| {
        let entry = entries.iter().find(|entry| entry["id"] == rule.id);
        statement(rule, profile, &date, entry.unwrap_or(&Value::Null))
    });
    Policy {
        name: policy["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
        priority: priority.unwrap_or_default(),
        matching: Match {
            namespaces: globs(&matching["namespaces"], Of::Namespace),
            excluded: globs(&matching["excludeNamespaces"], Of::Namespace),
            namespace_labels: selector(&matching["namespaceSelector"]),
            labels: selector(&matching["objectSelector"]),
        },
        statement: Statement {
            rules: statements.collect(),
            overrides: word(&spec["overrides"], OVERRIDES),
            exceptions: exceptions(&spec["exceptions"]),
        },
    }
}

/// `spec.enforceAfter`.
struct Dated {
    date: Option<Time>,
    /// The policy states no action whatever: the date is for those of others.
    postpones: bool,
}

/// What a policy states of one rule, by its entry or, without actions in it, by the profile.
fn statement(rule: &Rule, profile: Option<Profile>, whole: &Dated, entry: &Value) -> RuleStatement {
    let own = time(&entry["enforceAfter"]);
    let after = own.or(whole.date).unwrap_or(Time::ALWAYS);
    let listed = entry["actions"].as_array().map(|actions| {
        let strictest: Option<Action> = actions.iter().filter_map(|action| word(action, ACTIONS)).max();
        vec![strictest.map(|action| Enforced::new(action, after)); rule.cases.len()]
    });
    let actions = listed.or_else(|| Some(profile?.actions(rule, after)));
    let mut parameters = Parameters::default();
    for parameter in rule.parameters {
        if let Some(value) = setting(&parameter.kind, &entry["parameters"][parameter.name]) {
            parameters.set_default(parameter.name, value);
        }
    }
    RuleStatement {
        postponed: own
            .or(whole.date.filter(|_| whole.postpones))
            .filter(|_| actions.is_none()),
        actions,
        mutation: word(&entry["mutation"], MUTATIONS).or_else(|| profile?.mutation(rule)),
        parameters,
    }
}

fn exceptions(value: &Value) -> Option<Exceptions> {
    let longest = value["maxDuration"].as_str().and_then(Span::parse);
    let namespaces = globs(&value["namespaces"], Of::Namespace);
    Some(match value["allowed"].as_bool()? {
        true => Exceptions::Allowed {
            longest,
            namespaces: Some(namespaces).filter(|globs| !globs.is_empty()).into_iter().collect(),
        },
        false => Exceptions::Forbidden,
    })
}

fn setting(kind: &ParameterKind, value: &Value) -> Option<Setting> {
    Some(match (kind, value) {
        (_, Value::Null) => return None,
        (ParameterKind::List(_), list) => Setting::List(texts(list).map(str::to_owned).collect()),
        (ParameterKind::Count | ParameterKind::Quantity, Value::Number(number)) => Setting::Text(number.to_string()),
        (_, text) => Setting::Text(text.as_str()?.to_owned()),
    })
}

pub(super) fn selector(value: &Value) -> Selector {
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

pub(super) fn word<T: Copy>(value: &Value, table: &[(&str, T)]) -> Option<T> {
    let word = value.as_str()?;
    let entry = table.iter().find(|(name, _)| *name == word);
    entry.map(|(_, meaning)| *meaning)
}

pub(super) fn time(value: &Value) -> Option<Time> {
    value.as_str().and_then(Time::parse)
}

pub(super) fn globs(value: &Value, of: Of) -> Vec<Glob> {
    texts(value).filter_map(|text| Glob::parse(text, of)).collect()
}

pub(super) fn texts(value: &Value) -> impl Iterator<Item = &str> {
    list(value).iter().filter_map(Value::as_str)
}

pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
