//! Files to the objects in them, and what of these is there at the same time.
//!
//! ```text
//! paths -> files -> manifest -> file (patch, chart) -> corpus (kustomize, common_labels) -> worlds (twins) -> graph
//! ```
//! The crate `stateward_yaml` reads the text; here is what it means to Kubernetes and to those who write it.

mod chart;
mod common_labels;
pub mod corpus;
pub mod cursor;
pub mod file;
pub mod files;
pub mod kustomize;
pub mod load;
mod manifest;
mod patch;
mod twins;
pub mod worlds;

pub use manifest::{Manifest, Manifests, read};
