//! Where the objects of a case are: an API server, and what watches tell of it.

use std::sync::Arc;

use serde_json::Value;
use stateward::graph::Kind;

use super::api::{Api, name};
use super::mirror::{Mirror, World, one};
use super::site::{CLASSES, collection, kind};

/// A namespace for a case alone.
pub(super) struct Scene {
    pub api: Api,
    pub mirror: Arc<Mirror>,
    pub namespace: String,
    /// Makes an object of a case one of this namespace, and of its nodes.
    pub dress: Box<dyn Fn(&Value) -> Value + Send + Sync>,
}

impl Scene {
    /// Creates claims and volumes first; workloads once those are bound that do not wait for pods.
    pub(super) async fn create(&self, objects: &[Value]) {
        let (workloads, others): (Vec<&Value>, Vec<&Value>) =
            objects.iter().partition(|object| kind(object).is_workload());
        for object in others.iter().filter(|object| kind(object) != Kind::AUTOSCALER) {
            self.post(object).await;
        }
        for claim in others.iter().filter(|object| object["kind"] == "PersistentVolumeClaim") {
            let class = claim["spec"]["storageClassName"].as_str().unwrap_or_default();
            let waits = CLASSES.iter().any(|one| one.name == class && one.waits);
            if waits && claim["spec"]["volumeName"].is_null() {
                continue;
            }
            let is_bound = |world: &World| {
                let claim = one(world, "persistentvolumeclaims", name(claim));
                claim.is_some_and(|claim| claim["status"]["phase"] == "Bound")
            };
            self.until("a bound claim", is_bound).await;
        }
        for object in workloads {
            self.post(object).await;
        }
    }

    pub(super) async fn post(&self, object: &Value) {
        let object = (self.dress)(object);
        let collection = collection(kind(&object), &self.namespace);
        self.api.post(&collection, &object).await;
    }

    pub(super) async fn until(&self, what: &str, holds: impl Fn(&World) -> bool) {
        self.mirror.until(&self.namespace, what, holds).await;
    }
}
