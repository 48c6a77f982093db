//! What several tests build on: small worlds, and webhooks that know them.

pub mod changes;
pub mod dice;
pub mod webhook;
pub mod workloads;
pub mod worlds;
