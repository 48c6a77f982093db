//! Reviews without end: writes of which the webhook must allow one half and deny the other.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Api, PostParams};
use kube::{Client, Error};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::controlplane::eventually;

/// The namespace in which they are tried, with a claim that one pod alone may use.
pub const NAMESPACE: &str = "shop";

/// What that needs.
pub const OBJECTS: &str = r#"
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: shop}
spec:
  accessModes: [ReadWriteOncePod]
  resources: {requests: {storage: 1Gi}}
"#;

/// How many write at once.
const WRITERS: usize = 3;

/// Between two writes of one of them.
const PAUSE: Duration = Duration::from_millis(20);

/// After it nobody waits for an answer: longer than the API server waits for a webhook.
const PATIENCE: Duration = Duration::from_secs(15);

/// For how long all must be right before that is believed.
const CALM: Duration = Duration::from_secs(3);

/// What became of a write.
#[derive(Debug)]
pub enum Outcome {
    /// What the webhook is there for.
    Right,
    /// The API server could not ask, and refused.
    Refused(String),
    /// The API server did not ask, or was told wrongly, and wrote.
    LetThrough,
    /// The API server gave no answer of its own.
    Unheard,
}

/// How many of each, since when somebody last asked.
#[derive(Debug, Default)]
pub struct Tally {
    pub right: usize,
    pub refused: Vec<String>,
    pub let_through: usize,
    pub unheard: usize,
    /// When the last came that was not right.
    last_wrong: Option<Instant>,
}

impl Tally {
    fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Right => {
                self.right += 1;
                return;
            }
            Outcome::Refused(why) => self.refused.push(why),
            Outcome::LetThrough => self.let_through += 1,
            Outcome::Unheard => self.unheard += 1,
        }
        self.last_wrong = Some(Instant::now());
    }

    /// The time from then until the last that was not right.
    pub fn wrong_for(&self, since: Instant) -> Duration {
        let last = self.last_wrong.unwrap_or(since);
        last.saturating_duration_since(since)
    }

    #[track_caller]
    pub fn nobody_was_refused(&self) {
        assert!(self.refused.is_empty(), "{}: {:?}", self.refused.len(), self.refused[0]);
    }

    #[track_caller]
    pub fn nothing_passed(&self) {
        assert_eq!(self.let_through, 0, "writes that are to be denied");
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            right,
            refused,
            let_through,
            unheard,
            ..
        } = self;
        write!(f, "{right} | {} | {let_through} | {unheard}", refused.len())
    }
}

/// Writers at work, until this is dropped.
pub struct Load {
    tally: Arc<Mutex<Tally>>,
    stop: watch::Sender<bool>,
    writers: JoinSet<()>,
}

impl Load {
    pub fn start(client: &Client) -> Self {
        let tally = Arc::<Mutex<Tally>>::default();
        let (stop, _) = watch::channel(false);
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let (api, tally, stopped) = (api(client), Arc::clone(&tally), stop.subscribe());
            writers.spawn(async move {
                for number in 0.. {
                    if *stopped.borrow() {
                        return;
                    }
                    let outcome = write(&api, &format!("w{writer}-{number}"), number % 2 == 1).await;
                    lock(&tally).count(outcome);
                    sleep(PAUSE).await;
                }
            });
        }
        Self { tally, stop, writers }
    }

    /// What came since this was last asked.
    pub fn take(&self) -> Tally {
        std::mem::take(&mut *lock(&self.tally))
    }

    /// Waits until everything is right and stays so for a while.
    pub async fn calm(&self) {
        let since = Instant::now();
        eventually("everything to be right again", async || {
            let tally = lock(&self.tally);
            let last = tally.last_wrong.unwrap_or(since).max(since);
            (tally.right > 0 && last.elapsed() >= CALM).then_some(())
        })
        .await;
    }

    /// Waits for what is under way, and tells how it went since this was last asked.
    pub async fn finish(mut self) -> Tally {
        self.stop.send_replace(true);
        while self.writers.join_next().await.is_some() {}
        self.take()
    }
}

/// Waits until some in a row are right.
pub async fn right(client: &Client) {
    let api = api(client);
    eventually("reviews that are right", async || {
        for number in 0..10 {
            match write(&api, "probe", number % 2 == 1).await {
                Outcome::Right => {}
                _ => return None,
            }
        }
        Some(())
    })
    .await;
}

/// Tries to write a Deployment on the claim, of which nothing stays: one pod is right, two are not.
pub async fn write(api: &Api<Deployment>, name: &str, is_wrong: bool) -> Outcome {
    let deployment = json!({
        "metadata": {"name": name},
        "spec": {
            "replicas": if is_wrong { 2 } else { 1 },
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "containers": [{"name": "main", "image": "main", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}],
                    "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
                },
            },
        },
    });
    let deployment = serde_json::from_value(deployment).expect("a Deployment");
    let dry = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    match timeout(PATIENCE, api.create(&dry, &deployment)).await {
        Ok(Ok(_)) if is_wrong => Outcome::LetThrough,
        Ok(Ok(_)) => Outcome::Right,
        Ok(Err(Error::Api(status))) if status.message.contains("failed calling webhook") => {
            Outcome::Refused(status.message)
        }
        Ok(Err(Error::Api(status))) if status.message.contains("rwop-overlap") => {
            if is_wrong {
                Outcome::Right
            } else {
                Outcome::Refused(status.message)
            }
        }
        _ => Outcome::Unheard,
    }
}

pub fn api(client: &Client) -> Api<Deployment> {
    Api::namespaced(client.clone(), NAMESPACE)
}

fn lock(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}
