//! What an audit says to do about objects that exist, or a refusal about a request, done before a real API server, with
//! kubectl's both ways to apply: everything is taken, and nothing is found or refused afterwards.

mod cases;
mod requests;
mod storage;

use std::process::Command;

use futures::stream::{self, StreamExt as _};
use serde_json::Value;
use tokio::task::spawn_blocking;

use crate::controlplane::process::Scratch;
use crate::controlplane::{ControlPlane, Output, eventually};
use crate::served::Served;
use cases::{Case, Step, cases};

/// So many namespaces are mended at once.
const AT_ONCE: usize = 4;

/// Strict, with what is off there too.
const POLICY: &str = "
apiVersion: stateward.dev/v1alpha1
kind: WorkloadPolicy
metadata: {name: everything}
spec:
  profile: Strict
  rules:
  - {id: claim-template-storage, actions: [Warn], parameters: {max: 10Gi}}
  - {id: unbacked-data, actions: [Warn]}
";

/// How somebody applies.
#[derive(Clone, Copy, Debug)]
enum Way {
    Client,
    Server,
}

impl Way {
    const fn verb(self) -> &'static [&'static str] {
        match self {
            Self::Client => &["apply"],
            Self::Server => &["apply", "--server-side", "--force-conflicts"],
        }
    }
}

#[tokio::test]
async fn remedies_can_be_followed() {
    // Deleting without the pods is the work of a controller.
    let cluster = ControlPlane::start().await;
    cluster.start_controller_manager().await;
    let scratch = Scratch::new().expect("a directory");
    let policy = scratch.write("policy.yaml", POLICY).expect("a file");
    let denying = requests::RULES.map(denying).join("---\n");
    let denying = scratch.write("denying.yaml", &denying).expect("a file");
    let _webhook = Served::start(&cluster, &["--policy", denying.to_str().expect("UTF-8")]).await;
    let (cluster, policy) = (&cluster, policy.to_str().expect("UTF-8"));
    let mut cases = cases();
    cases.retain(|case| case.since <= cluster.version().minor);
    let tried: Vec<Option<String>> = stream::iter(&cases)
        .flat_map(|case| stream::iter([Way::Client, Way::Server].map(|way| (case, way))))
        .map(|(case, way)| async move {
            let namespace = cluster
                .namespace(case.refused.as_ref().map_or("remedy", |_| case.rule))
                .await;
            let site = Site {
                cluster,
                policy,
                namespace: &namespace,
                way,
            };
            let wrong = site.follow(case).await.err();
            wrong.map(|wrong| format!("{} ({way:?}, {}): {wrong}", case.rule, case.says))
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let breaches: Vec<String> = tried.into_iter().flatten().collect();
    assert!(
        breaches.is_empty(),
        "these remedies do not work:\n{}",
        breaches.join("\n\n")
    );
}

/// A policy of the webhook, which has no say in what is audited.
fn denying(rule: &str) -> String {
    format!(
        "{{apiVersion: stateward.dev/v1alpha1, kind: WorkloadPolicy, metadata: {{name: {rule}}}, spec: {{match: \
         {{namespaces: [{rule}-*]}}, rules: [{{id: {rule}, actions: [Deny]}}]}}}}\n"
    )
}

/// A namespace in which a remedy is followed.
struct Site<'a> {
    cluster: &'a ControlPlane,
    policy: &'a str,
    namespace: &'a str,
    way: Way,
}

impl Site<'_> {
    async fn follow(&self, case: &Case) -> Result<(), String> {
        for object in &case.there {
            self.apply(object).await?;
        }
        self.apply(&case.wrong).await?;
        let found = match &case.refused {
            None => self.found(case).await,
            Some(request) => self.refused(case, request).await,
        };
        let said = |remedy: &&String| remedy.contains(case.says);
        let remedy = found
            .iter()
            .find(said)
            .ok_or_else(|| format!("no remedy says so: {found:?}"))?;
        for step in &case.steps {
            self.step(step, case, remedy)
                .await
                .map_err(|wrong| format!("{remedy}\n  {step:?}: {wrong}"))?;
        }
        if let Some(request) = &case.refused {
            // The webhook may hear a moment later of what was done.
            eventually(&format!("{request:?} to be taken after: {remedy}"), async || {
                self.ask(request, &[]).await.success.then_some(())
            })
            .await;
            return Ok(());
        }
        let left = self.found(case).await;
        if left.is_empty() {
            Ok(())
        } else {
            Err(format!("{remedy}\n  still found: {left:?}"))
        }
    }

    async fn step(&self, step: &Step, case: &Case, remedy: &str) -> Result<(), String> {
        match step {
            Step::Write(changes) => {
                let mended = changes.iter().fold(case.wrong.clone(), |text, (from, to)| {
                    assert!(text.contains(from), "{from} in {text}");
                    text.replace(from, to)
                });
                self.apply(&mended).await
            }
            Step::Apply(object) => self.apply(object).await,
            Step::Replace(object) => self.send(&["replace", "--force"], object).await,
            Step::Delete(object) => self.kubectl(&["delete", object]).await,
            Step::Paste => self.paste(remedy).await,
            Step::Pods(field) => {
                let value = remedy
                    .split_once(field)
                    .map(|(_, rest)| braced(rest))
                    .ok_or("no field")?;
                let mended = case
                    .wrong
                    .replacen("containers:", &format!("{field}{value}, containers:"), 1);
                self.apply(&mended).await
            }
            Step::Service => self.apply(&service(remedy).ok_or("no Service")?).await,
        }
    }

    /// The lines of a refusal that are of the rule, once the webhook knows of what is there.
    async fn refused(&self, case: &Case, request: &Step) -> Vec<String> {
        eventually(&format!("a refusal of {request:?} by {}", case.rule), async || {
            let told = self.ask(request, &["--dry-run=server"]).await.stderr;
            let lines = told
                .lines()
                .filter(|line| line.contains(case.rule) && line.contains(case.says));
            let lines: Vec<String> = lines.map(str::to_owned).collect();
            (!lines.is_empty()).then_some(lines)
        })
        .await
    }

    /// Sends a request that may be refused.
    async fn ask(&self, request: &Step, options: &[&str]) -> Output {
        match request {
            Step::Apply(object) => {
                let verb = [self.way.verb(), options].concat();
                let arguments = verb.iter().copied().chain(["-n", self.namespace, "-f", "-"]);
                self.cluster.kubectl_stdin(arguments, object).await
            }
            Step::Delete(object) => {
                let arguments = ["delete", "-n", self.namespace].into_iter().chain(object.split(' '));
                self.cluster.kubectl(arguments.chain(options.iter().copied())).await
            }
            other => unreachable!("no request: {other:?}"),
        }
    }

    /// Runs the command in a remedy as somebody would who pastes it.
    async fn paste(&self, remedy: &str) -> Result<(), String> {
        let (_, rest) = remedy.split_once("kubectl ").ok_or("no command")?;
        let ends = [", ", "; ", ")", " and ", " (field "]
            .iter()
            .filter_map(|end| rest.find(end))
            .min();
        let command = &rest[..ends.unwrap_or(rest.len())];
        let words: Vec<&str> = command.split(' ').map(|word| word.trim_matches('\'')).collect();
        done(self.cluster.kubectl(&words).await)
    }

    async fn apply(&self, object: &str) -> Result<(), String> {
        self.send(self.way.verb(), object).await
    }

    async fn send(&self, verb: &[&str], object: &str) -> Result<(), String> {
        let arguments = verb.iter().copied().chain(["-n", self.namespace, "-f", "-"]);
        let object = object.replace("NAMESPACE", self.namespace);
        done(self.cluster.kubectl_stdin(arguments, &object).await)
    }

    async fn kubectl(&self, arguments: &[&str]) -> Result<(), String> {
        let arguments = arguments
            .iter()
            .flat_map(|words| words.split(' '))
            .chain(["-n", self.namespace]);
        done(self.cluster.kubectl(arguments).await)
    }

    /// The remedies of what the audit finds by the rule.
    async fn found(&self, case: &Case) -> Vec<String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stateward"));
        command.args([
            "audit",
            "--format",
            "json",
            "--policy",
            self.policy,
            "-n",
            self.namespace,
        ]);
        command
            .arg("--kubeconfig")
            .arg(self.cluster.kubeconfig())
            .env_remove("KUBECONFIG");
        let output = spawn_blocking(move || command.output()).await.expect("the thread ends");
        let output = output.expect("stateward runs");
        let report: Result<Value, _> = serde_json::from_slice(&output.stdout);
        assert!(report.is_ok(), "{}", String::from_utf8_lossy(&output.stderr));
        let report = report.expect("asserted");
        let findings = report["findings"].as_array().expect("findings").iter();
        findings
            .filter(|finding| finding["rule"] == case.rule)
            .map(|finding| finding["remedy"].as_str().unwrap_or_default().to_owned())
            .collect()
    }
}

fn done(output: Output) -> Result<(), String> {
    if output.success { Ok(()) } else { Err(output.stderr) }
}

/// A value in braces, at the beginning of a text.
fn braced(text: &str) -> &str {
    let mut depth = 0;
    let end = text.find(|c: char| {
        depth += i32::from("{[".contains(c)) - i32::from("}]".contains(c));
        depth == 0
    });
    &text[..=end.expect("braces that close")]
}

/// The Service that a remedy describes.
fn service(remedy: &str) -> Option<String> {
    let (_, rest) = remedy.split_once("reate Service \"")?;
    let (name, rest) = rest.split_once("\" with clusterIP: None and the selector ")?;
    let selector: Vec<String> = rest
        .split(", ")
        .map_while(|pair| pair.split_once('='))
        .map(|(key, value)| format!("{key}: {value}"))
        .collect();
    Some(format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: {name}}}, spec: {{clusterIP: None, selector: {{{}}}}}}}",
        selector.join(", ")
    ))
}
