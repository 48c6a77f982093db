//! Whole objects of a namespace, once: what is converted, and what may refer to it.

use kube::Client;
use serde_json::Value;

use super::wire;

/// Of which kinds, by the path of their API and their resource; a cluster need not have those of others.
const RESOURCES: [(&str, &str); 14] = [
    ("/api/v1", "persistentvolumeclaims"),
    ("/api/v1", "pods"),
    ("/api/v1", "services"),
    ("/apis/apps/v1", "daemonsets"),
    ("/apis/apps/v1", "deployments"),
    ("/apis/apps/v1", "replicasets"),
    ("/apis/apps/v1", "statefulsets"),
    ("/apis/autoscaling.k8s.io/v1", "verticalpodautoscalers"),
    ("/apis/autoscaling/v2", "horizontalpodautoscalers"),
    ("/apis/batch/v1", "cronjobs"),
    ("/apis/batch/v1", "jobs"),
    ("/apis/keda.sh/v1alpha1", "scaledobjects"),
    ("/apis/networking.k8s.io/v1", "networkpolicies"),
    ("/apis/policy/v1", "poddisruptionbudgets"),
];

/// What was read.
#[derive(Debug, Default)]
pub struct Objects {
    pub objects: Vec<Value>,
    /// Resources that may not be listed.
    pub forbidden: Vec<&'static str>,
}

/// Lists them.
///
/// # Errors
/// An API server that does not answer. A refusal is none, nor a kind that it does not have.
pub async fn list(client: &Client, namespace: &str) -> Result<Objects, kube::Error> {
    let mut found = Objects::default();
    for (api, resource) in RESOURCES {
        let collection = format!("{api}/namespaces/{namespace}/{resource}");
        let mut next = String::new();
        loop {
            let request = http::Request::get(wire::page(&collection, &next)).body(Vec::new());
            let request = request.map_err(|error| kube::Error::Service(error.into()))?;
            match client.request::<Value>(request).await {
                Ok(mut page) => {
                    next = page["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
                    found.objects.extend(items(&mut page));
                }
                Err(kube::Error::Api(status)) if status.code == 403 => found.forbidden.push(resource),
                Err(kube::Error::Api(status)) if status.code == 404 => {}
                Err(error) => return Err(error),
            }
            if next.is_empty() {
                break;
            }
        }
    }
    Ok(found)
}

/// The items of a list, each with its kind, which only the list tells.
fn items(page: &mut Value) -> Vec<Value> {
    let version = page["apiVersion"].take();
    let kind = page["kind"]
        .as_str()
        .and_then(|kind| kind.strip_suffix("List"))
        .map(str::to_owned);
    let items = page["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
    let whole = |mut item: Value| {
        item["apiVersion"] = version.clone();
        item["kind"] = kind.clone().into();
        item
    };
    items.into_iter().map(whole).collect()
}
