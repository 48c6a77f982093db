//! One policy: what it applies to, and what it states. What it does not state is for others to say.

use super::matching::Match;
use super::settings::{Overrides, Settings};
use crate::rules::kit::{Action, Parameters};

/// One `WorkloadPolicy`.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    pub name: String,
    /// Of several that apply and state one thing, the highest counts.
    pub priority: i32,
    pub matching: Match,
    pub statement: Statement,
}

/// What a policy states.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// One for each rule, in the order of the rule slice.
    pub rules: Vec<RuleStatement>,
    pub overrides: Option<Overrides>,
}

/// What a policy states of one rule. `None` is nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleStatement {
    /// One for each case of the rule.
    pub actions: Option<Vec<Option<Action>>>,
    pub injects: Option<bool>,
    pub parameters: Parameters,
}

impl From<Settings> for Statement {
    /// All of it.
    fn from(settings: Settings) -> Self {
        let rules = settings.rules.into_iter().map(|rule| RuleStatement {
            actions: Some(rule.actions),
            injects: Some(rule.injects),
            parameters: rule.parameters,
        });
        Self {
            rules: rules.collect(),
            overrides: Some(settings.overrides),
        }
    }
}
