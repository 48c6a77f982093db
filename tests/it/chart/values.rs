//! `values.yaml` is written by hand; its schema and the table of the chart's page follow from it.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::helm::{CHART, template};
use crate::generated;

/// A value as `values.yaml` has it.
struct Field {
    /// Names from the outermost on.
    path: Vec<String>,
    description: String,
    default: Value,
    /// Whether it only holds the fields that follow.
    is_section: bool,
}

/// Reads comments and keys line by line, and what they say as YAML.
fn fields(text: &str) -> Vec<Field> {
    let values: Value = serde_saphyr::from_str(text).expect("YAML");
    let mut fields = Vec::<Field>::new();
    let mut comment = Vec::new();
    let mut outer = Vec::<String>::new();
    // Below a field that was described, as in `resources`, nothing is a field of its own.
    let mut within = None;
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let line = line.trim_start();
        if within.is_some_and(|at| indent > at) || line.is_empty() {
            continue;
        }
        within = None;
        if let Some(words) = line.strip_prefix("# ") {
            comment.push(words);
            continue;
        }
        let (key, rest) = line.split_once(':').expect("a key");
        outer.truncate(indent / 2);
        outer.push(key.to_owned());
        let description = std::mem::take(&mut comment).join(" ");
        let default = outer.iter().fold(&values, |value, key| &value[key]).clone();
        let is_section = rest.is_empty() && description.is_empty();
        assert!(is_section || !description.is_empty(), "{outer:?} has no comment");
        if !is_section {
            within = Some(indent);
        }
        fields.push(Field {
            path: outer.clone(),
            description,
            default,
            is_section,
        });
    }
    fields
}

fn schema(field: &Field) -> Value {
    if field.is_section {
        return json!({"type": "object", "additionalProperties": false, "properties": {}});
    }
    let kind = match &field.default {
        Value::String(_) => "string",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
        Value::Null => unreachable!("{:?} has no type", field.path),
    };
    let mut schema = json!({"type": kind, "description": field.description, "default": field.default});
    if let Some((_, choices)) = field.description.split_once("One of: ") {
        let (choices, _) = choices.split_once('.').expect("the end of the choices");
        let choices = choices.split(", ").map(|choice| choice.trim_matches('"'));
        schema["enum"] = choices.collect();
    }
    if field.default.is_number() {
        schema["minimum"] = 0.into();
    }
    schema
}

#[test]
fn the_schema_follows_from_the_values() {
    let text = std::fs::read_to_string(format!("{CHART}/values.yaml")).expect("a file");
    let mut properties = json!({"properties": {}});
    for field in fields(&text) {
        let mut at = &mut properties;
        for key in &field.path {
            at = &mut at["properties"][key];
        }
        *at = schema(&field);
    }
    // Charts that have this one among their dependencies say these.
    properties["properties"]["global"] =
        json!({"type": "object", "description": "For charts that this one is part of."});
    properties["properties"]["enabled"] =
        json!({"type": "boolean", "description": "For charts that this one is part of."});
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), "http://json-schema.org/draft-07/schema#".into());
    schema.insert("title".to_owned(), "Values of the chart of stateward".into());
    schema.insert("type".to_owned(), "object".into());
    schema.insert("additionalProperties".to_owned(), false.into());
    schema.insert("properties".to_owned(), properties["properties"].take());
    let schema = serde_json::to_string_pretty(&schema).expect("JSON");
    generated::check("deploy/chart/values.schema.json", &format!("{schema}\n"));
}

#[test]
fn the_page_has_every_value() {
    let text = std::fs::read_to_string(format!("{CHART}/values.yaml")).expect("a file");
    let mut table = String::from("| Value | What it says | Default |\n|---|---|---|\n");
    for field in fields(&text).iter().filter(|field| !field.is_section) {
        let (name, description) = (field.path.join("."), &field.description);
        writeln!(table, "| `{name}` | {description} | `{}` |", field.default).expect("a string");
    }
    let page = std::fs::read_to_string(format!("{CHART}/README.md")).expect("a page");
    let (before, rest) = page
        .split_once("<!-- values -->\n")
        .expect("the beginning of the table");
    let (_, after) = rest.split_once("<!-- end -->").expect("the end of the table");
    let page = format!("{before}<!-- values -->\n\n{table}\n<!-- end -->{after}");
    generated::check("deploy/chart/README.md", &page);
}

#[test]
fn a_value_that_cannot_be_is_refused_by_name() {
    let refused = |arguments: &[&str], wanted: &[&str]| {
        let error = template(arguments).expect_err("a value that cannot be");
        assert!(wanted.iter().all(|wanted| error.contains(wanted)), "{error}");
    };
    refused(&["--set=mod=Enforce"], &["mod"]);
    refused(&["--set=mode=enforce"], &["mode", "'Audit', 'Warn', 'Enforce'"]);
    refused(&["--set=replicas=two"], &["replicas", "integer"]);
    refused(&["--set=image.tagg=1"], &["image", "tagg"]);
    refused(
        &["--set=webhooks.failurePolicy.workloads=Fail"],
        &["counts in mode Enforce alone"],
    );
    let enforce = "--set=mode=Enforce";
    refused(
        &[enforce, "--set=webhooks.failurePolicy.scales=Fail"],
        &["no entry \"scales\"", "scale, "],
    );
    refused(
        &[enforce, "--set=webhooks.failurePolicy.scale=fail"],
        &["has to be Fail or Ignore"],
    );
    refused(
        &["--set=certificates.source=cert-manager"],
        &["certificates.issuerName"],
    );
    refused(
        &["--set-json=policies=[{\"spec\":{}}]"],
        &["every policy in values has a name"],
    );
    template(&["--set=global.a=b", "--set=enabled=true"]).expect("what charts around it say");
}
