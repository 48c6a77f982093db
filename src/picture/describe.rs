//! What is said of an object below its name, a fact a line.

use crate::graph::{
    Amount, Autoscaler, Claim, ClaimTemplate, ClassName, Concurrency, Exposure, Lookup, Modes, Name, Rollout, Runs,
    Service, UpdateStrategy, VolumeKind, VolumeTraits, Workload,
};
use crate::rules::kit::text::counted;

pub(super) fn workload(workload: &Workload) -> Vec<String> {
    let mut lines = vec![pods(workload)];
    lines.extend(rollout(workload));
    if workload.deleting {
        lines.push("is being deleted".to_owned());
    }
    if workload.is_operated()
        && let Some(owner) = &workload.owner
    {
        lines.push(format!("written by {} {}", owner.kind, owner.name));
    }
    lines
}

/// How many pods.
fn pods(workload: &Workload) -> String {
    let count = u64::from(workload.replicas);
    if workload.idle {
        return "no pods: suspended or over".to_owned();
    }
    let Some(form) = workload.id.kind.form() else {
        return String::new();
    };
    match form.runs {
        Runs::Itself => "a pod of its own".to_owned(),
        Runs::OnSchedule => format!("{} a run", counted(count, "pod")),
        Runs::PerNode => "a pod on every node".to_owned(),
        Runs::Replicas => counted(count, "replica"),
        Runs::ToCompletion => format!("{} at once", counted(count, "pod")),
    }
}

/// How a new revision replaces the old one.
fn rollout(workload: &Workload) -> Option<String> {
    let kind = workload.id.kind;
    if !workload.claim_templates.is_empty() || workload.service_name.is_some() {
        return Some(match workload.options().update {
            UpdateStrategy::OnDelete => "updated when deleted by hand".to_owned(),
            UpdateStrategy::Other => "updated in another way".to_owned(),
            UpdateStrategy::Recreate => "updated all at once".to_owned(),
            UpdateStrategy::RollingUpdate { partition: 0, .. } => "rolling update, last pod first".to_owned(),
            UpdateStrategy::RollingUpdate { partition, .. } => format!("rolling update from {partition} on"),
        });
    }
    match workload.rollout {
        Rollout::Cron(Concurrency::Allow) => Some("runs may overlap".to_owned()),
        Rollout::Cron(Concurrency::Forbid) => Some("runs never overlap".to_owned()),
        Rollout::Cron(Concurrency::Replace) => Some("a run replaces the last".to_owned()),
        Rollout::DeleteFirst if kind.runs(Runs::Replicas) => Some("old pods end first".to_owned()),
        Rollout::DeleteFirst => None,
        Rollout::Overlapping => Some("new pods beside all old ones".to_owned()),
        Rollout::Paused => Some("rollout paused".to_owned()),
        Rollout::Rolling {
            max_surge,
            max_unavailable,
        } => Some(format!(
            "surge {}, unavailable {}",
            amount(max_surge),
            amount(max_unavailable)
        )),
    }
}

fn amount(amount: Amount) -> String {
    match amount {
        Amount::Count(count) => count.to_string(),
        Amount::Percent(percent) => format!("{percent}%"),
    }
}

pub(super) fn claim(claim: &Claim) -> Vec<String> {
    let mut lines = stored(claim.modes(), claim.storage.as_ref(), &claim.class);
    if claim.lost {
        lines.push("its volume is lost".to_owned());
    }
    if claim.deleting {
        lines.push("is being deleted".to_owned());
    }
    lines
}

/// A template, and the claims that it makes.
pub(super) fn template(template: &ClaimTemplate, set: &Workload) -> Vec<String> {
    let ordinals = set.ordinals();
    let claim = |ordinal| template.claim(&set.id.name, ordinal).to_string();
    let made = match (ordinals.count(), ordinals.last()) {
        (1, Some(only)) => claim(only),
        (count, Some(last)) => format!("{} … {last} ({count} claims)", claim(ordinals.first())),
        (_, None) => "no claim now".to_owned(),
    };
    let mut lines = vec![made];
    lines.extend(stored(template.modes, template.storage.as_ref(), &template.class));
    lines
}

fn stored(modes: Modes, storage: Option<&Name>, class: &ClassName) -> Vec<String> {
    let modes = if modes.is_empty() {
        "no access mode".to_owned()
    } else {
        modes.to_string()
    };
    let size = storage.map_or("no size", |size| size);
    let class = match class {
        ClassName::Default => "default class".to_owned(),
        ClassName::Named(name) => format!("class {name}"),
        ClassName::None => "no class".to_owned(),
    };
    vec![modes, format!("{size}, {class}")]
}

/// A volume, by what its claim knows of it.
pub(super) fn volume(traits: &Lookup<VolumeTraits>) -> Vec<String> {
    let Lookup::Known(traits) = traits else {
        return Vec::new();
    };
    let kind = match &traits.kind {
        VolumeKind::Csi(driver) => driver.to_string(),
        VolumeKind::InTreeAttachable => "a disk of the cloud".to_owned(),
        VolumeKind::NotAttachable => "attached to no node".to_owned(),
    };
    let node = if traits.pinned {
        "one node alone can reach it"
    } else if traits.modes.is_single_node() {
        "on one node at a time"
    } else {
        "from any node"
    };
    vec![kind, node.to_owned()]
}

pub(super) fn service(service: &Service) -> Vec<String> {
    let exposure = match service.exposure {
        Exposure::ClusterIp => "has a cluster IP",
        Exposure::ExternalName => "a name elsewhere",
        Exposure::Headless => "headless",
        Exposure::NodePort => "on a port of every node",
    };
    let mut lines = vec![exposure.to_owned()];
    if service.deleting {
        lines.push("is being deleted".to_owned());
    }
    lines
}

/// `1 to 5 replicas`.
pub(super) fn range(autoscaler: &Autoscaler) -> String {
    let (least, most) = (autoscaler.min_replicas, autoscaler.max_replicas);
    if least == most {
        counted(u64::from(most), "replica")
    } else {
        format!("{least} to {}", counted(u64::from(most), "replica"))
    }
}
