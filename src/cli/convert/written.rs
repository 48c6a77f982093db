//! The manifests as they become: of files with their comments and their order, of a cluster only what is new.

use serde_json::Value as Json;
use stateward_yaml::edit::{rewrite, without};
use stateward_yaml::{NodeId, Reading, read};

use super::inputs::Inputs;
use crate::cli::tell;
use crate::convert::{Conversion, Fate};
use crate::manifests::file::File;
use crate::yaml;

/// Writes everything that is left, changed or new, as one text.
pub(super) fn manifests(inputs: &Inputs, conversion: &Conversion) -> anyhow::Result<String> {
    let mut text = String::new();
    match &inputs.corpus {
        None => {
            let changed = conversion.fates.iter().filter_map(|fate| match fate {
                Fate::Becomes(json) => Some(json),
                Fate::Gone | Fate::Same => None,
            });
            text.push_str(&yaml::stream("", changed)?);
        }
        Some(corpus) => {
            let mut fates = &conversion.fates[..];
            for file in &corpus.files {
                let (own, others) = fates.split_at(file.manifests.iter().count());
                fates = others;
                add(&mut text, &of_file(file, own)?);
            }
        }
    }
    add(&mut text, &yaml::stream("", &conversion.added)?);
    Ok(text)
}

/// Adds documents after others.
fn add(text: &mut String, more: &str) {
    if !text.is_empty() && !text.ends_with('\n') && !more.is_empty() {
        text.push('\n');
    }
    if !text.is_empty() && !more.trim_start().is_empty() && !begins(more) {
        text.push_str("---\n");
    }
    text.push_str(more);
}

/// Whether a text begins with `---`, perhaps after comments.
fn begins(text: &str) -> bool {
    let first = text
        .lines()
        .find(|line| !line.trim_start().is_empty() && !line.starts_with('#'));
    first.is_some_and(|line| line.starts_with("---"))
}

/// A file as it becomes; where its text cannot be changed, written anew.
fn of_file(file: &File, fates: &[Fate]) -> anyhow::Result<String> {
    let reading = file.manifests.reading();
    let objects = || file.manifests.iter().zip(fates);
    let wanted: Vec<(NodeId, &Json)> = objects()
        .filter_map(|(manifest, fate)| match fate {
            Fate::Becomes(json) => Some((manifest.root().id(), json)),
            Fate::Gone | Fate::Same => None,
        })
        .collect();
    let rewritten = rewrite(reading, &wanted);
    let text = rewritten.text.unwrap_or_else(|| reading.text().to_owned());
    let gone = objects()
        .filter(|(_, fate)| matches!(fate, Fate::Gone))
        .map(|(manifest, _)| manifest.root().id());
    match gone.map(|id| alone(reading, id)).collect::<Option<Vec<_>>>() {
        Some(gone) if rewritten.left.is_empty() => Ok(without(&read(text), &gone)),
        _ => {
            tell(&format!(
                "{}: it is written in a way that cannot be edited safely, so its comments are lost",
                file.name
            ));
            let left = objects().filter_map(|(manifest, fate)| match fate {
                Fate::Same => Some(manifest.to_json()),
                Fate::Becomes(json) => Some(json.clone()),
                Fate::Gone => None,
            });
            Ok(yaml::stream("", &left.collect::<Vec<_>>())?)
        }
    }
}

/// The number of the document that an object is; `None` for an item of a list.
fn alone(reading: &Reading, id: NodeId) -> Option<usize> {
    reading.documents().position(|document| document.root().id() == id)
}
