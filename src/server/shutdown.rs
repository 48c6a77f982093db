//! The wish to stop: asked for by a signal (or a test), seen by everything that has to wind down.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tracing::info;

/// A handle on the process's end; clones share it.
#[derive(Clone, Debug)]
pub struct Shutdown {
    stage: Arc<watch::Sender<Stage>>,
    /// SIGINT was the first wish.
    by_hand: Arc<AtomicBool>,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Stage {
    Running,
    Requested,
    Forced,
}

impl Shutdown {
    /// Returns a handle that nobody has asked to stop.
    pub fn new() -> Self {
        Self {
            stage: Arc::new(watch::Sender::new(Stage::Running)),
            by_hand: Arc::default(),
        }
    }

    /// Returns a handle that SIGTERM and SIGINT ask to stop.
    /// As PID 1 in a container a process without its own handler would ignore SIGTERM.
    ///
    /// # Errors
    /// When the handlers cannot be installed.
    pub fn on_signals() -> io::Result<Self> {
        let shutdown = Self::new();
        for (kind, name) in [
            (SignalKind::terminate(), "SIGTERM"),
            (SignalKind::interrupt(), "SIGINT"),
        ] {
            tokio::spawn(shutdown.clone().forward(signal(kind)?, name));
        }
        Ok(shutdown)
    }

    /// Asks to stop in an orderly way; the second call asks to stop at once.
    pub fn request(&self) {
        self.stage.send_modify(|stage| {
            *stage = match stage {
                Stage::Running => Stage::Requested,
                Stage::Requested | Stage::Forced => Stage::Forced,
            };
        });
    }

    /// Tells whether stopping was asked for.
    pub fn is_requested(&self) -> bool {
        *self.stage.borrow() >= Stage::Requested
    }

    /// Whether somebody at a terminal asked, who waits for the end.
    pub fn is_by_hand(&self) -> bool {
        self.by_hand.load(Ordering::Relaxed)
    }

    /// Waits until stopping was asked for.
    pub async fn requested(&self) {
        self.reach(Stage::Requested).await;
    }

    /// Waits until stopping at once was asked for.
    pub async fn forced(&self) {
        self.reach(Stage::Forced).await;
    }

    async fn reach(&self, wanted: Stage) {
        let mut stage = self.stage.subscribe();
        // This handle keeps the sender alive, so waiting cannot fail.
        let _ = stage.wait_for(|stage| *stage >= wanted).await;
    }

    async fn forward(self, mut signal: Signal, name: &'static str) {
        while signal.recv().await.is_some() {
            info!(signal = name, "Received a signal to stop");
            if !self.is_requested() && name == "SIGINT" {
                self.by_hand.store(true, Ordering::Relaxed);
            }
            self.request();
        }
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

/// A second request to stop came before the first was done.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("interrupted by a second signal before every connection was closed")]
pub struct Interrupted;
