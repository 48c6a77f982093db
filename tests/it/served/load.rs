//! Reviews without a break, whatever becomes of certificates meanwhile.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::PostParams;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::installation::{Installed, accepts};
use super::objects::deployment;

/// What went wrong.
type Failures = Arc<Mutex<Vec<String>>>;

/// Asks for what waits for us, again and again, and tries the certificates of those replicas that are used by whatever the
/// cluster trusts at the moment; until it is dropped.
pub struct Load {
    failures: Failures,
    reviews: Arc<AtomicUsize>,
    tasks: JoinSet<()>,
}

impl Load {
    pub async fn start(installed: &Installed, namespace: &str) -> Self {
        let failures = Failures::default();
        let reviews = Arc::<AtomicUsize>::default();
        let mut tasks = JoinSet::new();
        let deployments = Api::<Deployment>::namespaced(installed.cluster.client().await, namespace);
        let asked: Deployment = serde_saphyr::from_str(&deployment("web", "data", 1)).expect("a Deployment");
        let (failed, count) = (failures.clone(), reviews.clone());
        tasks.spawn(async move {
            let dry_run = PostParams {
                dry_run: true,
                ..PostParams::default()
            };
            loop {
                if let Err(error) = deployments.create(&dry_run, &asked).await {
                    failed.lock().expect("no panic").push(error.to_string());
                }
                count.fetch_add(1, Ordering::Relaxed);
                sleep(Duration::from_millis(20)).await;
            }
        });
        let configurations = Api::<ValidatingWebhookConfiguration>::all(installed.cluster.client().await);
        let (failed, count, ports) = (failures.clone(), reviews.clone(), installed.ports);
        let used = installed.balancer.ready.clone();
        tasks.spawn(async move {
            loop {
                let found = configurations.get("stateward").await.expect("the configuration");
                let bundle = found.webhooks.expect("webhooks")[0].client_config.ca_bundle.clone();
                let bundle = String::from_utf8(bundle.expect("a bundle").0).expect("PEM");
                for (port, used) in ports.into_iter().zip(&*used) {
                    if used.load(Ordering::Relaxed)
                        && let Some(Err(error)) = accepts(port, &bundle).await
                    {
                        failed.lock().expect("no panic").push(error);
                    }
                }
                count.fetch_add(1, Ordering::Relaxed);
                sleep(Duration::from_millis(20)).await;
            }
        });
        Self {
            failures,
            reviews,
            tasks,
        }
    }

    /// How often was asked so far.
    pub fn reviews(&self) -> usize {
        self.reviews.load(Ordering::Relaxed)
    }

    /// Ends it, and fails if anything was refused for its certificate; returns how often a process that was killed had
    /// something under way, which is no matter of certificates.
    pub async fn end(mut self, least: usize) -> usize {
        self.tasks.shutdown().await;
        let (cut, failures): (Vec<String>, Vec<String>) = self.failures().into_iter().partition(|failure| {
            ["EOF", "reset by peer", "refused"]
                .iter()
                .any(|cut| failure.contains(cut))
        });
        assert_eq!(failures, [""; 0]);
        assert!(self.reviews() > least, "{}", self.reviews());
        cut.len()
    }

    /// What went wrong so far.
    pub fn failures(&self) -> Vec<String> {
        self.failures.lock().expect("no panic").clone()
    }
}
