//! YAML and JSON text to documents whose every value has its position.
//!
//! ```text
//! files -> bytes -> encoding -> plain lines, or else parser events -> builder (scalar, keys, template) -> tree -> Document, serde
//! ```
//! Values are what kubectl would send for the same text (`scalar`, `keys`, `merge`). Nothing here knows a kind of
//! Kubernetes objects, except that lists hold others.

mod builder;
mod chart;
mod common_labels;
pub mod corpus;
mod de;
mod document;
pub mod edit;
mod encoding;
pub mod file;
pub mod files;
mod keys;
mod kustomize;
pub mod load;
mod merge;
mod node;
mod patch;
mod plain;
mod position;
mod problem;
mod reading;
mod scalar;
mod template;
mod tree;
pub mod worlds;

pub use de::ShapeError;
pub use document::{Document, Place};
pub use node::{Entries, Entry, Items, Node, Value};
pub use position::Position;
pub use problem::{Problem, ProblemKind};
pub use reading::{Reading, read};

/// The largest text that is read, in bytes. Larger ones are no manifests.
pub const TEXT_LIMIT: usize = 64 << 20;

/// The longest string, in bytes: the API server takes no request above 3 MiB (`docs/kubernetes-facts.md`; etcd's limit is
/// half of that).
const SCALAR_LIMIT: usize = 4 << 20;

/// The most nodes in one text, at 16 bytes each; ten thousand large objects have about two million.
const NODE_LIMIT: usize = if cfg!(test) { 400_000 } else { 4_000_000 };

/// The deepest nesting, as in `serde_json`. The deepest known manifests, CRD schemas, stay below 60.
const DEPTH_LIMIT: usize = 128;

/// The most nodes that a document's aliases may add.
const ALIAS_LIMIT: u64 = 250_000;

/// The most JSON objects that may follow one another without `---`: each needs a parser of its own.
const RESTART_LIMIT: usize = if cfg!(test) { 1_000 } else { 50_000 };

/// The most problems that are kept for one text.
const PROBLEM_LIMIT: usize = 10_000;

#[cfg(test)]
mod tests;
