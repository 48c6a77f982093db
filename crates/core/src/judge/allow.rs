//! Overrides: the annotation `stateward.dev/allow` on one workload.

use crate::graph::Workload;
use crate::policy::Overrides;
use crate::rules::kit::Rule;

/// The annotation: one `rule: reason` a line.
pub const ALLOW: &str = "stateward.dev/allow";

/// What a workload's annotation allows, and what is wrong with it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Allowances<'a> {
    allowed: Vec<(&'a str, &'a str)>,
    /// Lines that are ignored, each with the why.
    pub problems: Vec<String>,
}

impl<'a> Allowances<'a> {
    /// Reads the annotation of a workload.
    #[must_use]
    pub fn of(workload: &'a Workload, overrides: Overrides, rules: &[&Rule]) -> Self {
        let mut allowances = Self::default();
        let Some(text) = workload.annotations.get(ALLOW) else {
            return allowances;
        };
        if overrides == Overrides::Forbidden {
            allowances
                .problems
                .push(format!("{ALLOW} is ignored: the policy in force forbids overrides"));
            return allowances;
        }
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (rule, reason) = line
                .split_once(':')
                .map_or((line, ""), |(rule, reason)| (rule.trim(), reason.trim()));
            if !rules.iter().any(|known| known.id == rule) {
                allowances
                    .problems
                    .push(format!("{ALLOW} names \"{}\", which is no rule", clipped(rule)));
            } else if reason.is_empty() {
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

fn clipped(text: &str) -> String {
    text.chars().take(40).collect()
}
