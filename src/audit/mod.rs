//! Judging everything that is there, and the report of it.

pub mod report;
