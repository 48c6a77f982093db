//! `dangling-volume-mount`: a container mounts a volume that nobody defines.

use stateward_nearest::nearest;

use super::kit::{
    Action, Case, Draft, Finding, Injection, Outcome, Parameter, ParameterKind, Parameters, PatchOperation, Record,
    Rule, Surroundings, template,
};
use crate::graph::{ClassName, Field, Mount, MountForm, Name, Workload};

/// Volumes that Istio's and Vault's injectors add to pods, and that containers may mount before they are there.
const INJECTED: &[&str] = &[
    "credential-socket",
    "home-init",
    "home-sidecar",
    "istio-data",
    "istio-envoy",
    "istio-podinfo",
    "istio-token",
    "istiod-ca-cert",
    "vault-config",
    "vault-secrets",
    "vault-tls-secrets",
    "workload-certs",
    "workload-socket",
];

/// See `dangling-volume-mount.md`.
pub(super) static RULE: Rule = Rule {
    id: "dangling-volume-mount",
    summary: "a container mounts a volume that is neither a pod volume nor a claim template",
    page: include_str!("dangling-volume-mount.md"),
    since: "0.1.0",
    cases: &[Case::rising(Action::Warn, Action::Deny)],
    parameters: &[
        Parameter {
            name: "injected",
            summary: "names of volumes that an injector adds later",
            kind: ParameterKind::List(INJECTED),
        },
        Parameter {
            name: "storage",
            summary: "storage request of an added claim template; 10Gi where unset",
            kind: ParameterKind::Quantity,
        },
        Parameter {
            name: "storageClassName",
            summary: "class of an added claim template; the default class where unset",
            kind: ParameterKind::Text,
        },
    ],
    judge: Some(judge),
    inject: Some(inject),
    injection: Injection::OptIn,
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    for Dangling { volume, mounts } in dangling(workload, cx.parameters) {
        let users = users(&mounts);
        let (text, remedy) = if workload.id.kind.has(Field::ClaimTemplates) {
            (
                format!(
                    "{users} volume \"{volume}\", which is neither a volume of the pods nor a claim template; \
                     Kubernetes before 1.34 stores it and no pod ever starts"
                ),
                format!(
                    "Add a claim template \"{volume}\" for a disk of each pod's own, or a volume \
                        \"{volume}\""
                ),
            )
        } else {
            (
                format!("{users} volume \"{volume}\", which is no volume of the pods; the API server refuses it"),
                format!(
                    "Add a volume \"{volume}\", or use a StatefulSet with a claim template for a disk of each \
                     pod's own"
                ),
            )
        };
        let meant = meant(workload, volume).map_or(String::new(), |name| format!("Did you mean \"{name}\"? "));
        let path = mounts
            .first()
            .map(|mount| format!("{}{}/name", workload.id.kind.pod_spec(), mount.pointer()));
        findings.push(
            Finding::violation(&RULE, &workload.id, volume)
                .says(text, format!("{users} volume \"{volume}\", which nobody defines"))
                .remedy(format!("{meant}{remedy}"))
                .at(path.unwrap_or_default()),
        );
    }
}

fn inject(draft: &Draft<'_>, cx: &Surroundings<'_>) -> Outcome {
    let Draft::New { workload, shape } = *draft else {
        return Outcome::Nothing;
    };
    if !workload.id.kind.has(Field::ClaimTemplates) || !shape.spec {
        return Outcome::Nothing;
    }
    let storage = cx.parameters.text("storage").unwrap_or(template::DEFAULT_STORAGE);
    let class = match cx.parameters.text("storageClassName") {
        None => ClassName::Default,
        Some("") => ClassName::None,
        Some(name) => ClassName::Named(name.into()),
    };
    let mut templates = Vec::new();
    let mut records = Vec::new();
    let dangling = dangling(workload, cx.parameters);
    for Dangling { volume, mounts } in &dangling {
        let devices = mounts.iter().filter(|mount| mount.form == MountForm::Device).count();
        // A claim is a directory or a device, never both.
        if !template::is_label(volume) || (devices > 0 && devices < mounts.len()) {
            continue;
        }
        let added = template::single_node(volume, storage, class.clone(), devices > 0);
        templates.push(template::whole(&added));
        records.push(Record::Template(volume).to_string());
    }
    let (Some(first), false) = (dangling.first(), templates.is_empty()) else {
        return Outcome::Nothing;
    };
    // A mistyped name would become a disk for ever, for templates cannot change.
    if let Some(idle) = workload
        .claim_templates
        .iter()
        .find(|one| !is_mounted(workload, &one.name))
    {
        return Outcome::Decline(format!(
            "no template added: unmounted \"{}\" and undefined \"{}\" may be one name",
            idle.name, first.volume
        ));
    }
    let operations = if shape.claim_templates {
        let append = |template| PatchOperation::add(format!("{}/-", template::TEMPLATES), template);
        templates.into_iter().map(append).collect()
    } else {
        vec![PatchOperation::add(template::TEMPLATES, templates)]
    };
    Outcome::inject(operations, records)
}

/// A volume name that nobody defines, with the mounts that use it.
struct Dangling<'a> {
    volume: &'a Name,
    mounts: Vec<&'a Mount>,
}

fn dangling<'a>(workload: &'a Workload, parameters: &Parameters) -> Vec<Dangling<'a>> {
    let pods = &workload.pods;
    let mut found: Vec<Dangling<'a>> = Vec::new();
    for mount in &pods.mounts {
        let volume = &mount.volume;
        let injected = match parameters.list("injected") {
            Some(names) => names.iter().any(|name| **name == **volume),
            None => INJECTED.contains(&&**volume),
        };
        let defined = pods.volumes.iter().any(|one| one.name == *volume)
            || workload.claim_templates.iter().any(|one| one.name == *volume);
        if injected || defined {
            continue;
        }
        match found.iter_mut().find(|one| one.volume == volume) {
            Some(known) => known.mounts.push(mount),
            None => found.push(Dangling {
                volume,
                mounts: vec![mount],
            }),
        }
    }
    found
}

/// The defined name that a mistyped one probably stands for.
fn meant<'a>(workload: &'a Workload, volume: &str) -> Option<&'a str> {
    let volumes = workload.pods.volumes.iter().map(|one| &*one.name);
    nearest(
        volume,
        volumes.chain(workload.claim_templates.iter().map(|one| &*one.name)),
    )
}

fn is_mounted(workload: &Workload, name: &str) -> bool {
    workload.pods.mounts.iter().any(|mount| *mount.volume == *name)
}

/// `container "db" mounts`, `containers "setup" and "db" mount`.
fn users(mounts: &[&Mount]) -> String {
    let mut names: Vec<String> = mounts.iter().map(|mount| format!("\"{}\"", mount.container)).collect();
    names.dedup();
    match names.as_slice() {
        [first, .., last] if names.len() == 2 => format!("containers {first} and {last} mount"),
        [first, ..] if names.len() > 2 => format!("container {first} and {} more mount", names.len() - 1),
        _ => format!("container {} mounts", names.concat()),
    }
}
