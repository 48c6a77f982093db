//! StatefulSets and the Service that gives their pods names.

use crate::graph::{Exposure, Kind, Labels, ObjectRef, Service, View, Workload};

/// The annotation by which a StatefulSet says that it needs no names for its pods: `none`.
pub const SERVICE: &str = "stateward.dev/service";

/// Returns true where the StatefulSet declares that it has no governing Service.
#[must_use]
pub fn needs_none(workload: &Workload) -> bool {
    workload.annotation(SERVICE) == Some("none")
}

/// The headless Services that select the pods, by name.
#[must_use]
pub fn candidates<'a>(workload: &Workload, view: &View<'a>) -> Vec<&'a Service> {
    let mut found = selecting(workload, view);
    found.retain(|service| service.exposure == Exposure::Headless);
    found
}

/// The Services that select the pods and are not being deleted, by name.
#[must_use]
pub fn selecting<'a>(workload: &Workload, view: &View<'a>) -> Vec<&'a Service> {
    let mut found = view.services();
    found.retain(|service| !service.deleting && service.selects(&workload.pods.labels));
    found
}

/// The labels by which others find these pods: the workload's own selector, else all of the pods' labels.
#[must_use]
pub fn selector(workload: &Workload) -> &Labels {
    let own = &workload.selector.match_labels;
    if own.is_empty() { &workload.pods.labels } else { own }
}

/// `matchLabels: {app: "db"}`: what selects these pods, to write into a manifest.
#[must_use]
pub fn match_labels(workload: &Workload) -> String {
    let labels = selector(workload).iter();
    let pairs: Vec<String> = labels.map(|(key, value)| format!("{key}: {value:?}")).collect();
    format!("matchLabels: {{{}}}", pairs.join(", "))
}

/// `app=db, tier=data`.
#[must_use]
pub fn pairs(labels: &Labels) -> String {
    let pairs: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    pairs.join(", ")
}

/// `"db", "db-peer"`.
#[must_use]
pub fn names(services: &[&Service]) -> String {
    let names: Vec<String> = services.iter().map(|service| format!("\"{}\"", service.name)).collect();
    names.join(", ")
}

/// The Service as an object.
#[must_use]
pub fn reference(name: &str) -> ObjectRef {
    ObjectRef::new(Kind::SERVICE, name)
}
