//! What a cluster has besides controllers and scheduler, played by what the watches tell: kubelets, a CSI driver's
//! attacher and its provisioner.
//!
//! A pod runs once its volumes are attached to its node (by the attach/detach controller, whose word is
//! `status.volumesAttached` of the node) and, where one pod alone may use them, no other one of the node does. One that is
//! to run to its end has then ended. A pod that is to go is gone at once, and so are its mounts.

use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;

use futures::StreamExt as _;
use serde_json::{Value, json};

use super::api::{Api, name, path};
use super::case::{is_endless, is_never_ready};
use super::mirror::{Mirror, World, all, one};
use super::site::{CLASSES, DISK};

/// So many cases are acted upon at once.
const AT_ONCE: usize = 8;

/// A volume of a pod, as the kubelet and the attach/detach controller know it.
struct Mount {
    /// As nodes report it; `None` where nothing is attached.
    attached_as: Option<String>,
    volume: String,
    one_pod: bool,
}

/// Acts for ever.
pub(super) async fn act(api: Api, mirror: Arc<Mirror>) {
    let mut events = mirror.events();
    loop {
        let fresh = mirror.fresh();
        if fresh.is_empty() {
            events.changed().await.expect("the mirror outlives the actor");
            continue;
        }
        let (api, mirror) = (&api, &mirror);
        futures::stream::iter(fresh)
            .for_each_concurrent(AT_ONCE, |namespace| async move {
                let world = mirror.world(&namespace);
                attach(api, &world).await;
                provision(api, &namespace, &world).await;
                reclaim(api, &world).await;
                resize(api, &namespace, &world).await;
                for node in all(&world, "nodes") {
                    run(api, &namespace, node, &world).await;
                }
            })
            .await;
    }
}

/// The attacher: every attachment succeeds.
async fn attach(api: &Api, world: &World) {
    for attachment in all(world, "volumeattachments") {
        if attachment["status"]["attached"] != true {
            let path = format!("/apis/storage.k8s.io/v1/volumeattachments/{}/status", name(attachment));
            api.try_merge(&path, &json!({"status": {"attached": true}})).await;
        }
    }
}

/// The provisioner: a volume for each claim of its classes, where those that wait have chosen a node.
async fn provision(api: &Api, namespace: &str, world: &World) {
    for claim in all(world, "persistentvolumeclaims") {
        let spec = &claim["spec"];
        let class = CLASSES.iter().find(|class| spec["storageClassName"] == class.name);
        let Some(class) = class.filter(|_| spec["volumeName"].is_null()) else {
            continue;
        };
        let node = claim["metadata"]["annotations"]["volume.kubernetes.io/selected-node"].as_str();
        if class.waits && node.is_none() || class.provisioner == "kubernetes.io/no-provisioner" {
            continue;
        }
        let uid = claim["metadata"]["uid"].as_str().unwrap_or_default();
        let mut volume = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": format!("pvc-{uid}")},
            "spec": {"accessModes": spec["accessModes"], "capacity": {"storage": "1Gi"}, "storageClassName": class.name,
                "persistentVolumeReclaimPolicy": "Retain",
                "claimRef": {"namespace": namespace, "name": name(claim), "uid": uid}}});
        if class.local {
            let labels = node
                .and_then(|node| one(world, "nodes", node))
                .map(|node| &node["metadata"]["labels"]);
            let host = labels.map_or(&Value::Null, |labels| &labels["kubernetes.io/hostname"]);
            volume["spec"]["hostPath"] = json!({"path": format!("/volumes/{uid}")});
            volume["spec"]["nodeAffinity"] = json!({"required": {"nodeSelectorTerms": [{"matchExpressions": [
                {"key": "kubernetes.io/hostname", "operator": "In", "values": [host]}]}]}});
        } else {
            volume["spec"]["csi"] = json!({"driver": class.provisioner, "volumeHandle": uid});
        }
        api.ensure("/api/v1/persistentvolumes", &volume).await;
    }
}

/// The provisioner once more: a volume that its claim has left is gone with all that was on it, unless it is kept.
async fn reclaim(api: &Api, world: &World) {
    for volume in all(world, "persistentvolumes") {
        if volume["status"]["phase"] == "Released" && volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete" {
            let path = format!("/api/v1/persistentvolumes/{}", name(volume));
            api.delete(
                &path,
                &json!({"preconditions": {"resourceVersion": volume["metadata"]["resourceVersion"]}}),
            )
            .await;
        }
    }
}

/// The resizer: a volume becomes as large as its claim asks for.
async fn resize(api: &Api, namespace: &str, world: &World) {
    let claims = all(world, "persistentvolumeclaims").filter(|claim| claim["status"]["phase"] == "Bound");
    for claim in claims {
        let asked = &claim["spec"]["resources"]["requests"];
        let resized = claim["status"]["capacity"]["storage"].is_string() && claim["status"]["capacity"] != *asked;
        if resized && !is_leaving(claim) {
            let volume = claim["spec"]["volumeName"].as_str().unwrap_or_default();
            let path = format!("/api/v1/persistentvolumes/{volume}");
            api.try_merge(&path, &json!({"spec": {"capacity": asked}})).await;
            let claims = self::path(namespace, "v1", "persistentvolumeclaims");
            let path = format!("{claims}/{}/status", name(claim));
            api.try_merge(&path, &json!({"status": {"capacity": asked}})).await;
        }
    }
}

/// The kubelet of a node.
async fn run(api: &Api, namespace: &str, node: &Value, world: &World) {
    let pods = path(namespace, "v1", "pods");
    let here = all(world, "pods").filter(|pod| pod["spec"]["nodeName"] == node["metadata"]["name"]);
    let (leaving, mut staying): (Vec<&Value>, Vec<&Value>) = here.partition(|pod| is_leaving(pod));
    staying.retain(|pod| !has_ended(pod));
    let mounts: Vec<(&Value, Option<Vec<Mount>>)> = staying.into_iter().map(|pod| (pod, mounts(pod, world))).collect();
    let mut in_use: Vec<&String> = mounts
        .iter()
        .flat_map(|(_, mounts)| mounts.iter().flatten())
        .filter_map(|mount| mount.attached_as.as_ref())
        .collect();
    in_use.sort();
    in_use.dedup();
    for pod in leaving {
        let options = json!({"gracePeriodSeconds": 0, "preconditions": {"uid": pod["metadata"]["uid"]}});
        api.delete(&format!("{pods}/{}", name(pod)), &options).await;
    }
    let told: Vec<&str> = texts(&node["status"]["volumesInUse"], None).collect();
    if told != in_use {
        let status = format!("/api/v1/nodes/{}/status", name(node));
        api.try_merge(&status, &json!({"status": {"volumesInUse": in_use}}))
            .await;
    }
    let attached: Vec<&str> = texts(&node["status"]["volumesAttached"], Some("name")).collect();
    let ready = mounts.iter().filter(|(pod, _)| is_ready(pod));
    let mut held: Vec<&str> = ready.flat_map(|(_, mounts)| one_pod(mounts)).collect();
    for (pod, mounts) in mounts.iter().filter(|(pod, _)| !is_ready(pod)) {
        let Some(needed) = mounts else { continue };
        let waits = |mount: &Mount| {
            let detached = mount
                .attached_as
                .as_ref()
                .is_some_and(|name| !attached.contains(&&**name));
            detached || (mount.one_pod && held.contains(&&*mount.volume))
        };
        if needed.iter().any(waits) {
            continue;
        }
        let forever = pod["spec"]["restartPolicy"] == "Always" || is_endless(&pod["spec"]);
        let phase = if forever { "Running" } else { "Succeeded" };
        let ready = if forever && !is_never_ready(&pod["spec"]) {
            "True"
        } else {
            "False"
        };
        let conditions = pod["status"]["conditions"].as_array();
        if conditions.is_some_and(|all| all.iter().any(|one| one["type"] == "Ready")) {
            continue;
        }
        let status = json!({"status": {"phase": phase, "podIP": address(pod), "podIPs": [{"ip": address(pod)}],
            "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": "2026-01-01T00:00:00Z"}]}});
        api.try_merge(&format!("{pods}/{}/status", name(pod)), &status).await;
        held.extend(one_pod(mounts));
    }
}

/// An address of its own, by its uid.
fn address(pod: &Value) -> String {
    let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
    let mut hash = std::hash::DefaultHasher::new();
    uid.hash(&mut hash);
    let [_, _, _, _, _, a, b, c] = hash.finish().to_be_bytes();
    format!("10.{}.{b}.{}", a | 128, c.clamp(1, 254))
}

fn one_pod(mounts: &Option<Vec<Mount>>) -> impl Iterator<Item = &str> {
    let mounts = mounts.iter().flatten().filter(|mount| mount.one_pod);
    mounts.map(|mount| &*mount.volume)
}

/// The volumes of a pod; `None` while one of its claims is not bound.
fn mounts(pod: &Value, world: &World) -> Option<Vec<Mount>> {
    let mount = |claim: String| {
        let claim = one(world, "persistentvolumeclaims", &claim)?;
        let bound = claim["status"]["phase"] == "Bound";
        let volume = one(
            world,
            "persistentvolumes",
            claim["spec"]["volumeName"].as_str().filter(|_| bound)?,
        )?;
        let modes = volume["spec"]["accessModes"].as_array();
        Some(Mount {
            attached_as: attached_as(&volume["spec"]),
            volume: name(volume).to_owned(),
            one_pod: modes.is_some_and(|modes| modes.iter().any(|mode| mode == "ReadWriteOncePod")),
        })
    };
    claims(pod).into_iter().map(mount).collect()
}

/// The unique name of what is attached (`GetUniqueVolumeName` and the plugins' `GetVolumeName`).
fn attached_as(spec: &Value) -> Option<String> {
    if let Some(driver) = spec["csi"]["driver"].as_str() {
        let handle = spec["csi"]["volumeHandle"].as_str().unwrap_or_default();
        return (driver == DISK).then(|| format!("kubernetes.io/csi/{driver}^{handle}"));
    }
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if spec["iscsi"].is_object() {
        let [portal, iqn, lun] = ["targetPortal", "iqn", "lun"].map(|field| text(&spec["iscsi"][field]));
        return Some(format!("kubernetes.io/iscsi/{portal}:{iqn}:{lun}"));
    }
    let disk = spec["gcePersistentDisk"]["pdName"].as_str()?;
    // Migrated to CSI, by names that say nothing of place.
    Some(format!(
        "kubernetes.io/csi/pd.csi.storage.gke.io^projects/UNSPECIFIED/zones/UNSPECIFIED/disks/{disk}"
    ))
}

/// The claims of a pod; a generic ephemeral volume has one of its own.
pub(super) fn claims(pod: &Value) -> Vec<String> {
    let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
    let claim = |volume: &Value| {
        if volume["ephemeral"].is_object() {
            return Some(format!("{}-{}", name(pod), volume["name"].as_str()?));
        }
        volume["persistentVolumeClaim"]["claimName"].as_str().map(str::to_owned)
    };
    volumes.filter_map(claim).collect()
}

fn texts<'a>(list: &'a Value, member: Option<&'a str>) -> impl Iterator<Item = &'a str> {
    let elements = list.as_array().into_iter().flatten();
    elements.filter_map(move |element| member.map_or(element, |member| &element[member]).as_str())
}

/// Whether the pod serves.
pub(super) fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

pub(super) fn has_ended(pod: &Value) -> bool {
    pod["status"]["phase"] == "Succeeded" || pod["status"]["phase"] == "Failed"
}

pub(super) fn is_leaving(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}
