//! The entries of the webhook configurations: what follows from the table of kinds for the API server.

use std::collections::BTreeMap;

use k8s_openapi::api::admissionregistration::v1::{MatchCondition, RuleWithOperations};

use super::conditions;
use super::scope::FailurePolicy;
use super::webhooks::{MUTATE_PATH, POLICIES_PATH, VALIDATE_PATH};
use crate::graph::{Defaults, Entry, Kind, Kinds, Reach};
use crate::policy::resource::{ALL, group, version};

/// One entry: which requests it sends to us.
pub(super) struct Sent {
    /// Without `.stateward.dev`; one of `ENTRIES`, or `declared`.
    pub(super) name: &'static str,
    pub(super) phase: Phase,
    /// Where the requests are posted.
    pub(super) path: &'static str,
    pub(super) rules: Vec<RuleWithOperations>,
    /// What becomes of them without us in an installation that runs, unless told otherwise.
    pub(super) failure_policy: FailurePolicy,
    /// A request that makes one of them false is not sent.
    pub(super) conditions: Vec<MatchCondition>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Mutating,
    Validating,
}

const WRITES: &[&str] = &["CREATE", "UPDATE"];

/// All entries, in the order in which they are printed.
///
/// A write of a workload goes through one of the validating entries: what a rule may deny out of the box through
/// `workloads`, which fails closed, and everything else through `advice`, which does not.
/// What is warned about at most has an entry of its own, which nobody can have fail closed; without such kinds there is
/// none.
pub(super) fn entries(kinds: &Kinds) -> Vec<Sent> {
    let mut entries = vec![
        defaults(kinds),
        policies(),
        workloads(kinds),
        scale(kinds),
        advice(kinds),
        dependencies(kinds),
        pods(kinds),
    ];
    entries.extend(Some(declared(kinds)).filter(|entry| !entry.rules.is_empty()));
    entries
}

fn defaults(kinds: &Kinds) -> Sent {
    Sent {
        name: "defaults",
        phase: Phase::Mutating,
        path: MUTATE_PATH,
        rules: rules(kinds, WRITES, |kind| match kind.reach() {
            Reach::Review { defaults, .. } if defaults != Defaults::Never => vec![kind.resource().to_owned()],
            _ => Vec::new(),
        }),
        failure_policy: FailurePolicy::Ignore,
        conditions: [conditions::not_being_deleted(), conditions::changed()]
            .into_iter()
            .chain(conditions::uses_claim(kinds))
            .chain(conditions::is_headless(kinds))
            .collect(),
    }
}

/// Our own kinds. Nothing is ever injected: these come in the mutating phase because the API server holds objects
/// against their schema only after it, and what it says then names no field that was probably meant.
fn policies() -> Sent {
    Sent {
        name: "policies",
        phase: Phase::Mutating,
        path: POLICIES_PATH,
        rules: vec![RuleWithOperations {
            api_groups: Some(vec![group().to_owned()]),
            api_versions: Some(vec![version().to_owned()]),
            operations: Some(WRITES.iter().map(|&it| it.to_owned()).collect()),
            resources: Some(ALL.map(|own| own.plural.to_owned()).to_vec()),
            scope: Some("*".to_owned()),
        }],
        // Without us the schema still holds, and a policy with a mistake never replaces its last good version.
        failure_policy: FailurePolicy::Ignore,
        conditions: vec![conditions::not_being_deleted(), conditions::spec_changed()],
    }
}

fn workloads(kinds: &Kinds) -> Sent {
    Sent {
        name: "workloads",
        phase: Phase::Validating,
        path: VALIDATE_PATH,
        // Never DELETE: an outage of ours must not keep a namespace or a workload from going away.
        rules: rules(kinds, WRITES, |kind| resources(kind, &[Entry::Workloads])),
        failure_policy: FailurePolicy::Fail,
        conditions: vec![
            conditions::not_owned_by_workload(kinds),
            conditions::not_being_deleted(),
            conditions::names_claims(kinds),
            conditions::changes_more_than_fewer_replicas(kinds),
        ],
    }
}

/// More replicas by the subresource. The request does not say which claims the pods use, so that this is about every
/// workload; an installation may want these to wait for us too.
fn scale(kinds: &Kinds) -> Sent {
    Sent {
        name: "scale",
        phase: Phase::Validating,
        path: VALIDATE_PATH,
        rules: rules(kinds, &["UPDATE"], scaled),
        failure_policy: FailurePolicy::Ignore,
        conditions: vec![conditions::more_replicas()],
    }
}

fn advice(kinds: &Kinds) -> Sent {
    Sent {
        name: "advice",
        phase: Phase::Validating,
        path: VALIDATE_PATH,
        rules: rules(kinds, WRITES, |kind| {
            let mut all = resources(kind, &[Entry::Advice, Entry::Workloads]);
            all.extend(scaled(kind));
            all
        }),
        failure_policy: FailurePolicy::Ignore,
        conditions: vec![
            conditions::not_by_its_controller(kinds),
            conditions::not_being_deleted(),
            conditions::changed(),
            conditions::not_for_workloads(kinds),
            conditions::not_more_replicas(),
        ],
    }
}

fn dependencies(kinds: &Kinds) -> Sent {
    Sent {
        name: "dependencies",
        phase: Phase::Validating,
        path: VALIDATE_PATH,
        rules: rules(kinds, &["CREATE", "UPDATE", "DELETE"], |kind| {
            resources(kind, &[Entry::Dependencies])
        }),
        failure_policy: FailurePolicy::Ignore,
        conditions: vec![conditions::not_being_deleted(), conditions::changed()],
    }
}

fn pods(kinds: &Kinds) -> Sent {
    Sent {
        name: "pods",
        phase: Phase::Validating,
        path: VALIDATE_PATH,
        // Of deletions only those by force, of which rules may warn and which no outage of ours must keep back.
        rules: rules(kinds, &["CREATE", "DELETE"], |kind| resources(kind, &[Entry::Pods])),
        failure_policy: FailurePolicy::Ignore,
        conditions: vec![
            conditions::pod_without_owner(),
            conditions::pod_uses_claim(),
            conditions::pod_deleted_by_force(),
            conditions::pod_of_a_set(kinds),
        ],
    }
}

fn declared(kinds: &Kinds) -> Sent {
    Sent {
        name: "declared",
        phase: Phase::Validating,
        path: VALIDATE_PATH,
        rules: rules(kinds, WRITES, |kind| {
            let mut all = resources(kind, &[Entry::Declared]);
            if !all.is_empty() {
                all.extend(subresource(kind));
            }
            all
        }),
        failure_policy: FailurePolicy::Ignore,
        conditions: vec![conditions::not_being_deleted(), conditions::changed()],
    }
}

/// The resource of a kind that comes through one of these entries.
fn resources(kind: Kind, through: &[Entry]) -> Vec<String> {
    match kind.reach() {
        Reach::Review { entry, .. } if through.contains(&entry) => vec![kind.resource().to_owned()],
        _ => Vec::new(),
    }
}

/// The subresource by which the replicas of a kind are changed.
fn subresource(kind: Kind) -> Vec<String> {
    match kind.reach() {
        Reach::Review { scale: true, .. } => vec![format!("{}/scale", kind.resource())],
        _ => Vec::new(),
    }
}

/// The same, of what may be denied.
fn scaled(kind: Kind) -> Vec<String> {
    match kind.reach() {
        Reach::Review {
            entry: Entry::Declared, ..
        } => Vec::new(),
        _ => subresource(kind),
    }
}

/// One rule for each group and version of the kinds of which `resources` names some.
fn rules(kinds: &Kinds, operations: &[&str], resources: impl Fn(Kind) -> Vec<String>) -> Vec<RuleWithOperations> {
    let mut groups: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for kind in kinds.iter() {
        let resources = resources(kind);
        if !resources.is_empty() {
            groups
                .entry((kind.group(), kind.version()))
                .or_default()
                .extend(resources);
        }
    }
    let rule = |((group, version), mut resources): ((&str, &str), Vec<String>)| {
        resources.sort_unstable();
        RuleWithOperations {
            api_groups: Some(vec![group.to_owned()]),
            api_versions: Some(vec![version.to_owned()]),
            operations: Some(operations.iter().map(|&it| it.to_owned()).collect()),
            resources: Some(resources),
            scope: Some("Namespaced".to_owned()),
        }
    };
    groups.into_iter().map(rule).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::cluster::scope::ENTRIES;
    use crate::kinds;

    #[test]
    fn every_entry_can_be_named() {
        let names = |kinds: &Kinds| entries(kinds).into_iter().map(|entry| entry.name).collect::<Vec<_>>();
        assert_eq!(names(Kinds::builtin()), ENTRIES);
        // But for the one that never fails closed.
        assert_eq!(names(kinds::shipped()), [&ENTRIES[..], &["declared"]].concat());
    }

    #[test]
    fn what_is_warned_about_at_most_never_waits_for_us() {
        // With the group, for Knative has Services too.
        let named = |group: &str, resource: &str| format!("{resource}.{group}");
        let through = |entry: &Sent| -> BTreeSet<String> {
            let mut all = BTreeSet::new();
            for rule in &entry.rules {
                for group in rule.api_groups.iter().flatten() {
                    all.extend(rule.resources.iter().flatten().map(|resource| named(group, resource)));
                }
            }
            all
        };
        let kinds = kinds::shipped();
        let unsure = kinds.iter().filter(|kind| !kind.is_sure());
        let unsure: BTreeSet<String> = unsure
            .flat_map(|kind| {
                let resources = [vec![kind.resource().to_owned()], subresource(kind)].concat();
                resources
                    .into_iter()
                    .map(move |resource| named(kind.group(), &resource))
            })
            .collect();
        for entry in entries(kinds) {
            if entry.name == "declared" {
                assert_eq!(through(&entry), unsure);
                assert!(entry.failure_policy == FailurePolicy::Ignore && !ENTRIES.contains(&entry.name));
            } else {
                assert!(through(&entry).is_disjoint(&unsure), "{}", entry.name);
            }
        }
    }

    #[test]
    fn only_dependencies_and_pods_may_see_deletes() {
        for entry in entries(Kinds::builtin()) {
            let operations = entry.rules.iter().flat_map(|rule| rule.operations.iter().flatten());
            let operations: BTreeSet<_> = operations.map(String::as_str).collect();
            let expected = match entry.name {
                "dependencies" => BTreeSet::from(["CREATE", "DELETE", "UPDATE"]),
                "pods" => BTreeSet::from(["CREATE", "DELETE"]),
                "scale" => BTreeSet::from(["UPDATE"]),
                _ => BTreeSet::from(["CREATE", "UPDATE"]),
            };
            assert_eq!(operations, expected, "{}", entry.name);
        }
    }
}
