//! Policy files: what the parser takes the schema for editors takes too, and every mistake has a place in the text.

use std::sync::LazyLock;

use serde_json::Value;
use stateward::manifests::read;
use stateward::policy::description::document;
use stateward::policy::openapi::{Form, schema};
use stateward::policy::{Policies, parse};
use stateward::rules::RULES;

use super::validator::validate;

static SCHEMA: LazyLock<Value> = LazyLock::new(|| schema(&document(RULES), Form::Editor));

/// Reads a policy file.
///
/// # Panics
/// A mistake has no place or no message, or the schema refuses a policy that the parser takes.
pub fn check(bytes: &[u8]) {
    let manifests = read(bytes);
    for problem in manifests.problems() {
        assert!(!problem.message.is_empty(), "{problem:?}: {}", bytes.escape_ascii());
    }
    for manifest in manifests.iter() {
        let json = manifest.to_json();
        match parse(&json, RULES) {
            Ok(policy) => {
                assert_eq!(validate(&json, &SCHEMA), Ok(()), "{json}");
                assert_eq!(Policies::new(vec![policy], RULES).names().count(), 1, "{json}");
            }
            Err(mistakes) => {
                assert!(!mistakes.is_empty(), "refused without a reason: {json}");
                for mistake in mistakes {
                    // What is missing is told where it should be.
                    let parent = mistake.pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
                    assert!(
                        manifest.root().locate(parent).exact,
                        "{mistake:?} has no place in {json}"
                    );
                    assert!(!mistake.message.is_empty(), "{mistake:?}: {json}");
                }
            }
        }
    }
}
