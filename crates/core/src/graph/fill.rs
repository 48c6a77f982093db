//! Filling the graph: inserting, removing and counting objects of any kind.

use std::sync::Arc;

use super::facts::{Class, Driver, Facts, Node};
use super::lookup::Lookup;
use super::names::{Kind, Name, ObjectKind, WorkloadId};
use super::project::Object;
use super::store::{Graph, locked};

impl Graph {
    /// Puts objects in, each with the namespace it is in (empty for those in none). What is the same already costs
    /// a comparison; all classes, drivers and nodes together cost one new picture of the facts, so hand in whole lists.
    pub fn insert_all(&self, objects: impl IntoIterator<Item = (Name, Object)>) {
        let known = self.facts();
        let mut changes = Vec::new();
        for (namespace, object) in objects {
            match object {
                Object::Autoscaler(autoscaler) => {
                    self.with(&namespace, |shard| shard.insert_autoscaler(Arc::new(autoscaler)));
                }
                Object::Claim(claim) => self.insert_claim(&namespace, claim),
                Object::Namespace(name, facts) => self.with(&name, |shard| shard.facts = Lookup::Known(facts)),
                Object::Service(service) => self.with(&namespace, |shard| shard.insert_service(Arc::new(service))),
                Object::Volume(volume) => self.insert_volume(volume),
                Object::Workload(workload) => self.with(&namespace, |shard| shard.insert_workload(workload)),
                Object::Class(class) => changes.push(Fact::Class(class)),
                Object::Driver(driver) => changes.push(Fact::Driver(driver)),
                Object::Node(node) => changes.push(Fact::Node(node)),
            }
        }
        // A node reports every few seconds; what we keep of it hardly ever changes.
        changes.retain(|fact| !fact.is_in(&known));
        if !changes.is_empty() {
            self.update_facts(|facts| changes.iter().for_each(|fact| fact.clone().put(facts)));
        }
    }

    /// Takes objects of one kind out, by namespace (empty for those in none) and name.
    pub fn remove(&self, kind: ObjectKind, objects: impl IntoIterator<Item = (Name, Name)>) {
        let mut facts_gone = Vec::new();
        for (namespace, name) in objects {
            match kind {
                ObjectKind::Class | ObjectKind::Driver | ObjectKind::Node => facts_gone.push(name),
                ObjectKind::Volume => self.remove_volume(&name),
                ObjectKind::Namespace => self.remove_from(&name, |shard| shard.facts = Lookup::Absent),
                ObjectKind::Autoscaler => self.remove_from(&namespace, |shard| shard.remove_autoscaler(&name)),
                ObjectKind::Claim => self.remove_claim(&namespace, &name),
                ObjectKind::Service => self.remove_from(&namespace, |shard| shard.remove_service(&name)),
                ObjectKind::Workload(kind) => {
                    self.remove_from(&namespace, |shard| shard.remove_workload(&WorkloadId::new(kind, name)));
                }
            }
        }
        if !facts_gone.is_empty() {
            self.update_facts(|facts| match kind {
                ObjectKind::Class => facts.classes.retain(|name, _| !facts_gone.contains(name)),
                ObjectKind::Driver => facts.drivers.retain(|name, _| !facts_gone.contains(name)),
                _ => facts.nodes.retain(|node| !facts_gone.contains(&node.name)),
            });
        }
    }

    /// Namespace (empty for those in none) and name of every object of a kind: what a relist compares with.
    #[must_use]
    pub fn keys(&self, kind: ObjectKind) -> Vec<(Name, Name)> {
        let nowhere: Name = "".into();
        let global = |names: Vec<Name>| names.into_iter().map(|name| (nowhere.clone(), name)).collect();
        match kind {
            ObjectKind::Class => return global(self.facts().classes.keys().cloned().collect()),
            ObjectKind::Driver => return global(self.facts().drivers.keys().cloned().collect()),
            ObjectKind::Node => return global(self.facts().nodes.iter().map(|node| node.name.clone()).collect()),
            ObjectKind::Volume => return global(self.volume_names()),
            _ => {}
        }
        let mut keys = Vec::new();
        for namespace in self.namespaces() {
            let Some(shard) = self.existing_shard(&namespace) else {
                continue;
            };
            let shard = locked(&shard);
            let mut add = |name: &Name| keys.push((namespace.clone(), name.clone()));
            match kind {
                ObjectKind::Autoscaler => shard.autoscalers().for_each(|one| add(&one.name)),
                ObjectKind::Claim => shard.claims().for_each(|one| add(&one.name)),
                ObjectKind::Service => shard.services().for_each(|one| add(&one.name)),
                ObjectKind::Workload(kind) => shard.workloads_of(kind).for_each(|one| add(&one.id.name)),
                _ if matches!(shard.facts, Lookup::Known(_)) => keys.push((nowhere.clone(), namespace.clone())),
                _ => {}
            }
        }
        keys
    }

    /// How many objects of each kind there are, at [`ObjectKind::index`]. Walks the whole graph.
    #[must_use]
    pub fn counts(&self) -> [usize; ObjectKind::ALL.len()] {
        let mut counts = [0; ObjectKind::ALL.len()];
        let facts = self.facts();
        counts[ObjectKind::Class.index()] = facts.classes.len();
        counts[ObjectKind::Driver.index()] = facts.drivers.len();
        counts[ObjectKind::Node.index()] = facts.nodes.len();
        counts[ObjectKind::Volume.index()] = self.volume_count();
        for namespace in self.namespaces() {
            let Some(shard) = self.existing_shard(&namespace) else {
                continue;
            };
            let shard = locked(&shard);
            counts[ObjectKind::Autoscaler.index()] += shard.autoscalers().count();
            counts[ObjectKind::Claim.index()] += shard.claims().count();
            counts[ObjectKind::Namespace.index()] += usize::from(matches!(shard.facts, Lookup::Known(_)));
            counts[ObjectKind::Service.index()] += shard.services().count();
            for kind in Kind::ALL {
                counts[ObjectKind::Workload(kind).index()] += shard.workloads_of(kind).count();
            }
        }
        counts
    }
}

/// An object that is a part of [`Facts`].
#[derive(Clone)]
enum Fact {
    Class(Class),
    Driver(Driver),
    Node(Node),
}

impl Fact {
    fn is_in(&self, facts: &Facts) -> bool {
        match self {
            Self::Class(class) => facts.classes.get(&class.name) == Some(class),
            Self::Driver(driver) => facts.drivers.get(&driver.name) == Some(driver),
            Self::Node(node) => facts.node(&node.name) == Some(node),
        }
    }

    fn put(self, facts: &mut Facts) {
        match self {
            Self::Class(class) => drop(facts.classes.insert(class.name.clone(), class)),
            Self::Driver(driver) => drop(facts.drivers.insert(driver.name.clone(), driver)),
            Self::Node(node) => facts.insert_node(node),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::graph::Knowledge;

    fn put(graph: &Graph, kind: ObjectKind, namespace: &str, object: &serde_json::Value) {
        let namespace: Name = namespace.into();
        let object = Object::read(kind, &namespace, &object.to_string()).unwrap();
        graph.insert_all([(namespace, object)]);
    }

    fn volume(claim: &str, mode: &str) -> serde_json::Value {
        json!({"metadata": {"name": "pv"}, "spec": {"accessModes": [mode], "nfs": {},
            "claimRef": {"namespace": "shop", "name": claim}}})
    }

    fn traits(graph: &Graph) -> Lookup<String> {
        graph.with("shop", |shard| {
            shard
                .claim("data")
                .unwrap()
                .volume
                .clone()
                .map(|volume| volume.modes.to_string())
        })
    }

    #[test]
    fn a_claim_follows_its_volume_and_what_is_known_of_volumes() {
        let graph = Graph::new(Facts::new(Knowledge::Unavailable));
        let claim = json!({"metadata": {"name": "data"}, "spec": {"volumeName": "pv"}});
        put(&graph, ObjectKind::Claim, "shop", &claim);
        put(&graph, ObjectKind::Volume, "", &volume("data", "ReadWriteMany"));
        assert_eq!(traits(&graph), Lookup::Unknown);
        graph.set_knowledge(ObjectKind::Volume, Knowledge::Complete);
        assert_eq!(traits(&graph), Lookup::Known("ReadWriteMany".into()));
        put(&graph, ObjectKind::Volume, "", &volume("data", "ReadWriteOnce"));
        assert_eq!(traits(&graph), Lookup::Known("ReadWriteOnce".into()));
        graph.set_knowledge(ObjectKind::Volume, Knowledge::Unavailable);
        assert_eq!(traits(&graph), Lookup::Unknown);
        graph.set_knowledge(ObjectKind::Volume, Knowledge::Complete);
        graph.remove(ObjectKind::Volume, [("".into(), "pv".into())]);
        assert_eq!(traits(&graph), Lookup::Absent);
    }

    #[test]
    fn what_is_laid_over_a_copy_keeps_what_binding_wrote_and_leaves_the_original() {
        let live = Graph::new(Facts::new(Knowledge::Complete));
        let claim = json!({"metadata": {"name": "data"}, "spec": {"volumeName": "pv"}});
        put(&live, ObjectKind::Claim, "shop", &claim);
        put(&live, ObjectKind::Volume, "", &volume("data", "ReadWriteMany"));
        put(
            &live,
            ObjectKind::Service,
            "other",
            &json!({"metadata": {"name": "web"}}),
        );
        let copy = live.copy_of(["shop".into(), "nowhere".into()]);
        assert_eq!(copy.namespaces(), ["shop".into()]);
        let written = r#"{"metadata":{"name":"data"},"spec":{"accessModes":["ReadWriteOnce"]}}"#;
        let Ok(Object::Claim(written)) = Object::read(ObjectKind::Claim, &"shop".into(), written) else {
            unreachable!("it is a claim")
        };
        let former = live.with("shop", |shard| shard.claim("data").cloned()).unwrap();
        copy.insert_claim("shop", written.over(&former));
        assert_eq!(traits(&copy), Lookup::Known("ReadWriteMany".into()));
        copy.remove(ObjectKind::Volume, [("".into(), "pv".into())]);
        assert_eq!(traits(&copy), Lookup::Absent);
        assert_eq!(traits(&live), Lookup::Known("ReadWriteMany".into()));
    }

    #[test]
    fn an_unchanged_node_makes_no_new_facts() {
        let graph = Graph::new(Facts::new(Knowledge::Complete));
        for name in ["b", "a", "b"] {
            put(&graph, ObjectKind::Node, "", &json!({"metadata": {"name": name}}));
        }
        let before = graph.facts();
        put(
            &graph,
            ObjectKind::Node,
            "",
            &json!({"metadata": {"name": "a"}, "status": {"capacity": {"cpu": "1"}}}),
        );
        assert!(Arc::ptr_eq(&before, &graph.facts()));
        put(
            &graph,
            ObjectKind::Node,
            "",
            &json!({"metadata": {"name": "a", "labels": {"zone": "x"}}}),
        );
        let names: Vec<_> = graph.facts().nodes.iter().map(|node| node.name.clone()).collect();
        assert_eq!(names, ["a".into(), "b".into()]);
        assert_eq!(graph.facts().nodes[0].labels.get("zone"), Some("x"));
        graph.remove(ObjectKind::Node, [("".into(), "a".into())]);
        assert_eq!(graph.keys(ObjectKind::Node), [("".into(), "b".into())]);
    }

    #[test]
    fn an_empty_namespace_goes_whatever_is_removed_last() {
        let service = json!({"metadata": {"name": "web"}});
        for namespace_first in [true, false] {
            let graph = Graph::new(Facts::new(Knowledge::Complete));
            put(
                &graph,
                ObjectKind::Namespace,
                "",
                &json!({"metadata": {"name": "shop"}}),
            );
            put(&graph, ObjectKind::Service, "shop", &service);
            assert_eq!(graph.counts()[ObjectKind::Service.index()], 1);
            assert_eq!(graph.keys(ObjectKind::Namespace), [("".into(), "shop".into())]);
            let kinds = [
                (ObjectKind::Namespace, ("".into(), "shop".into())),
                (ObjectKind::Service, ("shop".into(), "web".into())),
            ];
            let order = if namespace_first { [0, 1] } else { [1, 0] };
            for position in order {
                assert_eq!(graph.namespaces().len(), 1);
                let (kind, key): &(ObjectKind, (Name, Name)) = &kinds[position];
                graph.remove(*kind, [key.clone()]);
            }
            assert!(graph.namespaces().is_empty());
        }
    }
}
