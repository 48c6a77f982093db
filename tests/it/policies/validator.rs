//! As much of JSON Schema as a policy's schema uses. A keyword that is not here fails the test that meets it.

use serde_json::Value;

/// Keywords that ask nothing of a value.
const SILENT: [&str; 8] = [
    "$schema",
    "default",
    "description",
    "format",
    "title",
    "x-kubernetes-int-or-string",
    "x-kubernetes-map-type",
    "x-kubernetes-preserve-unknown-fields",
];

/// Whether a value is valid, with the mistakes where it is not.
pub fn validate(value: &Value, schema: &Value) -> Result<(), Vec<String>> {
    let mut mistakes = Vec::new();
    visit(value, schema, "", &mut mistakes);
    if mistakes.is_empty() { Ok(()) } else { Err(mistakes) }
}

fn visit(value: &Value, schema: &Value, at: &str, mistakes: &mut Vec<String>) {
    for (keyword, wanted) in schema.as_object().expect("a schema is an object") {
        if !holds(keyword, value, wanted, schema, at, mistakes) {
            mistakes.push(format!("{at}: {value} breaks {keyword}: {wanted}"));
        }
    }
}

fn holds(keyword: &str, value: &Value, wanted: &Value, schema: &Value, at: &str, mistakes: &mut Vec<String>) -> bool {
    let text = value.as_str();
    let length = |wanted: &Value| wanted.as_u64().expect("a length") as usize;
    match keyword {
        keyword if SILENT.contains(&keyword) => true,
        "additionalProperties" => {
            let known = |name: &String| schema["properties"].get(name).is_some();
            let further = members(value).filter(|(name, _)| !known(name));
            if *wanted == false {
                return further.count() == 0;
            }
            for (name, member) in further {
                visit(member, wanted, &format!("{at}/{name}"), mistakes);
            }
            true
        }
        "anyOf" => items(wanted).any(|schema| validate(value, schema).is_ok()),
        "enum" => items(wanted).any(|allowed| allowed == value),
        "items" => {
            for (position, item) in items(value).enumerate() {
                visit(item, wanted, &format!("{at}/{position}"), mistakes);
            }
            true
        }
        "maxItems" => items(value).count() <= length(wanted),
        "maxLength" => text.is_none_or(|text| text.chars().count() <= length(wanted)),
        "maximum" => value.as_f64() <= wanted.as_f64() || !value.is_number(),
        "minItems" => !value.is_array() || items(value).count() >= length(wanted),
        "minLength" => text.is_none_or(|text| text.chars().count() >= length(wanted)),
        "minimum" => value.as_f64() >= wanted.as_f64() || !value.is_number(),
        "not" => validate(value, wanted).is_err(),
        "pattern" => {
            let pattern = regex_lite::Regex::new(wanted.as_str().expect("a pattern")).expect("a pattern");
            text.is_none_or(|text| pattern.is_match(text))
        }
        "properties" => {
            for (name, member) in members(value) {
                if let Some(schema) = wanted.get(name) {
                    visit(member, schema, &format!("{at}/{name}"), mistakes);
                }
            }
            true
        }
        "required" => !value.is_object() || items(wanted).all(|name| members(value).any(|(it, _)| it == name)),
        "type" => match wanted.as_str() {
            Some("array") => value.is_array(),
            Some("boolean") => value.is_boolean(),
            Some("integer") => value.is_i64() || value.is_u64(),
            Some("object") => value.is_object(),
            Some("string") => value.is_string(),
            _ => unreachable!("the validator knows no type {wanted}"),
        },
        "uniqueItems" => is_distinct(items(value).collect()),
        "x-kubernetes-list-map-keys" => items(wanted).all(|key| {
            let key = key.as_str().expect("a key");
            is_distinct(items(value).filter_map(|item| item.get(key)).collect())
        }),
        "x-kubernetes-list-type" => *wanted != "set" || is_distinct(items(value).collect()),
        _ => unreachable!("the validator does not know {keyword}"),
    }
}

/// The members of an object; the API server drops those that are null.
fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let members = value.as_object().into_iter().flatten();
    members.filter(|(_, member)| !member.is_null())
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn is_distinct(values: Vec<&Value>) -> bool {
    let mut positions = values.iter().enumerate();
    positions.all(|(position, value)| !values[..position].contains(value))
}
