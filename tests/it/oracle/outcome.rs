//! What became of a case: everything runs as it should, or somebody waits for what they will not get.

use std::collections::BTreeSet;

use serde_json::Value;
use stateward::graph::Kind;

use super::actor::{claims, has_ended, is_leaving, is_ready};
use super::api::name;
use super::case::is_endless;
use super::mirror::{World, all, one};
use super::site::kind;

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

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Settles => f.write_str("settles"),
            Self::Stuck { after, waits } => {
                let waits: Vec<&str> = waits.iter().map(String::as_str).collect();
                write!(f, "once {after}, {}", waits.join(", and "))
            }
        }
    }
}

/// Whether all workloads among these objects are there and have what they ask for.
pub(super) fn is_settled(world: &World, objects: &[Value]) -> bool {
    let pods_rest = all(world, "pods").all(|pod| !is_leaving(pod) && (is_ready(pod) || has_ended(pod)));
    let workloads = objects.iter().filter(|object| kind(object).is_workload());
    pods_rest && workloads.into_iter().all(|object| has_settled(world, object))
}

fn has_settled(world: &World, object: &Value) -> bool {
    let kind = kind(object);
    if kind == Kind::CRON_JOB {
        return true;
    }
    let Some(object) = one(world, kind.resource(), name(object)) else {
        return false;
    };
    let (spec, status) = (&object["spec"], &object["status"]);
    let count = |field: &str| status[field].as_u64().unwrap_or_default();
    let wanted = spec["replicas"].as_u64().unwrap_or(1);
    let seen = status["observedGeneration"] == object["metadata"]["generation"];
    let running = || pods_of(world, object).filter(|pod| is_ready(pod)).count() as u64;
    let all_are = |fields: &[&str], wanted: u64| fields.iter().all(|field| count(field) == wanted);
    if kind == Kind::POD {
        return is_ready(object) || has_ended(object);
    }
    if kind == Kind::JOB {
        let conditions = status["conditions"].as_array();
        let complete = |condition: &Value| condition["type"] == "Complete" && condition["status"] == "True";
        if is_endless(&spec["template"]["spec"]) {
            return count("ready") == spec["parallelism"].as_u64().unwrap_or(1);
        }
        return spec["suspend"] == true || conditions.is_some_and(|conditions| conditions.iter().any(complete));
    }
    if kind == Kind::DEPLOYMENT {
        return seen && all_are(&["replicas", "updatedReplicas", "availableReplicas"], wanted) && running() == wanted;
    }
    if kind == Kind::STATEFUL_SET {
        let rolls = spec["updateStrategy"]["type"] == "RollingUpdate"
            && spec["updateStrategy"]["rollingUpdate"]["partition"]
                .as_u64()
                .unwrap_or_default()
                == 0;
        let updated = !rolls || all_are(&["updatedReplicas"], wanted);
        return seen && all_are(&["replicas", "availableReplicas"], wanted) && updated && running() == wanted;
    }
    if kind == Kind::DAEMON_SET {
        let wanted = count("desiredNumberScheduled");
        let rolls = ["numberAvailable", "updatedNumberScheduled"];
        return seen && wanted > 0 && all_are(&rolls, wanted) && running() == wanted;
    }
    seen && all_are(&["replicas", "availableReplicas"], wanted) && running() == wanted
}

/// Who waits for what, in words that are the same in every run.
pub(super) fn waits(world: &World, objects: &[Value]) -> BTreeSet<String> {
    let mut waits = BTreeSet::new();
    for pod in all(world, "pods").filter(|pod| !is_ready(pod) && !has_ended(pod)) {
        let who = app(pod);
        let needed = claims(pod);
        let (missing, bound): (Vec<_>, Vec<_>) = needed.into_iter().partition(|claim| volume(world, claim).is_none());
        if let Some(claim) = missing.first() {
            waits.insert(format!("`{who}` waits for a volume for claim `{claim}`"));
            continue;
        }
        let node = &pod["spec"]["nodeName"];
        let mut held = bound.iter().filter_map(|claim| held(world, pod, claim));
        waits.insert(match (held.next(), node.is_null()) {
            (Some(held), _) => format!("`{who}` waits for {held}"),
            (None, true) => format!("`{who}` finds no node"),
            (None, false) => format!("`{who}` waits on its node"),
        });
    }
    if waits.is_empty() {
        let unsettled = objects
            .iter()
            .filter(|object| kind(object).is_workload() && !has_settled(world, object));
        waits.extend(unsettled.map(|object| format!("`{}` does not get as many pods as it asks for", name(object))));
    }
    waits
}

/// The claim that others hold whom the pod waits for.
fn held(world: &World, pod: &Value, claim: &str) -> Option<String> {
    let node = &pod["spec"]["nodeName"];
    let modes = &volume(world, claim)?["spec"]["accessModes"];
    let one_pod = modes.as_array()?.iter().any(|mode| mode == "ReadWriteOncePod");
    let holds = |other: &&Value| {
        let elsewhere = !node.is_null() && other["spec"]["nodeName"] != *node;
        is_ready(other) && (elsewhere || one_pod) && claims(other).iter().any(|own| own == claim)
    };
    let holders: BTreeSet<&str> = all(world, "pods").filter(holds).map(app).collect();
    let holder = holders.first()?;
    let place = if one_pod { "" } else { " on another node" };
    Some(format!("claim `{claim}`, which `{holder}` holds{place}"))
}

fn volume<'a>(world: &'a World, claim: &str) -> Option<&'a Value> {
    let claim = one(world, "persistentvolumeclaims", claim)?;
    let bound = claim["status"]["phase"] == "Bound";
    one(
        world,
        "persistentvolumes",
        claim["spec"]["volumeName"].as_str().filter(|_| bound)?,
    )
}

/// The pods of a workload, by the label that all of a case have.
pub(super) fn pods_of<'a>(world: &'a World, workload: &'a Value) -> impl Iterator<Item = &'a Value> {
    all(world, "pods").filter(move |pod| app(pod) == name(workload))
}

fn app(pod: &Value) -> &str {
    pod["metadata"]["labels"]["app"].as_str().unwrap_or_default()
}
