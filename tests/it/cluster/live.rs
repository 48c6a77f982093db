//! Reads of single objects while a request waits.

use std::sync::Arc;

use serde_json::{Value, json};
use stateward::cluster::live::{LiveReader, Read};
use stateward::graph::{Facts, Graph, Kind, Knowledge, Lookup, Name, Node, ObjectRef};
use stateward::metrics::Metrics;
use stateward::rules::RULES;

use super::fake::{Fake, failure, list};

const CLAIM: &str = "/api/v1/namespaces/shop/persistentvolumeclaims/data";

fn reader(fake: &Fake) -> (LiveReader, Arc<Graph>, Arc<Metrics>) {
    let graph = Arc::new(Graph::new(Facts::new(Knowledge::Complete)));
    let metrics = Arc::new(Metrics::new(RULES));
    (
        LiveReader::new(fake.client(), graph.clone(), metrics.clone()),
        graph,
        metrics,
    )
}

fn counted(metrics: &Metrics, kind: &str, result: &str, count: u32) {
    let line = format!("stateward_live_reads_total{{kind=\"{kind}\",result=\"{result}\"}} {count}");
    let text = metrics.encode().expect("metrics can be written");
    assert!(text.contains(&line), "no {line} in {text}");
}

#[tokio::test]
async fn a_claim_comes_with_its_volume_and_one_call_serves_all_who_ask() {
    let fake = Fake::default();
    let (reader, graph, metrics) = reader(&fake);
    let volume = json!({"metadata": {"name": "pv"}, "spec": {"accessModes": ["ReadWriteMany"], "nfs": {}}});
    graph.insert(Kind::VOLUME, &"".into(), &volume.to_string()).unwrap();
    let claim = json!({"metadata": {"name": "data", "namespace": "shop"}, "spec": {"volumeName": "pv"}});
    fake.on_read(CLAIM, 200, claim);
    let (shop, data): (Name, _) = ("shop".into(), ObjectRef::new(Kind::CLAIM, "data"));
    let (one, other) = tokio::join!(reader.object(&shop, &data), reader.object(&shop, &data));
    assert_eq!(one, other);
    let Read::Found(Node::Claim(claim)) = one else {
        unreachable!("{one:?}");
    };
    assert_eq!(
        claim.volume.clone().map(|volume| volume.modes.to_string()),
        Lookup::Known("ReadWriteMany".to_owned())
    );
    assert_eq!(fake.calls(CLAIM).len(), 1);
    counted(&metrics, "PersistentVolumeClaim", "found", 1);
}

#[tokio::test]
async fn absence_that_was_asked_for_by_another_is_asked_for_again() {
    let fake = Fake::default();
    let (reader, ..) = reader(&fake);
    let claim = json!({"metadata": {"name": "data", "namespace": "shop"}, "spec": {}});
    fake.on_read(CLAIM, 404, failure(404)).on_read(CLAIM, 200, claim);
    let (shop, data): (Name, _) = ("shop".into(), ObjectRef::new(Kind::CLAIM, "data"));
    let (first, second) = tokio::join!(reader.object(&shop, &data), reader.object(&shop, &data));
    assert_eq!(first, Read::Absent);
    assert!(matches!(second, Read::Found(Node::Claim(_))), "{second:?}");
}

#[tokio::test]
async fn absent_failed_and_late_are_told_apart() {
    let fake = Fake::default();
    let (reader, _, metrics) = reader(&fake);
    fake.on_read(CLAIM, 404, failure(404))
        .on_read(CLAIM, 403, failure(403))
        .on_read(CLAIM, 0, Value::Null)
        .on_read(CLAIM, 404, failure(404));
    let (shop, data): (Name, _) = ("shop".into(), ObjectRef::new(Kind::CLAIM, "data"));
    for wanted in [Read::Absent, Read::Unknown, Read::Unknown, Read::Absent] {
        assert_eq!(reader.object(&shop, &data).await, wanted);
    }
    for (result, count) in [("absent", 2), ("error", 1), ("timeout", 1)] {
        counted(&metrics, "PersistentVolumeClaim", result, count);
    }
}

#[tokio::test]
async fn services_are_all_or_nothing() {
    let fake = Fake::default();
    let (reader, _, metrics) = reader(&fake);
    let path = "/api/v1/namespaces/shop/services";
    let shop: Name = "shop".into();
    fake.on_read(
        path,
        200,
        list(
            "7",
            &[json!({"metadata": {"name": "web"}, "spec": {"clusterIP": "None"}})],
        ),
    )
    .on_read(
        path,
        200,
        list("7", &[json!({"metadata": {"name": "web"}, "spec": {"selector": 7}})]),
    )
    .on_read(path, 0, Value::Null);
    let names = reader.services(&shop).await.unwrap();
    assert_eq!(names.iter().map(|service| &*service.name).collect::<Vec<_>>(), ["web"]);
    assert!(reader.services(&shop).await.is_none());
    assert!(reader.services(&shop).await.is_none());
    for result in ["found", "error", "timeout"] {
        counted(&metrics, "Service", result, 1);
    }
}
