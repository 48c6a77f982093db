//! Judges what watches touch, and now and then everything, on a thread of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tracing::{debug, error, info};

use super::steadiness::Steadiness;
use super::store::{At, Judgement, Store};
use crate::clock;
use crate::cluster::changes::Changes;
use crate::graph::{Facts, Graph, Name, ObjectRef, Overlay, Shard, Touched, Workload, Workloads};
use crate::judge::{Basis, Judged, inspect, inspect_one};
use crate::metrics::Metrics;
use crate::policy::Policies;
use crate::rules::RULES;

/// Everything is judged again after so long, whatever the watches say: what no event tells of (a bug, a time that has
/// come) is found by it.
const EVERYTHING: Duration = Duration::from_hours(1);
/// How long it is waited for further events after one: a rollout, or `kubectl apply` of a directory, is many.
const COALESCE: Duration = Duration::from_millis(20);
/// How often it is looked whether the policies are others.
const LOOK: Duration = Duration::from_secs(1);
/// After so much work the thread rests, `REST` times as long: requests come first, and share their processors with us.
/// It is short, because Linux lets a thread finish what it has begun before it looks whose turn it is.
const SHIFT: Duration = Duration::from_micros(200);
/// A tenth of one processor: a cluster of 100,000 workloads is judged in some five seconds.
const REST: u32 = 9;
/// So many workloads of one namespace are judged without a look at the clock.
const PART: usize = 64;
/// The niceness of the thread: about a tenth of what who answers requests gets where there is not enough for both.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;
/// The pause after everything was judged, as a multiple of the time that it took: nodes come and go by the minute in
/// some clusters, and each of them touches everything.
const PAUSE: u32 = 9;

/// Judges the graph again and again into a store.
#[derive(Debug)]
pub struct Auditor {
    pub graph: Arc<Graph>,
    pub policies: Arc<ArcSwap<Policies>>,
    pub changes: Arc<Changes>,
    pub store: Arc<Store>,
    pub metrics: Arc<Metrics>,
}

/// By what is judged: a snapshot, so that no request waits.
struct Ground {
    facts: Arc<Facts>,
    policies: Arc<Policies>,
}

/// What is to be judged, and when.
struct Agenda {
    pending: Touched,
    /// The policies by which everything was judged last.
    policies: Option<Arc<Policies>>,
    /// When everything is due again.
    everything_due: Instant,
    /// Before then not everything is judged, whatever was touched.
    pause: Instant,
    steadiness: Steadiness,
}

impl Auditor {
    /// Judges for ever. The first sync is over.
    pub fn run(self) {
        Self::give_way();
        self.changes.listen();
        let start = Instant::now();
        let mut agenda = Agenda {
            pending: Touched::default(),
            policies: None,
            everything_due: start,
            pause: start,
            steadiness: Steadiness::default(),
        };
        loop {
            let now = Instant::now();
            self.judge(&mut agenda, now);
            let look = now + LOOK;
            let ripe = self.store.ripen(now);
            let touched = self.changes.next(ripe.map_or(look, |ripe| ripe.min(look)));
            if !touched.is_empty() {
                agenda.pending.merge(touched);
                thread::sleep(COALESCE);
                agenda.pending.merge(self.changes.next(Instant::now()));
            }
        }
    }

    /// Judges everything as it is now; returns how long it took, rests aside.
    pub fn judge_everything(&self) -> Duration {
        self.judge_all(&self.ground()).0
    }

    /// From now on whoever answers requests has a processor before the calling thread has, on Linux, where a thread has
    /// a priority of its own. Not the lowest: the reports wait for the findings.
    pub fn give_way() {
        #[cfg(target_os = "linux")]
        if let Err(error) = rustix::process::setpriority_process(None, NICE) {
            debug!(%error, "The audit has the priority of the requests");
        }
    }

    fn ground(&self) -> Ground {
        Ground {
            facts: self.graph.facts(),
            policies: self.policies.load_full(),
        }
    }

    /// Judges what is due, if it can be judged now.
    fn judge(&self, agenda: &mut Agenda, now: Instant) {
        let ground = self.ground();
        let is_news = |known: &Arc<Policies>| !Arc::ptr_eq(known, &ground.policies);
        if now >= agenda.everything_due || agenda.policies.as_ref().is_none_or(is_news) {
            agenda.pending.everything = true;
            agenda.pause = now;
        }
        if agenda.pending.is_empty() || !agenda.steadiness.judges(&ground.facts, now) {
            return;
        }
        if agenda.pending.everything && now >= agenda.pause {
            agenda.policies = Some(ground.policies.clone());
            let (took, left) = self.judge_all(&ground);
            agenda.pending = left;
            let now = Instant::now();
            agenda.pause = now + took * PAUSE;
            agenda.everything_due = now + EVERYTHING;
        } else {
            self.judge_touched(&mut agenda.pending, &ground);
        }
    }

    /// Judges what events touched, and leaves what touched everything.
    fn judge_touched(&self, touched: &mut Touched, ground: &Ground) {
        for (namespace, workloads) in std::mem::take(&mut touched.namespaces) {
            self.judge_namespace(&namespace, &workloads, ground);
        }
    }

    /// Returns what is left for later, too. What single events touch meanwhile is judged after each rest.
    fn judge_all(&self, ground: &Ground) -> (Duration, Touched) {
        let mut left = Touched::default();
        let mut namespaces: BTreeSet<Name> = self.graph.namespaces().into_iter().collect();
        namespaces.extend(self.store.namespaces());
        let (mut took, mut shift) = (Duration::ZERO, Duration::ZERO);
        let mut began = Instant::now();
        for namespace in &namespaces {
            for part in self.parts(namespace) {
                self.judge_namespace(namespace, &part, ground);
                let worked = began.elapsed();
                took += worked;
                shift += worked;
                if shift >= SHIFT {
                    thread::sleep(shift * REST);
                    shift = self.judge_meanwhile(&mut left, ground);
                }
                began = Instant::now();
            }
        }
        let first = self.store.judged_all().is_none();
        self.store.completed(at());
        self.metrics.audit.duration.observe(took.as_secs_f64());
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        if first {
            info!(milliseconds, "Everything was judged");
        } else {
            debug!(milliseconds, "Everything was judged again");
        }
        (took, left)
    }

    /// All of a namespace, in parts that are soon judged. Each is judged by what is there then: an event may come first.
    fn parts(&self, namespace: &Name) -> Vec<Workloads> {
        let Some(shard) = self.graph.snapshot(namespace) else {
            return vec![Workloads::All];
        };
        if shard.workloads().count() <= PART {
            return vec![Workloads::All];
        }
        let mut workloads: BTreeSet<ObjectRef> = shard.workloads().map(|workload| workload.id.clone()).collect();
        let autoscalers = shard.autoscalers().map(|one| one.id.clone());
        workloads.extend(autoscalers);
        // Whatever is gone.
        workloads.extend(self.store.objects(namespace));
        let mut workloads = workloads.into_iter().peekable();
        iter::from_fn(|| {
            workloads.peek()?;
            Some(Workloads::Some(workloads.by_ref().take(PART).collect()))
        })
        .collect()
    }

    /// Judges what events touched while everything is judged; returns how long it took.
    fn judge_meanwhile(&self, left: &mut Touched, ground: &Ground) -> Duration {
        let began = Instant::now();
        left.merge(self.changes.next(began));
        // By facts that are not those of the graph any more, an object may seem to be absent.
        if Arc::ptr_eq(&self.graph.facts(), &ground.facts) {
            self.judge_touched(left, ground);
        }
        began.elapsed()
    }

    /// A rule that panics costs the news of one namespace, not the audit.
    fn judge_namespace(&self, namespace: &Name, workloads: &Workloads, ground: &Ground) {
        let shard = self.graph.namespace(namespace);
        let judged = catch_unwind(AssertUnwindSafe(|| ground.judge(&shard, workloads)));
        match judged {
            Ok(judged) => self.store.take(namespace, judged, *workloads == Workloads::All, at()),
            Err(_) => error!(%namespace, "Judging a namespace failed; please report this as a bug"),
        }
    }
}

impl Ground {
    fn judge(&self, shard: &Shard, workloads: &Workloads) -> Vec<Judgement> {
        let fetched = Overlay::default();
        let basis = Basis {
            shard,
            facts: &self.facts,
            fetched: &fetched,
            policies: &self.policies,
            rules: RULES,
            time: clock::now(),
        };
        let mut found: BTreeMap<ObjectRef, Vec<Judged>> = BTreeMap::new();
        let inspected = match workloads {
            Workloads::All => vec![inspect(&basis)],
            Workloads::Some(workloads) => {
                found.extend(workloads.iter().map(|workload| (workload.clone(), Vec::new())));
                workloads.iter().map(|workload| inspect_one(workload, &basis)).collect()
            }
        };
        for judged in inspected.into_iter().flat_map(|inspection| inspection.findings) {
            found.entry(judged.finding.object.clone()).or_default().push(judged);
        }
        let judgement = |(object, findings): (ObjectRef, Vec<Judged>)| {
            let workload = shard.workload(&object);
            let found_in = workload.filter(|_| !findings.is_empty());
            let autoscaler = || shard.autoscaler(&object)?.uid;
            Judgement {
                uid: workload.map_or_else(autoscaler, |workload| workload.uid),
                policies: found_in.map_or_else(Name::default, |workload| self.policies_of(shard, workload)),
                owner: found_in.map_or_else(Name::default, |workload| owner(shard, workload)),
                object,
                findings,
            }
        };
        found.into_iter().map(judgement).collect()
    }

    fn policies_of(&self, shard: &Shard, workload: &Workload) -> Name {
        let labels = shard.namespace_labels();
        let names = self.policies.matching(&shard.namespace, labels, &workload.labels);
        names.collect::<Vec<_>>().join(",").into()
    }
}

/// Whom to talk to of a workload: its team, or its Namespace's, as for comparisons of policies; else the application
/// that it is a part of.
fn owner(shard: &Shard, workload: &Arc<Workload>) -> Name {
    let team = shard.label(Some(workload), "team");
    let application = || workload.labels.get("app.kubernetes.io/part-of");
    team.or_else(application).unwrap_or_default().into()
}

fn at() -> At {
    At {
        now: Instant::now(),
        wall: clock::now().seconds(),
    }
}
