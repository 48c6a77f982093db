//! One object into the graph, from its JSON.

use super::kind::Kind;
use super::names::Name;
use super::node::Node;
use super::project::NodeSeed;
use super::store::Graph;
use super::touched::Touched;
use crate::json;

impl Graph {
    /// Puts an object in, or a newer version of it, and says what that touched. `namespace` is where it is, if the
    /// object itself does not say.
    ///
    /// # Errors
    /// An object of which a field has a wrong type; the graph is unchanged.
    pub fn insert(&self, kind: Kind, namespace: &Name, json: &str) -> Result<Touched, json::Error> {
        let seed = NodeSeed {
            kind,
            kinds: self.facts().kinds,
            sent_to: namespace,
        };
        let node = seed.read(json)?;
        let namespace = match &node {
            Node::Workload(workload) => workload.namespace.clone(),
            _ => namespace.clone(),
        };
        Ok(self.insert_all([(namespace, node)]))
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts::{Facts, Knowledge};
    use super::*;

    #[test]
    fn a_claim_gets_its_volume_in_either_order() {
        let claim = r#"{"metadata":{"name":"data"},"spec":{"accessModes":["ReadWriteOnce"],"volumeName":"pv"}}"#;
        let reference = r#""claimRef":{"namespace":"shop","name":"data"},"#;
        let shop: Name = "shop".into();
        let orders = [[Kind::CLAIM, Kind::VOLUME], [Kind::VOLUME, Kind::CLAIM]];
        // One that was made by hand need not name its claim.
        for (order, reference) in orders.into_iter().flat_map(|order| [(order, reference), (order, "")]) {
            let volume = format!(
                r#"{{"metadata":{{"name":"pv"}},"spec":{{"accessModes":["ReadWriteMany"],{reference}"nfs":{{}}}}}}"#
            );
            let graph = Graph::new(Facts::new(Knowledge::Complete));
            for kind in order {
                let json = if kind == Kind::CLAIM { claim } else { &volume };
                graph.insert(kind, &shop, json).unwrap();
            }
            let modes = graph.with("shop", |shard| shard.claim("data").map(|claim| claim.modes()));
            assert_eq!(modes.map(|modes| modes.is_single_node()), Some(false));
        }
    }
}
