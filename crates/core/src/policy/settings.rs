//! What the policies in force amount to for one workload: an action for every case of every rule.

use crate::rules::kit::{Action, Injection, Parameters, Rule};

/// What the policies that match one workload amount to.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// One for each rule, in the order of the rule slice.
    pub rules: Vec<RuleSettings>,
    pub overrides: Overrides,
}

/// What follows for one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleSettings {
    /// One for each case of the rule; `None` is off.
    pub actions: Vec<Option<Action>>,
    pub injects: bool,
    pub parameters: Parameters,
}

/// A starting action for every rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    Audit,
    Baseline,
    Strict,
}

/// May a workload carry `stateward.dev/allow`? The stricter answer is the greater one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Overrides {
    #[default]
    Allowed,
    Forbidden,
}

impl Settings {
    /// What a profile alone gives.
    #[must_use]
    pub fn new(profile: Profile, rules: &[&Rule]) -> Self {
        let rules = rules.iter().map(|rule| RuleSettings::new(profile, rule)).collect();
        Self {
            rules,
            overrides: Overrides::default(),
        }
    }
}

impl RuleSettings {
    fn new(profile: Profile, rule: &Rule) -> Self {
        Self {
            actions: profile.actions(rule),
            injects: matches!(rule.injection, Injection::Always | Injection::OptOut),
            parameters: Parameters::default(),
        }
    }

    /// Returns true where no case leads to anything.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.actions.iter().all(Option::is_none)
    }
}

impl Profile {
    /// The actions that it gives the cases of a rule.
    pub(super) fn actions(self, rule: &Rule) -> Vec<Option<Action>> {
        let actions = rule.cases.iter().map(|case| match self {
            Self::Audit => case.baseline.or(case.strict).map(|_| Action::Audit),
            Self::Baseline => case.baseline,
            Self::Strict => case.strict,
        });
        actions.collect()
    }
}
