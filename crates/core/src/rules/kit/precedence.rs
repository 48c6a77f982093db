//! Which rules see the same fault, so that it is told once.

use super::finding::{Finding, Verdict};
use super::rule::Rule;

/// A fault that several rules may see in one object, about one subject.
#[derive(Debug)]
pub struct Fault {
    pub what: &'static str,
    /// The findings that tell of it. Of equals the one that stands first here speaks.
    pub seen: &'static [Seen],
}

/// The findings of a rule that tell of a fault.
#[derive(Debug)]
pub enum Seen {
    /// In each of its findings.
    Always(&'static Rule),
    /// In the findings of one case.
    Case(&'static Rule, usize),
    /// Where it cannot tell.
    Unknown(&'static Rule),
}

impl Fault {
    /// Where a finding that tells of this fault stands in its list.
    #[must_use]
    pub fn position(&self, finding: &Finding) -> Option<usize> {
        self.seen.iter().position(|seen| seen.is_in(finding))
    }
}

impl Seen {
    fn is_in(&self, finding: &Finding) -> bool {
        match self {
            Self::Always(rule) => finding.rule == *rule,
            Self::Case(rule, case) => finding.rule == *rule && finding.case == *case,
            Self::Unknown(rule) => finding.rule == *rule && finding.verdict == Verdict::Unknown,
        }
    }
}
