//! The API server: watches that fill the graph, and what is written back.

pub mod install;
pub mod kinds;
pub mod register;
pub mod webhooks;
