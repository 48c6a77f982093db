//! One policy: what it applies to, and what it states. What it does not state is for others to say.

use super::exception::Exceptions;
use super::matching::Match;
use super::settings::{Enforced, Mutation, Overrides, Settings};
use crate::rules::kit::Parameters;
use crate::time::Time;

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
    pub exceptions: Option<Exceptions>,
}

/// What a policy states of one rule. `None` is nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleStatement {
    /// One for each case of the rule.
    pub actions: Option<Vec<Option<Enforced>>>,
    /// From when on the Deny of others counts; those who state actions state with each of them when.
    pub postponed: Option<Time>,
    pub mutation: Option<Mutation>,
    pub parameters: Parameters,
}

impl From<Settings> for Statement {
    /// All of it.
    fn from(settings: Settings) -> Self {
        let rules = settings.rules.into_iter().map(|rule| RuleStatement {
            actions: Some(rule.actions),
            postponed: None,
            mutation: Some(rule.mutation),
            parameters: rule.parameters,
        });
        Self {
            rules: rules.collect(),
            overrides: Some(settings.overrides),
            exceptions: Some(settings.exceptions),
        }
    }
}
