//! What rules are made of: the rule itself, findings, patches, and the shared vocabulary.

pub mod attaching;
pub mod bond;
pub mod case;
pub mod data_stores;
pub mod dns;
pub mod draft;
pub mod duration;
pub mod finding;
pub mod governing;
pub mod others;
pub mod parameter;
pub mod parameters;
pub mod patch;
pub mod precedence;
pub mod quantity;
pub mod rule;
pub mod sharing;
pub mod template;
pub mod text;
pub mod transition;

pub use case::{Action, Case};
pub use draft::Draft;
pub use finding::{Finding, Loss, Related, Verdict};
pub use parameter::{GRACE, Parameter, ParameterKind};
pub use parameters::{Parameters, Value};
pub use patch::{Defaulted, Outcome, PatchOperation};
pub use precedence::{Fault, Seen};
pub use quantity::Quantity;
pub use rule::{Injection, Rule, Surroundings};
pub use template::Record;
pub use transition::{Phase, Through, Transition};
