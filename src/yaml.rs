//! Objects as YAML documents that `kubectl apply` takes.

use serde::Serialize;
use serde_json::Value;

/// A value that has no YAML form.
#[derive(Debug, thiserror::Error)]
pub enum YamlError {
    /// Refused by the JSON serialiser.
    #[error("cannot serialise an object")]
    Json(#[from] serde_json::Error),
    /// Refused by the YAML serialiser.
    #[error("cannot write YAML")]
    Yaml(#[from] serde_saphyr::ser::Error),
}

/// An object with all that it says, and only that.
pub fn object(object: &impl Serialize) -> Result<String, YamlError> {
    let mut value = serde_json::to_value(object)?;
    prune(&mut value);
    document(&value)
}

/// Values as one stream, each as it is: an empty object may say something.
///
/// # Errors
/// When a value has no YAML form.
pub fn stream<'v>(heading: &str, values: impl IntoIterator<Item = &'v Value>) -> Result<String, YamlError> {
    let documents = values.into_iter().map(document).collect::<Result<Vec<_>, _>>()?;
    Ok(joined(heading, documents))
}

/// Documents under a heading.
pub fn joined(heading: &str, documents: impl IntoIterator<Item = String>) -> String {
    let mut yaml = heading.to_owned();
    for document in documents {
        yaml.push_str("---\n");
        yaml.push_str(&document);
    }
    yaml
}

/// One document, without its `---`.
///
/// # Errors
/// When the value has no YAML form.
pub fn document(value: &Value) -> Result<String, YamlError> {
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    Ok(serde_saphyr::to_string_with_options(value, options)?)
}

/// Removes what says nothing: nulls, and members that became empty.
fn prune(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(prune);
            members.retain(|_, member| !member.is_null() && member.as_object().is_none_or(|it| !it.is_empty()));
        }
        Value::Array(items) => items.iter_mut().for_each(prune),
        _ => {}
    }
}
