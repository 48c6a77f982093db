//! The YAML reader beside `serde_saphyr`: every place is one of the text, and what both take has the same shape.

use serde_json::Value;
use stateward_yaml::{Node, Reading, read};

/// Reads bytes with both.
///
/// # Panics
/// They differ, or a place is outside of the text.
pub fn check(bytes: &[u8]) {
    let reading = read(bytes);
    for problem in reading.problems() {
        let offset = problem.position.offset as usize;
        assert!(offset <= reading.text().len(), "{problem:?}: {}", bytes.escape_ascii());
    }
    for document in reading.documents() {
        let root = document.root();
        assert!(reading.text().get(root.span()).is_some(), "{}", bytes.escape_ascii());
    }
    let Some(ours) = only(&reading).map(Node::to_json) else {
        return;
    };
    let text = reading.text();
    if let Ok(json) = serde_json::from_str::<Value>(text) {
        assert!(are_alike(&ours, &json), "{ours} is not {json}");
    }
    if let Ok(theirs) = serde_saphyr::from_str::<Value>(text) {
        assert!(are_alike(&ours, &theirs), "{ours} is not {theirs}: {text}");
    }
}

/// The root of the one document of a text that nothing is wrong with.
fn only(reading: &Reading) -> Option<Node<'_>> {
    let is_only = reading.problems().is_empty() && reading.documents().count() == 1;
    let document = is_only.then(|| reading.document(0)).flatten()?;
    Some(document.root())
}

/// Whether two values have the same members, elements and texts. Which plain scalar is a number, a boolean, null or a
/// text is kubectl's affair: YAML 1.1 in parts.
fn are_alike(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let alike = |(name, value): (&String, &Value)| theirs.get(name).is_none_or(|other| are_alike(value, other));
            ours.len() == theirs.len() && ours.iter().all(alike)
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| are_alike(ours, theirs))
        }
        (Value::String(ours), Value::String(theirs)) => ours == theirs,
        (ours, theirs) => is_scalar(ours) && is_scalar(theirs),
    }
}

fn is_scalar(value: &Value) -> bool {
    !value.is_object() && !value.is_array()
}
