//! Claim templates in patches: whole ones, members of one, and the record of what was injected.

use std::fmt;

use serde_json::{Value, json};

use super::patch::{DEFAULTED, PatchOperation};
use crate::graph::{AccessMode, ClaimTemplate, ClassName, Modes, Unread, Workload, Written};

/// JSON pointer to the claim templates of a StatefulSet.
pub const TEMPLATES: &str = "/spec/volumeClaimTemplates";

/// What an added template requests where no policy says so.
pub const DEFAULT_STORAGE: &str = "10Gi";

/// The pointer to the claim template at `index`.
#[must_use]
pub fn pointer(index: usize) -> String {
    format!("{TEMPLATES}/{index}")
}

/// A template as it is injected: one node, so much storage.
#[must_use]
pub fn single_node(name: &str, storage: &str, class: ClassName, block: bool) -> ClaimTemplate {
    ClaimTemplate {
        name: name.into(),
        modes: [AccessMode::ReadWriteOnce].into_iter().collect(),
        class,
        storage: Some(storage.into()),
        block,
        written: Written::Requests,
        unread: Unread::default(),
        volatile: None,
    }
}

/// A template as JSON, without what the API server fills in (it defaults again after every patch).
#[must_use]
pub fn whole(template: &ClaimTemplate) -> Value {
    let mut spec = json!({ "accessModes": modes(template.modes) });
    if let Some(storage) = &template.storage {
        spec["resources"] = json!({ "requests": { "storage": **storage } });
    }
    if let Some(class) = class(&template.class) {
        spec["storageClassName"] = class;
    }
    if template.block {
        spec["volumeMode"] = "Block".into();
    }
    json!({ "metadata": { "name": *template.name }, "spec": spec })
}

/// Adds access modes to the `template` at `index`.
pub fn add_modes(index: usize, template: &ClaimTemplate, added: Modes, operations: &mut Vec<PatchOperation>) {
    let spec = spec(index, template, operations);
    operations.push(PatchOperation::add(format!("{spec}/accessModes"), modes(added)));
}

/// Adds a storage request to the `template` at `index`, beside whatever limits are there.
pub fn add_storage(index: usize, template: &ClaimTemplate, storage: &str, operations: &mut Vec<PatchOperation>) {
    let spec = spec(index, template, operations);
    let requests = json!({ "storage": storage });
    operations.push(match template.written {
        Written::Nothing | Written::Spec => {
            PatchOperation::add(format!("{spec}/resources"), json!({ "requests": requests }))
        }
        Written::Resources => PatchOperation::add(format!("{spec}/resources/requests"), requests),
        Written::Requests => PatchOperation::add(format!("{spec}/resources/requests/storage"), storage),
    });
}

/// Adds a class to the `template` at `index`.
pub fn add_class(index: usize, template: &ClaimTemplate, added: &ClassName, operations: &mut Vec<PatchOperation>) {
    if let Some(class) = class(added) {
        let spec = spec(index, template, operations);
        operations.push(PatchOperation::add(format!("{spec}/storageClassName"), class));
    }
}

/// Returns true for an RFC 1123 label: what names a claim template that can work.
#[must_use]
pub fn is_label(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&name.len()) && name.bytes().all(inner) && !name.starts_with('-') && !name.ends_with('-')
}

/// Returns true where what is injected into this template can be recorded, by its name, and so be kept by a later
/// apply: the name is a label, and no other template has it.
#[must_use]
pub fn is_recordable(workload: &Workload, name: &str) -> bool {
    is_label(name) && named(workload, name).is_some()
}

/// The only claim template of this name.
#[must_use]
pub fn named<'a>(workload: &'a Workload, name: &str) -> Option<&'a ClaimTemplate> {
    let mut templates = workload.claim_templates.iter().filter(|one| *one.name == *name);
    templates.next().filter(|_| templates.next().is_none())
}

/// The claim templates that an update has lost and we injected as a whole, each with its old place.
pub fn lost<'a>(
    before: &'a Workload,
    after: &'a Workload,
    records: &'a [Record<'_>],
) -> impl Iterator<Item = (usize, &'a ClaimTemplate)> {
    before.claim_templates.iter().enumerate().filter(|(_, old)| {
        records.contains(&Record::Template(&old.name)) && !after.claim_templates.iter().any(|one| one.name == old.name)
    })
}

/// An injected immutable field, as `stateward.dev/defaulted` records it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Record<'a> {
    AccessModes(&'a str),
    Resources(&'a str),
    ServiceName,
    Template(&'a str),
}

impl<'a> Record<'a> {
    /// Parses one entry of the annotation; `None` for what is not ours.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let below = match text.strip_prefix(TEMPLATES) {
            None => return (text == "/spec/serviceName").then_some(Self::ServiceName),
            Some(below) => below.strip_prefix('/')?,
        };
        let (name, member) = below.split_once('/').unwrap_or((below, ""));
        match member {
            _ if !is_label(name) => None,
            "" => Some(Self::Template(name)),
            "spec/accessModes" => Some(Self::AccessModes(name)),
            "spec/resources" => Some(Self::Resources(name)),
            _ => None,
        }
    }

    /// What the annotation of a workload remembers, as far as it still has it.
    pub fn of(workload: &'a Workload) -> impl Iterator<Item = Self> {
        let remembered = workload.annotation(DEFAULTED).unwrap_or_default();
        let records = remembered.split_whitespace().filter_map(Record::parse);
        records.filter(|record| record.is_in(workload))
    }

    /// Returns true where a JSON pointer on `workload` leads to the field, or into it.
    #[must_use]
    pub fn covers(self, pointer: &str, workload: &Workload) -> bool {
        let below = |field: &str, pointer: &str| {
            let rest = pointer.strip_prefix(field);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let (name, member) = match self {
            Self::ServiceName => return below("/spec/serviceName", pointer),
            Self::Template(name) => (name, ""),
            Self::AccessModes(name) => (name, "/spec/accessModes"),
            Self::Resources(name) => (name, "/spec/resources"),
        };
        let at = workload.claim_templates.iter().position(|one| *one.name == *name);
        at.is_some_and(|at| below(&format!("{}{member}", self::pointer(at)), pointer))
    }

    /// Returns true where `workload` has the field, in the only template of the name.
    #[must_use]
    pub fn is_in(self, workload: &Workload) -> bool {
        let template = |name: &str| named(workload, name);
        match self {
            Self::AccessModes(name) => template(name).is_some_and(|one| !one.modes.is_empty()),
            Self::Resources(name) => template(name).is_some_and(|one| one.storage.is_some()),
            Self::ServiceName => workload.service_name.is_some(),
            Self::Template(name) => template(name).is_some(),
        }
    }
}

impl fmt::Display for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AccessModes(name) => write!(f, "{TEMPLATES}/{name}/spec/accessModes"),
            Self::Resources(name) => write!(f, "{TEMPLATES}/{name}/spec/resources"),
            Self::ServiceName => f.write_str("/spec/serviceName"),
            Self::Template(name) => write!(f, "{TEMPLATES}/{name}"),
        }
    }
}

/// The pointer to a template's spec, which is added where it is missing.
fn spec(index: usize, template: &ClaimTemplate, operations: &mut Vec<PatchOperation>) -> String {
    let spec = format!("{}/spec", pointer(index));
    if template.written == Written::Nothing {
        let missing = PatchOperation::add(&*spec, json!({}));
        if !operations.contains(&missing) {
            operations.push(missing);
        }
    }
    spec
}

/// Access modes as JSON.
#[must_use]
pub fn modes(modes: Modes) -> Value {
    modes.iter().map(AccessMode::as_str).collect()
}

fn class(class: &ClassName) -> Option<Value> {
    match class {
        ClassName::Default => None,
        ClassName::Named(name) => Some((**name).into()),
        ClassName::None => Some("".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_read_as_they_are_written() {
        for record in [
            Record::AccessModes("data"),
            Record::Resources("data"),
            Record::ServiceName,
            Record::Template("data"),
        ] {
            assert_eq!(Record::parse(&record.to_string()), Some(record));
        }
        for text in [
            "",
            "/spec/replicas",
            "/spec/volumeClaimTemplates",
            "/spec/volumeClaimTemplatesX",
            "/spec/volumeClaimTemplates/",
            "/spec/volumeClaimTemplates/Data",
            "/spec/volumeClaimTemplates/data/spec",
        ] {
            assert_eq!(Record::parse(text), None, "{text}");
        }
    }
}
