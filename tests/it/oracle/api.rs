//! Requests to the API server, as JSON.

use kube::Client;
use serde_json::{Value, json};

/// Whoever acts before the API server.
#[derive(Clone)]
pub(super) struct Api {
    pub client: Client,
}

impl Api {
    pub(super) async fn post(&self, path: &str, object: &Value) -> Value {
        let created = self.request("POST", path, object).await;
        created.unwrap_or_else(|error| unreachable!("{error}: {object:#}"))
    }

    /// Creates an object, unless there is one.
    pub(super) async fn ensure(&self, path: &str, object: &Value) {
        let result = self.request("POST", path, object).await;
        assert!(
            result.is_ok() || matches!(&result, Err(kube::Error::Api(status)) if status.code == 409),
            "{path}: {result:?}"
        );
    }

    /// A merge patch that must succeed.
    pub(super) async fn merge(&self, path: &str, patch: &Value) -> Value {
        self.request("PATCH", path, patch).await.expect("the object is patched")
    }

    /// A merge patch of something that may be gone by now.
    pub(super) async fn try_merge(&self, path: &str, patch: &Value) {
        let result = self.request("PATCH", path, patch).await;
        assert!(
            result.is_ok() || matches!(&result, Err(kube::Error::Api(status)) if [404, 409].contains(&status.code)),
            "{path}: {result:?}"
        );
    }

    /// Deletes what may be gone by now.
    pub(super) async fn delete(&self, path: &str, options: &Value) {
        let mut body = json!({"apiVersion": "v1", "kind": "DeleteOptions"});
        json_patch::merge(&mut body, options);
        let result = self.request("DELETE", path, &body).await;
        assert!(
            result.is_ok() || matches!(&result, Err(kube::Error::Api(status)) if [404, 409].contains(&status.code)),
            "{path}: {result:?}"
        );
    }

    pub(super) async fn request(&self, method: &str, path: &str, body: &Value) -> Result<Value, kube::Error> {
        let media = match method {
            "PATCH" => "application/merge-patch+json",
            _ => "application/json",
        };
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", media);
        self.client
            .request(request.body(body).expect("invariant: method and path are valid"))
            .await
    }
}

/// The path of a kind's objects in a namespace.
pub(super) fn path(namespace: &str, api_version: &str, resource: &str) -> String {
    let root = if api_version.contains('/') { "apis" } else { "api" };
    format!("/{root}/{api_version}/namespaces/{namespace}/{resource}")
}

/// The name of an object.
pub(super) fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}
