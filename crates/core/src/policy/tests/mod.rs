//! Policies from their JSON, alone and together.

mod composition;
mod dates;
mod exceptions;
mod mistakes;

use serde_json::{Value, json};

use super::description::{API_VERSION, KIND};
use super::{Policy, Settings, parse};
use crate::rules::RULES;
use crate::rules::kit::Action;

fn document(name: &str, spec: &Value) -> Value {
    json!({"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "spec": spec})
}

fn policy(name: &str, spec: &Value) -> Policy {
    parse(&document(name, spec), RULES).unwrap()
}

fn index(id: &str) -> usize {
    RULES.iter().position(|rule| rule.id == id).unwrap()
}

/// The action of a rule's main case.
fn action(settings: &Settings, id: &str) -> Option<Action> {
    settings.rules[index(id)].actions[0].map(|enforced| enforced.action)
}
