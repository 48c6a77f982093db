//! Filling the graph: inserting, removing and counting objects of any kind.

use super::facts::{Class, ClusterNode, Driver, Facts, Knowledge};
use super::kind::{Kind, Role};
use super::kinds::Kinds;
use super::lookup::Lookup;
use super::names::{Name, ObjectRef};
use super::node::Node;
use super::shard::{NamespaceFacts, Shard};
use super::store::Graph;
use super::touched::Touched;

impl Graph {
    /// Puts objects in, each with the namespace it is in (empty for those in none), and says what that touched. What is
    /// the same already costs a comparison; all classes, drivers and nodes together cost one new picture of the facts, so
    /// hand in whole lists.
    pub fn insert_all(&self, objects: impl IntoIterator<Item = (Name, Node)>) -> Touched {
        let known = self.facts();
        let mut touched = Touched::default();
        let mut changes = Vec::new();
        for (namespace, node) in objects {
            match node {
                Node::Claim(claim) => self.insert_claim(&namespace, claim, &mut touched),
                Node::Namespace(name, facts) => self.set_namespace(&name, Lookup::Known(facts), &mut touched),
                Node::Volume(volume) => self.insert_volume(volume, &mut touched),
                Node::Autoscaler(_) | Node::Service(_) | Node::Workload(_) => {
                    self.write(&namespace, &node.object(), Some(node), &mut touched);
                }
                Node::Class(class) => changes.push(Fact::Class(class)),
                Node::Driver(driver) => changes.push(Fact::Driver(driver)),
                Node::ClusterNode(node) => changes.push(Fact::Node(node)),
            }
        }
        // A node reports every few seconds; what we keep of it hardly ever changes.
        changes.retain(|fact| !fact.is_in(&known));
        if !changes.is_empty() {
            self.update_facts(|facts| changes.iter().for_each(|fact| fact.clone().put(facts)));
            touched.everything = true;
        }
        touched
    }

    /// Takes objects of one kind out, by namespace (empty for those in none) and name, and says what that touched.
    pub fn remove(&self, kind: Kind, objects: impl IntoIterator<Item = (Name, Name)>) -> Touched {
        let mut touched = Touched::default();
        let mut facts_gone = Vec::new();
        for (namespace, name) in objects {
            match kind.role() {
                Role::Class | Role::Driver | Role::Node => facts_gone.push(name),
                Role::Volume => self.remove_volume(&name, &mut touched),
                Role::Namespace => self.set_namespace(&name, Lookup::Absent, &mut touched),
                Role::Claim => self.remove_claim(&namespace, &name, &mut touched),
                Role::Autoscaler(_) | Role::Service | Role::Workload(_) => {
                    self.write(&namespace, &ObjectRef::new(kind, name), None, &mut touched);
                }
            }
        }
        if !facts_gone.is_empty() {
            self.update_facts(|facts| match kind.role() {
                Role::Class => facts.classes.retain(|name, _| !facts_gone.contains(name)),
                Role::Driver => facts.drivers.retain(|name, _| !facts_gone.contains(name)),
                _ => facts.nodes.retain(|node| !facts_gone.contains(&node.name)),
            });
            touched.everything = true;
        }
        touched
    }

    /// Says which kinds there are. The objects of a kind that is gone, or of which something else is said now, are taken
    /// out; what others were taken for that refer to it is as old as they are.
    pub fn set_kinds(&self, kinds: &'static Kinds) -> Touched {
        let facts = self.facts();
        let is_kept = |former: &Kind| kinds.iter().any(|kind| kind.is_row_of(*former));
        for gone in facts.kinds.iter().filter(|kind| !is_kept(kind)) {
            // Before they go, so that nobody takes what is going for absent.
            self.set_knowledge(gone, Knowledge::Unavailable);
            self.remove(gone, self.keys(gone));
        }
        self.update_facts(|facts| facts.set_kinds(kinds));
        Touched {
            everything: true,
            ..Touched::default()
        }
    }

    fn set_namespace(&self, name: &Name, facts: Lookup<NamespaceFacts>, touched: &mut Touched) {
        let there = matches!(facts, Lookup::Known(_));
        let set = |shard: &mut Shard| {
            if *shard.facts() != facts {
                touched.all_of(name);
                shard.set_facts(facts);
            }
        };
        if there {
            self.with(name, set);
        } else {
            self.remove_from(name, set);
        }
    }

    /// Namespace (empty for those in none) and name of every object of a kind, sorted: what a relist compares with.
    #[must_use]
    pub fn keys(&self, kind: Kind) -> Vec<(Name, Name)> {
        let nowhere: Name = "".into();
        let global = |names: Vec<Name>| names.into_iter().map(|name| (nowhere.clone(), name)).collect();
        let facts = self.facts();
        match kind.role() {
            Role::Class => return global(facts.classes.keys().cloned().collect()),
            Role::Driver => return global(facts.drivers.keys().cloned().collect()),
            Role::Node => return global(facts.nodes.iter().map(|node| node.name.clone()).collect()),
            Role::Volume => return global(self.volume_names()),
            _ => {}
        }
        let mut keys = Vec::new();
        self.each_shard(|shard| {
            let mut add = |name: &Name| keys.push((shard.namespace.clone(), name.clone()));
            match kind.role() {
                Role::Autoscaler(_) => {
                    let autoscalers = shard.autoscalers().filter(|one| one.id.kind == kind);
                    autoscalers.for_each(|one| add(&one.id.name));
                }
                Role::Claim => shard.claims().for_each(|one| add(&one.name)),
                Role::Service => shard.services().for_each(|one| add(&one.name)),
                Role::Workload(_) => {
                    let workloads = shard.workloads().filter(|one| one.id.kind == kind);
                    workloads.for_each(|one| add(&one.id.name));
                }
                _ if matches!(shard.facts(), Lookup::Known(_)) => keys.push((nowhere.clone(), shard.namespace.clone())),
                _ => {}
            }
        });
        keys.sort_unstable();
        keys
    }

    /// How many objects of each kind there are, in the order of the table. Walks the whole graph.
    #[must_use]
    pub fn counts(&self) -> Vec<(Kind, usize)> {
        let facts = self.facts();
        let mut counts = vec![0; facts.kinds.positions()];
        // Of a kind that came a moment ago there may be objects already.
        let mut add = |kind: Kind, count| {
            if let Some(counted) = counts.get_mut(kind.position()) {
                *counted += count;
            }
        };
        add(Kind::CLASS, facts.classes.len());
        add(Kind::DRIVER, facts.drivers.len());
        add(Kind::NODE, facts.nodes.len());
        add(Kind::VOLUME, self.volume_count());
        self.each_shard(|shard| {
            shard.autoscalers().for_each(|one| add(one.id.kind, 1));
            add(Kind::CLAIM, shard.claims().count());
            add(Kind::NAMESPACE, usize::from(matches!(shard.facts(), Lookup::Known(_))));
            add(Kind::SERVICE, shard.services().count());
            shard.workloads().for_each(|one| add(one.id.kind, 1));
        });
        let kinds = facts.kinds.iter();
        kinds.map(|kind| (kind, counts[kind.position()])).collect()
    }
}

/// An object that is a part of [`Facts`].
#[derive(Clone)]
enum Fact {
    Class(Class),
    Driver(Driver),
    Node(ClusterNode),
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
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::graph::{Claim, Knowledge};

    fn put(graph: &Graph, kind: Kind, namespace: &str, object: &serde_json::Value) {
        let namespace: Name = namespace.into();
        graph.insert(kind, &namespace, &object.to_string()).unwrap();
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
        put(&graph, Kind::CLAIM, "shop", &claim);
        put(&graph, Kind::VOLUME, "", &volume("data", "ReadWriteMany"));
        assert_eq!(traits(&graph), Lookup::Unknown);
        graph.set_knowledge(Kind::VOLUME, Knowledge::Complete);
        assert_eq!(traits(&graph), Lookup::Known("ReadWriteMany".into()));
        put(&graph, Kind::VOLUME, "", &volume("data", "ReadWriteOnce"));
        assert_eq!(traits(&graph), Lookup::Known("ReadWriteOnce".into()));
        graph.set_knowledge(Kind::VOLUME, Knowledge::Unavailable);
        assert_eq!(traits(&graph), Lookup::Unknown);
        graph.set_knowledge(Kind::VOLUME, Knowledge::Complete);
        graph.remove(Kind::VOLUME, [("".into(), "pv".into())]);
        assert_eq!(traits(&graph), Lookup::Absent);
    }

    #[test]
    fn what_is_laid_over_a_copy_keeps_what_binding_wrote_and_leaves_the_original() {
        let live = Graph::new(Facts::new(Knowledge::Complete));
        let claim = json!({"metadata": {"name": "data"}, "spec": {"volumeName": "pv"}});
        put(&live, Kind::CLAIM, "shop", &claim);
        put(&live, Kind::VOLUME, "", &volume("data", "ReadWriteMany"));
        put(&live, Kind::SERVICE, "other", &json!({"metadata": {"name": "web"}}));
        let copy = live.copy_of(["shop".into(), "nowhere".into()]);
        assert_eq!(copy.namespaces(), ["shop"]);
        let written = r#"{"metadata":{"name":"data"},"spec":{"accessModes":["ReadWriteOnce"]}}"#;
        let written = Claim::read(&mut crate::json::Reader::new(written));
        let former = live.with("shop", |shard| shard.claim("data").cloned()).unwrap();
        copy.insert_all([("shop".into(), Node::Claim(Arc::new(written.over(&former))))]);
        assert_eq!(traits(&copy), Lookup::Known("ReadWriteMany".into()));
        copy.remove(Kind::VOLUME, [("".into(), "pv".into())]);
        assert_eq!(traits(&copy), Lookup::Absent);
        assert_eq!(traits(&live), Lookup::Known("ReadWriteMany".into()));
    }

    #[test]
    fn an_unchanged_node_makes_no_new_facts() {
        let graph = Graph::new(Facts::new(Knowledge::Complete));
        for name in ["b", "a", "b"] {
            put(&graph, Kind::NODE, "", &json!({"metadata": {"name": name}}));
        }
        let before = graph.facts();
        put(
            &graph,
            Kind::NODE,
            "",
            &json!({"metadata": {"name": "a"}, "status": {"capacity": {"cpu": "1"}}}),
        );
        assert!(Arc::ptr_eq(&before, &graph.facts()));
        put(
            &graph,
            Kind::NODE,
            "",
            &json!({"metadata": {"name": "a", "labels": {"zone": "x"}}}),
        );
        let names: Vec<_> = graph.facts().nodes.iter().map(|node| node.name.clone()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(graph.facts().nodes[0].labels.get("zone"), Some("x"));
        graph.remove(Kind::NODE, [("".into(), "a".into())]);
        assert_eq!(graph.keys(Kind::NODE), [("".into(), "b".into())]);
    }

    #[test]
    fn an_empty_namespace_goes_whatever_is_removed_last() {
        let service = json!({"metadata": {"name": "web"}});
        for namespace_first in [true, false] {
            let graph = Graph::new(Facts::new(Knowledge::Complete));
            put(&graph, Kind::NAMESPACE, "", &json!({"metadata": {"name": "shop"}}));
            put(&graph, Kind::SERVICE, "shop", &service);
            assert_eq!(graph.counts()[Kind::SERVICE.position()], (Kind::SERVICE, 1));
            assert_eq!(graph.keys(Kind::NAMESPACE), [("".into(), "shop".into())]);
            let kinds = [
                (Kind::NAMESPACE, ("".into(), "shop".into())),
                (Kind::SERVICE, ("shop".into(), "web".into())),
            ];
            let order = if namespace_first { [0, 1] } else { [1, 0] };
            for position in order {
                assert_eq!(graph.namespaces().len(), 1);
                let (kind, key): &(Kind, (Name, Name)) = &kinds[position];
                graph.remove(*kind, [key.clone()]);
            }
            assert!(graph.namespaces().is_empty());
        }
    }
}
