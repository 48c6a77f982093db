//! The door of a server: a thread of its own, where connections are accepted, say their first word and agree upon TLS.
//!
//! To answer a greeting takes a processor a third of a millisecond, and a rush has a thousand of them. Here they cost
//! neither those who have a connection nor, since turns are taken (`turns.rs`), whoever comes next: the system gives
//! each thread its share.

use std::convert::Infallible;
use std::io;
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// The thread, which ends with this, and everything that was spawned there.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) runtime: Handle,
    _open: oneshot::Sender<Infallible>,
}

impl Door {
    pub(super) fn open() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (open, closed) = oneshot::channel();
        thread::Builder::new()
            .name("door".to_owned())
            // Nothing is ever sent.
            .spawn(move || runtime.block_on(closed).is_ok())?;
        Ok(Self {
            runtime: handle,
            _open: open,
        })
    }
}
