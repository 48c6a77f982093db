//! The judge: a change to the graph becomes a decision.
//!
//! Pure, synchronous, deterministic: the same change, graph, policies and time give the same decision.

pub mod admit;
pub mod allow;
pub mod basis;
mod caps;
pub mod decision;
pub mod defaults;
pub mod evaluate;
mod exempt;
mod injected;
pub mod inspect;
pub mod message;
mod parts;
mod ratchet;
mod terms;
mod voices;

pub use admit::{Admission, Reserve, admit, admit_defaults};
pub use basis::Basis;
pub use decision::{Decision, Exemption, Granted, Judged, Standing};
pub use defaults::{Defaults, Services};
pub use evaluate::judge;
pub use exempt::void_where_meant;
pub use inspect::{Inspection, inspect, inspect_one};

#[cfg(test)]
mod tests;
