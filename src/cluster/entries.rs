//! The entries of the webhook configurations: what follows from the table of kinds for the API server.

use std::collections::BTreeMap;

use k8s_openapi::api::admissionregistration::v1::{MatchCondition, RuleWithOperations};

use crate::graph::{Defaults, Entry, Kind, Kinds, Reach};

/// One entry: which requests it sends to us.
pub(super) struct Sent {
    pub(super) name: &'static str,
    pub(super) phase: Phase,
    pub(super) rules: Vec<RuleWithOperations>,
    pub(super) failure_policy: FailurePolicy,
    /// A request that makes one of them false is not sent.
    pub(super) conditions: Vec<MatchCondition>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Mutating,
    Validating,
}

/// What the API server does with a request that we do not answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum FailurePolicy {
    Fail,
    Ignore,
}

const WRITES: &[&str] = &["CREATE", "UPDATE"];

/// All entries, in the order in which they are printed.
pub(super) fn entries(kinds: &Kinds) -> Vec<Sent> {
    vec![
        Sent {
            name: "defaults.stateward.dev",
            phase: Phase::Mutating,
            rules: rules(kinds, WRITES, |kind| match kind.reach() {
                Reach::Review { defaults, .. } if defaults != Defaults::Never => vec![kind.resource().to_owned()],
                _ => Vec::new(),
            }),
            failure_policy: FailurePolicy::Ignore,
            conditions: [not_being_deleted(), changed()]
                .into_iter()
                .chain(uses_claim(kinds))
                .collect(),
        },
        Sent {
            name: "workloads.stateward.dev",
            phase: Phase::Validating,
            // Never DELETE: an outage of ours must not keep a namespace or a workload from going away.
            rules: rules(kinds, WRITES, |kind| sent(kind, Entry::Workloads)),
            failure_policy: FailurePolicy::Fail,
            conditions: vec![not_owned_by_workload(kinds), not_being_deleted(), changed()],
        },
        Sent {
            name: "dependencies.stateward.dev",
            phase: Phase::Validating,
            rules: rules(kinds, &["CREATE", "UPDATE", "DELETE"], |kind| {
                sent(kind, Entry::Dependencies)
            }),
            failure_policy: FailurePolicy::Ignore,
            conditions: vec![not_being_deleted(), changed()],
        },
        Sent {
            name: "pods.stateward.dev",
            phase: Phase::Validating,
            rules: rules(kinds, &["CREATE"], |kind| sent(kind, Entry::Pods)),
            failure_policy: FailurePolicy::Ignore,
            conditions: vec![pod_without_owner(), pod_uses_claim()],
        },
    ]
}

/// The resources of a kind that come through an entry.
fn sent(kind: Kind, through: Entry) -> Vec<String> {
    match kind.reach() {
        Reach::Review { entry, scale, .. } if entry == through => {
            let scale = scale.then(|| format!("{}/scale", kind.resource()));
            std::iter::once(kind.resource().to_owned()).chain(scale).collect()
        }
        _ => Vec::new(),
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

/// What every expression begins with: DELETE has no object, and a `Scale` has no fields of its parent.
/// `subResource` is read as optional because the request leaves it out when it is empty.
const GUARDS: &str = r#"object == null || request.?subResource.orValue("") != "" || "#;

fn condition(name: impl Into<String>, expression: &str) -> MatchCondition {
    MatchCondition {
        name: name.into(),
        expression: format!("{GUARDS}{expression}"),
    }
}

/// Keeps the controllers' own ReplicaSets and Jobs away: their owner was judged, and our outage never stops a rollout.
fn not_owned_by_workload(kinds: &Kinds) -> MatchCondition {
    let workloads = kinds.iter().filter(|kind| !sent(*kind, Entry::Workloads).is_empty());
    let pairs = workloads.filter_map(|kind| Some((kind, kind.form()?.makers)));
    let pairs = pairs.flat_map(|(kind, makers)| makers.iter().map(move |maker| (kind, *maker)));
    let owned: Vec<String> = pairs
        .map(|(kind, maker)| {
            let version = match maker.group() {
                "" => r#"o.apiVersion == "v1""#.to_owned(),
                group => format!(r#"o.apiVersion.startsWith("{group}/")"#),
            };
            format!(r#"request.kind.kind == "{kind}" && o.kind == "{maker}" && {version}"#)
        })
        .collect();
    condition(
        "not-owned-by-workload",
        &format!(
            "!object.?metadata.?ownerReferences.orValue([]).exists(o, o.?controller.orValue(false) && ({}))",
            owned.join(" || ")
        ),
    )
}

/// Keeps objects on their way out away: nothing about them is denied, and finalizers must come off without us.
fn not_being_deleted() -> MatchCondition {
    condition("not-being-deleted", "!object.?metadata.?deletionTimestamp.hasValue()")
}

/// Keeps updates of finalizers, owners and managed fields away (garbage collection, adoption and release).
/// Labels and annotations count: policies select by labels, and an override without a reason earns a warning.
fn changed() -> MatchCondition {
    condition(
        "changed",
        "oldObject == null || object.?spec != oldObject.?spec || object.?metadata.?labels != oldObject.?metadata.?labels \
         || object.?metadata.?annotations != oldObject.?metadata.?annotations",
    )
}

/// Keeps Deployments away that mount no claim: nothing is ever injected into them.
fn uses_claim(kinds: &Kinds) -> impl Iterator<Item = MatchCondition> + '_ {
    let with_claim = |kind: &Kind| {
        matches!(
            kind.reach(),
            Reach::Review {
                defaults: Defaults::WithClaim,
                ..
            }
        )
    };
    kinds.iter().filter(with_claim).map(|kind| {
        let volumes = claim_volumes(kind);
        let name = format!("{}-uses-claim", kind.as_str().to_lowercase());
        condition(name, &format!(r#"request.kind.kind != "{kind}" || {volumes}"#))
    })
}

/// Keeps all pods away that somebody controls, mirror pods of a kubelet included.
fn pod_without_owner() -> MatchCondition {
    condition(
        "pod-without-owner",
        "!object.?metadata.?ownerReferences.orValue([]).exists(o, o.?controller.orValue(false))",
    )
}

/// Keeps pods without a persistent volume away.
fn pod_uses_claim() -> MatchCondition {
    condition("pod-uses-claim", &claim_volumes(Kind::POD))
}

/// The expression that is true where the pods of a workload have a claim among their volumes.
fn claim_volumes(kind: Kind) -> String {
    let volumes = kind.pod_spec().replace('/', ".?");
    format!("object{volumes}.?volumes.orValue([]).exists(v, has(v.persistentVolumeClaim))")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn only_dependencies_may_see_deletes_and_pods_only_creates() {
        for entry in entries(Kinds::builtin()) {
            let operations = entry.rules.iter().flat_map(|rule| rule.operations.iter().flatten());
            let operations: BTreeSet<_> = operations.map(String::as_str).collect();
            let expected = match entry.name {
                "dependencies.stateward.dev" => BTreeSet::from(["CREATE", "DELETE", "UPDATE"]),
                "pods.stateward.dev" => BTreeSet::from(["CREATE"]),
                _ => BTreeSet::from(["CREATE", "UPDATE"]),
            };
            assert_eq!(operations, expected, "{}", entry.name);
        }
    }
}
