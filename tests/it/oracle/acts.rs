//! What is done to the workloads of a case.

use serde_json::{Value, json};
use stateward::graph::Kind;

use super::actor::{is_leaving, is_ready};
use super::api::{name, path};
use super::case::{Act, Workload};
use super::mirror::{World, all, one};
use super::outcome::pods_of;
use super::scene::Scene;
use super::site::{collection, kind};

impl Scene {
    pub(super) async fn perform(&self, act: &Act, objects: &mut Vec<Value>) {
        match act {
            Act::Break(target) => {
                let object = target_of(objects, target);
                let broken = Workload(object.clone()).never_ready().0;
                let containers = &broken["spec"]["template"]["spec"]["containers"];
                let template =
                    json!({"metadata": {"annotations": {"rolled": "out"}}, "spec": {"containers": containers}});
                self.patch(object, &json!({"spec": {"template": template}})).await;
            }
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
                self.api.delete(&path, &json!({"propagationPolicy": policy})).await;
                let resource = kind(object).resource();
                let gone = |world: &World| one(world, resource, target).is_none();
                self.until("the end of a workload", gone).await;
                objects.retain(|object| name(object) != *target || !kind(object).is_workload());
            }
            Act::DeleteClaim(target) => {
                let claims = path(&self.namespace, "v1", "persistentvolumeclaims");
                self.api.delete(&format!("{claims}/{target}"), &json!({})).await;
                let going = |world: &World| one(world, "persistentvolumeclaims", target).is_none_or(is_leaving);
                self.until("a claim that is going", going).await;
            }
            Act::DeletePod(target) => {
                let world = self.mirror.world(&self.namespace);
                let object = target_of(objects, target);
                let Some(pod) = pods_of(&world, object).find(|pod| is_ready(pod)) else {
                    return;
                };
                let pods = path(&self.namespace, "v1", "pods");
                self.api.delete(&format!("{pods}/{}", name(pod)), &json!({})).await;
                self.ended(pod).await;
            }
            Act::Drain(target) => self.drain(target_of(objects, target)).await,
            Act::DeleteService(target) => {
                let services = path(&self.namespace, "v1", "services");
                self.api.delete(&format!("{services}/{target}"), &json!({})).await;
                objects.retain(|object| name(object) != *target || kind(object) != Kind::SERVICE);
            }
            Act::Limit(autoscaler, replicas) => {
                self.post(autoscaler).await;
                let target = autoscaler["spec"]["scaleTargetRef"]["name"]
                    .as_str()
                    .unwrap_or_default();
                let scaled = scaled(objects, target);
                scaled["spec"]["replicas"] = json!(replicas);
                let resource = kind(scaled).resource();
                let obeyed = |world: &World| {
                    let now = one(world, resource, target);
                    now.is_some_and(|now| now["spec"]["replicas"] == *replicas)
                };
                self.until("what an autoscaler does", obeyed).await;
            }
            Act::Rollout(target) => {
                let patch = json!({"spec": {"template": {"metadata": {"annotations": {"rolled": "out"}}}}});
                self.patch(target_of(objects, target), &patch).await;
            }
            Act::Run(target) => {
                let jobs = objects.iter().filter(|object| kind(object) == Kind::JOB).count();
                let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": format!("{target}-{jobs}")},
                    "spec": target_of(objects, target)["spec"]["jobTemplate"]["spec"]});
                self.post(&job).await;
                objects.push(job);
            }
            Act::Undo(_) => unreachable!("kubectl alone does it"),
            Act::Autoscale(target, replicas) | Act::Scale(target, replicas) => {
                let patch = json!({"spec": {"replicas": replicas}});
                self.patch(target_of(objects, target), &patch).await;
                scaled(objects, target)["spec"]["replicas"] = json!(replicas);
            }
        }
    }

    /// Lets no pod onto the node of a workload any more, and evicts those that are there, as `kubectl drain` does.
    async fn drain(&self, object: &Value) {
        let world = self.mirror.world(&self.namespace);
        let Some(pod) = pods_of(&world, object).find(|pod| is_ready(pod)) else {
            return;
        };
        let node = &pod["spec"]["nodeName"];
        let nodes = format!("/api/v1/nodes/{}", node.as_str().unwrap_or_default());
        let cordon = json!({"spec": {"unschedulable": true}});
        self.api.merge(&nodes, &cordon).await;
        let pods = path(&self.namespace, "v1", "pods");
        for pod in all(&world, "pods").filter(|pod| pod["spec"]["nodeName"] == *node) {
            let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {
                "name": name(pod), "namespace": self.namespace}});
            self.api
                .post(&format!("{pods}/{}/eviction", name(pod)), &eviction)
                .await;
            self.ended(pod).await;
        }
    }

    /// Waits until a pod goes, or is gone.
    async fn ended(&self, pod: &Value) {
        let going = |world: &World| {
            let now = one(world, "pods", name(pod));
            now.is_none_or(|now| is_leaving(now) || now["metadata"]["uid"] != pod["metadata"]["uid"])
        };
        self.until("the end of a pod", going).await;
    }

    /// Patches a workload, and waits until the watches tell of it.
    async fn patch(&self, object: &Value, patch: &Value) {
        let patched = self.api.merge(&self.path(object), patch).await;
        let new = patched["metadata"]["generation"].as_u64();
        self.until("a patch", |world| generation(world, object) >= new).await;
    }

    fn path(&self, object: &Value) -> String {
        format!("{}/{}", collection(kind(object), &self.namespace), name(object))
    }
}

pub(super) fn generation(world: &World, object: &Value) -> Option<u64> {
    let object = one(world, kind(object).resource(), name(object))?;
    object["metadata"]["generation"].as_u64()
}

fn scaled<'a>(objects: &'a mut [Value], target: &str) -> &'a mut Value {
    let mut workloads = objects.iter_mut().filter(|object| kind(object).is_workload());
    workloads
        .find(|object| name(object) == target)
        .expect("a workload of the case")
}

pub(super) fn target_of<'a>(objects: &'a [Value], target: &str) -> &'a Value {
    let mut workloads = objects.iter().filter(|object| kind(object).is_workload());
    workloads
        .find(|object| name(object) == target)
        .expect("a workload of the case")
}

impl std::fmt::Display for Act {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Autoscale(target, replicas) => write!(f, "`{target}` was scaled to {replicas} by its autoscaler"),
            Self::Break(target) => write!(f, "`{target}` was rolled out to pods that are never ready"),
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
            Self::DeleteService(target) => write!(f, "Service `{target}` was deleted"),
            Self::Drain(target) => write!(f, "the node of `{target}` was drained"),
            Self::Limit(autoscaler, replicas) => {
                let target = &autoscaler["spec"]["scaleTargetRef"]["name"];
                write!(
                    f,
                    "the autoscaler of `{}` made it {replicas}",
                    target.as_str().unwrap_or_default()
                )
            }
            Self::Orphan(target) => write!(f, "`{target}` was deleted without its pods"),
            Self::Rollout(target) => write!(f, "`{target}` was rolled out"),
            Self::Run(target) => write!(f, "`{target}` was run"),
            Self::Undo(target) => write!(f, "the rollout of `{target}` was undone"),
            Self::Scale(target, replicas) => write!(f, "`{target}` was scaled to {replicas}"),
        }
    }
}
