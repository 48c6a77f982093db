//! Overrides: the annotation `stateward.dev/allow` on one workload.

use crate::graph::Workload;
use crate::policy::{Overrides, PLACEHOLDER};
use crate::rules::kit::Rule;

/// The annotation: entries `rule: reason`, which a line break or `;` separates.
pub const ALLOW: &str = "stateward.dev/allow";

/// What a workload's annotation allows, and what is wrong with it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Allowances<'a> {
    allowed: Vec<(&'a str, &'a str)>,
    /// Entries that are ignored, each with the why.
    pub problems: Vec<String>,
}

impl<'a> Allowances<'a> {
    /// Reads the annotation of a workload.
    #[must_use]
    pub fn of(workload: &'a Workload, overrides: Overrides, rules: &[&Rule]) -> Self {
        let mut allowances = Self::default();
        let Some(text) = workload.annotation(ALLOW) else {
            return allowances;
        };
        if overrides == Overrides::Forbidden {
            allowances
                .problems
                .push(format!("{ALLOW} is ignored: the policy in force forbids overrides"));
            return allowances;
        }
        for (rule, reason) in entries(text) {
            if !rules.iter().any(|known| known.id == rule) {
                allowances
                    .problems
                    .push(format!("{ALLOW} names \"{}\", which is no rule", clipped(rule)));
            } else if reason.is_empty() || reason == PLACEHOLDER {
                allowances.problems.push(format!(
                    "{ALLOW}: {rule} is ignored without a reason; write \"{rule}: why\""
                ));
            } else {
                allowances.allowed.push((rule, reason));
            }
        }
        allowances
    }

    /// The reason for which findings of `rule` may pass.
    #[must_use]
    pub fn reason(&self, rule: &str) -> Option<&'a str> {
        self.allowed
            .iter()
            .find(|(allowed, _)| *allowed == rule)
            .map(|(_, reason)| *reason)
    }
}

/// The annotation `present` with entries for these rules besides, as one line. What it says of them without effect goes.
#[must_use]
pub fn with_entries(present: &str, rules: &[&str]) -> String {
    let kept = entries(present).filter(|(rule, _)| !rules.contains(rule));
    let kept = kept.map(|(rule, reason)| match reason {
        "" => rule.to_owned(),
        reason => format!("{rule}: {reason}"),
    });
    let added = rules.iter().map(|rule| format!("{rule}: {PLACEHOLDER}"));
    kept.chain(added).collect::<Vec<_>>().join("; ")
}

/// Rules and reasons; a reason that is not there is empty.
fn entries(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let entries = text.split(['\n', ';']).map(str::trim).filter(|entry| !entry.is_empty());
    entries.map(|entry| {
        entry
            .split_once(':')
            .map_or((entry, ""), |(rule, reason)| (rule.trim(), reason.trim()))
    })
}

fn clipped(text: &str) -> String {
    text.chars().take(40).collect()
}
