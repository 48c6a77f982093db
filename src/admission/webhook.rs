//! One request from bytes to bytes.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use arc_swap::ArcSwap;
use futures::future::join_all;
use tracing::{debug, error, info, warn};

use super::change::{Meaning, meaning};
use super::decisions::Decisions;
use super::live::{self, LiveReads};
use super::policies;
use super::refusals::Refusals;
use super::response::Answer;
use super::review::{Request, Unreadable, read, start_of};
use super::traces::{Traced, Traces};
use crate::clock;
use crate::graph::{Change, Graph, Kind, Lookup, Name, Node, ObjectRef, Overlay, Timestamp};
use crate::json;
use crate::judge::{Admission, Decision, Defaults, Reserve, Services, admit, admit_defaults};
use crate::metrics::{Metrics, Outcome, Verb, Webhook as Phase};
use crate::policy::Policies;
use crate::rules::kit::Rule;

/// Everything that answers requests.
pub struct Webhook {
    pub graph: Arc<Graph>,
    pub policies: Arc<ArcSwap<Policies>>,
    pub rules: &'static [&'static Rule],
    pub metrics: Arc<Metrics>,
    pub decisions: Arc<Decisions>,
    /// `None` where there is no cluster to ask.
    pub live: Option<Arc<dyn LiveReads>>,
    /// `None` where nobody wants to hear of refusals.
    pub refusals: Option<Arc<dyn Refusals>>,
    /// `None` where nobody wants to hear of every review.
    pub traces: Option<Arc<dyn Traces>>,
    pub on_error: OnError,
}

/// What a request gets when we fail ourselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// A guard-rail that breaks must not close the road.
    #[default]
    Allow,
    Deny,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook")
            .field("on_error", &self.on_error)
            .finish_non_exhaustive()
    }
}

/// An answer with what metrics and logs say of it.
struct Reply {
    body: Vec<u8>,
    operation: Verb,
    outcome: Outcome,
}

/// What a judgement is given beside the change.
struct Given {
    /// What the API server said of other objects.
    fetched: Overlay,
    /// When it was asked.
    asked: Timestamp,
    /// The size of the request.
    bytes: usize,
}

impl Webhook {
    /// Answers a review of either phase. The error is a body that holds no request.
    pub(super) async fn answer(
        &self,
        phase: Phase,
        body: &[u8],
        traced: Option<Traced<'_>>,
    ) -> Result<Vec<u8>, String> {
        let started = Instant::now();
        let reply = match read(body, self.graph.facts().kinds) {
            Ok((request, error)) => self.reply(phase, request, error, body.len(), traced).await,
            Err(error) => {
                self.metrics
                    .request(phase, Verb::Other, Outcome::Error, started.elapsed().as_secs_f64());
                return Err(readable(&error));
            }
        };
        self.metrics
            .request(phase, reply.operation, reply.outcome, started.elapsed().as_secs_f64());
        Ok(reply.body)
    }

    async fn reply(
        &self,
        phase: Phase,
        mut request: Request<'_>,
        error: Option<json::Error>,
        bytes: usize,
        traced: Option<Traced<'_>>,
    ) -> Reply {
        let meaning = match phase {
            Phase::Policies => None,
            Phase::Mutate | Phase::Validate => Some(catch_unwind(AssertUnwindSafe(|| meaning(&mut request, error)))),
        };
        let (answer, outcome) = match meaning {
            None => self.check(&request),
            Some(Ok(Meaning::Change(change))) if phase == Phase::Mutate => self.mutate(&request, change).await,
            Some(Ok(Meaning::Change(change))) => self.validate(&request, change, bytes).await,
            Some(Ok(Meaning::Irrelevant)) => (
                Answer {
                    uid: &request.uid,
                    ..Answer::default()
                },
                Outcome::Allow,
            ),
            Some(Ok(Meaning::UnknownKind)) => unknown_kind(&request),
            Some(Ok(Meaning::Unreadable(error))) => unreadable(&request, &error),
            Some(Err(_)) => self.failed(&request),
        };
        if let Some(traced) = traced {
            traced.answered(phase, &request, &answer, outcome);
        }
        Reply {
            body: answer.to_json(),
            operation: operation(&request.operation),
            outcome,
        }
    }

    /// Checks a policy or an exception.
    fn check<'r>(&self, request: &'r Request<'_>) -> (Answer<'r>, Outcome) {
        let in_force = self.policies.load();
        let basis = policies::Basis {
            graph: &self.graph,
            policies: &in_force,
            rules: self.rules,
            time: clock::now(),
        };
        let checked = self.guarded(|| policies::check(request, &basis));
        checked.unwrap_or_else(|()| self.failed(request))
    }

    async fn validate<'r>(&self, request: &'r Request<'_>, change: Change<'_>, bytes: usize) -> (Answer<'r>, Outcome) {
        let stored = if request.dry_run {
            Reserve::Never
        } else {
            Reserve::Always
        };
        let first = if request.dry_run || self.live.is_none() {
            stored
        } else {
            Reserve::UnlessAbsent
        };
        let given = Given {
            fetched: Overlay::default(),
            asked: now(),
            bytes,
        };
        let namespace = change.namespace.clone();
        let decision = self.guarded(|| self.judge(&change, &given, first));
        let decision = match (decision, &self.live) {
            (Ok(decision), Some(live)) => self.judge_again(change, decision, given, live.as_ref(), stored).await,
            (decision, _) => decision,
        };
        match decision {
            Ok(decision) => {
                if !decision.is_allowed()
                    && !request.dry_run
                    && let Some(refusals) = &self.refusals
                {
                    refusals.refused(&request.uid, &namespace, &decision.findings);
                }
                self.told(request, decision)
            }
            Err(()) => self.failed(request),
        }
    }

    /// Judges again where the API server can tell what the decision rests on: what it misses first, and with that the
    /// others that it is denied for.
    async fn judge_again(
        &self,
        change: Change<'_>,
        mut decision: Decision,
        mut given: Given,
        live: &dyn LiveReads,
        reserve: Reserve,
    ) -> Result<Decision, ()> {
        if !decision.absent.is_empty() {
            let missing = |object| live.missing(&change.namespace, object);
            for (object, told) in fetch(&decision.absent, missing).await {
                match told {
                    Lookup::Known(node) => given.fetched.lay(object, Some(node)),
                    // It may come meanwhile by the watch.
                    Lookup::Absent => {}
                    Lookup::Unknown => given.fetched.doubt(object),
                }
            }
            decision = self.guarded(|| self.judge(&change, &given, reserve))?;
        }
        if !decision.doubtful.is_empty() {
            given.asked = now();
            let doubtful = |object| live.object(&change.namespace, object);
            for (object, told) in fetch(&decision.doubtful, doubtful).await {
                match told {
                    Lookup::Known(node) => given.fetched.lay(object, Some(node)),
                    Lookup::Absent => given.fetched.lay(object, None),
                    // What the graph has of it stands.
                    Lookup::Unknown => {}
                }
            }
            decision = self.guarded(|| self.judge(&change, &given, reserve))?;
        }
        Ok(decision)
    }

    async fn mutate<'r>(&self, request: &'r Request<'_>, change: Change<'_>) -> (Answer<'r>, Outcome) {
        let Ok(mut defaults) = self.guarded(|| self.defaults(&change, &Overlay::default(), Services::Unasked)) else {
            return self.failed(request);
        };
        if defaults.wants_services {
            let listed = match &self.live {
                Some(live) => live.services(&change.namespace).await,
                None => None,
            };
            let (overlay, services) = match listed {
                Some(services) => (self.exactly(&change.namespace, services), Services::Confirmed),
                None => (Overlay::default(), Services::Failed),
            };
            let Ok(again) = self.guarded(|| self.defaults(&change, &overlay, services)) else {
                return self.failed(request);
            };
            defaults = again;
        }
        for rule in &defaults.rules {
            self.metrics.patch(rule);
        }
        let Defaults {
            operations,
            rules,
            warnings,
            decision,
            ..
        } = defaults;
        let (mut answer, judged) = self.told(request, decision);
        answer.warnings.extend(warnings);
        answer.patch = operations;
        let outcome = match judged {
            Outcome::Deny => Outcome::Deny,
            _ if !answer.patch.is_empty() => Outcome::Patch,
            _ if !answer.warnings.is_empty() => Outcome::Warn,
            other => other,
        };
        if outcome == Outcome::Patch {
            let Request {
                uid,
                user,
                operation,
                kind,
                name,
                ..
            } = request;
            let namespace = &*change.namespace;
            info!(%uid, %user, %operation, %kind, namespace, %name, rules = rules.join(","), "Defaults injected");
            self.decisions.remember_injection(request, &rules, clock::now());
        }
        (answer, outcome)
    }

    /// Counts and logs a decision, and puts it into an answer.
    fn told<'r>(&self, request: &'r Request<'_>, decision: Decision) -> (Answer<'r>, Outcome) {
        self.count(&decision);
        log(request, &decision);
        if !decision.findings.is_empty() {
            self.decisions.remember(request, &decision, clock::now());
        }
        let outcome = if !decision.is_allowed() {
            Outcome::Deny
        } else if decision.warnings.is_empty() {
            Outcome::Allow
        } else {
            Outcome::Warn
        };
        let Decision {
            denial,
            warnings,
            annotations,
            ..
        } = decision;
        let answer = Answer {
            uid: &request.uid,
            denial,
            warnings,
            annotations,
            patch: Vec::new(),
        };
        (answer, outcome)
    }

    fn judge(&self, change: &Change<'_>, given: &Given, reserve: Reserve) -> Decision {
        let policies = self.policies.load();
        let admission = Admission {
            asked: given.asked,
            bytes: given.bytes,
            ..self.admission(&policies, &given.fetched)
        };
        admit(change, &admission, reserve)
    }

    fn defaults(&self, change: &Change<'_>, fetched: &Overlay, services: Services) -> Defaults {
        let policies = self.policies.load();
        admit_defaults(change, &self.admission(&policies, fetched), services)
    }

    fn admission<'a>(&'a self, policies: &'a Policies, fetched: &'a Overlay) -> Admission<'a> {
        let now = now();
        Admission {
            graph: &self.graph,
            policies,
            rules: self.rules,
            fetched,
            now,
            time: clock::now(),
            asked: now,
            bytes: 0,
        }
    }

    /// The Services as just listed, and no others.
    fn exactly(&self, namespace: &Name, services: Vec<crate::graph::Service>) -> Overlay {
        let mut overlay = Overlay::default();
        let mut lay = |name: &Name, node| overlay.lay(ObjectRef::new(Kind::SERVICE, name.clone()), node);
        if let Some(shard) = self.graph.existing_shard(namespace) {
            let shard = crate::graph::store::locked(&shard);
            shard.services().for_each(|service| lay(&service.name, None));
        }
        for service in services {
            lay(&service.name.clone(), Some(Node::Service(Arc::new(service))));
        }
        overlay
    }

    /// A panic in a rule must cost one answer, not the process.
    fn guarded<T>(&self, judge: impl FnOnce() -> T) -> Result<T, ()> {
        catch_unwind(AssertUnwindSafe(judge)).map_err(|_| ())
    }

    fn failed<'r>(&self, request: &'r Request<'_>) -> (Answer<'r>, Outcome) {
        let Request { uid, kind, name, .. } = request;
        error!(%uid, %kind, %name, "Judging failed; please report this as a bug");
        let mut answer = Answer {
            uid: &request.uid,
            ..Answer::default()
        };
        match self.on_error {
            OnError::Allow => answer
                .warnings
                .push("stateward failed to judge this request and let it pass".to_owned()),
            OnError::Deny => {
                answer.denial = Some("stateward failed to judge this request (--on-error deny)".to_owned())
            }
        }
        (answer, Outcome::Error)
    }

    fn count(&self, decision: &Decision) {
        for judged in &decision.findings {
            self.metrics.finding(judged.finding.rule.id, judged.action);
        }
        if !decision.unknown.is_empty() {
            self.metrics.incomplete_decisions.inc();
        }
        for kind in &decision.unknown {
            self.metrics.unknown_lookup(kind.label());
        }
    }
}

/// How long this process has run, for reservations: whoever sets the clock of a machine does not make them older.
pub fn now() -> Timestamp {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    Timestamp(u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX))
}

/// Asks for objects, all at once.
async fn fetch<'a>(
    objects: &'a [ObjectRef],
    ask: impl Fn(&'a ObjectRef) -> live::Answer<'a, Lookup<Node>>,
) -> Vec<(ObjectRef, Lookup<Node>)> {
    let told = join_all(objects.iter().map(ask)).await;
    objects.iter().cloned().zip(told).collect()
}

/// Webhook rules of somebody's own sent it: better said than passed over.
pub(super) fn unknown_kind<'r>(request: &'r Request<'_>) -> (Answer<'r>, Outcome) {
    let kind = start_of(&request.kind);
    let warning = format!("stateward does not know the kind {kind:?} in this version, and did not check it");
    (warned(request, warning), Outcome::Warn)
}

fn warned<'r>(request: &'r Request<'_>, warning: String) -> Answer<'r> {
    Answer {
        uid: &request.uid,
        warnings: vec![warning],
        ..Answer::default()
    }
}

fn unreadable<'r>(request: &'r Request<'_>, error: &json::Error) -> (Answer<'r>, Outcome) {
    let Request { uid, kind, name, .. } = request;
    warn!(%uid, %kind, %name, %error, "Object cannot be read");
    // Of a kind that we know, so it is short.
    let warning = format!("stateward could not read this {kind} and did not check it");
    (warned(request, warning), Outcome::Error)
}

/// One line a decision, a plain allow only for whoever wants details; never the object. `docs/logs.md` has the fields.
fn log(request: &Request<'_>, decision: &Decision) {
    let Request {
        uid,
        user,
        operation,
        kind,
        sub_resource,
        name,
        namespace,
        dry_run,
        ..
    } = request;
    let namespace = namespace.as_deref().unwrap_or_default();
    if decision.findings.is_empty() && decision.warnings.is_empty() {
        let (verdict, rules, workloads, exceptions) = ("Allowed", "", "", "");
        debug!(%uid, %user, %operation, %kind, %sub_resource, namespace, %name, dry_run, verdict, rules, workloads, exceptions, "Decided");
        return;
    }
    let rules: Vec<String> = decision
        .findings
        .iter()
        .map(|judged| format!("{}={}", judged.finding.rule.id, judged.action))
        .collect();
    let rules = rules.join(",");
    let exceptions = decision.findings.iter().filter_map(|judged| {
        let granted = judged.granted()?;
        Some(format!("{}={}", judged.finding.rule.id, granted.exception))
    });
    let exceptions = exceptions.collect::<Vec<_>>().join(",");
    // What was found is on the workload: of a scale its parent, of a claim or a Service whoever uses it.
    let on = decision.findings.iter().map(|judged| &judged.finding.object);
    let on: BTreeSet<String> = on.map(|object| format!("{}/{}", object.kind, object.name)).collect();
    let workloads = on.into_iter().collect::<Vec<_>>().join(",");
    let verdict = if !decision.is_allowed() {
        "Denied"
    } else if decision.warnings.is_empty() {
        "Audited"
    } else {
        "Warned"
    };
    info!(%uid, %user, %operation, %kind, %sub_resource, namespace, %name, dry_run, verdict, rules, workloads, exceptions, "Decided");
}

fn readable(error: &Unreadable) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

fn operation(text: &str) -> Verb {
    match text {
        "CREATE" => Verb::Create,
        "DELETE" => Verb::Delete,
        "UPDATE" => Verb::Update,
        _ => Verb::Other,
    }
}
