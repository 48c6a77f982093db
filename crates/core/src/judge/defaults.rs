//! The mutating phase: defaults that rules inject, as one JSON patch.

use std::collections::BTreeSet;

use super::basis::Basis;
use super::decision::Decision;
use super::evaluate::judge_early;
use super::message;
use super::terms::settings;
use crate::graph::view::Reservations;
use crate::graph::{Change, Kind, Labels, Node, Operation, Reach, Service, Shape, States, View, Workload};
use crate::policy::Mutation;
use crate::rules::kit::patch::DEFAULTED;
use crate::rules::kit::{Defaulted, Draft, Injection, Outcome, Parameters, PatchOperation, Rule, Surroundings, text};

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

/// What is written, for rules that inject into it.
enum Written<'c> {
    Service {
        before: Option<&'c Service>,
        after: &'c Service,
    },
    Workload(Draft<'c>),
}

/// The defaults for a change. Only what nobody else writes gets new ones; of a workload what was injected before is
/// kept whatever the policies and owners are by now, for the API server would refuse the update.
#[must_use]
pub fn defaults(change: &Change<'_>, basis: &Basis<'_>, services: Services) -> Defaults {
    let mut defaults = Defaults {
        decision: judge_early(change, basis),
        ..Defaults::default()
    };
    let Some(written) = written(change) else {
        return defaults;
    };
    let view = basis.view(basis.fetched, Reservations::Ignored);
    let object = text::named(&change.namespace, &change.target);
    let mut records = BTreeSet::new();
    for (rule, mutation, outcome) in outcomes(&written, &view, basis) {
        match outcome {
            Outcome::Nothing => {}
            Outcome::Decline(why) => defaults.warnings.push(message::declined(rule, &object, &why)),
            Outcome::Inject(injected) if injected.rests_on_services && services != Services::Confirmed => {
                if services == Services::Failed {
                    let why = "nothing is injected: the Services of the namespace could not be read";
                    defaults.warnings.push(message::declined(rule, &object, why));
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
                    let told = message::injected(rule, &object, &operations, immutable);
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
    if let Written::Workload(draft) = written {
        defaults
            .operations
            .extend(remember(draft.workload(), draft.shape(), records));
    }
    defaults
}

/// What is written; `None` where it is nothing that may be given defaults, or where the old object of an update cannot
/// be read.
fn written<'c>(change: &'c Change<'_>) -> Option<Written<'c>> {
    let States::Object { before, after, shape } = &change.states else {
        return None;
    };
    if !may_be_given(change.target.kind) {
        return None;
    }
    let before = match change.operation {
        Operation::Create => None,
        Operation::Update => Some(before.node()?),
        Operation::Delete => return None,
    };
    Some(match (after.as_ref()?, before) {
        (Node::Service(after), before) => Written::Service {
            before: before.and_then(Node::service).map(AsRef::as_ref),
            after,
        },
        (Node::Workload(workload), None) => Written::Workload(Draft::New {
            workload,
            shape: *shape,
        }),
        (Node::Workload(after), Some(before)) => Written::Workload(Draft::Update {
            before: before.workload()?,
            after,
            shape: *shape,
        }),
        _ => return None,
    })
}

impl Written<'_> {
    /// Whether somebody else writes it, or it is on its way out.
    fn is_left_alone(&self) -> bool {
        match self {
            Self::Service { after, .. } => after.controlled || after.deleting,
            Self::Workload(draft) => draft.workload().owner.is_some() || draft.workload().deleting,
        }
    }

    /// What a rule would inject; `None` where it is not about such objects.
    fn inject(&self, rule: &Rule, cx: &Surroundings<'_>) -> Option<Outcome> {
        match self {
            Self::Service { before, after } => rule.inject_service.map(|inject| inject(after, *before, cx)),
            Self::Workload(draft) => {
                let features = draft.workload().id.kind.features();
                let inject = rule.inject.filter(|_| rule.judges.meets(features))?;
                Some(inject(draft, cx))
            }
        }
    }
}

/// Whether the mutating phase ever sees objects of this kind.
fn may_be_given(kind: Kind) -> bool {
    matches!(kind.reach(), Reach::Review { defaults, .. } if defaults != crate::graph::Defaults::Never)
}

fn outcomes(written: &Written<'_>, view: &View<'_>, basis: &Basis<'_>) -> Vec<(&'static Rule, Mutation, Outcome)> {
    let terminating = view
        .namespace_facts()
        .known()
        .is_some_and(|namespace| namespace.terminating);
    // A Service is projected without labels: of policies with an `objectSelector` only those match that ask for none.
    let unlabelled = Labels::default();
    let labels = match written {
        Written::Service { .. } => &unlabelled,
        Written::Workload(draft) => &draft.workload().labels,
    };
    let settings = if written.is_left_alone() || terminating {
        None
    } else {
        settings(labels, view, basis)
    };
    let none = Parameters::default();
    let mut outcomes = Vec::new();
    for (index, rule) in basis.rules.iter().copied().enumerate() {
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
        if let Some(outcome) = written.inject(rule, &cx) {
            outcomes.push((rule, mutation, outcome));
        }
    }
    outcomes
}

/// The record of what was injected, merged with the one the object carries.
fn remember(workload: &Workload, shape: Shape, mut records: BTreeSet<String>) -> Option<PatchOperation> {
    let present = workload.annotation(DEFAULTED).unwrap_or_default();
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
