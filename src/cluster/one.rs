//! One object by its name: listed and watched with permission for this name only.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::sync::Semaphore;

use super::follow::{Intake, Pace, Watch};
use super::wire::Collection;
pub use super::wire::Only;

/// A kind of which one object is watched.
#[derive(Clone, Copy, Debug)]
pub struct Watched {
    pub kind: &'static str,
    pub api_version: &'static str,
    /// The plural, as in a URL.
    pub resource: &'static str,
}

impl Watched {
    /// A kind that the client knows.
    #[must_use]
    pub const fn of<K: k8s_openapi::Resource>(resource: &'static str) -> Self {
        Self {
            kind: K::KIND,
            api_version: K::API_VERSION,
            resource,
        }
    }
}

/// Lists and watches one object, for as long as the future is polled. Where it is not there, its list is empty.
pub fn watch(watched: Watched, only: Only, client: Client, intake: impl Intake) -> impl Future<Output = ()> + Send {
    let collection = Collection {
        kind: watched.kind,
        api_version: watched.api_version,
        resource: watched.resource,
        only: Some(only),
    };
    let pace = Pace {
        // A permission that is granted late keeps nobody waiting for long.
        refused: Duration::from_secs(5),
        last: Duration::from_secs(5),
        ..Pace::default()
    };
    Watch::new(collection, client, intake, Arc::new(Semaphore::new(1)), pace).run()
}
