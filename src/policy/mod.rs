//! Policies: which rules apply to which workloads, and what follows from a finding.
//!
//! Pure: policy files are read elsewhere; here they are types, validation and resolution.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod parse;
pub mod settings;

pub use parse::{Mistake, parse};
pub use settings::{Overrides, Policies, Policy, Profile, RuleSettings, Settings};
