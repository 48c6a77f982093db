//! Several policies that apply to one workload, as one. `docs/policies.md` tells how, and why.

use std::cmp::{Ordering, Reverse};

use super::exception::Exceptions;
use super::settings::{Enforced, RuleSettings, Settings};
use super::statement::{Policy, RuleStatement};
use crate::rules::kit::Action;

/// The policies that apply to a workload, each list by name.
#[derive(Debug)]
pub(super) struct Applying<'p> {
    pub(super) certainly: Vec<&'p Policy>,
    /// They ask for labels of a Namespace that nobody knows.
    pub(super) perhaps: Vec<&'p Policy>,
}

impl<'p> Applying<'p> {
    /// What they amount to; `baseline` is what counts where none of them states anything.
    ///
    /// A policy that applies perhaps loosens nothing: it adds actions up to `doubtful`, where it would win if it
    /// applied. Only where none applies certainly does it count in other respects too.
    pub(super) fn settings(&self, baseline: &Settings, doubtful: Action) -> Settings {
        let mut deciding = match &*self.certainly {
            [] => self.perhaps.clone(),
            certainly => certainly.to_vec(),
        };
        // Stable, so that among equals the first by name stays the first.
        deciding.sort_by_key(|policy| Reverse(policy.priority));
        let rules = baseline.rules.iter().enumerate();
        let overrides = Stated::by(&deciding, |policy| policy.statement.overrides);
        let exceptions = Stated::by(&deciding, |policy| policy.statement.exceptions.as_ref());
        Settings {
            rules: rules
                .map(|(index, baseline)| self.rule(index, baseline, &deciding, doubtful))
                .collect(),
            overrides: overrides.values.into_iter().max().unwrap_or(baseline.overrides),
            exceptions: exceptions
                .values
                .into_iter()
                .cloned()
                .reduce(Exceptions::and)
                .unwrap_or_default(),
        }
    }

    fn rule(&self, index: usize, baseline: &RuleSettings, deciding: &[&'p Policy], doubtful: Action) -> RuleSettings {
        let mutation = Stated::by(deciding, |policy| statement(policy, index)?.mutation);
        let mut parameters = baseline.parameters.clone();
        for statement in deciding.iter().filter_map(|policy| statement(policy, index)) {
            for (name, value) in statement.parameters.iter() {
                parameters.set_default(name, value.clone());
            }
        }
        RuleSettings {
            actions: self.actions(index, &baseline.actions, doubtful),
            mutation: mutation.values.into_iter().max().unwrap_or(baseline.mutation),
            parameters,
        }
    }

    fn actions(&self, index: usize, baseline: &[Option<Enforced>], doubtful: Action) -> Vec<Option<Enforced>> {
        let of = |policy: &'p Policy| statement(policy, index)?.actions.as_deref();
        let mut actions = vec![None; baseline.len()];
        let certain = Stated::by(&self.certainly, of);
        for stated in &certain.values {
            raise(&mut actions, stated, Action::Deny);
        }
        if certain.values.is_empty() && !self.certainly.is_empty() {
            raise(&mut actions, baseline, Action::Deny);
        }
        self.postpone(index, &mut actions, certain.priority);
        for policy in &self.perhaps {
            match of(policy) {
                Some(stated) if Some(policy.priority) >= certain.priority => raise(&mut actions, stated, doubtful),
                // If it applied, it alone would: with what nobody states.
                None if self.certainly.is_empty() => raise(&mut actions, baseline, doubtful),
                Some(_) | None => {}
            }
        }
        actions
    }

    /// Lets actions that policies of `priority` state count later. Among equals the earlier date counts, so that nobody
    /// puts off what another of the same rank asks for.
    fn postpone(&self, index: usize, actions: &mut [Option<Enforced>], priority: Option<i32>) {
        let dates = Stated::by(&self.certainly, |policy| statement(policy, index)?.postponed);
        let Some(date) = dates.values.into_iter().min() else {
            return;
        };
        for stated in actions.iter_mut().flatten() {
            *stated = match dates.priority.cmp(&priority) {
                Ordering::Less => *stated,
                Ordering::Equal => Enforced::new(stated.action, stated.after.min(date)),
                Ordering::Greater => Enforced::new(stated.action, date),
            };
        }
    }
}

/// What the policies of the highest priority that state something say.
struct Stated<T> {
    /// Theirs; `None` where nobody states anything.
    priority: Option<i32>,
    values: Vec<T>,
}

impl<T> Stated<T> {
    fn by<'p>(policies: &[&'p Policy], states: impl Fn(&'p Policy) -> Option<T>) -> Self {
        let mut stated = Self {
            priority: None,
            values: Vec::new(),
        };
        for policy in policies {
            let Some(value) = states(policy) else { continue };
            match Some(policy.priority).cmp(&stated.priority) {
                Ordering::Less => {}
                Ordering::Equal => stated.values.push(value),
                Ordering::Greater => {
                    stated.priority = Some(policy.priority);
                    stated.values = vec![value];
                }
            }
        }
        stated
    }
}

fn statement(policy: &Policy, index: usize) -> Option<&RuleStatement> {
    policy.statement.rules.get(index)
}

/// Raises each action to what is stated of its case, but not beyond `most`.
fn raise(actions: &mut [Option<Enforced>], stated: &[Option<Enforced>], most: Action) {
    for (action, stated) in actions.iter_mut().zip(stated) {
        let stated = stated.map(|stated| stated.at_most(most));
        if stated.map(Enforced::strictness) > action.map(Enforced::strictness) {
            *action = stated;
        }
    }
}
