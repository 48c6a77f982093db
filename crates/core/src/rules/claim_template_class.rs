//! `claim-template-class`: no volume will be made for the claims of a template, or one that pods cannot follow.

use std::fmt::Write as _;

use super::kit::{Action, Case, Finding, Rule, Surroundings, template, text};
use crate::graph::{ClaimTemplate, Class, ClassName, Features, Field, Lookup, View, Workload};

/// The case of a template that asks for no class on purpose.
const BY_HAND: usize = 1;

/// So many pods are looked at for claims that have their volumes already.
const MOST_PODS: usize = 1_000;

const A_DEFAULT: &str = "kubectl annotate storageclass NAME storageclass.kubernetes.io/is-default-class=true";

/// The label that says in which zone a node is.
const ZONE: &str = "topology.kubernetes.io/zone";

/// Provisioners whose disks only the nodes of one zone reach, by their CSIDriver manifests and, in-tree,
/// `pkg/volume/*`.
const ZONAL: &[&str] = &[
    "cinder.csi.openstack.org",
    "disk.csi.azure.com",
    "diskplugin.csi.alibabacloud.com",
    "ebs.csi.aws.com",
    "ebs.csi.eks.amazonaws.com",
    "kubernetes.io/aws-ebs",
    "kubernetes.io/azure-disk",
    "kubernetes.io/cinder",
    "kubernetes.io/gce-pd",
    "pd.csi.storage.gke.io",
    "vpc.block.csi.ibm.io",
];

/// See `claim-template-class.md`.
pub(super) static RULE: Rule = Rule {
    id: "claim-template-class",
    summary: "the class of a claim template makes no volumes, or makes them where pods may not go",
    page: include_str!("claim-template-class.md"),
    since: "0.1.0",
    cases: &[
        Case::always(Action::Warn),
        Case::always(Action::Audit).when("it asks for no class"),
    ],
    judges: Features::having(Field::ClaimTemplates),
    judge: Some(judge),
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    for (index, one) in workload.claim_templates.iter().enumerate() {
        let finding = match (&one.class, cx.view.class(&one.class)) {
            (ClassName::None, _) => by_hand(workload, one),
            // Where nobody told of any class, that this one is not there tells nothing.
            (_, Lookup::Absent) if !cx.view.has_classes() => continue,
            (ClassName::Named(class), Lookup::Absent) => absent(workload, one, class),
            (ClassName::Default, Lookup::Absent) => no_default(workload, one),
            (_, Lookup::Known(class)) if is_too_early(class, cx.view) => too_early(workload, one, class),
            (_, Lookup::Known(_) | Lookup::Unknown) => continue,
        };
        if !have_volumes(workload, one, cx.view) {
            findings.push(finding.at(format!("{}/spec/storageClassName", template::pointer(index))));
        }
    }
}

/// Whether disks of this class are made in a zone before the pod has one. In a cluster of one zone it does not matter.
fn is_too_early(class: &Class, view: &View<'_>) -> bool {
    if !class.immediate || !ZONAL.contains(&&*class.provisioner) {
        return false;
    }
    let Some(nodes) = view.nodes().known() else {
        return true;
    };
    let mut zones = nodes.iter().filter_map(|node| node.labels.get(ZONE));
    let first = zones.next();
    zones.any(|zone| Some(zone) != first)
}

/// Whether every pod's claim is bound already, to whatever: then its class is asked no more.
fn have_volumes(workload: &Workload, one: &ClaimTemplate, view: &View<'_>) -> bool {
    if workload.replicas as usize > MOST_PODS {
        return false;
    }
    let mut name = String::new();
    workload.ordinals().iter().all(|ordinal| {
        name.clear();
        let written = write!(name, "{}", one.claim(&workload.id.name, ordinal));
        let claim = view.claim(&name).known();
        written.is_ok() && claim.is_some_and(|claim| claim.volume_name.is_some())
    })
}

fn by_hand(workload: &Workload, one: &ClaimTemplate) -> Finding {
    let name = &one.name;
    Finding::violation(&RULE, &workload.id, name)
        .case(BY_HAND)
        .says(
            format!(
                "claim template \"{name}\" asks for no class (\"\"), so its claims wait for volumes that somebody makes \
                 by hand, one for each pod"
            ),
            format!("template \"{name}\" asks for no class: volumes are made by hand"),
        )
        .remedy("Make a PersistentVolume without a class for every pod, or name a class")
        .remedy_in_place("Make a PersistentVolume without a class for every pod")
}

fn absent(workload: &Workload, one: &ClaimTemplate, class: &str) -> Finding {
    let name = &one.name;
    Finding::violation(&RULE, &workload.id, name)
        .says(
            format!(
                "claim template \"{name}\" names class \"{class}\", which does not exist; its claims stay Pending, and \
                 so do the pods, unless volumes made by hand name that class too"
            ),
            format!("class \"{class}\" of template \"{name}\" does not exist"),
        )
        .remedy("Name a class that exists (kubectl get storageclass): templates and claims keep theirs")
        .remedy_in_place(format!(
            "Make a class \"{class}\"; or name one that exists, after {} and after its claims, which have no data yet, are \
             deleted",
            text::orphaning(workload)
        ))
}

fn no_default(workload: &Workload, one: &ClaimTemplate) -> Finding {
    let name = &one.name;
    Finding::violation(&RULE, &workload.id, name)
        .says(
            format!(
                "claim template \"{name}\" names no class, and the cluster has no default class; its claims stay \
                 Pending, and so do the pods, until there is one or volumes made by hand fit"
            ),
            format!("template \"{name}\" names no class, and there is no default"),
        )
        .remedy(format!("Name a class, or make one the default: {A_DEFAULT}"))
        .remedy_in_place(format!("Make a class the default, for these claims too: {A_DEFAULT}"))
}

fn too_early(workload: &Workload, one: &ClaimTemplate, class: &Class) -> Finding {
    let name = &one.name;
    let Class { name: class, .. } = class;
    Finding::violation(&RULE, &workload.id, name)
        .says(
            format!(
                "claim template \"{name}\" uses class \"{class}\" with volumeBindingMode Immediate: each disk is made in \
                 some zone before its pod has a node, and where that zone has no room the pod stays Pending"
            ),
            format!("class \"{class}\" makes disks in a zone before pods have nodes"),
        )
        .remedy_of_new("Use a class with volumeBindingMode: WaitForFirstConsumer", workload)
}
