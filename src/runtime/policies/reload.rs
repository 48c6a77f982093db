//! The policies in force: read at the start, and again whenever the contents of a file change.

use std::future::pending;
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::{PolicyError, PolicySource, Set, Texts, names, parse, places, texts};
use crate::causes::chain;
use crate::manifests::files::load_at_rest;
use crate::metrics::{Metrics, Refusal, Reloaded, Reloads};
use crate::policy::Policies;
use crate::runtime::error::StartError;
use crate::runtime::parts::{End, Parts};
use crate::server::admin::Gate;

/// How often files are compared with what was read: kubelet itself takes up to a minute to swap a ConfigMap.
const POLL: Duration = Duration::from_secs(5);

/// How long reading may take before it is told: a mount whose server is away keeps its readers waiting.
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads the policies, and begins to look for changes of their files.
pub(in crate::runtime) async fn start(
    sources: Vec<PolicySource>,
    parts: &mut Parts,
) -> Result<Arc<ArcSwap<Policies>>, StartError> {
    let gate = parts.readiness.gate("policies", "not loaded");
    // In a thread of its own, and not waited for once the process shall stop: a mounted file can hang.
    let reading = read(sources.clone());
    let texts = tokio::select! {
        texts = reading => texts?,
        () = parts.shutdown.requested() => return Err(StartError::Stopped),
    };
    let set = parse(&texts)?;
    info!(
        policies = names(&set.policies),
        from = places(&sources).join(", "),
        "Policies loaded"
    );
    say(&gate, &set);
    let policies = Arc::new(ArcSwap::from_pointee(set.policies));
    let reloads = parts.metrics.reloads(Reloaded::Policies);
    reloads.taken();
    let reload = Reload {
        sources,
        seen: Ok(texts),
        policies: policies.clone(),
        metrics: parts.metrics.clone(),
        reloads,
        gate,
    };
    parts.start("policies", End::Cut, reload.run());
    Ok(policies)
}

/// Reads the texts without holding up a thread that answers requests.
async fn read(sources: Vec<PolicySource>) -> Result<Texts, PolicyError> {
    match spawn_blocking(move || texts(&sources, load_at_rest)).await {
        Ok(texts) => texts,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The process ends, and nobody waits any more.
            Err(_) => pending().await,
        },
    }
}

/// Tells readiness of a set in force.
fn say(gate: &Gate, set: &Set) {
    if set.policies.names().next().is_none() {
        warn!("The set of policies is empty, as its list says: nothing is judged");
        gate.remark("empty, as its list says: nothing is judged");
    } else {
        gate.open();
    }
}

/// Reads the policies again whenever a file's contents change. The last good set stays in force.
struct Reload {
    sources: Vec<PolicySource>,
    /// What was read last, or why nothing could be.
    seen: Result<Texts, String>,
    policies: Arc<ArcSwap<Policies>>,
    metrics: Arc<Metrics>,
    reloads: Reloads,
    gate: Gate,
}

impl Reload {
    async fn run(mut self) {
        loop {
            sleep(POLL).await;
            let mut reading = pin!(read(self.sources.clone()));
            let texts = match timeout(PATIENCE, reading.as_mut()).await {
                Ok(texts) => texts,
                Err(_) => {
                    self.refuse(Refusal::Unreadable, "reading the files of --policy takes for ever");
                    reading.await
                }
            };
            let seen = texts.as_ref().map(Texts::clone).map_err(|error| chain(error));
            if seen != self.seen {
                self.apply(texts);
                self.seen = seen;
            }
        }
    }

    fn apply(&self, texts: Result<Texts, PolicyError>) {
        let set = texts.and_then(|texts| parse(&texts)).and_then(|set| self.as_meant(set));
        match set {
            Ok(set) => {
                info!(policies = names(&set.policies), "Policies reloaded");
                say(&self.gate, &set);
                self.reloads.taken();
                self.policies.store(Arc::new(set.policies));
            }
            Err(error) => self.refuse(error.reason(), &chain(&error)),
        }
    }

    /// Refuses a set that has fewer policies than are in force, unless it says that it is whole: a file that was
    /// deleted, renamed or cut off must not switch off what it held.
    fn as_meant(&self, set: Set) -> Result<Set, PolicyError> {
        let before = self.policies.load();
        let now: Vec<&str> = set.policies.names().collect();
        if set.is_whole || now.len() >= before.names().count() {
            return Ok(set);
        }
        let gone = before.names().filter(|name| !now.contains(name));
        Err(PolicyError::Fewer {
            before: before.names().count(),
            now: now.len(),
            gone: gone.map(str::to_owned).collect(),
        })
    }

    fn refuse(&self, reason: Refusal, error: &str) {
        self.metrics.policy_reload_failures.inc();
        self.reloads.refused(reason);
        // A replica with old policies guards better than none: it stays ready.
        self.gate
            .remark(&format!("not reloaded, the last good ones stay: {error}"));
        warn!(error, "Policies not reloaded; the last good ones stay in force");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::shutdown::Shutdown;

    const LIST: &str = "apiVersion: stateward.dev/v1alpha1\nkind: WorkloadPolicyList\nitems:\n";

    fn policy(name: &str) -> String {
        format!(
            "---\napiVersion: stateward.dev/v1alpha1\nkind: WorkloadPolicy\nmetadata: {{name: {name}}}\nspec: {{}}\n"
        )
    }

    fn reload(parts: &Parts, text: &str) -> Reload {
        let set = parse(&vec![("a.yaml".to_owned(), text.as_bytes().to_vec())]).unwrap();
        Reload {
            sources: Vec::new(),
            seen: Ok(Texts::new()),
            policies: Arc::new(ArcSwap::from_pointee(set.policies)),
            metrics: parts.metrics.clone(),
            reloads: parts.metrics.reloads(Reloaded::Policies),
            gate: parts.readiness.gate("policies", "not loaded"),
        }
    }

    #[test]
    fn a_set_that_shrank_by_accident_is_not_taken() {
        let parts = Parts::new(Arc::new(Metrics::new(&[])), Shutdown::new());
        let reload = reload(&parts, &(policy("a") + &policy("b")));
        let now = |text: &str| {
            reload.apply(Ok(vec![("a.yaml".to_owned(), text.as_bytes().to_vec())]));
            (names(&reload.policies.load()), parts.readiness.report().1)
        };
        let (in_force, report) = now(&policy("b"));
        assert_eq!(in_force, "a, b");
        assert!(
            report.contains("2 policies are in force and the files hold 1 of them: a is gone"),
            "{report}"
        );
        let (in_force, report) = now("");
        assert_eq!(in_force, "a, b");
        assert!(report.contains("no policy in it"), "{report}");
        let told = parts.metrics.encode().unwrap();
        let told: Vec<_> = told
            .lines()
            .filter(|line| line.contains("what=\"policies\"") && line.ends_with(" 1"))
            .collect();
        assert_eq!(told, [r#"stateward_reload_refused{what="policies",reason="empty"} 1"#]);

        let (in_force, report) = now(&(policy("a") + &policy("c")));
        assert_eq!((&*in_force, &*report), ("a, c", "[+]policies\n[+]shutdown\n"));
        let whole = format!("{LIST}- metadata: {{name: c}}\n  spec: {{}}\n");
        assert_eq!(now(&whole).0, "c");
        let (in_force, report) = now(&LIST.replace("items:", "items: []"));
        assert_eq!(in_force, "");
        assert!(report.contains("nothing is judged"), "{report}");
    }
}
