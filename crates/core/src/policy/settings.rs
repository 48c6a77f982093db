//! What the policies in force amount to for one workload: an action for every case of every rule.

use std::cmp::Reverse;

use super::exception::Exceptions;
use crate::rules::kit::{Action, Injection, Parameters, Rule};
use crate::time::Time;

/// What the policies that match one workload amount to.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// One for each rule, in the order of the rule slice.
    pub rules: Vec<RuleSettings>,
    pub overrides: Overrides,
    pub exceptions: Exceptions,
}

/// What follows for one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleSettings {
    /// One for each case of the rule; `None` is off.
    pub actions: Vec<Option<Enforced>>,
    pub mutation: Mutation,
    pub parameters: Parameters,
}

/// What follows from a finding, and from when on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enforced {
    /// Deny is Warn before `after`.
    pub action: Action,
    /// [`Time::ALWAYS`] for all other actions than Deny.
    pub after: Time,
}

/// Whether a rule injects its default. Among equals the greater answer counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutation {
    Disabled,
    /// Without a word.
    Quiet,
    /// With a warning that says what to write into the manifest.
    Enabled,
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
            exceptions: Exceptions::default(),
        }
    }
}

impl RuleSettings {
    fn new(profile: Profile, rule: &Rule) -> Self {
        Self {
            actions: profile.actions(rule, Time::ALWAYS),
            mutation: profile.mutation(rule).unwrap_or(match rule.injection {
                Injection::Always => Mutation::Enabled,
                Injection::Never | Injection::OptIn | Injection::OptOut => Mutation::Disabled,
            }),
            parameters: Parameters::default(),
        }
    }

    /// Returns true where no case leads to anything.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.actions.iter().all(Option::is_none)
    }
}

impl Enforced {
    /// An action whose Deny counts from `after` on.
    #[must_use]
    pub fn new(action: Action, after: Time) -> Self {
        let after = if action == Action::Deny { after } else { Time::ALWAYS };
        Self { action, after }
    }

    /// The action that counts at `now`.
    #[must_use]
    pub fn at(self, now: Time) -> Action {
        if self.after <= now { self.action } else { Action::Warn }
    }

    /// The same, but no stricter than `most`.
    pub(super) fn at_most(self, most: Action) -> Self {
        Self::new(self.action.min(most), self.after)
    }

    /// The stricter is the greater.
    pub(super) fn strictness(self) -> impl Ord {
        (self.action, Reverse(self.after))
    }
}

impl Profile {
    /// The actions that it gives the cases of a rule, whose Deny counts from `after` on.
    pub(super) fn actions(self, rule: &Rule, after: Time) -> Vec<Option<Enforced>> {
        let actions = rule.cases.iter().map(|case| match self {
            Self::Audit => case.baseline.or(case.strict).map(|_| Action::Audit),
            Self::Baseline => case.baseline,
            Self::Strict => case.strict,
        });
        actions
            .map(|action| action.map(|action| Enforced::new(action, after)))
            .collect()
    }

    /// Whether a rule injects under it; `None` where that is for others to say. Audit changes nothing at all: what it
    /// wrote into an immutable field would bind whoever only wanted to look.
    pub(super) const fn mutation(self, rule: &Rule) -> Option<Mutation> {
        match (self, rule.injection) {
            (Self::Audit, Injection::OptIn | Injection::OptOut) => Some(Mutation::Disabled),
            (Self::Baseline | Self::Strict, Injection::OptOut) => Some(Mutation::Enabled),
            (_, Injection::Always | Injection::Never) | (Self::Baseline | Self::Strict, Injection::OptIn) => None,
        }
    }
}
