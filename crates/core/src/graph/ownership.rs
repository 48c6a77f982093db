//! Whether the controller that an object names stands behind it: anybody may write an owner into what he creates.

use super::kind::{Field, Kind, Runs};
use super::lookup::Lookup;
use super::names::ObjectRef;
use super::view::View;
use super::workload::Workload;

/// Who controls a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// It says that this built-in workload made it, which is not there, or would make another one.
    Claimed(ObjectRef),
    /// Nobody.
    Free,
    /// A custom resource: an operator writes it, its user cannot.
    Operated,
    /// A built-in workload that was judged in its place (`ARCHITECTURE.md`, "owned").
    Owned,
}

impl View<'_> {
    /// Who controls a workload, as far as can be told. Of a pod it cannot, for what owns pods is mostly owned itself and
    /// not kept; and what is not known of an owner is nobody's fault.
    #[must_use]
    pub fn ownership(&self, workload: &Workload) -> Ownership {
        if workload.owner.is_none() {
            return Ownership::Free;
        }
        let Some(id) = workload.known_owner() else {
            return Ownership::Operated;
        };
        if workload.id.kind.runs(Runs::Itself) {
            return Ownership::Owned;
        }
        match self.workload(&id) {
            Lookup::Known(owner) if makes(owner, workload) => Ownership::Owned,
            Lookup::Known(_) | Lookup::Absent => Ownership::Claimed(id),
            Lookup::Unknown => Ownership::Owned,
        }
    }
}

/// Whether a workload may have made another one: what it selects, with no other claims than its own.
fn makes(owner: &Workload, made: &Workload) -> bool {
    let selects = !selects_pods(owner.id.kind) || owner.selector.matches(&made.pods.labels);
    selects
        && made
            .claims()
            .all(|(claim, _)| owner.claims().any(|(own, _)| own == claim))
}

fn selects_pods(kind: Kind) -> bool {
    kind.has(Field::Selector) || kind.has(Field::MatchLabels)
}

#[cfg(test)]
mod tests {
    use super::super::facts::{Facts, Knowledge};
    use super::super::overlay::Overlay;
    use super::super::project::WorkloadSeed;
    use super::super::shard::Shard;
    use super::super::view::Reservations;
    use super::*;

    fn workload(kind: Kind, name: &str, labels: &str, claim: &str, owner: &str) -> Workload {
        let spec = format!(r#"{{"volumes": [{{"name": "v", "persistentVolumeClaim": {{"claimName": "{claim}"}}}}]}}"#);
        let template = format!(r#"{{"metadata": {{"labels": {{"app": "{labels}"}}}}, "spec": {spec}}}"#);
        let text = format!(
            r#"{{"metadata": {{"name": "{name}", "ownerReferences": [{owner}]}}, "spec":
                {{"selector": {{"matchLabels": {{"app": "{labels}"}}}}, "template": {template}}}}}"#
        );
        WorkloadSeed::new(kind, &"shop".into())
            .unwrap()
            .read(&text)
            .unwrap()
            .workload
    }

    fn owner(version: &str, kind: &str) -> String {
        format!(r#"{{"apiVersion": "{version}", "kind": "{kind}", "name": "web", "controller": true}}"#)
    }

    #[test]
    fn an_owner_counts_where_it_is_there_and_would_make_such() {
        let facts = Facts::new(Knowledge::Complete);
        let mut shard = Shard::new("shop".into());
        shard.insert_workload(workload(Kind::DEPLOYMENT, "web", "web", "data", "").into());
        let overlay = Overlay::default();
        let of = |labels: &str, claim: &str, owner: &str| {
            let view = View::new(&shard, &facts, &overlay, Reservations::Ignored);
            view.ownership(&workload(Kind::REPLICA_SET, "web-1", labels, claim, owner))
        };
        let web = owner("apps/v1", "Deployment");
        let claimed = Ownership::Claimed(ObjectRef::new(Kind::DEPLOYMENT, "web"));
        assert_eq!(of("web", "data", ""), Ownership::Free);
        assert_eq!(of("web", "data", &web), Ownership::Owned);
        assert_eq!(of("web", "other", &web), claimed, "another claim");
        assert_eq!(of("api", "data", &web), claimed, "other labels");
        for (version, kind) in [
            ("apps/v9", "Deployment"),
            ("apps/v1", "StatefulSet"),
            ("example.com/v1", "Deployment"),
        ] {
            assert_eq!(
                of("web", "data", &owner(version, kind)),
                Ownership::Operated,
                "{version} {kind}"
            );
        }

        let invented = web.replace("\"web\"", "\"nobody\"");
        assert_eq!(
            of("web", "data", &invented),
            Ownership::Claimed(ObjectRef::new(Kind::DEPLOYMENT, "nobody"))
        );
        let partly = Facts::new(Knowledge::Partial);
        let view = View::new(&shard, &partly, &overlay, Reservations::Ignored);
        let set = workload(Kind::REPLICA_SET, "web-1", "web", "data", &invented);
        assert_eq!(view.ownership(&set), Ownership::Owned, "unknown is not absent");
    }
}
