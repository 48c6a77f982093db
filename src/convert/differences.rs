//! What differs between a StatefulSet and the one that it shall be, of what the API server lets nobody change.

use serde_json::Value as Json;

use super::object::{Object, selects, text};
use crate::rules::kit::Quantity;

/// The differences; none of them is one that no step leads over.
#[derive(Debug, Default)]
pub(super) struct Differences {
    /// Fields of the spec.
    pub(super) fields: Vec<&'static str>,
    /// Claim templates that ask for more, with how much.
    pub(super) grown: Vec<(String, String)>,
    /// Claim templates that are new.
    pub(super) added: Vec<String>,
    /// Claim templates that there are no more.
    pub(super) removed: Vec<String>,
    /// The pods that run have labels that the new selector does not select.
    pub(super) loses_pods: bool,
}

/// What a claim cannot be given later.
const LASTING: [&str; 5] = [
    "accessModes",
    "selector",
    "storageClassName",
    "volumeMode",
    "volumeName",
];

impl Differences {
    /// Compares, and says what is in the way.
    pub(super) fn between(now: &Object, wanted: &Json) -> Result<Self, Vec<String>> {
        let mut found = Self::default();
        let mut obstacles = Vec::new();
        let (old, new) = (&now.json["spec"], &wanted["spec"]);
        for (field, default) in [
            ("podManagementPolicy", Json::from("OrderedReady")),
            ("selector", Json::Null),
            ("serviceName", Json::from("")),
        ] {
            let of = |spec: &Json| spec.get(field).cloned().unwrap_or_else(|| default.clone());
            if of(old) != of(new) {
                found.fields.push(field);
            }
        }
        if found.fields.contains(&"selector") {
            let selector = &new["selector"]["matchLabels"];
            if !selects(selector, &new["template"]["metadata"]["labels"]) {
                obstacles.push("the new selector does not select the new pods".to_owned());
            }
            found.loses_pods = !selects(selector, now.pod_labels());
        }
        found.compare_templates(old, new, &mut obstacles);
        if !found.added.is_empty() && !found.removed.is_empty() {
            obstacles.push(format!(
                "claim template {} became {}: the pods would begin with empty volumes; keep the name",
                found.removed.join(", "),
                found.added.join(", ")
            ));
        }
        if found.fields.is_empty() && found.is_same_storage() && obstacles.is_empty() {
            obstacles.push("nothing differs that kubectl apply could not change".to_owned());
        }
        if obstacles.is_empty() {
            Ok(found)
        } else {
            Err(obstacles)
        }
    }

    fn is_same_storage(&self) -> bool {
        self.grown.is_empty() && self.added.is_empty() && self.removed.is_empty()
    }

    fn compare_templates(&mut self, old: &Json, new: &Json, obstacles: &mut Vec<String>) {
        let templates = |spec: &Json| spec["volumeClaimTemplates"].as_array().cloned().unwrap_or_default();
        let named = |template: &Json| text(template, "/metadata/name").to_owned();
        let (old, new) = (templates(old), templates(new));
        for template in &new {
            let name = named(template);
            let Some(before) = old.iter().find(|before| named(before) == name) else {
                self.added.push(name);
                continue;
            };
            for field in LASTING {
                let of = |template: &Json| match template["spec"].get(field) {
                    None if field == "volumeMode" => Json::from("Filesystem"),
                    value => value.cloned().unwrap_or_default(),
                };
                if of(before) != of(template) {
                    obstacles.push(format!(
                        "claim template {name} has another {field}: the claims that there are keep theirs, and with them \
                         the pods"
                    ));
                }
            }
            let size = |template: &Json| text(template, "/spec/resources/requests/storage").to_owned();
            match (Quantity::parse(&size(before)), Quantity::parse(&size(template))) {
                (Some(before), Some(after)) if before < after => self.grown.push((name, size(template))),
                (Some(before), Some(after)) if before > after => {
                    obstacles.push(format!("claim template {name} asks for less: a volume does not shrink"));
                }
                (Some(before), Some(after)) if before == after => {
                    if before_metadata(&old, &name) != template["metadata"] {
                        self.fields.push("volumeClaimTemplates");
                    }
                }
                _ => obstacles.push(format!("how much claim template {name} asks for cannot be read")),
            }
        }
        let gone = old
            .iter()
            .map(named)
            .filter(|name| !new.iter().any(|template| named(template) == *name));
        self.removed = gone.collect();
    }

    /// Whether the pods that run cannot be those of the new one.
    pub(super) fn stops(&self) -> bool {
        self.loses_pods || !self.added.is_empty()
    }

    /// In words: `another serviceName and larger volumes`.
    pub(super) fn words(&self) -> String {
        let mut words: Vec<String> = self.fields.iter().map(|field| format!("another {field}")).collect();
        words.dedup();
        let each = [
            ("larger", &self.grown.iter().map(|(name, _)| name.clone()).collect()),
            ("new", &self.added),
            ("no more", &self.removed),
        ];
        for (how, templates) in each {
            let templates: &Vec<String> = templates;
            if !templates.is_empty() {
                words.push(format!("{how} claims {}", templates.join(", ")));
            }
        }
        match words.split_last() {
            Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
            _ => words.concat(),
        }
    }
}

fn before_metadata(templates: &[Json], name: &str) -> Json {
    let found = templates
        .iter()
        .find(|template| text(template, "/metadata/name") == name);
    let mut metadata = found.map(|template| template["metadata"].clone()).unwrap_or_default();
    if let Some(members) = metadata.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    metadata
}
