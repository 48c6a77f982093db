//! The HTTP servers: TLS, certificates, accept loop, drain and the admin endpoints; it knows nothing of admission.

pub mod accept;
pub mod admin;
pub mod body;
pub mod certificate;
pub mod client_ca;
mod connection;
mod in_place;
mod leaf;
pub mod limits;
mod place;
pub mod reload;
pub mod self_signed;
pub mod shutdown;
mod table;
pub mod tls;
