//! Who else uses a claim: the other workloads whose pods may meet ours on it.

use super::finding::Finding;
use super::sharing::{self, Mounted};
use super::text;
use crate::graph::{Features, Field, Lookup, Name, Runs, View, Workload};

/// The labels by which charts, operators, Argo CD and Flux say which installation an object belongs to.
const INSTANCE: &[&str] = &[
    "app.kubernetes.io/instance",
    "argocd.argoproj.io/instance",
    "helm.toolkit.fluxcd.io/name",
    "kustomize.toolkit.fluxcd.io/name",
];

/// Another top-level workload whose pods may use the same claim.
#[derive(Clone, Copy, Debug)]
pub struct Other<'a> {
    pub workload: &'a Workload,
    /// How many pods it may have; unknown for a DaemonSet where the nodes are.
    pub pods: Lookup<u64>,
    /// Some of them only an autoscaler would add.
    pub may_grow: bool,
}

/// A claim that the pods of a workload use.
#[derive(Debug)]
pub enum Used<'a> {
    /// Made from the claim template of this index, one for each pod.
    Made(usize, Name),
    Mounted(Mounted<'a>),
}

impl Used<'_> {
    #[must_use]
    pub fn claim(&self) -> &Name {
        match self {
            Self::Made(_, claim) => claim,
            Self::Mounted(mounted) => mounted.claim,
        }
    }

    /// JSON pointer to what names the claim in the workload.
    #[must_use]
    pub fn path(&self) -> String {
        match self {
            Self::Made(index, _) => format!("/spec/volumeClaimTemplates/{index}"),
            Self::Mounted(mounted) => mounted.path(),
        }
    }
}

impl Other<'_> {
    /// `Deployment shop/api (2 pods)`, `Deployment shop/api (up to 5 pods)`.
    #[must_use]
    pub fn described(&self) -> String {
        let pods = match self.pods {
            Lookup::Known(pods) if self.may_grow => format!("up to {}", text::counted(pods, "pod")),
            Lookup::Known(pods) => text::counted(pods, "pod"),
            Lookup::Absent | Lookup::Unknown => "a pod on every node".to_owned(),
        };
        format!("{} ({pods})", text::object(self.workload))
    }

    /// How many pods count for the extent of a finding.
    #[must_use]
    pub fn weight(&self) -> u64 {
        self.pods.known().unwrap_or(1)
    }
}

/// `Deployment shop/api (2 pods) and 1 more workload`.
#[must_use]
pub fn described(others: &[Other<'_>]) -> String {
    match others {
        [] => String::new(),
        [one] => one.described(),
        [one, rest @ ..] => {
            let more = text::counted(rest.len() as u64, "more workload");
            format!("{} and {more}", one.described())
        }
    }
}

/// `Deployment api and 1 more`, for a warning.
#[must_use]
pub fn brief(others: &[Other<'_>]) -> String {
    match others {
        [] => String::new(),
        [one] => format!("{} {}", one.workload.id.kind, one.workload.id.name),
        [one, rest @ ..] => {
            format!(
                "{} {} and {} more",
                one.workload.id.kind,
                one.workload.id.name,
                rest.len()
            )
        }
    }
}

/// So many others are named as objects that play a part; the text says how many there are. Of a claim that thousands
/// of workloads use, each would else have a list of thousands.
const NAMED: usize = 20;

/// Names the others as objects that play a part in a finding.
#[must_use]
pub fn related(finding: Finding, others: &[Other<'_>], claim: &str) -> Finding {
    others.iter().take(NAMED).fold(finding, |finding, other| {
        let by_hand = sharing::mounted(other.workload).find(|mounted| &**mounted.claim == claim);
        let path = by_hand.map_or_else(
            || other.workload.id.kind.own_path("/spec/volumeClaimTemplates"),
            |mounted| mounted.path(),
        );
        let message = format!("also uses claim \"{claim}\"");
        finding.related(other.workload.id.clone(), path, message)
    })
}

/// The claims that somebody else may use too: those named by hand, and those of a StatefulSet's templates that
/// another workload names.
#[must_use]
pub fn shareable<'a>(workload: &'a Workload, view: &View<'_>) -> Vec<Used<'a>> {
    let mut used: Vec<Used<'a>> = sharing::mounted(workload).map(Used::Mounted).collect();
    if workload.id.kind.has(Field::ClaimTemplates) {
        for (index, claim) in view.borrowed_claims(workload) {
            if !used.iter().any(|other| *other.claim() == claim) {
                used.push(Used::Made(index, claim));
            }
        }
    }
    used
}

/// The workloads that have pods now and use this claim, by kind and name: those that name it, and the StatefulSet whose
/// template makes it for one of its pods.
#[must_use]
pub fn running<'a>(claim: &str, view: &View<'a>) -> Vec<Other<'a>> {
    let mut users = view.claim_users(claim);
    if let Some((set, ordinal)) = view.template_user(claim)
        && set.ordinals().contains(ordinal)
        && !users.iter().any(|user| user.id == set.id)
    {
        users.push(set);
    }
    let users = users.into_iter().filter(|user| !user.deleting && !user.is_owned());
    let users = users.map(|user| Other {
        workload: user,
        pods: sharing::pods(user, view),
        may_grow: false,
    });
    users.filter(|user| user.pods != Lookup::Known(0)).collect()
}

/// The other workloads with pods that use this claim, by kind and name. Not those that are going, that a built-in
/// workload owns, that share our owner, or that will be ours by adoption.
#[must_use]
pub fn others<'a>(workload: &Workload, claim: &str, view: &View<'a>) -> Vec<Other<'a>> {
    let mut users = view.claim_users(claim);
    if let Some((set, ordinal)) = view.template_user(claim) {
        let pods = sharing::pods_ever(set, view).known();
        let within = pods.is_some_and(|pods| set.ordinals_of(pods).contains(ordinal));
        if within && !users.iter().any(|user| user.id == set.id) {
            users.push(set);
        }
    }
    let candidates = users.into_iter().filter(|other| {
        other.id != workload.id && !other.deleting && !other.is_owned() && !is_one_owner(workload, other)
    });
    candidates
        .map(|other| {
            let pods = sharing::pods_ever(other, view);
            Other {
                workload: other,
                pods,
                may_grow: pods != sharing::pods(other, view),
            }
        })
        .filter(|other| other.pods != Lookup::Known(0))
        .collect()
}

/// Returns true where `other` is the older one, as far as can be told, of two that are the same but for the name: a
/// rename in progress, as `helm upgrade` does it, creates the new one before it deletes the old.
#[must_use]
pub fn is_renamed_from(workload: &Workload, other: &Workload) -> bool {
    let is_one_instance = INSTANCE.iter().any(|key| {
        let instance = workload.labels.get(key).filter(|instance| !instance.is_empty());
        instance.is_some() && instance == other.labels.get(key)
    });
    let older = match (&workload.created, &other.created) {
        // Dates are of seconds, and a rollback may follow its upgrade within one.
        (Some(own), Some(other)) => other <= own,
        (None, Some(_)) => true,
        (_, None) => false,
    };
    older && is_one_instance && workload.pods.labels == other.pods.labels
}

/// Returns true where one of the two is a bare Pod or Job that names a node, and the other does not: made to meet it
/// there (`kubectl debug --copy-to --same-node`, migration tools).
#[must_use]
pub fn is_visit(one: &Workload, other: &Workload) -> bool {
    let named = |workload: &Workload| {
        workload
            .pods
            .placement
            .as_deref()
            .is_some_and(|own| own.hostname().is_some())
    };
    let visits = |guest: &Workload, host: &Workload| {
        let kind = guest.id.kind;
        (kind.runs(Runs::ToCompletion) || kind.runs(Runs::Itself)) && named(guest) && !named(host)
    };
    visits(one, other) || visits(other, one)
}

/// Returns true where one controller has, or will have, the pods of both: they are revisions of one workload, or one of
/// them is an orphan that the other adopts (`delete --cascade=orphan` and recreate; restores without owners).
#[must_use]
pub fn is_one_owner(one: &Workload, other: &Workload) -> bool {
    are_revisions(one, other) || one.adopts(other) || other.adopts(one)
}

/// Returns true for two ReplicaSets of one Argo Rollout, two ReplicationControllers of one DeploymentConfig, and the
/// like: one replaces the other. Whatever else a custom resource makes runs side by side.
fn are_revisions(one: &Workload, other: &Workload) -> bool {
    let kind = one.id.kind;
    let is_rolled_out_by_another = kind.features().meets(Features::UNROLLED);
    is_rolled_out_by_another && one.owner.is_some() && one.owner == other.owner && kind == other.id.kind
}

/// Returns true where a controller that is here will adopt this workload, which has no owner.
#[must_use]
pub fn will_be_adopted(orphan: &Workload, view: &View<'_>) -> bool {
    view.workloads().into_iter().any(|controller| controller.adopts(orphan))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Kind;
    use crate::graph::project::WorkloadSeed;

    fn workload(kind: Kind, json: &str) -> Workload {
        WorkloadSeed::new(kind, &"shop".into())
            .unwrap()
            .read(json)
            .unwrap()
            .workload
    }

    #[test]
    fn an_orphan_is_adopted_only_without_an_owner_and_by_a_selector_that_asks_something() {
        let deployment = workload(
            Kind::DEPLOYMENT,
            r#"{"metadata":{"name":"web"},"spec":{"selector":{"matchLabels":{"app":"web"}}}}"#,
        );
        let orphan = r#"{"metadata":{"name":"web-1","labels":{"app":"web","pod-template-hash":"1"}}}"#;
        let set = workload(Kind::REPLICA_SET, orphan);
        assert!(is_one_owner(&deployment, &set));
        assert!(is_one_owner(&set, &deployment));
        assert!(is_one_owner(&workload(Kind::POD, orphan), &deployment));
        let foreign = r#"{"metadata":{"name":"web-1","labels":{"app":"web"},"ownerReferences":[
            {"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","name":"web","controller":true}]}}"#;
        let set = workload(Kind::REPLICA_SET, foreign);
        assert!(!is_one_owner(&deployment, &set));
        assert!(is_one_owner(&set, &workload(Kind::REPLICA_SET, foreign)));
        let deployment = workload(Kind::DEPLOYMENT, foreign);
        assert!(
            !is_one_owner(&deployment, &workload(Kind::DEPLOYMENT, foreign)),
            "two workloads of one operator"
        );
        let anything = workload(Kind::DEPLOYMENT, r#"{"metadata":{"name":"all"}}"#);
        assert!(!is_one_owner(&anything, &workload(Kind::POD, orphan)));
    }

    #[test]
    fn a_rename_is_told_by_dates_of_seconds() {
        let made = |name: &str, date: &str| {
            let labels = r#""labels":{"app.kubernetes.io/instance":"shop"}"#;
            let text = format!(r#"{{"metadata":{{"name":"{name}",{labels},"creationTimestamp":"{date}"}}}}"#);
            workload(Kind::DEPLOYMENT, &text)
        };
        let (old, new) = (
            made("web", "2026-05-04T09:12:33Z"),
            made("shop-web", "2026-05-04T09:12:34Z"),
        );
        assert!(is_renamed_from(&new, &old) && !is_renamed_from(&old, &new));
        let rolled_back = made("web", "2026-05-04T09:12:34Z");
        assert!(is_renamed_from(&rolled_back, &new), "within one second");
    }
}
