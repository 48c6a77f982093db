//! The stage: a control plane with controllers and scheduler, the actor before it, and cases that are played.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};
use stateward::graph::Kind;
use tokio::runtime::Runtime;
use tokio::sync::{OnceCell, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};

use super::actor::{act, is_leaving, is_ready};
use super::api::{Api, name};
use super::case::{Act, Case};
use super::mirror::{Mirror, World, all, one};
use super::outcome::{is_settled, pods_of, waits};
use super::pulse::{BACK_OFF, Pulse};
use super::site::{Placement, add_node, collection, dressed, furniture, kind, nodes, profiles};
use super::{HANG, PLACES};
use crate::controlplane::ControlPlane;

/// What the actor and the watches run on, whichever test began them.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().expect("a runtime")
});

/// All that cases are played with.
pub(super) struct Stage {
    pub plane: ControlPlane,
    api: Api,
    mirror: Arc<Mirror>,
    pulse: Pulse,
    places: Semaphore,
}

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Settles,
    /// After this was done, for ever.
    Stuck {
        after: String,
        waits: BTreeSet<String>,
    },
}

/// The stage that all tests of this process share.
pub(super) async fn stage() -> &'static Stage {
    static STAGE: OnceCell<Stage> = OnceCell::const_new();
    STAGE
        .get_or_init(async || {
            let opened = spawn_blocking(|| RUNTIME.block_on(Stage::open()));
            opened.await.expect("the stage opens")
        })
        .await
}

/// Runs something on the runtime of the stage.
pub(super) fn on_stage<T>(task: impl Future<Output = T>) -> T {
    RUNTIME.block_on(task)
}

impl Stage {
    async fn open() -> Self {
        let plane = ControlPlane::start().await;
        plane.start_controller_manager().await;
        plane.start_scheduler(&profiles()).await;
        let api = Api {
            client: plane.client().await,
        };
        for object in furniture() {
            api.post(&collection(kind(&object), ""), &object).await;
        }
        let mirror = Mirror::start(&api.client);
        tokio::spawn(act(api.clone(), mirror.clone()));
        let namespace = plane.namespace("pulse").await;
        let pulse = Pulse::start(api.clone(), mirror.clone(), namespace).await;
        Self {
            plane,
            api,
            mirror,
            pulse,
            places: Semaphore::new(PLACES),
        }
    }

    /// Plays a case to its end, in a namespace and on nodes of its own.
    pub(super) async fn play(&self, case: &Case, placement: Placement) -> Outcome {
        self.show(case, placement, async |_| ()).await.0
    }

    /// Plays a case to its end, and looks at what is there once nothing moves any more.
    pub(super) async fn play_and_look<T>(
        &self,
        case: &Case,
        placement: Placement,
        look: impl FnOnce(&World) -> T,
    ) -> (Outcome, T) {
        let look = async |show: &Show<'_>| {
            show.quiet().await;
            look(&self.mirror.world(show.namespace))
        };
        self.show(case, placement, look).await
    }

    async fn show<T>(&self, case: &Case, placement: Placement, look: impl AsyncFnOnce(&Show<'_>) -> T) -> (Outcome, T) {
        let _place = self.places.acquire().await.expect("the stage stays open");
        let namespace = self.plane.namespace("oracle").await;
        let show = Show {
            stage: self,
            namespace: &namespace,
            placement,
        };
        for node in nodes(case.nodes) {
            add_node(&self.api, &namespace, &node).await;
        }
        let outcome = show.play(case).await;
        let seen = look(&show).await;
        self.plane.everything_runs();
        show.clear(case).await;
        (outcome, seen)
    }
}

/// A case while it is played.
struct Show<'a> {
    stage: &'a Stage,
    namespace: &'a str,
    placement: Placement,
}

impl Show<'_> {
    async fn play(&self, case: &Case) -> Outcome {
        let (mut objects, mut acts) = (Vec::new(), Vec::new());
        // One workload after the other, so that it is always the same one that comes too late.
        for object in &case.objects {
            acts.push(Act::Create(vec![object.clone()]));
        }
        for act in acts.into_iter().chain(case.life()) {
            self.perform(&act, &mut objects).await;
            if let Err(waits) = self.rest(&objects).await {
                let after = act.to_string();
                return Outcome::Stuck { after, waits };
            }
        }
        Outcome::Settles
    }

    /// Creates claims and volumes first; workloads once those are bound that do not wait for pods.
    async fn create(&self, objects: &[Value]) {
        let (workloads, others): (Vec<&Value>, Vec<&Value>) =
            objects.iter().partition(|object| kind(object).is_workload());
        for object in others.iter().filter(|object| kind(object) != Kind::AUTOSCALER) {
            self.post(object).await;
        }
        for claim in others.iter().filter(|object| object["kind"] == "PersistentVolumeClaim") {
            let class = claim["spec"]["storageClassName"].as_str().unwrap_or_default();
            let waits = super::site::CLASSES.iter().any(|one| one.name == class && one.waits);
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

    async fn post(&self, object: &Value) {
        let object = dressed(object, self.namespace, self.placement);
        self.stage
            .api
            .post(&collection(kind(&object), self.namespace), &object)
            .await;
    }

    async fn perform(&self, act: &Act, objects: &mut Vec<Value>) {
        match act {
            Act::Create(more) => {
                self.create(more).await;
                objects.extend(more.iter().cloned());
            }
            Act::Delete(target) | Act::Orphan(target) => {
                let object = target_of(objects, target);
                let path = self.path(object);
                let policy = if matches!(act, Act::Orphan(_)) {
                    "Orphan"
                } else {
                    "Background"
                };
                self.stage
                    .api
                    .delete(&path, &json!({"propagationPolicy": policy}))
                    .await;
                let resource = kind(object).resource();
                let gone = |world: &World| one(world, resource, target).is_none();
                self.until("the end of a workload", gone).await;
                objects.retain(|object| name(object) != *target || !kind(object).is_workload());
            }
            Act::DeleteClaim(target) => {
                let claims = super::api::path(self.namespace, "v1", "persistentvolumeclaims");
                self.stage.api.delete(&format!("{claims}/{target}"), &json!({})).await;
                let going = |world: &World| one(world, "persistentvolumeclaims", target).is_none_or(is_leaving);
                self.until("a claim that is going", going).await;
            }
            Act::DeletePod(target) => {
                let world = self.stage.mirror.world(self.namespace);
                let object = target_of(objects, target);
                let Some(pod) = pods_of(&world, object).find(|pod| is_ready(pod)) else {
                    return;
                };
                let pods = super::api::path(self.namespace, "v1", "pods");
                self.stage
                    .api
                    .delete(&format!("{pods}/{}", name(pod)), &json!({}))
                    .await;
                let going = |world: &World| {
                    let now = one(world, "pods", name(pod));
                    now.is_none_or(|now| is_leaving(now) || now["metadata"]["uid"] != pod["metadata"]["uid"])
                };
                self.until("the end of a pod", going).await;
            }
            Act::Rollout(target) => {
                let patch = json!({"spec": {"template": {"metadata": {"annotations": {"rolled": "out"}}}}});
                self.patch(target_of(objects, target), &patch).await;
            }
            Act::Run(target) => {
                let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": target},
                    "spec": target_of(objects, target)["spec"]["jobTemplate"]["spec"]});
                self.post(&job).await;
                objects.push(job);
            }
            Act::Autoscale(target, replicas) | Act::Scale(target, replicas) => {
                let patch = json!({"spec": {"replicas": replicas}});
                self.patch(target_of(objects, target), &patch).await;
                let scaled = objects
                    .iter_mut()
                    .find(|object| name(object) == *target && kind(object).is_workload());
                scaled.expect("a workload")["spec"]["replicas"] = json!(replicas);
            }
        }
    }

    /// Patches a workload, and waits until the watches tell of it.
    async fn patch(&self, object: &Value, patch: &Value) {
        let patched = self.stage.api.merge(&self.path(object), patch).await;
        let version = |object: &Value| object["metadata"]["generation"].as_u64();
        let seen = |world: &World| {
            let now = one(world, kind(object).resource(), name(object));
            now.is_some_and(|now| version(now) >= version(&patched))
        };
        self.until("a patch", seen).await;
    }

    fn path(&self, object: &Value) -> String {
        format!("{}/{}", collection(kind(object), self.namespace), name(object))
    }

    async fn until(&self, what: &str, holds: impl Fn(&World) -> bool) {
        self.stage.mirror.until(self.namespace, what, holds).await;
    }

    /// Waits until everything runs as it should, or nothing moves any more: then, who waits for what.
    async fn rest(&self, objects: &[Value]) -> Result<(), BTreeSet<String>> {
        let mirror = &self.stage.mirror;
        let deadline = Instant::now() + HANG;
        loop {
            let mut events = mirror.events();
            let world = mirror.world(self.namespace);
            if is_settled(&world, objects) {
                return Ok(());
            }
            assert!(Instant::now() < deadline, "it never comes to rest: {world:#?}");
            let quiet = mirror.changed(self.namespace) + BACK_OFF;
            tokio::select! {
                () = sleep_until(quiet) => {}
                _ = events.changed() => continue,
            }
            self.stage.pulse.after(quiet).await;
            if mirror.changed(self.namespace) + BACK_OFF == quiet {
                return Err(waits(&mirror.world(self.namespace), objects));
            }
        }
    }

    /// Waits until nothing moves any more, also where everything runs as it should.
    async fn quiet(&self) {
        let mirror = &self.stage.mirror;
        loop {
            let since = mirror.changed(self.namespace) + BACK_OFF;
            sleep_until(since).await;
            self.stage.pulse.after(since).await;
            if mirror.changed(self.namespace) + BACK_OFF == since {
                return;
            }
        }
    }

    /// Removes everything of the case; the controllers need not have done it before the next one.
    async fn clear(&self, case: &Case) {
        let api = &self.stage.api;
        api.delete(&format!("/api/v1/namespaces/{}", self.namespace), &json!({}))
            .await;
        let without_pods =
            |world: &World| all(world, "pods").next().is_none() && all(world, "volumeattachments").next().is_none();
        self.until("the end of a case", without_pods).await;
        for node in nodes(case.nodes) {
            let node = format!("{}-{}", self.namespace, name(&node));
            api.delete(&format!("/api/v1/nodes/{node}"), &json!({})).await;
            api.delete(&format!("/apis/storage.k8s.io/v1/csinodes/{node}"), &json!({}))
                .await;
        }
        let world = self.stage.mirror.world(self.namespace);
        for volume in all(&world, "persistentvolumes") {
            api.delete(&format!("/api/v1/persistentvolumes/{}", name(volume)), &json!({}))
                .await;
        }
    }
}

fn target_of<'a>(objects: &'a [Value], target: &str) -> &'a Value {
    let mut workloads = objects.iter().filter(|object| kind(object).is_workload());
    workloads
        .find(|object| name(object) == target)
        .expect("a workload of the case")
}

impl std::fmt::Display for Act {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Autoscale(target, replicas) => write!(f, "`{target}` was scaled to {replicas} by its autoscaler"),
            Self::Create(objects) => {
                let names: Vec<String> = objects
                    .iter()
                    .filter(|object| kind(object).is_workload())
                    .map(|object| format!("`{}`", name(object)))
                    .collect();
                write!(f, "{} was created", names.join(" and "))
            }
            Self::Delete(target) => write!(f, "`{target}` was deleted"),
            Self::DeleteClaim(target) => write!(f, "claim `{target}` was deleted"),
            Self::DeletePod(target) => write!(f, "a pod of `{target}` was deleted"),
            Self::Orphan(target) => write!(f, "`{target}` was deleted without its pods"),
            Self::Rollout(target) => write!(f, "`{target}` was rolled out"),
            Self::Run(target) => write!(f, "`{target}` was run"),
            Self::Scale(target, replicas) => write!(f, "`{target}` was scaled to {replicas}"),
        }
    }
}
