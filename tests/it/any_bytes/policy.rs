//! Files of policies and exceptions: what the parser takes the schema for editors takes too, and every mistake has a place in the text.

use std::sync::LazyLock;

use serde_json::Value;
use stateward::manifests::read;
use stateward::policy::description::document;
use stateward::policy::exception::description::KIND;
use stateward::policy::openapi::{Form, schema};
use stateward::policy::{Exception, Policies, Policy, exception, parse};
use stateward::rules::RULES;

use super::validator::validate;

static SCHEMA: LazyLock<Value> = LazyLock::new(|| schema(&document(RULES), Form::Editor));
static OF_EXCEPTIONS: LazyLock<Value> =
    LazyLock::new(|| schema(&exception::description::document(RULES), Form::Editor));

/// Reads a file of policies or exceptions.
///
/// # Panics
/// A mistake has no place or no message, or the schema refuses what the parser takes.
pub fn check(bytes: &[u8]) {
    let manifests = read(bytes);
    for problem in manifests.problems() {
        assert!(!problem.message.is_empty(), "{problem:?}: {}", bytes.escape_ascii());
    }
    for manifest in manifests.iter() {
        let json = manifest.to_json();
        let (read, schema) = if manifest.kind() == Some(KIND) {
            (
                exception::parse(&json, RULES).map(|one| with(&[], Some(one))),
                &OF_EXCEPTIONS,
            )
        } else {
            (parse(&json, RULES).map(|one| with(&[one], None)), &SCHEMA)
        };
        match read {
            Ok(number) => {
                assert_eq!(validate(&json, schema), Ok(()), "{json}");
                assert_eq!(number, 1, "{json}");
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

/// How many a set has of these.
fn with(policies: &[Policy], exception: Option<Exception>) -> usize {
    let namespace = exception.as_ref().map(|one| one.namespace.clone()).unwrap_or_default();
    let set = Policies::new(policies.to_vec(), RULES).with_exceptions(exception);
    set.names().count() + set.exceptions(&namespace).len()
}
