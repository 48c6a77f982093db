//! The keys of a mapping: as which string they count, whether they stand there twice, and what `<<` may merge.

use std::collections::HashMap;

use crate::limits::PROBLEM_LIMIT;
use crate::problem::{Fault, Problem, ProblemKind};
use crate::scalar::{Scalar, float_key, shortened};
use crate::tree::{Content, Held, Tree};

/// YAML's own tags begin so; `!!int` is short for this with `int`.
pub(crate) const YAML_TAGS: &str = "tag:yaml.org,2002:";

/// Mappings up to this size are searched pair by pair, which is faster than hashing.
const FEW: usize = 12;

/// Returns the key that kubectl makes of a scalar that is no string; `None` keeps the scalar's own text.
pub(crate) fn text(scalar: Scalar) -> Result<Option<String>, String> {
    match scalar {
        Scalar::Bool(bool) => Ok(Some(bool.to_string())),
        Scalar::Decoded(decoded) => Ok(Some(decoded)),
        Scalar::Float(float) => Ok(Some(float_key(float))),
        Scalar::Integer(integer) => Ok(Some(integer.to_string())),
        Scalar::Null => Err("a key must be a string, not null".to_owned()),
        Scalar::Text => Ok(None),
        Scalar::Unsigned(_) => Err("a key must be a string, and this number is too large for one: quote it".to_owned()),
    }
}

/// Like [`text`], for a key that is an alias to the value in this slot.
pub(crate) fn of_alias(tree: &Tree, target: u32) -> Result<Option<String>, String> {
    text(match tree.slots[target as usize].content {
        Content::Bool(bool) => Scalar::Bool(bool),
        Content::Held(number) => match tree.held[number as usize] {
            Held::Float(float) => Scalar::Float(float),
            Held::Integer(integer) => Scalar::Integer(integer),
            Held::Text(_) => Scalar::Text,
            Held::Unsigned(unsigned) => Scalar::Unsigned(unsigned),
        },
        Content::Verbatim { .. } => Scalar::Text,
        Content::Null => Scalar::Null,
        Content::Alias { .. }
        | Content::Mapping { .. }
        | Content::MergeKey
        | Content::Sequence { .. }
        | Content::ShadowedKey => return Err("a key must be a string, not a mapping or a list".to_owned()),
    })
}

/// Checks the finished mapping with these keys: marks the shadowed ones and says whether it has merge keys.
pub(crate) fn check(tree: &mut Tree, keys: &[u32], problems: &mut Vec<Problem>) -> Result<bool, Fault> {
    let mut merges = false;
    for &key in keys {
        if matches!(tree.slots[key as usize].content, Content::MergeKey) {
            merges = true;
            check_merged(tree, key)?;
        }
    }
    for (first, last) in repeated(tree, keys) {
        if problems.len() < PROBLEM_LIMIT {
            let position = |key: u32| tree.position(tree.slots[key as usize].start);
            let (first, name) = (position(first), shortened(tree.string(last)));
            problems.push(Problem {
                kind: ProblemKind::DuplicateKey { first },
                position: position(last),
                message: format!(
                    "key `{name}` is already given on line {}; the last one counts",
                    first.line
                ),
            });
        }
        tree.slots[first as usize].content = Content::ShadowedKey;
    }
    Ok(merges)
}

/// Finds keys that are given again: pairs of a key and the next one of the same name.
fn repeated(tree: &Tree, keys: &[u32]) -> Vec<(u32, u32)> {
    let named = |key: u32| match tree.slots[key as usize].content {
        Content::MergeKey => None,
        _ => Some(tree.string(key)),
    };
    let mut found = Vec::new();
    if keys.len() <= FEW {
        for (index, &last) in keys.iter().enumerate() {
            let Some(name) = named(last) else { continue };
            if let Some(&first) = keys[..index].iter().rev().find(|&&first| named(first) == Some(name)) {
                found.push((first, last));
            }
        }
    } else {
        let mut seen = HashMap::with_capacity(keys.len());
        for &last in keys {
            if let Some(first) = named(last).and_then(|name| seen.insert(name, last)) {
                found.push((first, last));
            }
        }
    }
    found
}

/// Only a mapping can be merged, or a list of mappings.
fn check_merged(tree: &Tree, key: u32) -> Result<(), Fault> {
    let place = key + 1;
    let value = tree.value(place);
    let start = tree.slots[place as usize].start;
    let is_mapping = |slot: u32| matches!(tree.slots[slot as usize].content, Content::Mapping { .. });
    let fits = match tree.slots[value as usize].content {
        Content::Mapping { .. } => true,
        // kubectl takes a list only where it is written out, not behind an alias.
        Content::Sequence { next } if value == place => {
            let mut item = value + 1;
            let mut all = true;
            while item < next && all {
                all = is_mapping(tree.value(item));
                item = tree.after(item);
            }
            all
        }
        _ => false,
    };
    if fits {
        return Ok(());
    }
    let message = "`<<` can merge only a mapping or a list of mappings";
    Err(Fault::new(ProblemKind::Syntax, start, message))
}
