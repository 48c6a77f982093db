//! What the watches touched since somebody looked.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

use crate::graph::Touched;

/// Collects what watches touch for the one who judges it again, on a thread of its own. As long as nobody listens,
/// nothing is kept.
#[derive(Debug, Default)]
pub struct Changes {
    pending: Mutex<Pending>,
    came: Condvar,
    /// For those who only want to know that there are some.
    news: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Pending {
    listening: bool,
    touched: Touched,
}

impl Changes {
    /// From now on everything is kept until it is asked for.
    pub fn listen(&self) {
        self.lock().listening = true;
    }

    /// Told of whenever an event touched anything.
    #[must_use]
    pub fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }

    /// Adds what an event touched.
    pub(super) fn add(&self, touched: Touched) {
        if touched.is_empty() {
            return;
        }
        self.news.send_replace(());
        let mut pending = self.lock();
        if pending.listening {
            pending.touched.merge(touched);
            drop(pending);
            self.came.notify_one();
        }
    }

    /// Waits until something was touched, or until then; returns what was, which may be nothing.
    #[must_use]
    pub fn next(&self, until: Instant) -> Touched {
        let left = until.saturating_duration_since(Instant::now());
        let waited = self
            .came
            .wait_timeout_while(self.lock(), left, |pending| pending.touched.is_empty());
        let (mut pending, _) = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut pending.touched)
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    fn everything() -> Touched {
        Touched {
            everything: true,
            ..Touched::default()
        }
    }

    #[test]
    fn nothing_is_kept_for_nobody() {
        let changes = Changes::default();
        changes.add(everything());
        changes.listen();
        assert_eq!(changes.next(Instant::now()), Touched::default());
        changes.add(everything());
        assert_eq!(changes.next(Instant::now()), everything());
        assert_eq!(changes.next(Instant::now()), Touched::default());
    }

    #[test]
    fn who_waits_is_woken() {
        let changes = Arc::new(Changes::default());
        changes.listen();
        let waiting = {
            let changes = changes.clone();
            thread::spawn(move || changes.next(Instant::now() + Duration::from_secs(60)))
        };
        changes.add(everything());
        assert_eq!(waiting.join().unwrap(), everything());
    }
}
