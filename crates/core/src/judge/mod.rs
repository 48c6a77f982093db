//! The judge: a change to the graph becomes a decision.
//!
//! Pure, synchronous, deterministic: the same change, graph, policies and time give the same decision.

pub mod admit;
pub mod allow;
pub mod decision;
pub mod defaults;
pub mod evaluate;
pub mod inspect;
pub mod message;

pub use admit::{Admission, Reserve, admit, admit_defaults};
pub use decision::{Decision, Judged, Standing};
pub use defaults::{Defaults, Services};
pub use evaluate::{World, judge};
pub use inspect::{Inspection, inspect, inspect_one};

#[cfg(test)]
mod tests;
