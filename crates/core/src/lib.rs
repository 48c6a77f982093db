//! The core of stateward: a change to a graph, judged by rules under policies.
//!
//! ```text
//!  Change --> judge --> Decision
//!               |
//!             rules <-- policy
//!               |
//!             graph <-- json
//! ```
//! Pure: no IO, clock, async or environment. Its dependencies have none of them, and clippy forbids what the standard
//! library would offer.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod cursor;
pub mod fnv;
pub mod graph;
pub mod json;
pub mod judge;
pub mod policy;
pub mod rules;
pub mod time;
