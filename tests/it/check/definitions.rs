//! The declarations that the program has, compared with the definitions of the kinds that they are about.

use serde_json::Value;
use stateward::graph::{Field, Kind, Kinds, Reach};
use stateward::kinds;

/// What the projects' own definitions say of the fields that are read.
const DEFINITIONS: &str = include_str!("data/definitions.yaml");

fn definitions() -> Vec<Value> {
    let documents = DEFINITIONS.split("---\n").skip(1);
    documents
        .map(|text| serde_saphyr::from_str(text).expect("YAML"))
        .collect()
}

/// The schemas of all versions that are served.
fn schemas(definition: &Value) -> Vec<&Value> {
    let versions = definition["spec"]["versions"].as_array().expect("versions").iter();
    let served = versions.filter(|version| version["served"] == true);
    served.map(|version| &version["schema"]["openAPIV3Schema"]).collect()
}

/// The schema of a field.
fn at<'s>(schema: &'s Value, path: &str) -> Option<&'s Value> {
    path.split('/')
        .skip(1)
        .try_fold(schema, |schema, name| match name.strip_suffix("[]") {
            Some(list) => schema["properties"].get(list)?.get("items"),
            None => schema["properties"].get(name),
        })
}

/// The type of a field, as far as its schema says it.
fn has_type(schema: &Value, expected: &[&str]) -> bool {
    let intstr = schema["x-kubernetes-int-or-string"] == true && expected.contains(&"integer");
    match schema["type"].as_str() {
        Some(own) => expected.contains(&own),
        // Kruise leaves the schema of pods and claims open.
        None => intstr || schema["x-kubernetes-preserve-unknown-fields"] == true,
    }
}

#[test]
fn declared_fields_are_those_of_the_definitions() {
    let mut compared = 0;
    for definition in definitions() {
        let (spec, name) = (
            &definition["spec"],
            definition["metadata"]["name"].as_str().expect("a name"),
        );
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (group, kind) = (text(&spec["group"]), text(&spec["names"]["kind"]));
        let kind = kinds::shipped().in_group(&group, &kind).expect(name);
        assert_eq!(kind.resource(), spec["names"]["plural"], "{name}");
        assert_eq!(spec["scope"], "Namespaced", "{name}");
        let of_scale = spec["versions"][0].pointer("/subresources/scale/specReplicasPath");
        let scaled = kind
            .path_of(Field::Replicas)
            .map(|path| Value::from(path.replace('/', ".")));
        let is_scaled = matches!(kind.reach(), Reach::Review { scale: true, .. });
        assert_eq!(of_scale, scaled.filter(|_| is_scaled).as_ref(), "{name}");
        let mut versions = spec["versions"].as_array().expect("versions").iter();
        assert!(
            versions.any(|version| version["name"] == kind.version() && version["served"] == true),
            "{name} is not served in {}",
            kind.version()
        );
        for (path, field) in kind.form().map_or(&[][..], |form| form.fields) {
            let found: Vec<&Value> = schemas(&definition)
                .into_iter()
                .filter_map(|schema| at(schema, path))
                .collect();
            // How pods are replaced is written differently from version to version, and only newer ones number them.
            let everywhere = !matches!(
                field,
                Field::FirstOrdinal | Field::Paused | Field::ReservedOrdinals | Field::Retention | Field::Rollout
            );
            let count = if everywhere { schemas(&definition).len() } else { 1 };
            assert!(found.len() >= count, "{name}: {path} is in {} versions", found.len());
            let expected: &[&str] = match field {
                Field::Paused | Field::Suspend => &["boolean"],
                Field::ClaimTemplates | Field::PodClaims | Field::ReservedOrdinals | Field::SharedClaims => &["array"],
                Field::FirstOrdinal | Field::PodCount | Field::Replicas => &["integer"],
                Field::InTurn | Field::ServiceName => &["string"],
                Field::Rollout => &["array", "boolean", "integer", "object", "string"],
                _ => &["object"],
            };
            assert!(
                found.iter().all(|schema| has_type(schema, expected)),
                "{name}: {path}: {found:?}"
            );
            compared += 1;
        }
    }
    assert!(compared > 25, "only {compared} fields were compared");
}

#[test]
fn every_kind_that_the_program_ships_is_compared() {
    let definitions = definitions();
    let is_defined = |kind: &Kind| {
        let name = format!("{}.{}", kind.resource(), kind.group());
        definitions
            .iter()
            .any(|definition| definition["metadata"]["name"] == *name)
    };
    let further = kinds::shipped().iter().skip(Kinds::builtin().iter().len());
    let missing: Vec<Kind> = further.filter(|kind| !is_defined(kind)).collect();
    assert_eq!(
        missing,
        [],
        "write what their definitions say into tests/it/check/data/definitions.yaml"
    );
}
