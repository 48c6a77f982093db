//! The match conditions of the entries: expressions (CEL) by which the API server keeps requests away from us.

use std::collections::BTreeSet;

use k8s_openapi::api::admissionregistration::v1::MatchCondition;

use crate::graph::{Defaults, Entry, Field, Form, Kind, Kinds, Reach};
use crate::kinds;

/// What every expression begins with: DELETE has no object, and a `Scale` has no fields of its parent.
/// `subResource` is read as optional because the request leaves it out when it is empty.
const GUARDS: &str = r#"object == null || request.?subResource.orValue("") != "" || "#;
/// The same for conditions of a `Scale`: only its updates have two states.
const SCALE_GUARDS: &str = r#"object == null || oldObject == null || request.?subResource.orValue("") != "scale" || "#;
/// Whoever may write as these may do anything. The controller manager has one account for each controller, or none
/// (`--use-service-account-credentials`).
const BY_A_CONTROLLER: &str = r#"request.?userInfo.?username.orValue("").matches("^system:(kube-controller-manager$|serviceaccount:kube-system:)")"#;
/// A `Scale` leaves its replicas out where they are 0.
const MORE_REPLICAS: &str = "object.?spec.?replicas.orValue(0) > oldObject.?spec.?replicas.orValue(0)";

fn condition(name: impl Into<String>, expression: &str) -> MatchCondition {
    guarded(GUARDS, name, expression)
}

fn guarded(guards: &str, name: impl Into<String>, expression: &str) -> MatchCondition {
    MatchCondition {
        name: name.into(),
        expression: format!("{guards}{expression}"),
    }
}

/// Keeps ReplicaSets and Jobs away that name a built-in owner: it was judged, and our outage never stops a rollout.
pub(super) fn not_owned_by_workload(kinds: &Kinds) -> MatchCondition {
    condition("not-owned-by-workload", &format!("!{}", owned_by_workload(kinds)))
}

/// Keeps the ReplicaSets and Jobs away that Kubernetes' controllers write themselves. Who else names an owner has to show
/// it.
pub(super) fn not_by_its_controller(kinds: &Kinds) -> MatchCondition {
    condition(
        "not-by-its-controller",
        &format!("!({} && {})", BY_A_CONTROLLER, owned_by_workload(kinds)),
    )
}

/// Keeps objects on their way out away: nothing about them is denied, and finalizers must come off without us.
pub(super) fn not_being_deleted() -> MatchCondition {
    condition("not-being-deleted", "!object.?metadata.?deletionTimestamp.hasValue()")
}

/// Keeps updates of finalizers, owners and managed fields away (garbage collection, adoption and release).
/// Labels and annotations count: policies select by labels, and an override without a reason earns a warning.
pub(super) fn changed() -> MatchCondition {
    condition(
        "changed",
        "oldObject == null || object.?spec != oldObject.?spec || object.?metadata.?labels != oldObject.?metadata.?labels \
         || object.?metadata.?annotations != oldObject.?metadata.?annotations",
    )
}

/// Keeps updates of anything but `spec` away: what was stored with a mistake while we were away can still be labelled.
pub(super) fn spec_changed() -> MatchCondition {
    condition("spec-changed", "oldObject == null || object.?spec != oldObject.?spec")
}

/// Keeps workloads away that can share no claim.
pub(super) fn names_claims(kinds: &Kinds) -> MatchCondition {
    condition("names-claims", &has_claims(kinds))
}

/// Keeps updates away that no rule about shared claims can deny: metadata, and fewer replicas.
pub(super) fn changes_more_than_fewer_replicas(kinds: &Kinds) -> MatchCondition {
    condition("changes-more-than-fewer-replicas", &changes_more(kinds))
}

/// Keeps away what goes through the entry `workloads`: the negation of its conditions together.
pub(super) fn not_for_workloads(kinds: &Kinds) -> MatchCondition {
    condition(
        "not-for-workloads",
        &format!(
            "{} || !({} && ({}))",
            owned_by_workload(kinds),
            has_claims(kinds),
            changes_more(kinds)
        ),
    )
}

/// Keeps a `Scale` away that takes replicas away, or leaves them.
pub(super) fn more_replicas() -> MatchCondition {
    guarded(SCALE_GUARDS, "more-replicas", MORE_REPLICAS)
}

/// Keeps away what goes through the entry `scale`.
pub(super) fn not_more_replicas() -> MatchCondition {
    guarded(SCALE_GUARDS, "not-more-replicas", &format!("!({MORE_REPLICAS})"))
}

/// Keeps those away that are given defaults for the sake of a claim alone, and mount none.
pub(super) fn uses_claim(kinds: &Kinds) -> impl Iterator<Item = MatchCondition> + '_ {
    given(kinds, Defaults::WithClaim).map(|kind| {
        let volumes = claim_volumes(kind.pod_spec());
        let name = format!("{}-uses-claim", kind.as_str().to_lowercase());
        condition(name, &format!(r#"request.kind.kind != "{kind}" || {volumes}"#))
    })
}

/// Keeps those away that are given defaults where they are headless alone, and have an address.
pub(super) fn is_headless(kinds: &Kinds) -> impl Iterator<Item = MatchCondition> + '_ {
    given(kinds, Defaults::Headless).map(|kind| {
        let name = format!("{}-is-headless", kind.as_str().to_lowercase());
        condition(
            name,
            &format!(r#"request.kind.kind != "{kind}" || object.?spec.?clusterIP.orValue("") == "None""#),
        )
    })
}

/// The kinds that are given defaults so.
fn given(kinds: &Kinds, wanted: Defaults) -> impl Iterator<Item = Kind> + '_ {
    let is_given = move |kind: &Kind| matches!(kind.reach(), Reach::Review { defaults, .. } if defaults == wanted);
    kinds.iter().filter(is_given)
}

/// Keeps all pods away that somebody controls, mirror pods of a kubelet included.
pub(super) fn pod_without_owner() -> MatchCondition {
    condition(
        "pod-without-owner",
        "!object.?metadata.?ownerReferences.orValue([]).exists(o, o.?controller.orValue(false))",
    )
}

/// Keeps pods without a persistent volume away.
pub(super) fn pod_uses_claim() -> MatchCondition {
    condition("pod-uses-claim", &claim_volumes(Kind::POD.pod_spec()))
}

/// Keeps deletions of pods away that wait for them to stop; and those by kubelets, which remove so what has stopped, and
/// by the controllers that look after pods of lost nodes.
pub(super) fn pod_deleted_by_force() -> MatchCondition {
    let expression = format!(
        r#"request.operation != "DELETE" || (request.?options.?gracePeriodSeconds.orValue(30) == 0 && !request.?userInfo.?groups.orValue([]).exists(g, g == "system:nodes") && !{BY_A_CONTROLLER})"#
    );
    MatchCondition {
        name: "pod-deleted-by-force".to_owned(),
        expression,
    }
}

/// Keeps deletions of pods away that are not one of a set with names and disks of their own, or never had a node: to
/// these the API server gives no time itself.
pub(super) fn pod_of_a_set(kinds: &Kinds) -> MatchCondition {
    let makers = Kind::POD.form().map_or(&[][..], |form| form.makers).iter();
    let sets: Vec<String> = makers
        .filter(|maker| maker.has(Field::ClaimTemplates) && kinds.iter().any(|kind| kind == **maker))
        .map(|maker| {
            format!(
                r#"(o.kind == "{maker}" && o.apiVersion.startsWith("{}/"))"#,
                maker.group()
            )
        })
        .collect();
    let expression = format!(
        r#"request.operation != "DELETE" || (oldObject.?spec.?nodeName.orValue("") != "" && oldObject.?metadata.?ownerReferences.orValue([]).exists(o, o.?controller.orValue(false) && ({})))"#,
        sets.join(" || ")
    );
    MatchCondition {
        name: "pod-of-a-set".to_owned(),
        expression,
    }
}

/// True where the object says that a workload of a known kind controls it. What the program knows by itself counts
/// whether or not it is watched: what a custom resource owns is warned about at most.
fn owned_by_workload(kinds: &Kinds) -> String {
    let pairs = guarded_kinds(kinds).flat_map(|(kind, form)| {
        let known = kinds::shipped().iter();
        let further = known.filter(move |maker| maker.is_sure() && maker.makes(kind));
        let makers = form.makers.iter().copied().chain(further);
        makers.map(move |maker| (kind, maker))
    });
    let owned: Vec<String> = pairs
        .map(|(kind, maker)| {
            let version = match maker.group() {
                "" => r#"o.apiVersion == "v1""#.to_owned(),
                group => format!(r#"o.apiVersion.startsWith("{group}/")"#),
            };
            format!(r#"request.kind.kind == "{kind}" && o.kind == "{maker}" && {version}"#)
        })
        .collect();
    format!(
        "object.?metadata.?ownerReferences.orValue([]).exists(o, o.?controller.orValue(false) && ({}))",
        owned.join(" || ")
    )
}

/// True where the pods of a workload name a claim, or claims are made for them.
///
/// Of all kinds at once: where a path is not one of a kind's, nothing stands there.
fn has_claims(kinds: &Kinds) -> String {
    let volumes: BTreeSet<&str> = guarded_kinds(kinds).map(|(kind, _)| kind.pod_spec()).collect();
    let volumes = volumes.into_iter().map(claim_volumes);
    let templates = fields(kinds, Field::ClaimTemplates).into_iter();
    let templates = templates.map(|path| format!("size(object{}.orValue([])) > 0", optional(path)));
    format!("({})", volumes.chain(templates).collect::<Vec<_>>().join(" || "))
}

/// True for a new object, and for one whose `spec` differs in something other than fewer replicas.
fn changes_more(kinds: &Kinds) -> String {
    // Replicas further down make a field of `spec` differ, which then counts.
    let replicas = fields(kinds, Field::Replicas).into_iter();
    let replicas = replicas.filter_map(|path| path.strip_prefix("/spec/").filter(|field| !field.contains('/')));
    let replicas = replicas
        .map(|field| format!("\"{field}\""))
        .collect::<Vec<_>>()
        .join(", ");
    let (new, old) = ("object.?spec.orValue({})", "oldObject.?spec.orValue({})");
    format!(
        "oldObject == null || {old}.exists(f, !(f in {new})) || {new}.exists(f, !(f in {old}) || ({new}[f] != {old}[f] \
         && !(f in [{replicas}] && {new}[f] < {old}[f])))"
    )
}

/// The workloads that the entry `workloads` is for.
fn guarded_kinds(kinds: &Kinds) -> impl Iterator<Item = (Kind, &'static Form)> + '_ {
    let sent = |kind: &Kind| {
        matches!(
            kind.reach(),
            Reach::Review {
                entry: Entry::Workloads,
                ..
            }
        )
    };
    kinds.iter().filter(sent).filter_map(|kind| Some((kind, kind.form()?)))
}

/// Where a field stands in the workloads that have it, each place once.
fn fields(kinds: &Kinds, wanted: Field) -> BTreeSet<&'static str> {
    let fields = guarded_kinds(kinds).flat_map(|(_, form)| form.fields);
    fields
        .filter(|(_, field)| *field == wanted)
        .map(|(path, _)| *path)
        .collect()
}

/// The expression that is true where a pod spec has a claim among its volumes.
fn claim_volumes(pod_spec: &str) -> String {
    let volumes = optional(pod_spec);
    format!("object{volumes}.?volumes.orValue([]).exists(v, has(v.persistentVolumeClaim))")
}

/// A JSON pointer as a chain of optional fields.
fn optional(pointer: &str) -> String {
    pointer.replace('/', ".?")
}
