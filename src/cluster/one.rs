//! One object by its name: listed and watched with permission for this name only.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::sync::Semaphore;

use super::follow::{Intake, Pace, Watch};
pub use super::wire::{Collection, Only};

/// Lists and watches one object of many, for as long as the future is polled. Where it is not there, its list is empty.
pub fn watch(all: Collection, only: Only, client: Client, intake: impl Intake) -> impl Future<Output = ()> + Send {
    let collection = Collection {
        only: Some(only),
        ..all
    };
    let pace = Pace {
        // A permission that is granted late keeps nobody waiting for long.
        refused: Duration::from_secs(5),
        last: Duration::from_secs(5),
        ..Pace::default()
    };
    Watch::new(collection, client, intake, Arc::new(Semaphore::new(1)), pace).run()
}
