//! Policies: which rules apply to which workloads, and what follows from a finding.
//!
//! Pure: policy files are read elsewhere; here they are types, validation and resolution.

pub mod parse;
pub mod settings;

pub use parse::{Mistake, parse};
pub use settings::{Overrides, Policies, Policy, Profile, RuleSettings, Settings};
