//! `--client-ca`: only clients with a certificate are answered.

use std::path::PathBuf;
use std::sync::Arc;

use super::error::StartError;
use super::parts::{End, Parts};
use crate::server::client_ca::{ClientCaFile, Clients};
use crate::server::reload::INTERVAL;

/// Reads the authorities, and begins to look for changes of their file.
pub(super) fn start(path: PathBuf, parts: &mut Parts) -> Result<Arc<Clients>, StartError> {
    let gate = parts.readiness.gate("client-ca", "not loaded");
    let mut file = ClientCaFile::new(path);
    let clients = Clients::of(&mut file)?;
    gate.open();
    parts.start("client-ca", End::Cut, file.watch(clients.clone(), gate, INTERVAL));
    Ok(clients)
}
