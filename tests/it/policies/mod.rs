//! Policies: what parser, schema, page and API server say of them is the same.

mod admission;
pub mod agreement;
/// What is generated of the policies that are built in.
mod built_in;
pub mod cluster;
mod page;
mod tables;
pub mod validator;

use std::collections::BTreeMap;
use std::mem::discriminant;

use serde_json::Value;
use stateward::policy::description::document;
use stateward::policy::exception::description::KIND;
use stateward::policy::openapi::{Form, schema};
use stateward::policy::schema::Shape;
use stateward::policy::{exception, workload_kind};
use stateward::rules::RULES;

use crate::generated;

/// The schema of policies that editors read.
fn for_editors() -> Value {
    let what = "A policy of stateward: docs/policies.md explains it.";
    file("WorkloadPolicy", what, &document(RULES))
}

/// The schema of exceptions that editors read.
fn of_exceptions() -> Value {
    let what = "An exception from policies of stateward: docs/policies.md explains it.";
    file(KIND, what, &exception::description::document(RULES))
}

/// The schema of declarations of kinds that editors read.
fn of_kinds() -> Value {
    let what = "A kind of workload, declared to stateward: docs/workload-kinds.md explains it.";
    file(
        workload_kind::description::KIND,
        what,
        &workload_kind::description::document(),
    )
}

fn file(title: &str, description: &str, shape: &Shape) -> Value {
    let mut file = schema(shape, Form::Editor);
    file["$schema"] = "http://json-schema.org/draft-07/schema#".into();
    file["title"] = title.into();
    file["description"] = description.into();
    file
}

fn is_exception(document: &Value) -> bool {
    document["kind"] == KIND
}

/// Documents of a YAML text.
fn documents(text: &str) -> Vec<Value> {
    let documents = text.split("---\n").filter(|document| !document.trim().is_empty());
    documents
        .map(|document| serde_saphyr::from_str(document).expect("YAML"))
        .collect()
}

#[test]
fn the_schemas_for_editors_are_what_the_descriptions_say() {
    for (file, schema) in [
        ("docs/policy.schema.json", for_editors()),
        ("docs/exception.schema.json", of_exceptions()),
        ("docs/workload-kind.schema.json", of_kinds()),
    ] {
        let text = serde_json::to_string_pretty(&schema).expect("JSON");
        generated::check(file, &format!("{text}\n"));
    }
}

#[test]
fn the_page_is_what_the_description_says_and_policies_do() {
    let file = std::fs::read_to_string("docs/policies.md").expect("the page");
    generated::check("docs/policies.md", &page::anew(&file));
    let file = std::fs::read_to_string("docs/workload-kinds.md").expect("the page");
    generated::check("docs/workload-kinds.md", &page::anew(&file));
}

#[test]
fn every_field_is_described_in_sentences() {
    let mut pending = vec![
        ("".to_owned(), for_editors()),
        ("".to_owned(), of_exceptions()),
        ("".to_owned(), of_kinds()),
    ];
    let mut fields = 0;
    while let Some((at, schema)) = pending.pop() {
        if !at.is_empty() && !at.ends_with("[]") {
            let text = schema["description"].as_str().unwrap_or_default();
            let begun = text.starts_with(|c: char| c.is_uppercase() || c == '`');
            assert!(begun && text.ends_with('.'), "{at}: {text:?}");
            fields += 1;
        }
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            pending.push((format!("{at}/{name}"), property.clone()));
        }
        if let Some(items) = schema.get("items") {
            pending.push((format!("{at}[]"), items.clone()));
        }
    }
    assert!(fields > 20, "only {fields} fields were found");
}

/// A structural schema describes all rules' parameters at once.
#[test]
fn a_parameter_of_one_name_has_one_type_in_all_rules() {
    let mut types = BTreeMap::new();
    for rule in RULES {
        for parameter in rule.parameters {
            let (first, kind) = *types.entry(parameter.name).or_insert((rule.id, &parameter.kind));
            assert_eq!(
                discriminant(kind),
                discriminant(&parameter.kind),
                "{}: {} has another type than in {first}; give it another name",
                rule.id,
                parameter.name
            );
        }
    }
}
