//! YAML and JSON text with positions: to trees whose every node knows its place, to types, and back to edits of the text.
//!
//! ```text
//! bytes -> encoding -> plain lines, or else parser events -> builder (scalar, keys, template) -> tree -> node -> serde
//!                                                                                                 |
//!                                                                           text <- edit <--------+
//! ```
//! Values are what kubectl would send for the same text (`scalar`, `keys`, `merge`): it reads YAML in a way of its own.
//! What the texts are about is of no interest here, nor where they come from: there is no file access, and clippy
//! forbids it.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod builder;
mod de;
mod document;
pub mod edit;
mod encoding;
mod keys;
mod limits;
mod merge;
mod node;
mod plain;
mod pointer;
mod position;
mod problem;
mod reading;
mod scalar;
mod template;
mod tree;

pub use de::ShapeError;
pub use document::Document;
pub use limits::TEXT_LIMIT;
pub use node::{Entries, Items, Node, NodeId, Value};
pub use pointer::Place;
pub use position::Position;
pub use problem::{Problem, ProblemKind};
pub use reading::{Reading, read};

#[cfg(test)]
mod tests;
