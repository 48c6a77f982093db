//! TLS, certificates, connections, drain, and the admin endpoints.
