//! Defaults that a rule injects, as RFC 6902 operations.

use serde::Serialize;
use serde_json::Value;

/// The annotation that remembers which immutable fields were injected: pointers in which a list entry goes by its
/// name, separated by spaces.
pub const DEFAULTED: &str = "stateward.dev/defaulted";

/// One operation of a JSON patch. Only those that cannot fail: `test`, `remove` and `replace` of a maybe-missing
/// path turn into a 500 that `failurePolicy: Ignore` does not save (`docs/kubernetes-facts.md` §0.6).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum PatchOperation {
    Add { path: String, value: Value },
}

impl PatchOperation {
    /// Adds or overwrites the member at `path`, whose parent must be there.
    #[must_use]
    pub fn add(path: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::Add {
            path: path.into(),
            value: value.into(),
        }
    }
}

/// What a rule makes of an object that lacks a default.
#[derive(Clone, Debug, Default)]
pub enum Outcome {
    /// Nothing to inject.
    #[default]
    Nothing,
    Inject(Defaulted),
    /// It would inject but must not guess; the user is told why (continues after `StatefulSet shop/db: `).
    Decline(String),
}

impl Outcome {
    /// Injects what rests on nothing but the object itself. `records` are those of [`Defaulted::records`].
    #[must_use]
    pub fn inject(operations: Vec<PatchOperation>, records: Vec<String>) -> Self {
        Self::Inject(Defaulted {
            operations,
            records,
            rests_on_services: false,
        })
    }
}

/// An injected default.
#[derive(Clone, Debug)]
pub struct Defaulted {
    pub operations: Vec<PatchOperation>,
    /// The immutable fields that were written, as pointers in which a list entry goes by its name: what
    /// `stateward.dev/defaulted` records, so that a later apply that lacks them does not fail.
    pub records: Vec<String>,
    /// It is right only if the Services of the namespace are really as the graph says.
    pub rests_on_services: bool,
}
