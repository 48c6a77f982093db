//! The judge alone, without wire and JSON: nanoseconds a request.

#![expect(
    unreachable_pub,
    reason = "a benchmark exports nothing: `pub` marks what a module offers to the others"
)]
#![expect(clippy::print_stdout, reason = "a benchmark prints its numbers")]
#![expect(
    clippy::expect_used,
    reason = "a benchmark that cannot build its requests has nothing to measure"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use stateward::graph::project::NodeSeed;
use stateward::graph::{
    Actor, Change, Graph, Kind, Kinds, Name, ObjectRef, Old, Operation, Overlay, States, Timestamp,
};
use stateward::judge::{Admission, Reserve, admit};
use stateward::policy::{Policies, Profile, Settings};
use stateward::rules::RULES;
use stateward::time::Time;

#[path = "support/machine.rs"]
mod machine;
#[path = "support/objects.rs"]
mod objects;
#[path = "support/world.rs"]
mod world;

use objects::Deployment;
use world::Size;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long one measurement takes.
const MEASURED: Duration = Duration::from_secs(1);

/// How many different requests a measurement goes through: more than the caches hold nodes for.
const REQUESTS: usize = 4_096;

fn main() {
    println!("{}", machine::line());
    let policies = Policies::everywhere(Settings::new(Profile::Baseline, RULES));
    println!("{} rules, ns a request", RULES.len());
    // With their neighbours 3.7 objects each: the third is a million objects.
    for workloads in [1_000, 100_000, 270_000, 1_000_000] {
        let graph = world::empty();
        let size = Size::of(workloads);
        world::fill(&graph, size);
        world::fill_volumes(&graph, size.claims);
        println!("{workloads} workloads:");
        let bench = Bench {
            graph: &graph,
            policies: &policies,
            workloads,
        };
        bench.measure("clean Deployment", |number| {
            updated(Deployment::clean(number - number % 10))
        });
        bench.measure("changed Deployment", |number| {
            updated(Deployment {
                grace: 31,
                ..Deployment::clean(number - number % 10)
            })
        });
        bench.measure("violating Deployment", |number| {
            updated(Deployment {
                replicas: 3,
                surges: true,
                ..Deployment::clean(number - number % 10)
            })
        });
        bench.measure("scale of a Deployment", |number| scaled(number - number % 10));
        bench.measure("any workload", any);
    }
}

struct Bench<'a> {
    graph: &'a Graph,
    policies: &'a Policies,
    workloads: usize,
}

impl Bench<'_> {
    /// Judges requests for workloads in random order, one after the other, and prints the mean.
    fn measure(&self, what: &str, request: impl Fn(usize) -> Change<'static>) {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let requests: Vec<Change<'static>> = (0..REQUESTS).map(|_| request(random.below(self.workloads))).collect();
        let fetched = Overlay::default();
        let admission = Admission {
            graph: self.graph,
            policies: self.policies,
            rules: RULES,
            fetched: &fetched,
            now: Timestamp(1_800_000_000_000),
            time: Time::from_seconds(1_800_000_000),
            asked: Timestamp(1_800_000_000_000),
            bytes: 0,
        };
        let mut denied = 0;
        for request in &requests {
            denied += usize::from(!admit(request, &admission, Reserve::Never).is_allowed());
        }
        let started = Instant::now();
        let mut judged = 0;
        while started.elapsed() < MEASURED {
            for request in &requests {
                black_box(admit(black_box(request), &admission, Reserve::Never));
            }
            judged += requests.len();
        }
        let nanos = started.elapsed().as_nanos() / judged as u128;
        println!("  {what}: {nanos} ({} % denied)", denied * 100 / REQUESTS);
    }
}

fn updated(deployment: Deployment) -> Change<'static> {
    let number = deployment.number;
    let before = Deployment::clean(number).json();
    changed(Kind::DEPLOYMENT, number, &deployment.json(), before)
}

fn any(number: usize) -> Change<'static> {
    let json = world::workload(number);
    changed(world::kind(number), number, &json, json.clone())
}

fn changed(kind: Kind, number: usize, after: &str, before: String) -> Change<'static> {
    let namespace: Name = objects::namespace(number).into();
    let seed = NodeSeed {
        kind,
        kinds: Kinds::builtin(),
        sent_to: &namespace,
    };
    let (after, shape) = seed.read_to_patch(after).expect("a readable workload");
    let sent_to = namespace.clone();
    let read = move || {
        let seed = NodeSeed {
            kind,
            kinds: Kinds::builtin(),
            sent_to: &sent_to,
        };
        seed.read(&before).ok()
    };
    Change {
        operation: Operation::Update,
        actor: Actor::User,
        forced: false,
        target: ObjectRef::new(kind, after.name().clone()),
        states: States::Object {
            before: Old::lazy(read),
            after: Some(after),
            shape,
        },
        namespace,
    }
}

fn scaled(number: usize) -> Change<'static> {
    Change {
        namespace: objects::namespace(number).into(),
        operation: Operation::Update,
        actor: Actor::User,
        forced: false,
        target: ObjectRef::new(Kind::DEPLOYMENT, objects::name(number)),
        states: States::Scale {
            before: Some(1),
            after: 3,
        },
    }
}

/// xorshift64*: numbers that no cache guesses, the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap_or(usize::MAX) % bound
    }
}
