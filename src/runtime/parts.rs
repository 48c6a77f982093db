//! What runs beside the requests, and how each of it ends.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::error;

use crate::metrics::Metrics;
use crate::server::admin::Readiness;
use crate::server::shutdown::{Interrupted, Shutdown};

/// The parts that run, and what all of them share.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) metrics: Arc<Metrics>,
    pub(super) readiness: Readiness,
    pub(super) shutdown: Shutdown,
    /// Dropping them cuts them off.
    cut: JoinSet<()>,
    awaited: JoinSet<()>,
    /// Dropped when no request is answered any more.
    answering: watch::Sender<()>,
}

/// How a part ends when the process stops.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    /// By itself: it waits for the wish to stop, has something to undo, and the process waits for it.
    Awaited,
    /// With the process: it may be cut off wherever it is.
    Cut,
}

impl Parts {
    pub(super) fn new(metrics: Arc<Metrics>, shutdown: Shutdown) -> Self {
        Self {
            metrics,
            readiness: Readiness::new(shutdown.clone()),
            shutdown,
            cut: JoinSet::new(),
            awaited: JoinSet::new(),
            answering: watch::Sender::new(()),
        }
    }

    /// Starts a part. One that ends although nobody wanted to stop leaves the process as it is: a webhook with old
    /// policies guards better than none. But the log and readiness tell of it.
    pub(super) fn start(&mut self, name: &'static str, end: End, work: impl Future<Output = ()> + Send + 'static) {
        let (readiness, shutdown) = (self.readiness.clone(), self.shutdown.clone());
        let watched = async move {
            let panicked = AssertUnwindSafe(work).catch_unwind().await.is_err();
            if panicked || !shutdown.is_requested() {
                error!(
                    part = name,
                    panicked, "A part ended early; the process goes on without it"
                );
                readiness.remark("parts", &format!("{name} ended early"));
            }
        };
        match end {
            End::Awaited => self.awaited.spawn(watched),
            End::Cut => self.cut.spawn(watched),
        };
    }

    /// Waits until the last request was answered: the webhook answers for a while after the wish to stop.
    pub(super) fn answered(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut answering = self.answering.subscribe();
        async move { while answering.changed().await.is_ok() {} }
    }

    /// Waits for the parts that have something to undo, when no request is answered any more.
    ///
    /// # Errors
    /// [`Interrupted`] when stopping at once was asked for before they were done.
    pub(super) async fn finished(mut self) -> Result<(), Interrupted> {
        drop(self.answering);
        let finished = async { while self.awaited.join_next().await.is_some() {} };
        tokio::select! {
            () = finished => Ok(()),
            () = self.shutdown.forced() => Err(Interrupted),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use tokio::sync::oneshot;
    use tokio::task::yield_now;

    use super::*;

    fn parts() -> Parts {
        Parts::new(Arc::new(Metrics::new(&[])), Shutdown::new())
    }

    /// Waits until readiness says this; ends by the test runner's patience if it never does.
    async fn says(readiness: &Readiness, report: &str) {
        while readiness.report() != (StatusCode::OK, report.to_owned()) {
            yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_part_that_is_lost_is_told_and_the_process_stays_ready() {
        for lost in [End::Awaited, End::Cut] {
            let mut parts = parts();
            parts.start("ended", lost, async {});
            says(&parts.readiness, "[+]parts ended ended early\n[+]shutdown\n").await;
            parts.start("broken", lost, async { panic!("a bug") });
            let both = "[+]parts ended ended early\n[+]parts broken ended early\n[+]shutdown\n";
            says(&parts.readiness, both).await;
        }
    }

    #[tokio::test]
    async fn the_end_waits_for_what_must_be_undone_and_cuts_the_rest() {
        let mut parts = parts();
        let (shutdown, readiness) = (parts.shutdown.clone(), parts.readiness.clone());
        let (undo, undone) = oneshot::channel::<()>();
        let (held, cut) = oneshot::channel::<()>();
        parts.start("answered", End::Awaited, parts.answered());
        let wish = shutdown.clone();
        parts.start("undone", End::Awaited, async move {
            wish.requested().await;
            let _ = undone.await;
        });
        parts.start("cut", End::Cut, async move {
            std::future::pending::<()>().await;
            drop(held);
        });
        let finished = tokio::spawn(parts.finished());
        shutdown.request();
        yield_now().await;
        assert!(!finished.is_finished());
        undo.send(()).unwrap();
        assert_eq!(finished.await.unwrap(), Ok(()));
        assert!(cut.await.is_err());
        assert_eq!(
            readiness.report().1,
            "[-]shutdown stopping\n",
            "nothing of it was early"
        );
    }

    #[tokio::test]
    async fn a_second_wish_waits_for_nobody() {
        let mut parts = parts();
        let shutdown = parts.shutdown.clone();
        parts.start("stuck", End::Awaited, std::future::pending());
        shutdown.request();
        shutdown.request();
        assert_eq!(parts.finished().await, Err(Interrupted));
    }
}
