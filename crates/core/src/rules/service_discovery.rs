//! `service-discovery`: the governing Service is headless, and peers still do not find one another by it.

use super::kit::data_stores::is_named;
use super::kit::{
    Action, Case, Finding, Injection, Outcome, Parameter, ParameterKind, PatchOperation, Rule, Surroundings, governing,
};
use crate::graph::{Exposure, Features, Field, Image, Service, Workload};

/// The parameter that says which images look for their peers before they are ready.
const PEERS: Parameter = Parameter {
    name: "peers",
    summary: "the images that look for peers before they are ready, by the last segment of their paths, or the last two",
    kind: ParameterKind::List(IMAGES),
};

/// Servers that form a cluster before they answer their readiness probe, by what their documentation says of the
/// headless Service.
const IMAGES: &[&str] = &[
    "cassandra",
    "cockroach",
    "consul",
    "couchbase",
    "elasticsearch",
    "etcd",
    "kafka",
    "mariadb-galera",
    "nats",
    "opensearch",
    "rabbitmq",
    "scylla",
    "zookeeper",
];

/// The labels that name an application, as Kubernetes recommends it and as it was done before.
const APPLICATION: [&str; 2] = ["app.kubernetes.io/name", "app"];

/// See `service-discovery.md`.
pub(super) static RULE: Rule = Rule {
    id: "service-discovery",
    summary: "the governing Service of a StatefulSet has no SRV records, leads to no port, or hides pods that start",
    page: include_str!("service-discovery.md"),
    since: "0.1.0",
    cases: &[Case {
        when: "",
        baseline: None,
        strict: Some(Action::Warn),
    }],
    parameters: &[PEERS],
    judges: Features::having(Field::ServiceName),
    judge: Some(judge),
    inject_service: Some(inject),
    injection: Injection::OptIn,
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    if workload.replicas <= 1 {
        return;
    }
    let service = workload.service_name.as_deref();
    let Some(service) = service.and_then(|name| cx.view.service(name).known()) else {
        return;
    };
    // Of one that is not headless, or selects other pods, other rules speak.
    if service.exposure != Exposure::Headless || !service.selects(&workload.pods.labels) {
        return;
    }
    let name = &service.name;
    let first = findings.len();
    if service.unnamed_port {
        findings.push(
            Finding::violation(&RULE, &workload.id, name)
                .says(
                    format!(
                        "its governing Service \"{name}\" has a port without a name, so no SRV record tells peers of it"
                    ),
                    format!("a port of Service \"{name}\" has no name: no SRV record"),
                )
                .remedy(format!("Name the port in Service \"{name}\", such as name: peer"))
                .related(governing::reference(name), "/spec/ports", "a port has no name"),
        );
    }
    let ports = &workload.pods.ports;
    for port in service.target_ports.iter().filter(|port| !ports.contains(port)) {
        findings.push(
            Finding::violation(&RULE, &workload.id, port)
                .says(
                    format!(
                        "its governing Service \"{name}\" leads to port \"{port}\", which no container of its pods has, \
                         so that port gets no endpoint and no SRV record"
                    ),
                    format!("Service \"{name}\" leads to port \"{port}\" that no container has"),
                )
                .remedy(format!("Name a container's port \"{port}\", or write the number as targetPort"))
                .related(governing::reference(name), "/spec/ports", format!("leads to port \"{port}\"")),
        );
    }
    if let Some(image) = hidden_peer(workload, service, cx) {
        findings.push(
            Finding::violation(&RULE, &workload.id, "publishNotReadyAddresses")
                .says(
                    format!(
                        "{} looks for its peers before it is ready, and Service \"{name}\" gives pods their names only \
                         once they are: a cluster that starts may wait for ever",
                        image.repository
                    ),
                    format!("Service \"{name}\" hides peers until they are ready"),
                )
                .remedy(format!(
                    "Publish them at once: kubectl patch service {name} -n {} -p \
                     '{{\"spec\":{{\"publishNotReadyAddresses\":true}}}}'",
                    workload.namespace
                ))
                .related(
                    governing::reference(name),
                    "/spec/publishNotReadyAddresses",
                    "publishNotReadyAddresses is not set",
                ),
        );
    }
    for finding in &mut findings[first..] {
        finding.path = workload.id.kind.own_path("/spec/serviceName");
    }
}

fn hidden_peer<'a>(workload: &'a Workload, service: &Service, cx: &Surroundings<'_>) -> Option<&'a Image> {
    let mut images = workload.pods.images.iter();
    images.find(|image| !service.publishes_unready && is_peer(&image.repository, cx))
}

fn is_peer(repository: &str, cx: &Surroundings<'_>) -> bool {
    match cx.parameters.list(PEERS.name) {
        Some(names) => is_named(repository, names),
        None => is_named(repository, IMAGES),
    }
}

/// On an update too, for a replacement by the same manifest takes the field out; but not where it was stored so.
fn inject(service: &Service, before: Option<&Service>, cx: &Surroundings<'_>) -> Outcome {
    let stored_so = before.is_some_and(|before| !before.publishes_unready);
    if stored_so || service.publishes_unready || service.exposure != Exposure::Headless || !leads_to_peers(service, cx)
    {
        return Outcome::Nothing;
    }
    Outcome::inject(
        vec![PatchOperation::add("/spec/publishNotReadyAddresses", true)],
        Vec::new(),
    )
}

/// Returns true where the pods of a headless Service look for one another before they are ready. Those who apply send it
/// before the StatefulSet: then the application that it selects says what runs in them.
fn leads_to_peers(service: &Service, cx: &Surroundings<'_>) -> bool {
    let mut sets = cx.view.governed(&service.name);
    sets.retain(|set| service.selects(&set.pods.labels));
    if sets.is_empty() {
        let mut named = APPLICATION.iter().filter_map(|key| service.selector.get(key));
        return named.any(|name| is_peer(name, cx));
    }
    let is_hidden = |set: &&Workload| set.replicas > 1 && hidden_peer(set, service, cx).is_some();
    sets.iter().any(is_hidden)
}
