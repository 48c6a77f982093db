//! As much of JSON Schema (draft 7) as the schema of SARIF uses; a keyword that is not known here is an error.

use serde_json::Value;

/// What breaks the schema, each with the JSON pointer of the value; empty where the value is valid.
pub fn breaches(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, schema, value, "", &mut found);
    found
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let keywords = schema.as_object().expect("a schema is an object");
    for (keyword, wanted) in keywords {
        let mut law = |holds: bool| {
            if !holds {
                found.push(format!("{at}: {keyword} {wanted}: {value}"));
            }
        };
        match keyword.as_str() {
            "$id" | "$schema" | "title" | "description" | "definitions" | "default" => {}
            "$ref" => {
                let pointer = wanted
                    .as_str()
                    .and_then(|target| target.strip_prefix('#'))
                    .expect("a local reference");
                check(
                    root,
                    root.pointer(pointer).expect("it leads somewhere"),
                    value,
                    at,
                    found,
                );
            }
            "type" => law(is_a(value, wanted.as_str().expect("one type"))),
            "enum" => law(wanted.as_array().expect("a list").contains(value)),
            "minimum" => law(value.as_f64().is_none_or(|number| Some(number) >= wanted.as_f64())),
            "maximum" => law(value.as_f64().is_none_or(|number| Some(number) <= wanted.as_f64())),
            "minItems" => law(value
                .as_array()
                .is_none_or(|items| items.len() as u64 >= number(wanted))),
            "maxItems" => law(value
                .as_array()
                .is_none_or(|items| items.len() as u64 <= number(wanted))),
            "uniqueItems" => law(wanted == false
                || value.as_array().is_none_or(|items| {
                    items
                        .iter()
                        .enumerate()
                        .all(|(index, item)| !items[..index].contains(item))
                })),
            "required" => {
                let names = wanted.as_array().expect("a list").iter().filter_map(Value::as_str);
                law(value
                    .as_object()
                    .is_none_or(|object| names.clone().all(|name| object.contains_key(name))));
            }
            "properties" => {
                for (name, schema) in wanted.as_object().expect("an object") {
                    if let Some(value) = value.get(name) {
                        check(root, schema, value, &format!("{at}/{name}"), found);
                    }
                }
            }
            "additionalProperties" => {
                let declared = keywords.get("properties").and_then(Value::as_object);
                let others = value.as_object().into_iter().flatten();
                let others = others.filter(|(name, _)| declared.is_none_or(|declared| !declared.contains_key(*name)));
                for (name, value) in others {
                    match wanted {
                        Value::Bool(true) => {}
                        Value::Bool(false) => found.push(format!("{at}/{name}: not in the schema")),
                        schema => check(root, schema, value, &format!("{at}/{name}"), found),
                    }
                }
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, wanted, item, &format!("{at}/{index}"), found);
                }
            }
            "anyOf" | "oneOf" => {
                let fits = |schema: &&Value| {
                    let mut breaches = Vec::new();
                    check(root, schema, value, at, &mut breaches);
                    breaches.is_empty()
                };
                let fitting = wanted.as_array().expect("a list").iter().filter(fits).count();
                law(fitting == 1 || (fitting > 1 && keyword == "anyOf"));
            }
            "format" => law(wanted != "uri" || value.as_str().is_none_or(|uri| uri.contains("://"))),
            // Those of SARIF are about members that are not written here: dates, ids, versions of other tools.
            "pattern" => found.push(format!("{at}: a pattern, which is not checked here: {value}")),
            other => found.push(format!("{at}: the keyword {other} is not known here")),
        }
    }
}

fn is_a(value: &Value, name: &str) -> bool {
    match name {
        "array" => value.is_array(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "object" => value.is_object(),
        "string" => value.is_string(),
        _ => false,
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a count")
}

#[test]
fn breaches_are_found() {
    let schema = serde_json::json!({
        "type": "object", "required": ["a"], "additionalProperties": false,
        "properties": {"a": {"$ref": "#/definitions/list"}},
        "definitions": {"list": {"type": "array", "minItems": 1, "items": {"enum": ["x", "y"]}}},
    });
    let breaches = |value: Value| breaches(&schema, &value).len();
    assert_eq!(breaches(serde_json::json!({"a": ["x", "y"]})), 0);
    assert_eq!(breaches(serde_json::json!({"a": ["z"], "b": 1})), 2);
    assert_eq!(breaches(serde_json::json!({"a": []})), 1);
    assert_eq!(breaches(serde_json::json!({})), 1);
    assert_eq!(breaches(serde_json::json!([])), 1);
}
