//! Small worlds: a namespace with a few of everything, known in whole or in part.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use serde_json::{Value, json};
use stateward::graph::{Facts, Graph, Kind, Kinds, Knowledge, Name};

use super::changes::workload_kinds;
use super::dice::Dice;
use super::workloads::{NAMES, workload};

pub const CLAIMS: [&str; 4] = ["shared", "data-db-0", "own", "nowhere"];
pub const SERVICES: [&str; 2] = ["web", "db"];

/// Objects by kind and name, and how far each kind is known.
#[derive(Clone, Debug)]
pub struct World {
    pub objects: BTreeMap<(Kind, String), Value>,
    pub knowledge: Vec<(Kind, Knowledge)>,
}

/// Bytes to make worlds and requests of.
pub fn entropy() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..320)
}

impl World {
    pub fn new(dice: &mut Dice<'_>) -> Self {
        let mut world = Self {
            objects: BTreeMap::new(),
            knowledge: Vec::new(),
        };
        if dice.one_in(5) {
            let knowledge = dice.pick(&[Knowledge::Partial, Knowledge::Unavailable]);
            world
                .knowledge
                .push((dice.pick(&Kinds::builtin().iter().collect::<Vec<_>>()), knowledge));
        }
        for _ in 0..dice.below(4) {
            let kind = dice.pick(&workload_kinds());
            let name = dice.pick(&NAMES);
            world.add(kind, workload(kind, name, dice));
        }
        for _ in 0..dice.below(4) {
            let name = dice.pick(&CLAIMS);
            world.add(Kind::CLAIM, claim(name, dice));
        }
        for _ in 0..dice.below(3) {
            let name = dice.pick(&SERVICES);
            world.add(Kind::SERVICE, service(name, dice));
        }
        if dice.one_in(3) {
            world.add(Kind::AUTOSCALER, autoscaler("auto", dice));
        }
        for node in &["n1", "n2", "n3"][..dice.below(4)] {
            let node = json!({"metadata": {"name": node, "labels": {"kubernetes.io/hostname": node}}});
            world.add(Kind::NODE, node);
        }
        if dice.one_in(2) {
            let class =
                json!({"metadata": {"name": "fast"}, "provisioner": dice.pick(&["csi", "rancher.io/local-path"])});
            world.add(Kind::CLASS, class);
        }
        if dice.one_in(2) {
            let driver = json!({"metadata": {"name": "csi"}, "spec": {"attachRequired": !dice.one_in(4)}});
            world.add(Kind::DRIVER, driver);
        }
        if dice.one_in(3) {
            world.add(Kind::VOLUME, volume(dice));
        }
        if dice.one_in(8) {
            let namespace = json!({"metadata": {"name": "shop"}, "status": {"phase": "Terminating"}});
            world.add(Kind::NAMESPACE, namespace);
        }
        world
    }

    pub fn add(&mut self, kind: Kind, object: Value) {
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        self.objects.insert((kind, name), object);
    }

    /// The graph of this world, filled in the order that `rank` gives.
    pub fn graph(&self, rank: impl Fn(usize) -> u64) -> Arc<Graph> {
        let mut facts = Facts::new(Knowledge::Complete);
        for (kind, knowledge) in &self.knowledge {
            facts.set_knowledge(*kind, *knowledge);
        }
        let graph = Graph::new(facts);
        let shop: Name = "shop".into();
        let mut objects: Vec<_> = self.objects.iter().enumerate().collect();
        objects.sort_by_key(|(position, _)| rank(*position));
        for (_, ((kind, _), object)) in objects {
            let inserted = graph.insert(*kind, &shop, &object.to_string());
            assert!(inserted.is_ok(), "{inserted:?}: {object}");
        }
        Arc::new(graph)
    }
}

pub fn claim(name: &str, dice: &mut Dice<'_>) -> Value {
    let modes = dice.pick(&[
        json!(["ReadWriteOnce"]),
        json!(["ReadWriteOncePod"]),
        json!(["ReadWriteMany"]),
        json!(["ReadOnlyMany", "ReadWriteOnce"]),
        json!(["ReadWriteSometimes"]),
        json!(null),
    ]);
    let mut claim = json!({"metadata": {"name": name, "namespace": "shop"}, "spec": {"accessModes": modes}});
    match dice.below(5) {
        0 => {}
        1 => claim["spec"]["storageClassName"] = json!("fast"),
        2 => claim["spec"]["storageClassName"] = json!(""),
        3 => claim["spec"]["volumeName"] = json!("pv"),
        _ => claim["status"] = json!({"accessModes": ["ReadWriteOnce"]}),
    }
    claim
}

pub fn service(name: &str, dice: &mut Dice<'_>) -> Value {
    let spec = dice.pick(&[
        json!({"clusterIP": "None", "selector": {"app": "web"}}),
        json!({"clusterIP": "None", "selector": {"app": "db"}}),
        json!({"clusterIP": "10.0.0.1", "selector": {"app": "web"}}),
        json!({"type": "ExternalName"}),
        json!({}),
    ]);
    json!({"metadata": {"name": name, "namespace": "shop"}, "spec": spec})
}

pub fn autoscaler(name: &str, dice: &mut Dice<'_>) -> Value {
    let kind = dice.pick(&[Kind::DEPLOYMENT, Kind::STATEFUL_SET, Kind::REPLICA_SET]);
    let target = json!({"apiVersion": kind.api_version(), "kind": kind.as_str(), "name": dice.pick(&NAMES)});
    json!({"metadata": {"name": name, "namespace": "shop"},
        "spec": {"scaleTargetRef": target, "maxReplicas": dice.pick(&[1, 2, 10])}})
}

fn volume(dice: &mut Dice<'_>) -> Value {
    let mut volume = json!({"metadata": {"name": "pv"}, "spec": {
        "accessModes": [dice.pick(&["ReadWriteOnce", "ReadWriteMany"])],
        "claimRef": {"namespace": "shop", "name": dice.pick(&CLAIMS)}}});
    match dice.below(4) {
        0 => volume["spec"]["csi"] = json!({"driver": "csi"}),
        1 => volume["spec"]["nfs"] = json!({}),
        2 => volume["spec"]["hostPath"] = json!({}),
        _ => volume["spec"]["gcePersistentDisk"] = json!({}),
    }
    volume
}
