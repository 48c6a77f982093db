//! On what terms an object is judged: its policies and its own overrides; and what rules find in it on these.

use std::borrow::Cow;

use super::allow::{ALLOW, Allowances};
use super::basis::Basis;
use super::decision::Exemption;
use super::exempt::exemption;
use super::injected;
use super::message::WayOut;
use super::parts;
use crate::graph::{Autoscaler, Labels, Node, Ownership, View, Workload};
use crate::policy::{Enforced, Exceptions, Mutation, Overrides, RuleSettings, Settings};
use crate::rules::kit::{Action, Finding, Surroundings, Transition, Verdict};
use crate::time::Time;

/// What the policies say of one object, and what it allows itself.
#[derive(Debug)]
pub(super) struct Terms<'a> {
    settings: Cow<'a, Settings>,
    /// `None` for what runs no pods.
    workload: Option<&'a Workload>,
    pub(super) allowances: Allowances<'a>,
    /// The strongest action that a finding on it deserves.
    most: Action,
}

/// A finding with what the policy makes of it, before ratchet, caps, overrides and exceptions.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) finding: Finding,
    /// `None` where its case is off.
    pub(super) policy: Option<Action>,
    /// The policy denies it from then on.
    pub(super) denied_after: Option<Time>,
    pub(super) origin: Origin,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The change itself.
    Change,
    /// A state, which may have been there before.
    State,
}

impl<'a> Terms<'a> {
    /// The terms of a workload, or `None` where no policy matches it.
    pub(super) fn of_workload(workload: &'a Workload, view: &View<'_>, basis: &Basis<'a>) -> Option<Self> {
        let settings = settings(&workload.labels, view, basis)?;
        Some(Self {
            allowances: Allowances::of(workload, settings.overrides, basis.rules),
            settings,
            workload: Some(workload),
            most: match view.ownership(workload) {
                Ownership::Free | Ownership::Owned => Action::Deny,
                // A user cannot edit what an operator writes; and an owner that we do not know may be one that a watch
                // has not told of yet.
                Ownership::Claimed(_) | Ownership::Operated => Action::Warn,
            }
            // What is said of a kind may be less than the truth.
            .min(if workload.id.kind.is_sure() {
                Action::Deny
            } else {
                Action::Warn
            }),
        })
    }

    /// The terms of any object.
    pub(super) fn of(node: &'a Node, view: &View<'_>, basis: &Basis<'a>) -> Option<Self> {
        if let Some(workload) = node.workload() {
            return Self::of_workload(workload, view, basis);
        }
        Self::of_other(view, basis)
    }

    /// The terms of what runs no pods. It is projected without labels and annotations: of policies with an
    /// `objectSelector` only those match that ask for no label, and it cannot override anything.
    pub(super) fn of_other(view: &View<'_>, basis: &Basis<'a>) -> Option<Self> {
        Some(Self {
            settings: settings(&Labels::default(), view, basis)?,
            workload: None,
            allowances: Allowances::default(),
            most: Action::Deny,
        })
    }

    /// What rules that are on find in a workload in its surroundings, and in the change of an object. Nothing in a
    /// workload that is owned, or going.
    pub(super) fn find(
        &self,
        workload: Option<&Workload>,
        transition: Option<&Transition<'_>>,
        view: &View<'_>,
        basis: &Basis<'_>,
    ) -> Vec<Found> {
        let mut found = Vec::new();
        let mut findings = Vec::new();
        let workload = workload.filter(|workload| !workload.deleting && view.ownership(workload) != Ownership::Owned);
        let changed = transition.map(|transition| transition.target.kind);
        let Some(kind) = workload.map(|workload| workload.id.kind).or(changed) else {
            return found;
        };
        let features = kind.features();
        for (rule, setting) in basis.rules.iter().zip(&self.settings.rules) {
            if !rule.judges.meets(features) || setting.is_off() {
                continue;
            }
            let cx = Surroundings {
                view,
                parameters: &setting.parameters,
                injects: setting.mutation != Mutation::Disabled,
            };
            if let (Some(judge), Some(workload)) = (rule.judge, workload) {
                parts::judge(judge, workload, &cx, &mut findings);
                if !findings.is_empty() {
                    injected::mark(workload, &mut findings);
                    found.extend(self.weighed(&mut findings, setting, Origin::State, basis.time));
                }
            }
            if let (Some(judge), Some(transition)) = (rule.judge_change, transition)
                && rule.phase == transition.phase
            {
                judge(transition, &cx, &mut findings);
                found.extend(self.weighed(&mut findings, setting, Origin::Change, basis.time));
            }
        }
        found
    }

    /// What rules that are on find in an autoscaler in its surroundings. Nothing in one that is going.
    pub(super) fn find_in_autoscaler(&self, autoscaler: &Autoscaler, view: &View<'_>, basis: &Basis<'_>) -> Vec<Found> {
        let (mut found, mut findings) = (Vec::new(), Vec::new());
        for (rule, setting) in basis.rules.iter().zip(&self.settings.rules) {
            let Some(judge) = rule.judge_autoscaler else { continue };
            if autoscaler.deleting || setting.is_off() {
                continue;
            }
            let cx = Surroundings {
                view,
                parameters: &setting.parameters,
                injects: setting.mutation != Mutation::Disabled,
            };
            judge(autoscaler, &cx, &mut findings);
            found.extend(self.weighed(&mut findings, setting, Origin::State, basis.time));
        }
        found
    }

    /// What exceptions say of a finding that meets with `action` else. They are for workloads, as overrides are.
    pub(super) fn exemption(
        &self,
        finding: &Finding,
        action: Action,
        namespace: &str,
        basis: &Basis<'_>,
    ) -> Option<Exemption> {
        let workload = self.workload.filter(|_| action > Action::Audit)?;
        exemption(finding.rule.id, workload, namespace, &self.settings.exceptions, basis)
    }

    /// What whoever is denied may do all the same.
    pub(super) fn way_out(&self) -> WayOut<'a> {
        match (self.workload, self.settings.overrides, &self.settings.exceptions) {
            (Some(workload), Overrides::Allowed, _) => WayOut::Annotate(workload.annotation(ALLOW).unwrap_or_default()),
            (Some(_), Overrides::Forbidden, Exceptions::Allowed { .. }) => WayOut::Except,
            _ => WayOut::Nothing,
        }
    }

    /// Takes what one rule found, with what the policy makes of each.
    fn weighed(
        &self,
        findings: &mut Vec<Finding>,
        setting: &RuleSettings,
        origin: Origin,
        now: Time,
    ) -> impl Iterator<Item = Found> {
        findings.drain(..).map(move |finding| {
            let mut most = finding.at_most.unwrap_or(Action::Deny).min(self.most);
            if finding.verdict == Verdict::Unknown {
                most = most.min(Action::Warn);
            }
            let wanted = setting.actions.get(finding.case).copied().flatten();
            let is_put_off = |wanted: &Enforced| wanted.at(now) < wanted.action && most == Action::Deny;
            Found {
                policy: wanted.map(|wanted| wanted.at(now).min(most)),
                denied_after: wanted.filter(is_put_off).map(|wanted| wanted.after),
                finding,
                origin,
            }
        })
    }
}

/// The settings of the policies that match what has these labels.
pub(super) fn settings<'b>(labels: &Labels, view: &View<'_>, basis: &Basis<'b>) -> Option<Cow<'b, Settings>> {
    let namespace_labels = view.namespace_facts().map(|facts| &facts.labels);
    basis.policies.resolve(view.namespace(), namespace_labels, labels)
}
