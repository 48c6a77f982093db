//! Sends what was reviewed to a collector, from every replica.

use std::sync::Arc;

use kube::Client;

use super::queue::Queue;
use super::sender::{Sender, Target};
use super::signal::Signal;
use super::span::{Ids, span};
use crate::admission::{Reviewed, Traces};
use crate::clock;
use crate::metrics::Metrics;

/// Takes spans without ever waiting: on the way of requests.
#[derive(Clone, Debug)]
pub struct Spans(Arc<Queue>);

/// Sends what [`Spans`] takes.
#[derive(Debug)]
pub struct SpanExporter(Sender);

impl Traces for Spans {
    fn reviewed(&self, review: &Reviewed<'_>) {
        let ids = Ids::random(review.parent);
        self.0.push([span(review, ids, clock::nanoseconds())]);
    }
}

impl SpanExporter {
    /// Sends nothing yet. Without a client it is not known which cluster the spans are of.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(target: Target, client: Option<Client>, metrics: &Metrics) -> Result<Self, kube::Error> {
        Ok(Self(Sender::new(Signal::Traces, target, client, metrics)?))
    }

    /// What is to hear of every review.
    #[must_use]
    pub fn spans(&self) -> Spans {
        Spans(self.0.queue.clone())
    }

    /// Sends until it shall stop; what waits then is sent if that is quick.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        tokio::select! {
            biased;
            () = stop => {}
            () = self.send() => {}
        }
        self.0.flush().await;
    }

    async fn send(&self) {
        loop {
            self.0.queue.came().await;
            loop {
                let taken = self.0.queue.take();
                let is_last = !taken.is_full;
                if !taken.items.is_empty() {
                    self.0.deliver(&taken.items).await;
                }
                taken.settle();
                // What came meanwhile waits for more: else every review would be sent alone.
                if is_last {
                    break;
                }
            }
        }
    }
}
