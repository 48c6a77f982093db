//! Waiting, without a fixed time.

use std::time::{Duration, Instant};

use tokio::time::sleep;

/// How long anything may take before a test gives it up; generous, because a busy machine is no failure.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Asks again and again until there is an answer, and returns it; `what` says what was waited for in vain.
pub async fn eventually<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain for {what}");
        sleep(Duration::from_millis(50)).await;
    }
}
