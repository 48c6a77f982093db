//! How one knows that nothing moves any more: after the last change of a case, a workload of every kind was created,
//! got a volume and ran, so every controller, the scheduler and the actor have passed by what there was to do.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use stateward::graph::Kind;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::api::Api;
use super::case::{Case, RWO, Workload};
use super::mirror::Mirror;
use super::outcome::is_settled;
use super::site::{Placement, add_node, collection, dressed, kind, nodes};

/// Whoever tries again later does so within a second (the scheduler: `podMaxBackoffSeconds`), or after something else has
/// changed. The attach/detach controller looks every 100 ms.
pub(super) const BACK_OFF: Duration = Duration::from_millis(1500);

/// The workloads of nobody's case, in a namespace and on a node of their own.
pub(super) struct Pulse {
    api: Api,
    mirror: Arc<Mirror>,
    namespace: String,
    last: Mutex<Last>,
}

/// The last beat that has ended.
struct Last {
    began: Instant,
    count: usize,
}

impl Pulse {
    pub(super) async fn start(api: Api, mirror: Arc<Mirror>, namespace: String) -> Self {
        add_node(&api, &namespace, &nodes(1)[0]).await;
        let (began, count) = (Instant::now(), 0);
        Self {
            api,
            mirror,
            namespace,
            last: Mutex::new(Last { began, count }),
        }
    }

    /// Returns once a beat has ended that began after `since`.
    pub(super) async fn after(&self, since: Instant) {
        let mut last = self.last.lock().await;
        while last.began <= since {
            let began = Instant::now();
            self.beat(last.count).await;
            let count = last.count + 1;
            *last = Last { began, count };
        }
    }

    async fn beat(&self, count: usize) {
        let name = |kind: &str| format!("{kind}{count}");
        let claim = name("p");
        let case = [
            Kind::DEPLOYMENT,
            Kind::STATEFUL_SET,
            Kind::DAEMON_SET,
            Kind::JOB,
            Kind::REPLICATION_CONTROLLER,
        ]
        .into_iter()
        .fold(Case::new("pulse").claim(&claim, "disk", RWO), |case, kind| {
            case.with(Workload::of(kind, &name(&kind.as_str().to_lowercase())).uses(&claim))
        });
        let objects: Vec<_> = case
            .objects
            .iter()
            .map(|object| dressed(object, &self.namespace, Placement::Packed))
            .collect();
        for object in &objects {
            self.api.post(&collection(kind(object), &self.namespace), object).await;
        }
        self.mirror
            .until(&self.namespace, "the pulse", |world| is_settled(world, &objects))
            .await;
        for object in objects.iter().rev() {
            let collection = collection(kind(object), &self.namespace);
            let path = format!("{collection}/{}", super::api::name(object));
            self.api
                .delete(&path, &json!({"propagationPolicy": "Background"}))
                .await;
        }

        self.mirror
            .until(&self.namespace, "the end of its pods", |world| {
                super::mirror::all(world, "pods").next().is_none()
            })
            .await;
    }
}
