//! What rests on immutable fields that were injected: the lines that the manifests lack.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::graph::{Graph, ObjectRef, Workload};
use crate::rules::kit::template::{self, Record};

/// Each StatefulSet with such fields, with nothing but these, by namespace and name.
#[must_use]
pub fn defaulted(graph: &Graph) -> Vec<Value> {
    let mut found = Vec::new();
    graph.each_shard(|shard| {
        let here: BTreeMap<&ObjectRef, Value> = shard
            .workloads()
            .filter_map(|workload| Some((&workload.id, lacking(workload)?)))
            .collect();
        found.extend(here.into_values());
    });
    found
}

/// The fields of one object; `None` where nothing of it was injected.
fn lacking(workload: &Workload) -> Option<Value> {
    let mut spec = json!({});
    // By name: of one template several fields may be ours.
    let mut templates: BTreeMap<&str, Value> = BTreeMap::new();
    for record in Record::of(workload) {
        let (Record::AccessModes(name) | Record::Resources(name) | Record::Template(name)) = record else {
            spec["serviceName"] = workload.service_name.as_deref().into();
            continue;
        };
        let Some(stored) = template::named(workload, name) else {
            continue;
        };
        let lines = templates
            .entry(name)
            .or_insert_with(|| json!({"metadata": {"name": name}, "spec": {}}));
        match record {
            Record::AccessModes(_) => {
                lines["spec"]["accessModes"] = template::modes(stored.modes);
            }
            Record::Resources(_) => {
                lines["spec"]["resources"]["requests"]["storage"] = stored.storage.as_deref().into();
            }
            Record::ServiceName | Record::Template(_) => *lines = template::whole(stored),
        }
    }
    if !templates.is_empty() {
        spec["volumeClaimTemplates"] = templates.into_values().collect();
    }
    let is_empty = spec.as_object().is_none_or(serde_json::Map::is_empty);
    (!is_empty).then(|| {
        json!({
            "apiVersion": workload.id.kind.api_version(),
            "kind": workload.id.kind.as_str(),
            "metadata": {"name": *workload.id.name, "namespace": *workload.namespace},
            "spec": spec,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::project::WorkloadSeed;
    use crate::graph::{Facts, Kind, Knowledge, Name};

    #[test]
    fn what_was_injected_is_told_and_nothing_else() {
        let (graph, namespace) = (Graph::new(Facts::new(Knowledge::Complete)), Name::from("shop"));
        for (name, records) in [
            (
                "db",
                "/spec/serviceName /spec/volumeClaimTemplates/data/spec/accessModes",
            ),
            ("log", "/spec/volumeClaimTemplates/logs"),
            ("own", "/spec/volumeClaimTemplates/other nonsense"),
        ] {
            let object = json!({
                "apiVersion": "apps/v1", "kind": "StatefulSet",
                "metadata": {"name": name, "namespace": "shop", "annotations": {"stateward.dev/defaulted": records}},
                "spec": {
                    "serviceName": "peers", "selector": {"matchLabels": {"app": name}},
                    "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": []}},
                    "volumeClaimTemplates": [
                        {"metadata": {"name": "data"}, "spec": {
                            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}},
                        }},
                        {"metadata": {"name": "logs"}, "spec": {
                            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Gi"}},
                            "storageClassName": "fast",
                        }},
                    ],
                },
            });
            let seed = WorkloadSeed::new(Kind::STATEFUL_SET, &namespace).unwrap();
            let workload = seed.read(&object.to_string()).unwrap().workload;
            graph.with("shop", |shard| shard.insert_workload(workload.into()));
        }
        let found = defaulted(&graph);
        let specs: Vec<(&str, &Value)> = found
            .iter()
            .map(|object| (object["metadata"]["name"].as_str().unwrap(), &object["spec"]))
            .collect();
        let db = json!({
            "serviceName": "peers",
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}],
        });
        let log = json!({"volumeClaimTemplates": [{"metadata": {"name": "logs"}, "spec": {
            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Gi"}}, "storageClassName": "fast",
        }}]});
        assert_eq!(specs, [("db", &db), ("log", &log)]);
    }
}
