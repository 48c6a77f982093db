//! Everything is judged, in however many parts.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::{Auditor, Store};
use crate::graph::{Facts, Graph, Kind, Knowledge, Name};
use crate::metrics::Metrics;
use crate::policy::{Policies, Profile, Settings};
use crate::rules::RULES;

/// More than a part, and not a whole number of them.
const WORKLOADS: usize = 200;

fn shop() -> Name {
    "shop".into()
}

fn name(number: usize) -> String {
    format!("web-{number}")
}

/// A Deployment whose replicas share a volume.
fn deployment(number: usize) -> String {
    let name = name(number);
    format!(
        r#"{{"metadata":{{"name":"{name}","namespace":"shop","uid":"00000000-0000-4000-8000-{number:012x}"}},"spec":{{"replicas":3,"strategy":{{"type":"Recreate"}},"selector":{{"matchLabels":{{"app":"{name}"}}}},"template":{{"metadata":{{"labels":{{"app":"{name}"}}}},"spec":{{"containers":[{{"name":"web","image":"web","volumeMounts":[{{"name":"data","mountPath":"/data"}}]}}],"volumes":[{{"name":"data","persistentVolumeClaim":{{"claimName":"{name}"}}}}]}}}}}}}}"#
    )
}

fn claim(number: usize) -> String {
    let name = name(number);
    format!(r#"{{"metadata":{{"name":"{name}","namespace":"shop"}},"spec":{{"accessModes":["ReadWriteOnce"]}}}}"#)
}

#[test]
fn a_large_namespace_is_judged_whole_and_forgets_what_is_gone() {
    let graph = Arc::new(Graph::new(Facts::new(Knowledge::Complete)));
    let put = |kind, json: &str| graph.insert(kind, &shop(), json).unwrap();
    for number in 0..WORKLOADS {
        put(Kind::CLAIM, &claim(number));
        put(Kind::DEPLOYMENT, &deployment(number));
    }
    let policies = Policies::everywhere(Settings::new(Profile::Baseline, RULES));
    let auditor = Auditor {
        graph: graph.clone(),
        policies: Arc::new(ArcSwap::from_pointee(policies)),
        changes: Arc::default(),
        store: Arc::new(Store::new(Vec::new())),
        metrics: Arc::new(Metrics::new(RULES)),
    };
    auditor.judge_everything();
    let found = auditor.store.workloads();
    assert_eq!(found.len(), WORKLOADS);

    // No event tells of it.
    let gone = (0..WORKLOADS)
        .step_by(2)
        .map(|number| (shop(), Name::from(name(number).as_str())));
    let _ = graph.remove(Kind::DEPLOYMENT, gone);
    auditor.judge_everything();
    let left = auditor.store.workloads();
    assert_eq!(left.len(), WORKLOADS / 2);
    assert!(left.iter().all(|workload| found.contains(workload)), "{left:?}");
    let count: u64 = auditor.store.tally().bounded(1).iter().map(|(.., count)| count).sum();
    assert_eq!(count, WORKLOADS as u64 / 2);
}
