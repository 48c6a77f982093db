//! The API server: watches that fill the graph, and what is written back.

pub mod cert_manager;
pub mod changes;
pub mod cidr;
mod conditions;
pub mod connect;
mod deployment;
pub mod ending;
mod entries;
mod feed;
pub mod follow;
pub mod freshness;
pub mod install;
pub mod installed;
pub mod live;
pub mod mode;
pub mod objects;
pub mod one;
mod permissions;
pub mod policies;
pub mod reach;
pub mod register;
pub mod scope;
pub mod snapshot;
mod version;
pub mod watch;
pub mod webhooks;
mod wire;
