//! What rules are made of: the traits, findings, patches, and the shared vocabulary.

pub mod dns;
pub mod finding;
pub mod governing;
pub mod meta;
pub mod others;
pub mod parameters;
pub mod patch;
pub mod quantity;
pub mod rule;
pub mod sharing;
pub mod template;
pub mod text;

pub use finding::{Finding, Related, Verdict};
pub use meta::{Action, Case, Injection, Meta, Parameter, ParameterKind};
pub use parameters::{Parameters, Value};
pub use patch::{Defaulted, Operation, Outcome};
pub use quantity::Quantity;
pub use rule::{AnyRule, ChangeRule, Rule, Surroundings, Transition};
pub use template::Record;
