//! The pages in a real browser: Debian's Chromium plays what `tests/browser` has, one file a story.
//!
//! A story gets what it plays with as JSON, and prints a line for everything that was wrong.

mod chromium;
mod cluster;
mod dashboard;
mod modules;
mod report;
mod screenshots;

pub use chromium::Chromium;
