//! The description as OpenAPI v3 and JSON Schema.

use serde_json::{Map, Value, json};

use super::cel::validations;
use super::check::PLACEHOLDER;
use super::schema::{Absent, Entries, Field, List, Object, Scope, Shape};
use crate::rules::kit::duration;
use crate::time::{Span, Time};

/// As Kubernetes writes it (`k8s.io/apimachinery/pkg/api/resource`), with whole exponents only.
const QUANTITY: &str = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$";

/// The name of a definition: a resource and its group.
const DEFINITION: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$";

/// Who reads a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The API server, as a structural schema: it refuses unknown members by itself, and lets nobody speak of metadata.
    Cluster,
    /// An editor: JSON Schema, in which unknown members and a missing name have to be said.
    Editor,
}

/// The schema of a shape.
#[must_use]
pub fn schema(shape: &Shape, form: Form) -> Value {
    match shape {
        Shape::Amount => json!({
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "pattern": "^[0-9]+%?$",
            "x-kubernetes-int-or-string": true,
        }),
        Shape::Boolean => json!({"type": "boolean"}),
        Shape::Constant(word) => json!({"type": "string", "enum": [word]}),
        Shape::Duration => json!({"type": "string", "pattern": duration::PATTERN}),
        Shape::Glob(of) => {
            json!({"type": "string", "minLength": 1, "maxLength": of.longest(), "pattern": of.pattern()})
        }
        Shape::Integer { least, most, default } => {
            let mut schema = json!({"type": "integer", "format": "int32", "minimum": least, "maximum": most});
            if let Some(default) = default {
                schema["default"] = (*default).into();
            }
            schema
        }
        Shape::Kind(builtin) => {
            json!({"type": "string", "maxLength": 253, "anyOf": [{"enum": builtin}, {"pattern": DEFINITION}]})
        }
        Shape::List(list) => array(list, form),
        Shape::Metadata(scope) => metadata(*scope),
        Shape::Object(Object { fields, atomic }) => {
            let mut schema = object(fields, form);
            if *atomic {
                schema.insert("x-kubernetes-map-type".to_owned(), "atomic".into());
            }
            schema.into()
        }
        Shape::Pointer => json!({"type": "string", "maxLength": 256, "pattern": r"^(/[A-Za-z0-9_]+(\[\])?)+$"}),
        Shape::Quantity => json!({
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "pattern": QUANTITY,
            "x-kubernetes-int-or-string": true,
        }),
        Shape::Said => json!({"type": "string", "pattern": r"\S", "not": {"enum": [PLACEHOLDER]}}),
        Shape::Span => json!({"type": "string", "pattern": Span::PATTERN}),
        Shape::Text => json!({"type": "string"}),
        Shape::Time => json!({"type": "string", "format": "date-time", "pattern": Time::PATTERN}),
        Shape::Texts => json!({"type": "object", "additionalProperties": {"type": "string"}}),
        Shape::Unread => json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}),
        Shape::Variants(variants) => {
            let mut schema = object(&variants.union(), form);
            if form == Form::Cluster {
                schema.insert("x-kubernetes-validations".to_owned(), validations(variants).into());
            }
            schema.into()
        }
        Shape::Word(words) => json!({"type": "string", "enum": words.allowed}),
    }
}

/// A namespace need not be written: whoever applies a file may say it.
fn metadata(scope: Scope) -> Value {
    let name = |description: &str| json!({"type": "string", "minLength": 1, "description": description});
    let mut properties = json!({"name": name("The name.")});
    if scope == Scope::Namespaced {
        properties["namespace"] = name("The namespace, in which alone it counts.");
    }
    json!({"type": "object", "properties": properties, "required": ["name"]})
}

fn object(fields: &[Field], form: Form) -> Map<String, Value> {
    let mut properties = Map::new();
    let described = |field: &&Field| form == Form::Editor || !matches!(field.shape, Shape::Metadata(_));
    let fields: Vec<&Field> = fields.iter().filter(described).collect();
    for field in &fields {
        let mut property = schema(&field.shape, form);
        property["description"] = field.saying().into();
        properties.insert(field.name.to_owned(), property);
    }
    let required = fields.iter().filter(|field| matches!(field.absent, Absent::Mistake));
    let required: Vec<&str> = required.map(|field| field.name).collect();
    let mut schema = Map::new();
    schema.insert("type".to_owned(), "object".into());
    schema.insert("properties".to_owned(), properties.into());
    if !required.is_empty() {
        schema.insert("required".to_owned(), required.into());
    }
    if form == Form::Editor {
        schema.insert("additionalProperties".to_owned(), false.into());
    }
    schema
}

fn array(list: &List, form: Form) -> Value {
    let mut array = json!({"type": "array", "items": schema(&list.of, form)});
    match list.entries {
        Entries::Atomic => array["x-kubernetes-list-type"] = "atomic".into(),
        Entries::By(key) => {
            array["x-kubernetes-list-type"] = "map".into();
            array["x-kubernetes-list-map-keys"] = json!([key]);
        }
        Entries::Set => {
            array["x-kubernetes-list-type"] = "set".into();
            if form == Form::Editor {
                array["uniqueItems"] = true.into();
            }
        }
    }
    if list.least > 0 {
        array["minItems"] = list.least.into();
    }
    // Of each variant one: with a bound the API server can tell what checking all of them costs at most.
    let each_once = match (&*list.of, list.entries) {
        (Shape::Variants(variants), Entries::By(key)) if key == variants.by => Some(variants.of.len()),
        _ => None,
    };
    if let Some(most) = list.most.or(each_once) {
        array["maxItems"] = most.into();
    }
    array
}
