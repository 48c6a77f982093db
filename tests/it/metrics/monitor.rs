//! What the Prometheus Operator is to scrape is what an installation has.

use serde_json::{Value, json};

use super::{documents, list};

#[test]
fn the_service_monitor_finds_the_replicas() {
    let objects = documents("deploy/metrics/servicemonitor.yaml");
    let [service, monitor] = &objects[..] else {
        panic!("a Service and a ServiceMonitor: {objects:?}");
    };
    // The pods.
    let installed = documents("deploy/install.yaml");
    let deployment = installed.iter().find(|object| object["kind"] == "Deployment");
    let deployment = deployment.expect("a Deployment");
    let within = |some: &Value, all: &Value| {
        let all = all.as_object().expect("labels");
        let mut some = some.as_object().expect("labels").iter();
        some.all(|(key, value)| all.get(key) == Some(value))
    };
    let template = &deployment["spec"]["template"];
    assert!(within(&service["spec"]["selector"], &template["metadata"]["labels"]));
    let ports = &template["spec"]["containers"][0]["ports"];
    let port = list(ports).iter().find(|port| port["containerPort"] == 8080);
    assert_eq!(
        port.expect("the admin port")["name"],
        service["spec"]["ports"][0]["targetPort"]
    );
    // The Service, and no other.
    let selector = &monitor["spec"]["selector"]["matchLabels"];
    assert!(within(selector, &service["metadata"]["labels"]));
    let mut services = installed.iter().filter(|object| object["kind"] == "Service");
    assert!(services.all(|other| !within(selector, &other["metadata"]["labels"])));
    let endpoints = json!([{"port": service["spec"]["ports"][0]["name"], "path": "/metrics", "honorLabels": true}]);
    assert_eq!(monitor["spec"]["endpoints"], endpoints);
    for object in [service, monitor] {
        assert_eq!(object["metadata"]["namespace"], deployment["metadata"]["namespace"]);
    }
}
