//! Judging everything that is there, and the report of it.

pub mod comparison;
mod defaulted;
pub mod entries;
pub mod namespaces;
pub mod report;

pub use defaulted::defaulted;
pub use entries::entries;
pub use namespaces::by_namespace;
pub use report::{Entry, InForce, Level, Location, Object, Reach, Report};
