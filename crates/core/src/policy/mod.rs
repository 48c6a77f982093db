//! Policies: which rules apply to which workloads, and what follows from a finding.
//!
//! Pure: policy files are read elsewhere; here they are types, validation and resolution.
//! [`description`] describes a `WorkloadPolicy` once, [`exception`] the exceptions from it, and [`workload_kind`] the
//! kinds of workloads that are declared: parser, schema and reference page follow from that.

mod cel;
mod check;
mod compose;
pub mod description;
pub mod exception;
pub mod glob;
pub mod matching;
mod memo;
pub mod openapi;
pub mod parse;
pub mod policies;
pub mod resource;
pub mod schema;
pub mod settings;
pub mod statement;
mod status;
mod union;
pub mod workload_kind;

#[cfg(test)]
mod tests;

pub use check::{Mistake, PLACEHOLDER};
pub use exception::{Exception, Exceptions, Void};
pub use glob::Glob;
pub use matching::{Applies, Match};
pub use parse::parse;
pub use policies::Policies;
pub use settings::{Enforced, Mutation, Overrides, Profile, RuleSettings, Settings};
pub use statement::{Policy, RuleStatement, Statement};
pub use workload_kind::WorkloadKind;
