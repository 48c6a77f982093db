//! A rule: its facts, and the functions by which it judges and injects.

use std::fmt;

use super::case::Case;
use super::draft::Draft;
use super::finding::Finding;
use super::parameter::Parameter;
use super::parameters::Parameters;
use super::patch::Outcome;
use super::transition::{Phase, Transition};
use crate::graph::{Autoscaler, Features, Service, View, Workload};

/// A rule. Two are the same where their ids are.
pub struct Rule {
    /// Kebab-case; names the bad pattern.
    pub id: &'static str,
    /// One sentence, lower-case, without a final period.
    pub summary: &'static str,
    /// The page: `<id>.md`.
    pub page: &'static str,
    /// The version that brought it.
    pub since: &'static str,
    /// What it can find, the main case first. A policy's `actions` replace those of every case.
    pub cases: &'static [Case],
    pub parameters: &'static [Parameter],
    /// What the kinds that it looks at are, or have, or how they run: one of these is enough.
    pub judges: Features,
    // Beside `judges`, for every request asks all of these of every rule.
    pub judge: Option<Judge>,
    pub judge_change: Option<JudgeChange>,
    pub judge_autoscaler: Option<JudgeAutoscaler>,
    pub inject: Option<Inject>,
    pub inject_service: Option<InjectService>,
    /// When `judge_change` is asked.
    pub phase: Phase,
    pub injection: Injection,
}

/// Adds what is wrong with a workload in its surroundings, whichever request asked. Not called for owned workloads.
pub type Judge = fn(&Workload, &Surroundings<'_>, &mut Vec<Finding>);

/// Adds what is wrong with a change itself: what is lost by it, or cannot be. Its surroundings are those after the
/// change, and whatever it finds is the request's doing.
pub type JudgeChange = fn(&Transition<'_>, &Surroundings<'_>, &mut Vec<Finding>);

/// Adds what is wrong with an autoscaler in its surroundings, in the audit and in `check`. What a request makes of one
/// is for `judge_change` to say.
pub type JudgeAutoscaler = fn(&Autoscaler, &Surroundings<'_>, &mut Vec<Finding>);

/// The default that a workload lacks. Not asked for owned or operated workloads, unless the rule injects
/// [always](Injection::Always).
pub type Inject = fn(&Draft<'_>, &Surroundings<'_>) -> Outcome;

/// The default that a Service lacks, as it would be written and as it was before. Not asked for Services that somebody
/// controls.
pub type InjectService = fn(&Service, Option<&Service>, &Surroundings<'_>) -> Outcome;

/// Whether a rule injects a default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Injection {
    /// Whatever the policy says: it keeps what was injected before.
    Always,
    Never,
    /// Where a policy says `mutation: Enabled`.
    OptIn,
    /// Unless a policy says `mutation: Disabled`.
    OptOut,
}

/// What a rule may look at.
#[derive(Debug)]
pub struct Surroundings<'a> {
    pub view: &'a View<'a>,
    pub parameters: &'a Parameters,
    /// The policy lets the rule inject what a new object lacks.
    pub injects: bool,
}

impl Rule {
    /// What is to be filled in: it judges every kind of workload by nothing, and injects nothing.
    pub const DEFAULTS: Self = Self {
        id: "",
        summary: "",
        page: "",
        since: "",
        cases: &[],
        parameters: &[],
        judges: Features::ANY,
        judge: None,
        judge_change: None,
        judge_autoscaler: None,
        inject: None,
        inject_service: None,
        phase: Phase::Validating,
        injection: Injection::Never,
    };
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Rule {}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}
