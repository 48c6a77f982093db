//! The mutating phase: defaults that rules inject, as one JSON patch.

use std::collections::BTreeSet;

use super::basis::Basis;
use super::decision::Decision;
use super::evaluate::judge_early;
use super::message;
use super::terms::settings;
use crate::graph::view::Reservations;
use crate::graph::{Change, Kind, Operation, Reach, Shape, View, Workload};
use crate::policy::Mutation;
use crate::rules::kit::patch::DEFAULTED;
use crate::rules::kit::{Defaulted, Draft, Injection, Outcome, Parameters, PatchOperation, Rule, Surroundings};

/// Whether the Services of the namespace were listed live, before something is written for ever because one is
/// absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Services {
    Confirmed,
    /// They could not be listed: what rests on them is not injected.
    Failed,
    Unasked,
}

/// What the mutating phase makes of a change.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// Empty where there is nothing to change.
    pub operations: Vec<PatchOperation>,
    /// The rules that injected something.
    pub rules: Vec<&'static str>,
    /// What was injected, to be written into the manifest, and what was not, and why.
    pub warnings: Vec<String>,
    /// Ask for the live Services, and again with them: something rests on there being no other.
    pub wants_services: bool,
    /// What the rules of this phase find in the change itself.
    pub decision: Decision,
}

/// The defaults for a change. Only workloads that nobody else writes get new ones; what was injected before is kept
/// whatever the policies and owners are by now, for the API server would refuse the update.
#[must_use]
pub fn defaults(change: &Change<'_>, basis: &Basis<'_>, services: Services) -> Defaults {
    let mut defaults = Defaults {
        decision: judge_early(change, basis),
        ..Defaults::default()
    };
    let Some(draft) = draft(change) else {
        return defaults;
    };
    let view = basis.view(basis.fetched, Reservations::Ignored);
    let workload = draft.workload();
    let mut records = BTreeSet::new();
    for (rule, mutation, outcome) in outcomes(&draft, &view, basis) {
        match outcome {
            Outcome::Nothing => {}
            Outcome::Decline(why) => defaults.warnings.push(message::declined(rule, workload, &why)),
            Outcome::Inject(injected) if injected.rests_on_services && services != Services::Confirmed => {
                if services == Services::Failed {
                    let why = "nothing is injected: the Services of the namespace could not be read";
                    defaults.warnings.push(message::declined(rule, workload, why));
                } else {
                    defaults.wants_services = true;
                }
            }
            Outcome::Inject(Defaulted {
                operations,
                records: more,
                ..
            }) => {
                if mutation == Mutation::Enabled {
                    let immutable = !more.is_empty();
                    let told = message::injected(rule, workload, &operations, immutable);
                    defaults.warnings.extend(told);
                }
                for operation in operations {
                    // A missing parent is added once: again, it would wipe out what another rule put into it.
                    if !defaults.operations.contains(&operation) {
                        defaults.operations.push(operation);
                    }
                }
                defaults.rules.push(rule.id);
                records.extend(more);
            }
        }
    }
    defaults.operations.extend(remember(workload, draft.shape(), records));
    defaults
}

/// The workload that is written; `None` where none is, or where the old object of an update cannot be read.
fn draft<'c>(change: &'c Change<'_>) -> Option<Draft<'c>> {
    let (before, workload, shape) = change.workload()?;
    if !may_be_given(workload.id.kind) {
        return None;
    }
    match change.operation {
        Operation::Create => Some(Draft::New { workload, shape }),
        Operation::Update => Some(Draft::Update {
            before: before.node()?.workload()?,
            after: workload,
            shape,
        }),
        Operation::Delete => None,
    }
}

/// Whether the mutating phase ever sees objects of this kind.
fn may_be_given(kind: Kind) -> bool {
    matches!(kind.reach(), Reach::Review { defaults, .. } if defaults != crate::graph::Defaults::Never)
}

fn outcomes(draft: &Draft<'_>, view: &View<'_>, basis: &Basis<'_>) -> Vec<(&'static Rule, Mutation, Outcome)> {
    let workload = draft.workload();
    let terminating = view
        .namespace_facts()
        .known()
        .is_some_and(|namespace| namespace.terminating);
    let settings = if workload.owner.is_some() || workload.deleting || terminating {
        None
    } else {
        settings(&workload.labels, view, basis)
    };
    let none = Parameters::default();
    let features = workload.id.kind.features();
    let mut outcomes = Vec::new();
    for (index, rule) in basis.rules.iter().copied().enumerate() {
        let Some(inject) = rule.inject.filter(|_| rule.judges.meets(features)) else {
            continue;
        };
        let setting = settings.as_deref().and_then(|settings| settings.rules.get(index));
        let mutation = match (setting, rule.injection) {
            (Some(setting), _) => setting.mutation,
            // It keeps what was injected before, whoever owns the object by now.
            (None, Injection::Always) => Mutation::Enabled,
            (None, _) => Mutation::Disabled,
        };
        if mutation == Mutation::Disabled {
            continue;
        }
        let cx = Surroundings {
            view,
            parameters: setting.map_or(&none, |setting| &setting.parameters),
            injects: true,
        };
        outcomes.push((rule, mutation, inject(draft, &cx)));
    }
    outcomes
}

/// The record of what was injected, merged with the one the object carries.
fn remember(workload: &Workload, shape: Shape, mut records: BTreeSet<String>) -> Option<PatchOperation> {
    let present = workload.annotations.get(DEFAULTED).unwrap_or_default();
    let already: BTreeSet<&str> = present.split_whitespace().collect();
    if records.iter().all(|record| already.contains(record.as_str())) {
        return None;
    }
    records.extend(already.into_iter().map(str::to_owned));
    let value = records.into_iter().collect::<Vec<_>>().join(" ");
    Some(if shape.annotations {
        PatchOperation::add(format!("/metadata/annotations/{}", DEFAULTED.replace('/', "~1")), value)
    } else {
        PatchOperation::add("/metadata/annotations", serde_json::json!({ DEFAULTED: value }))
    })
}
