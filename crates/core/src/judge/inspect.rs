//! Judging what is there: every workload of a namespace, with no change to blame.

use super::allow::Allowances;
use super::decision::{Judged, Standing};
use super::evaluate::{World, action, cap, findings_of, settings_for};
use super::message;
use crate::graph::view::Reservations;
use crate::graph::{Kind, ObjectRef, View, Workload};
use crate::rules::kit::text;

/// What is found of the workloads of one namespace, or of one of them.
#[derive(Debug, Default)]
pub struct Inspection {
    /// Sorted by workload, then by rule and subject. Of findings that say the same, the strongest.
    pub findings: Vec<Judged>,
    /// What is wrong with the override of a workload.
    pub problems: Vec<(ObjectRef, String)>,
    /// Workloads that a policy matches.
    pub workloads: usize,
    /// Kinds of which something was asked and not known.
    pub unknown: Vec<Kind>,
}

/// Judges every workload of a namespace.
#[must_use]
pub fn inspect(world: &World<'_>) -> Inspection {
    let view = View::new(world.shard, world.facts, world.fetched, Reservations::Ignored);
    inspect_each(view.workloads(), &view, world)
}

/// Judges one workload of a namespace, if it is there.
#[must_use]
pub fn inspect_one(workload: &ObjectRef, world: &World<'_>) -> Inspection {
    let view = View::new(world.shard, world.facts, world.fetched, Reservations::Ignored);
    inspect_each(view.workload(workload).known(), &view, world)
}

fn inspect_each<'w>(
    workloads: impl IntoIterator<Item = &'w Workload>,
    view: &View<'_>,
    world: &World<'_>,
) -> Inspection {
    let mut inspection = Inspection::default();
    for workload in workloads {
        let Some(settings) = settings_for(workload, view, world.policies) else {
            continue;
        };
        inspection.workloads += 1;
        let allowances = Allowances::of(workload, settings.overrides, world.rules);
        let findings = findings_of(workload, view, &settings, world.rules).into_iter();
        let judged: Vec<Judged> = findings
            .filter_map(|finding| {
                let policy = action(&finding, &settings, workload, world.rules)?;
                let reason = allowances.reason(finding.rule);
                Some(Judged {
                    action: policy.min(cap(&finding, reason, false)),
                    standing: Standing::Existing,
                    allowed_because: reason.map(str::to_owned),
                    message: format!("{}: {}", text::object(workload), finding.text),
                    finding,
                })
            })
            .collect();
        inspection
            .findings
            .extend(message::strongest(&judged).into_iter().cloned());
        let problems = allowances.problems.into_iter();
        inspection
            .problems
            .extend(problems.map(|problem| (workload.id.clone(), problem)));
    }
    inspection.unknown = view.unknown_kinds();
    inspection
}
