//! The HTTP servers: TLS, certificates, accept loop, drain and the admin endpoints; it knows nothing of admission.

pub mod accept;
pub mod admin;
pub mod body;
mod budget;
pub mod certificate;
pub(crate) mod chain;
pub mod client_ca;
mod connection;
mod door;
pub mod files;
mod guest;
mod in_place;
pub(crate) mod leaf;
pub mod limits;
mod lobby;
mod place;
pub mod reload;
mod rows;
pub mod self_signed;
pub mod shutdown;
mod socket;
mod table;
pub mod tls;
mod turns;
