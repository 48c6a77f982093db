//! From the kind that a workload is of to the one that it should be: what becomes of which object, and which steps lead
//! there without losing a byte.
//!
//! ```text
//! objects -> convert -> Conversion { what becomes of each, what is new, Plan } -> manifests, text, script
//! ```
//! Pure: it reads no file and no cluster, and does nothing. Who takes the steps is whoever reads the plan.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod copies;
mod deployment;
mod differences;
mod object;
pub mod plan;
mod recreate;
mod references;
mod script;
mod shell;
mod statefulset;
mod steps;
mod words;

use serde_json::Value as Json;

pub use object::Object;
pub use plan::Plan;
pub use script::script;
pub use words::{markdown, text};

/// What is to be converted.
#[derive(Clone, Copy, Debug)]
pub struct Request<'o> {
    /// All that is known, whatever namespaces they are in.
    pub objects: &'o [Object],
    /// Which of them is converted.
    pub subject: usize,
    /// What it shall be, where it is to stay a StatefulSet.
    pub wanted: Option<&'o Json>,
    /// How a Deployment's data gets onto the volumes of a StatefulSet.
    pub data: Data,
    /// Whether these are all that could refer to it.
    pub scope: Scope,
}

/// How data gets to where it will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    /// By a Job that copies files; the old volume stays as it was.
    Copy,
    /// Not at all: the volume is handed over.
    Keep,
    /// By a snapshot that the driver makes a volume of; the old volume stays as it was.
    Snapshot,
}

/// How much of the surroundings is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Some files.
    Files,
    /// Everything in the namespace.
    Namespace,
}

/// What becomes of everything.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversion {
    /// Of each object, in the order of the request.
    pub fates: Vec<Fate>,
    /// Objects that are new.
    pub added: Vec<Json>,
    pub plan: Plan,
}

/// What becomes of an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    Same,
    Becomes(Json),
    Gone,
}

/// Why something is not converted: all reasons, lower-case and without a final period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{subject} cannot be converted: {}", reasons.join("; "))]
pub struct Refusal {
    pub subject: String,
    pub reasons: Vec<String>,
}

/// What is said where not everything is known.
const ONLY_FILES: &str = "only what is in the files was looked at; --from-cluster also finds the autoscalers, jobs and \
                          Services that refer to it and are not among them";

/// Whether there is a way for objects like this.
#[must_use]
pub fn is_subject(object: &Object) -> bool {
    object.is("apps", "Deployment") || object.is("apps", "StatefulSet")
}

/// Finds the way for an object.
///
/// # Errors
/// There is none, or it would lose something.
pub fn convert(request: Request<'_>) -> Result<Conversion, Refusal> {
    let subject = &request.objects[request.subject];
    let refused = |reasons| Refusal {
        subject: format!("{} {}/{}", subject.kind(), subject.namespace, subject.name()),
        reasons,
    };
    match (subject.kind(), request.wanted) {
        ("StatefulSet", Some(wanted)) => recreate::convert(request, wanted),
        ("StatefulSet", None) => deployment::convert(request),
        (_, Some(_)) => Err(vec![
            "only a StatefulSet is made anew as something else is wanted".to_owned(),
        ]),
        (_, None) => statefulset::convert(request),
    }
    .map_err(refused)
}
