//! An object of a file into the graph: which kind it is, and where it goes.

use super::names::{Name, ObjectKind};
use super::project::Object;
use super::store::Graph;
use crate::json;

impl ObjectKind {
    /// The kind of an object that plays a part, in any version of its group: removed versions are still found in
    /// files, and what is read of them has not changed since.
    #[must_use]
    pub fn of(api_version: &str, kind: &str) -> Option<Self> {
        let found = Self::ALL.into_iter().find(|candidate| candidate.as_str() == kind)?;
        let (asked, own) = (group(api_version), group(found.api_version()));
        // `extensions` is where Deployments came from.
        (asked == own || (asked == "extensions" && own == "apps")).then_some(found)
    }
}

fn group(api_version: &str) -> &str {
    api_version.rsplit_once('/').map_or("", |(group, _)| group)
}

impl Graph {
    /// Puts an object in, or a newer version of it. `namespace` is where it is, if the object itself does not say.
    ///
    /// # Errors
    /// An object of which a field has a wrong type; the graph is unchanged.
    pub fn insert(&self, kind: ObjectKind, namespace: &Name, json: &str) -> Result<(), json::Error> {
        let object = Object::read(kind, namespace, json)?;
        let namespace = match &object {
            Object::Workload(workload) => workload.namespace.clone(),
            _ => namespace.clone(),
        };
        self.insert_all([(namespace, object)]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts::{Facts, Knowledge};
    use super::*;

    #[test]
    fn kinds_are_known_in_every_version_of_their_group() {
        let apps = |version| ObjectKind::of(version, "Deployment").is_some();
        assert!(apps("apps/v1") && apps("apps/v1beta2") && apps("extensions/v1beta1"));
        assert!(!apps("v1") && !apps("example.com/v1"));
        assert!(ObjectKind::of("serving.knative.dev/v1", "Service").is_none());
        assert!(ObjectKind::of("v1", "Service").is_some());
    }

    #[test]
    fn a_claim_gets_its_volume_in_either_order() {
        let claim = r#"{"metadata":{"name":"data"},"spec":{"accessModes":["ReadWriteOnce"],"volumeName":"pv"}}"#;
        let reference = r#""claimRef":{"namespace":"shop","name":"data"},"#;
        let shop: Name = "shop".into();
        let orders = [
            [ObjectKind::Claim, ObjectKind::Volume],
            [ObjectKind::Volume, ObjectKind::Claim],
        ];
        // One that was made by hand need not name its claim.
        for (order, reference) in orders.into_iter().flat_map(|order| [(order, reference), (order, "")]) {
            let volume = format!(
                r#"{{"metadata":{{"name":"pv"}},"spec":{{"accessModes":["ReadWriteMany"],{reference}"nfs":{{}}}}}}"#
            );
            let graph = Graph::new(Facts::new(Knowledge::Complete));
            for kind in order {
                let json = if kind == ObjectKind::Claim { claim } else { &volume };
                graph.insert(kind, &shop, json).unwrap();
            }
            let modes = graph.with("shop", |shard| shard.claim("data").map(|claim| claim.modes()));
            assert_eq!(modes.map(|modes| modes.is_single_node()), Some(false));
        }
    }
}
