//! Policies resolved to settings: an action for every case of every rule.

use std::sync::Arc;

use crate::graph::{Labels, Lookup, Selector};
use crate::rules::kit::{Action, AnyRule, Injection, Meta, Parameters};

/// The label that every Namespace carries with its own name.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// The policies in force, by name.
#[derive(Clone, Debug)]
pub struct Policies {
    pub list: Vec<Policy>,
}

/// One `WorkloadPolicy`.
#[derive(Clone, Debug)]
pub struct Policy {
    pub name: String,
    pub namespaces: Selector,
    pub objects: Selector,
    pub settings: Arc<Settings>,
}

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    Audit,
    #[default]
    Baseline,
    Strict,
}

/// May a workload carry `stateward.dev/allow`?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overrides {
    #[default]
    Allowed,
    Forbidden,
}

impl Policies {
    /// The settings for a workload with `labels` in `namespace`, or `None` where no policy matches it.
    ///
    /// Of several policies that match, the strictest action counts for each rule, and the first policy by name that
    /// sets a parameter sets it.
    #[must_use]
    pub fn resolve(
        &self,
        namespace: &str,
        namespace_labels: Lookup<&Labels>,
        labels: &Labels,
    ) -> Option<Arc<Settings>> {
        let mut merged: Option<Arc<Settings>> = None;
        for policy in &self.list {
            let certain = match policy.matches_namespace(namespace, namespace_labels) {
                Match::No => continue,
                Match::Yes => true,
                Match::Unknown => false,
            };
            if !policy.objects.matches(labels) {
                continue;
            }
            let mut settings = policy.settings.clone();
            if !certain {
                Arc::make_mut(&mut settings).limit(Action::Warn);
            }
            match &mut merged {
                None => merged = Some(settings),
                Some(merged) => Arc::make_mut(merged).merge(&settings),
            }
        }
        merged
    }
}

enum Match {
    No,
    Unknown,
    Yes,
}

impl Policy {
    /// Without the Namespace object only its name is known: any other selector counts as matching, uncertainly.
    fn matches_namespace(&self, name: &str, labels: Lookup<&Labels>) -> Match {
        if self.namespaces.is_empty() {
            return Match::Yes;
        }
        let verdict = |matches| if matches { Match::Yes } else { Match::No };
        match labels {
            Lookup::Known(labels) => verdict(self.namespaces.matches(labels)),
            Lookup::Absent | Lookup::Unknown => {
                let by_name = Labels::from_pairs([(NAMESPACE_NAME, name)]);
                let expressions = &self.namespaces.match_expressions;
                let only_name = self
                    .namespaces
                    .match_labels
                    .iter()
                    .all(|(key, _)| key == NAMESPACE_NAME)
                    && expressions.iter().all(|one| &*one.key == NAMESPACE_NAME);
                if only_name {
                    verdict(self.namespaces.matches(&by_name))
                } else {
                    Match::Unknown
                }
            }
        }
    }
}

impl Settings {
    /// What a profile alone gives.
    #[must_use]
    pub fn new(profile: Profile, rules: &[AnyRule]) -> Self {
        let rules = rules
            .iter()
            .map(|rule| RuleSettings::new(profile, rule.meta()))
            .collect();
        Self {
            rules,
            overrides: Overrides::default(),
        }
    }

    /// Lets no rule do more than `action`.
    fn limit(&mut self, action: Action) {
        for limited in self.rules.iter_mut().flat_map(|rule| rule.actions.iter_mut()).flatten() {
            *limited = action.min(*limited);
        }
    }

    /// Adds another policy that matches: the stricter of both counts.
    fn merge(&mut self, other: &Self) {
        for (own, other) in self.rules.iter_mut().zip(&other.rules) {
            for (action, other) in own.actions.iter_mut().zip(&other.actions) {
                *action = (*action).max(*other);
            }
            own.injects |= other.injects;
            for (name, value) in other.parameters.iter() {
                own.parameters.set_default(name, value.clone());
            }
        }
        if other.overrides == Overrides::Forbidden {
            self.overrides = Overrides::Forbidden;
        }
    }
}

impl RuleSettings {
    fn new(profile: Profile, meta: &Meta) -> Self {
        let actions = meta.cases.iter().map(|case| match profile {
            Profile::Audit => case.baseline.or(case.strict).map(|_| Action::Audit),
            Profile::Baseline => case.baseline,
            Profile::Strict => case.strict,
        });
        Self {
            actions: actions.collect(),
            injects: matches!(meta.injection, Injection::Always | Injection::OptOut),
            parameters: Parameters::default(),
        }
    }

    /// Returns true where no case leads to anything.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.actions.iter().all(Option::is_none)
    }
}
