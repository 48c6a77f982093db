//! Server-sent events: that something has changed, and nothing else; the page is then asked for once more.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use axum::routing::get;
use futures::Stream;
use futures::stream::unfold;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::Dashboard;
use crate::server::shutdown::Shutdown;

/// One answer is so long; browsers ask again by themselves. A connection that asks for nothing is ended by the server
/// at about the same time.
const ANSWER: Duration = Duration::from_secs(60);
/// Between two events of one answer.
const PAUSE: Duration = Duration::from_secs(1);
/// How soon a browser asks again.
const RETRY: Duration = Duration::from_secs(1);

/// `GET /events`.
pub(super) fn router(dashboard: Arc<Dashboard>) -> Router {
    Router::new().route("/events", get(events)).with_state(dashboard)
}

struct Reader {
    beats: watch::Receiver<u64>,
    told: u64,
    until: Instant,
    shutdown: Shutdown,
}

/// An event for every beat after the one that the reader has seen.
async fn events(
    State(dashboard): State<Arc<Dashboard>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<>> {
    let last = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok()?.parse().ok());
    let since = || query?.strip_prefix("since=")?.parse().ok();
    let reader = Reader {
        beats: dashboard.pulse.beats(),
        told: last.or_else(since).unwrap_or_else(|| dashboard.pulse.beat()),
        until: Instant::now() + ANSWER,
        shutdown: dashboard.shutdown.clone(),
    };
    let events = unfold(reader, |mut reader: Reader| async move {
        let told = reader.told;
        tokio::select! {
            changed = reader.beats.wait_for(|beat| *beat != told) => drop(changed.ok()?),
            () = sleep_until(reader.until) => return None,
            () = reader.shutdown.requested() => return None,
        }
        // So that a busy cluster does not keep the page from being read.
        sleep(PAUSE).await;
        reader.told = *reader.beats.borrow_and_update();
        let event = Event::default()
            .event("change")
            .id(reader.told.to_string())
            .retry(RETRY);
        // Browsers pass over an event without data.
        Some((Ok(event.data(reader.told.to_string())), reader))
    });
    Sse::new(events).keep_alive(KeepAlive::new())
}
