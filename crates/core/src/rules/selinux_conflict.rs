//! `selinux-conflict`: one volume, two SELinux levels to mount it by.

use super::kit::others;
use super::kit::sharing;
use super::kit::{Action, Case, Finding, Rule, Surroundings, text};
use crate::graph::{Lookup, Mount, MountForm, Version, View, VolumeKind, Workload};

/// The version from which kubelets mount volumes of every access mode by their label (`SELinuxMount`).
const SINCE: Version = Version::new(1, 37);

/// See `selinux-conflict.md`.
pub(super) static RULE: Rule = Rule {
    id: "selinux-conflict",
    summary: "pods of different SELinux levels share a volume that is mounted by its level",
    page: include_str!("selinux-conflict.md"),
    since: "0.1.0",
    cases: &[Case::always(Action::Warn)],
    judge: Some(judge),
    ..Rule::DEFAULTS
};

/// By which level a pod wants a volume mounted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level<'a> {
    /// By none: it has no options, or `seLinuxChangePolicy: Recursive`.
    None,
    Is(&'a str),
    /// Options without a level, or several: the node decides, or refuses.
    Unclear,
}

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    // Hardly any pod says anything of SELinux. The one that says nothing is told of by the one that does.
    if workload.pods.selinux.is_none() || cx.view.version().is_some_and(|version| version < SINCE) {
        return;
    }
    for used in others::shareable(workload, cx.view) {
        let claim = used.claim();
        let Some(own) = level(workload, claim) else { continue };
        let mut others = others::others(workload, claim, cx.view);
        others.retain(|other| level(other.workload, claim).is_some_and(|other| conflict(own, other)));
        let Some(first) = others.first() else { continue };
        let other = level(first.workload, claim).unwrap_or(Level::Unclear);
        let finding =
            match mounts_by_level(claim, cx.view) {
                Lookup::Absent | Lookup::Known(false) => continue,
                Lookup::Known(true) => {
                    let from = match cx.view.version() {
                        Some(_) => "",
                        None => "from Kubernetes 1.37 on, ",
                    };
                    let who = others::described(&others);
                    Finding::violation(&RULE, &workload.id, claim)
                    .says(
                        format!(
                            "its pods want claim \"{claim}\" mounted {}, those of {who} {}: {from}where two meet on \
                             a node, the second waits in ContainerCreating, whatever the access mode",
                            phrase(own),
                            phrase(other)
                        ),
                        format!("claim \"{claim}\" has another SELinux level in {}", others::brief(&others)),
                    )
                    .remedy(
                        "Give both the same seLinuxOptions.level, or seLinuxChangePolicy: Recursive to all that \
                         share it",
                    )
                }
                // Most drivers do not, and most clusters are older.
                Lookup::Unknown if cx.view.version().is_none() => continue,
                Lookup::Unknown => {
                    let who = text::object(first.workload);
                    Finding::unknown(&RULE, &workload.id, claim)
                    .says(
                        format!(
                            "claim \"{claim}\" has another SELinux level in {who}; whether its driver mounts by level \
                             is not known, so whether both can run on one node was not checked"
                        ),
                        format!("whether claim \"{claim}\" is mounted by SELinux level is not known"),
                    )
                    .remedy("Add the claim, its class and the CSIDriver to what is read")
                }
            };
        let finding = others::related(finding, &others, claim);
        findings.push(finding.extent(others.len() as u64).at(used.path()));
    }
}

/// The level by which the pods of a workload want a claim mounted; `None` where no container mounts it.
fn level<'a>(workload: &'a Workload, claim: &str) -> Option<Level<'a>> {
    let pods = &workload.pods;
    let by_hand = sharing::mounted(workload).find(|mounted| **mounted.claim == *claim);
    let volume = match by_hand {
        Some(mounted) => mounted.volume,
        None => {
            let made = format!("-{}-", workload.id.name);
            let makes = |name: &str| claim.strip_prefix(name).is_some_and(|rest| rest.starts_with(&made));
            &workload.claim_templates.iter().find(|one| makes(&one.name))?.name
        }
    };
    let mut mounting = pods
        .mounts
        .iter()
        .filter(|mount| mount.volume == *volume && mount.form == MountForm::Directory);
    let Some(selinux) = pods.selinux.as_deref().filter(|selinux| !selinux.recursive) else {
        return mounting.next().map(|_| Level::None);
    };
    let of = |mount: &Mount| {
        let position = mount.position;
        let own = selinux
            .containers
            .iter()
            .find(|one| (one.init, one.container) == (position.init, position.container));
        own.map(|own| &own.level)
            .or(selinux.level.as_ref())
            .map_or(Level::None, |level| match level.as_str() {
                "" => Level::Unclear,
                level => Level::Is(level),
            })
    };
    let first = of(mounting.next()?);
    // A container without options does not count beside one with them.
    Some(mounting.map(of).fold(first, |known, next| match (known, next) {
        (Level::None, other) | (other, Level::None) => other,
        (known, next) if known == next => known,
        _ => Level::Unclear,
    }))
}

fn conflict(own: Level<'_>, other: Level<'_>) -> bool {
    own != other && own != Level::Unclear && other != Level::Unclear
}

fn phrase(level: Level<'_>) -> String {
    match level {
        Level::Is(level) => format!("with SELinux level {}", level.escape_debug()),
        Level::None | Level::Unclear => "without one".to_owned(),
    }
}

/// Whether the volume of a claim is of a driver with `seLinuxMount: true`; absent where no driver makes it.
fn mounts_by_level(claim: &str, view: &View<'_>) -> Lookup<bool> {
    let Lookup::Known(claim) = view.claim(claim) else {
        return Lookup::Unknown;
    };
    let driver = match &claim.volume {
        Lookup::Known(volume) => match &volume.kind {
            VolumeKind::Csi(driver) => driver,
            // In-tree disks are their CSI drivers' by now, which nobody names here.
            VolumeKind::InTreeAttachable => return Lookup::Unknown,
            VolumeKind::NotAttachable => return Lookup::Absent,
        },
        _ => match view.class(&claim.class) {
            Lookup::Known(class) => &class.provisioner,
            Lookup::Absent => return Lookup::Absent,
            Lookup::Unknown => return Lookup::Unknown,
        },
    };
    view.driver(driver).map(|driver| driver.selinux_mount)
}
