//! The stage: a control plane with controllers and scheduler, the actor before it, and cases that are played.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::{OnceCell, Semaphore};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep_until};

use super::actor::act;
use super::acts::{generation, target_of};
use super::api::{Api, name, path};
use super::case::{Act, Case};
use super::mirror::{Mirror, World, all};
use super::outcome::{Outcome, is_settled, waits};
use super::pulse::{BACK_OFF, Pulse};
use super::scene::Scene;
use super::site::{Placement, add_node, collection, dressed, furniture, kind, nodes, profiles};
use super::{HANG, PLACES};
use crate::controlplane::{ControlPlane, release};

/// What the actor and the watches run on, whichever test began them.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().expect("a runtime")
});

/// All that cases are played with.
pub(super) struct Stage {
    pub plane: ControlPlane,
    pub api: Api,
    pub mirror: Arc<Mirror>,
    pulse: Pulse,
    places: Semaphore,
    /// What is left of cases that have ended.
    clearing: Mutex<JoinSet<()>>,
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
        // What begins there as an option is tried; on an older one it is no word that anybody knows.
        let gates =
            (release::tested().minor >= 37).then(|| "--feature-gates=StatefulSetRecreateStrategy=true".to_owned());
        let plane = ControlPlane::start_with(Vec::from_iter(gates)).await;
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
            clearing: Mutex::default(),
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
        let look = async |namespace: &str| look(&self.mirror.world(namespace));
        self.play_and_ask(case, placement, look).await
    }

    /// Plays a case to its end, and asks about its namespace once nothing moves any more.
    pub(super) async fn play_and_ask<T>(
        &self,
        case: &Case,
        placement: Placement,
        ask: impl AsyncFnOnce(&str) -> T,
    ) -> (Outcome, T) {
        let look = async |show: &Show<'_>| {
            show.quiet().await;
            ask(show.namespace).await
        };
        self.show(case, placement, look).await
    }

    /// Plays a case to its end, and then whatever comes after.
    pub(super) async fn show<T>(
        &self,
        case: &Case,
        placement: Placement,
        look: impl AsyncFnOnce(&Show<'_>) -> T,
    ) -> (Outcome, T) {
        let _place = self.places.acquire().await.expect("the stage stays open");
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": "oracle-"}});
        let namespace = self.api.post("/api/v1/namespaces", &namespace).await;
        let namespace = name(&namespace).to_owned();
        let own = namespace.clone();
        let scene = Scene {
            api: self.api.clone(),
            mirror: self.mirror.clone(),
            namespace: namespace.clone(),
            dress: Box::new(move |object| dressed(object, &own, placement)),
        };
        let show = Show {
            stage: self,
            namespace: &namespace,
            scene,
        };
        for node in nodes(case.nodes) {
            add_node(&self.api, &namespace, &node).await;
        }
        let outcome = show.play(case).await;
        let seen = look(&show).await;
        self.plane.everything_runs();
        self.clear(&namespace, case.nodes);
        (outcome, seen)
    }

    /// Has everything of a case removed, beside the next one.
    fn clear(&self, namespace: &str, nodes: usize) {
        let (api, mirror, namespace) = (self.api.clone(), self.mirror.clone(), namespace.to_owned());
        lock(&self.clearing).spawn(async move { clear(&api, &mirror, &namespace, nodes).await });
    }

    /// Waits until nothing is left of any case.
    pub(super) async fn cleared(&self) {
        let mut clearing = std::mem::take(&mut *lock(&self.clearing));
        while let Some(cleared) = clearing.join_next().await {
            cleared.expect("a case is cleared away");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A case while it is played.
pub(super) struct Show<'a> {
    pub stage: &'a Stage,
    pub namespace: &'a str,
    scene: Scene,
}

impl Show<'_> {
    async fn play(&self, case: &Case) -> Outcome {
        let (mut objects, mut acts) = (Vec::new(), Vec::new());
        // One workload after the other, so that it is always the same one that comes too late.
        for object in &case.objects {
            acts.push(Act::Create(vec![object.clone()]));
        }
        for act in acts.into_iter().chain(case.life()) {
            match &act {
                Act::Undo(target) => self.undo(target, &objects).await,
                act => self.scene.perform(act, &mut objects).await,
            }
            if let Err(waits) = self.rest(&objects).await {
                let after = act.to_string();
                return Outcome::Stuck { after, waits };
            }
        }
        Outcome::Settles
    }

    async fn undo(&self, target: &str, objects: &[Value]) {
        let object = target_of(objects, target);
        let before = generation(&self.stage.mirror.world(self.namespace), object);
        let resource = format!("{}/{target}", kind(object).resource());
        let undo = ["rollout", "undo", &resource, "-n", self.namespace];
        self.stage.plane.kubectl(undo).await.succeeded();
        let undone = |world: &World| generation(world, object) > before;
        self.scene.until("an undone rollout", undone).await;
    }

    /// Waits until everything runs as it should, or nothing moves any more: then, who waits for what.
    pub(super) async fn rest(&self, objects: &[Value]) -> Result<(), BTreeSet<String>> {
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
}

/// Removes everything of a case but the empty namespace: to delete one costs an API server two requests for every
/// resource that it has, and five seconds.
async fn clear(api: &Api, mirror: &Mirror, namespace: &str, count: usize) {
    let all_of = async |api_version: &str, resource: &str| {
        let policy = json!({"propagationPolicy": "Background"});
        api.delete(&path(namespace, api_version, resource), &policy).await;
    };
    // What makes pods goes before them.
    all_of("autoscaling/v2", "horizontalpodautoscalers").await;
    for resource in ["deployments", "replicasets", "statefulsets", "daemonsets"] {
        all_of("apps/v1", resource).await;
    }
    for resource in ["cronjobs", "jobs"] {
        all_of("batch/v1", resource).await;
    }
    for resource in ["replicationcontrollers", "pods", "persistentvolumeclaims"] {
        all_of("v1", resource).await;
    }
    let without_pods =
        |world: &World| all(world, "pods").next().is_none() && all(world, "volumeattachments").next().is_none();
    mirror.until(namespace, "the end of a case", without_pods).await;
    for node in nodes(count) {
        let node = format!("{namespace}-{}", name(&node));
        api.delete(&format!("/api/v1/nodes/{node}"), &json!({})).await;
        api.delete(&format!("/apis/storage.k8s.io/v1/csinodes/{node}"), &json!({}))
            .await;
    }
    for volume in all(&mirror.world(namespace), "persistentvolumes") {
        api.delete(&format!("/api/v1/persistentvolumes/{}", name(volume)), &json!({}))
            .await;
    }
}
