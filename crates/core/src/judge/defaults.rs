//! The mutating phase: defaults that rules inject, as one JSON patch.

use std::collections::BTreeSet;

use super::evaluate::{World, settings_for};
use super::message;
use crate::graph::view::Reservations;
use crate::graph::{Change, Node, Operation, Shape, View, Workload};
use crate::policy::Settings;
use crate::rules::kit::patch::DEFAULTED;
use crate::rules::kit::patch::Operation as Patch;
use crate::rules::kit::{AnyRule, Defaulted, Injection, Outcome, Parameters, Surroundings, Transition};

/// Whether the Services of the namespace were listed live, before something is written for ever because one is
/// absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Services {
    Confirmed,
    /// They could not be listed: what rests on them is not injected.
    Failed,
    Unasked,
}

/// What is injected into one object.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// Empty where there is nothing to change.
    pub operations: Vec<Patch>,
    /// The rules that injected something.
    pub rules: Vec<&'static str>,
    pub warnings: Vec<String>,
    /// Ask for the live Services, and again with them: something rests on there being no other.
    pub wants_services: bool,
}

/// The defaults for a change. Only workloads that nobody else writes get new ones; what was injected before is kept
/// whatever the policies and owners are by now, for the API server would refuse the update.
#[must_use]
pub fn defaults(change: &Change<'_>, world: &World<'_>, services: Services) -> Defaults {
    let mut defaults = Defaults::default();
    let Some((before, workload, shape)) = change.workload() else {
        return defaults;
    };
    let view = View::new(world.shard, world.facts, world.fetched, Reservations::Ignored);
    let terminating = view
        .namespace_facts()
        .known()
        .is_some_and(|namespace| namespace.terminating);
    let settings = if workload.owner.is_some() || workload.deleting || terminating {
        None
    } else {
        settings_for(workload, &view, world.policies)
    };
    let transition = match change.operation {
        Operation::Update => before.node().and_then(Node::workload).map(|before| Transition {
            operation: change.operation,
            before,
            after: workload,
            shape,
        }),
        Operation::Create | Operation::Delete => None,
    };

    let mut records = BTreeSet::new();
    for (rule, outcome) in outcomes(
        change.operation,
        workload,
        shape,
        transition.as_ref(),
        &view,
        settings.as_deref(),
        world.rules,
    ) {
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
                for operation in operations {
                    // A missing parent is added once: again, it would wipe out what another rule put into it.
                    if !defaults.operations.contains(&operation) {
                        defaults.operations.push(operation);
                    }
                }
                defaults.rules.push(rule);
                records.extend(more);
            }
        }
    }
    defaults.operations.extend(remember(workload, shape, records));
    defaults
}

fn outcomes(
    operation: Operation,
    workload: &Workload,
    shape: Shape,
    transition: Option<&Transition<'_>>,
    view: &View<'_>,
    settings: Option<&Settings>,
    rules: &[AnyRule],
) -> Vec<(&'static str, Outcome)> {
    let none = Parameters::default();
    let mut outcomes = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let meta = rule.meta();
        let setting = settings.and_then(|settings| settings.rules.get(index));
        let injects = meta.injection == Injection::Always || setting.is_some_and(|setting| setting.injects);
        if !injects || !meta.judges.meets(workload.id.kind.features()) {
            continue;
        }
        let cx = Surroundings {
            view,
            parameters: setting.map_or(&none, |setting| &setting.parameters),
        };
        let outcome = match (rule, transition) {
            (AnyRule::Workload(rule), _) if operation == Operation::Create => rule.inject(workload, shape, &cx),
            (AnyRule::Workload(rule), Some(transition)) => rule.inject_again(transition, &cx),
            (AnyRule::Change(rule), Some(transition)) => rule.inject(transition, &cx),
            _ => continue,
        };
        outcomes.push((meta.id, outcome));
    }
    outcomes
}

/// The record of what was injected, merged with the one the object carries.
fn remember(workload: &Workload, shape: Shape, mut records: BTreeSet<String>) -> Option<Patch> {
    let present = workload.annotations.get(DEFAULTED).unwrap_or_default();
    let already: BTreeSet<&str> = present.split_whitespace().collect();
    if records.iter().all(|record| already.contains(record.as_str())) {
        return None;
    }
    records.extend(already.into_iter().map(str::to_owned));
    let value = records.into_iter().collect::<Vec<_>>().join(" ");
    Some(if shape.annotations {
        Patch::add(format!("/metadata/annotations/{}", DEFAULTED.replace('/', "~1")), value)
    } else {
        Patch::add("/metadata/annotations", serde_json::json!({ DEFAULTED: value }))
    })
}
