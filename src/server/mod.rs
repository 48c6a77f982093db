//! The HTTP servers: TLS, certificates, accept loop, drain and the admin endpoints; it knows nothing of admission.

pub mod accept;
pub mod admin;
pub mod certificate;
pub mod client_ca;
mod connection;
mod in_place;
pub mod limits;
pub mod reload;
pub mod self_signed;
pub mod shutdown;
pub mod tls;
mod validity;
