//! Judging everything that is there, and the report of it.

pub mod comparison;
mod defaulted;
pub mod entries;
mod gathered;
pub mod namespaces;
mod pages;
pub mod report;

pub use defaulted::defaulted;
pub use entries::entries;
pub use gathered::{gather, leave_other_sides};
pub use namespaces::by_namespace;
pub use pages::{Page, pages};
pub use report::{Entry, InForce, Level, Location, Object, Reach, Report};
