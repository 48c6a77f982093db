//! A graph of any size, filled as watches fill it: from the JSON of every object.

#![expect(
    clippy::expect_used,
    reason = "a benchmark that cannot build its world has nothing to measure"
)]

use stateward::graph::{Class, ClusterNode, Driver, Facts, Graph, Kind, Knowledge, Labels, Name};

use super::objects::{self, Deployment};

/// How many objects of each kind.
#[derive(Clone, Copy)]
pub struct Size {
    pub workloads: usize,
    pub claims: usize,
    pub services: usize,
    pub autoscalers: usize,
}

impl Size {
    /// So many workloads, with as many neighbours as a cluster has for them.
    pub fn of(workloads: usize) -> Self {
        Self {
            workloads,
            claims: workloads,
            services: workloads / 2,
            autoscalers: workloads / 5,
        }
    }
}

/// Of ten workloads six are Deployments, two StatefulSets, one a DaemonSet and one a CronJob.
pub fn kind(number: usize) -> Kind {
    match number % 10 {
        0..=5 => Kind::DEPLOYMENT,
        6 | 7 => Kind::STATEFUL_SET,
        8 => Kind::DAEMON_SET,
        _ => Kind::CRON_JOB,
    }
}

/// The workload with this number.
pub fn workload(number: usize) -> String {
    match number % 10 {
        0..=5 => Deployment::clean(number).json(),
        6 | 7 => objects::stateful_set(number),
        8 => objects::daemon_set(number),
        _ => objects::cron_job(number),
    }
}

/// A cluster of which everything is known: 50 nodes, two classes, one driver that attaches.
pub fn empty() -> Graph {
    let mut facts = Facts::new(Knowledge::Complete);
    for (name, provisioner) in [("fast", "disk.csi.example.com"), ("shared", "nfs.csi.example.com")] {
        let class = Class {
            name: name.into(),
            provisioner: provisioner.into(),
            immediate: false,
            is_default: name == "fast",
        };
        facts.classes.insert(name.into(), class);
    }
    let driver = Driver {
        name: "disk.csi.example.com".into(),
        attach_required: true,
        selinux_mount: false,
    };
    facts.drivers.insert(driver.name.clone(), driver);
    facts.nodes.extend((0..50).map(|number| ClusterNode {
        name: format!("node-{number}").into(),
        labels: Labels::from_pairs([("kubernetes.io/hostname", &*format!("node-{number}"))]),
    }));
    Graph::new(facts)
}

/// Puts `size` objects in.
pub fn fill(graph: &Graph, size: Size) {
    for number in 0..objects::NAMESPACES {
        let name = objects::namespace(number);
        let json = format!(r#"{{"metadata":{{"name":"{name}","labels":{{"kubernetes.io/metadata.name":"{name}"}}}}}}"#);
        insert(graph, Kind::NAMESPACE, number, &json);
    }
    for number in 0..size.workloads {
        insert(graph, kind(number), number, &workload(number));
    }
    for number in 0..size.claims {
        insert(graph, Kind::CLAIM, number, &objects::claim(number));
    }
    // Every StatefulSet has its Service; the others are Deployments'.
    let with_service = (0..size.workloads).filter(|number| matches!(number % 10, 0 | 1 | 2 | 6 | 7));
    for number in with_service.take(size.services) {
        insert(graph, Kind::SERVICE, number, &objects::service(number));
    }
    let scaled = (0..size.workloads).filter(|number| matches!(number % 10, 3 | 4));
    for number in scaled.take(size.autoscalers) {
        insert(graph, Kind::AUTOSCALER, number, &objects::autoscaler(number, 1));
    }
}

/// Puts the volumes of `claims` claims in.
pub fn fill_volumes(graph: &Graph, claims: usize) {
    for number in 0..claims {
        insert(graph, Kind::VOLUME, number, &objects::volume(number));
    }
}

fn insert(graph: &Graph, kind: Kind, number: usize, json: &str) {
    let namespace: Name = objects::namespace(number).into();
    graph.insert(kind, &namespace, json).expect("a readable object");
}
