//! Exceptions that stand in the files which are checked.

use serde_json::Value;

use crate::graph::Name;
use crate::manifests::corpus::Corpus;
use crate::manifests::file::{Broken, File};
use crate::policy::Exception;
use crate::policy::description::API_VERSION;
use crate::policy::exception::description::KIND;
use crate::policy::exception::parse;
use crate::rules::RULES;

/// Takes the exceptions out of what plays no part; those that name no namespace are for `namespace`, and what is wrong
/// with one cannot be read.
#[must_use]
pub fn take(corpus: &mut Corpus, namespace: &Name) -> Vec<Exception> {
    corpus
        .files
        .iter_mut()
        .flat_map(|file| of_file(file, namespace))
        .collect()
}

fn of_file(file: &mut File, namespace: &Name) -> Vec<Exception> {
    let mut found = Vec::new();
    for manifest in file.manifests.iter() {
        if manifest.kind() != Some(KIND) || manifest.api_version() != Some(API_VERSION) {
            continue;
        }
        file.skipped.retain(|skipped| skipped.position != manifest.position());
        let mut json = manifest.to_json();
        if let Some(Value::Object(metadata)) = json.get_mut("metadata") {
            let own = metadata.entry("namespace").or_insert(Value::Null);
            if own.is_null() {
                *own = namespace.as_str().into();
            }
        }
        match parse(&json, RULES) {
            Ok(exception) => found.push(exception),
            Err(mistakes) => file.broken.extend(mistakes.into_iter().map(|mistake| Broken {
                position: Some(manifest.root().position_of(&mistake.pointer)),
                message: mistake.message,
            })),
        }
    }
    found
}
