//! The continuous audit of a large cluster: the time to judge 100,000 workloads, of which 20,000 have a finding, on one
//! core, and the memory of the process that holds them. Goals, with 10,000 findings: at most 1 s and 200 MiB.
//!
//! The reference is a visit in the same order, from the same snapshots, that only looks up what every audit must: the
//! claims of each workload, with their volumes and who else uses them, and its autoscalers. It waits for the same
//! memory and judges nothing, so that the ratio is what the rules, the policies and the findings cost beside it.

#![expect(
    unreachable_pub,
    reason = "a benchmark exports nothing: `pub` marks what a module offers to the others"
)]
#![expect(clippy::print_stdout, reason = "a benchmark prints its numbers")]
#![expect(clippy::expect_used, reason = "without /proc there is nothing to measure")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use stateward::findings::{Auditor, Store};
use stateward::graph::{Graph, Lookup};
use stateward::metrics::Metrics;
use stateward::policy::{Policies, Profile, Settings};
use stateward::reports::Dirty;
use stateward::rules::RULES;

#[path = "support/machine.rs"]
mod machine;
#[path = "support/objects.rs"]
mod objects;
#[path = "support/spoil.rs"]
mod spoil;
#[path = "support/world.rs"]
mod world;

use world::Size;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RUNS: usize = 7;
const MIB: f64 = 1024.0 * 1024.0;

fn main() {
    println!("{}", machine::line());
    let size = Size::of(100_000);
    let graph = Arc::new(world::empty());
    world::fill_volumes(&graph, size.claims);
    world::fill(&graph, size);
    spoil::spoil(&graph, size.workloads);
    let filled = memory("VmHWM");

    let policies = Policies::everywhere(Settings::new(Profile::Baseline, RULES));
    let auditor = Auditor {
        graph: graph.clone(),
        policies: Arc::new(ArcSwap::from_pointee(policies)),
        changes: Arc::default(),
        store: Arc::new(Store::new(vec![Box::new(Dirty::default())])),
        metrics: Arc::new(Metrics::new(RULES)),
    };
    // Everything is new, and is put into the store.
    let first = auditor.judge_everything();
    let mut visits = Vec::new();
    let mut audits = Vec::new();
    for _ in 0..RUNS {
        visits.push(visit(&graph));
        audits.push(auditor.judge_everything());
    }
    let (visit, audit) = (fastest(visits), fastest(audits));
    let mut by_rule = BTreeMap::<&str, u64>::new();
    for (rule, .., count) in auditor.store.tally().bounded(usize::MAX) {
        *by_rule.entry(rule).or_default() += count;
    }
    let findings: u64 = by_rule.values().sum();

    println!(
        "{} workloads, {} with findings, {findings} findings: {by_rule:?}",
        size.workloads,
        auditor.store.workloads().len()
    );
    println!("the graph: at most {:.0} MiB while it was filled", filled / MIB);
    println!("the first audit: {first:.0?}; the fastest of {RUNS} more: {audit:.1?}; a visit: {visit:.1?}");
    println!(
        "audit seconds={:.3} first={:.3} visit={:.3} ratio={:.1} mib={:.0}",
        audit.as_secs_f64(),
        first.as_secs_f64(),
        visit.as_secs_f64(),
        audit.as_secs_f64() / visit.as_secs_f64(),
        memory("VmHWM") / MIB,
    );
}

/// Looks up the neighbours of every workload, and judges nothing.
fn visit(graph: &Graph) -> Duration {
    let started = Instant::now();
    let mut seen = 0;
    for namespace in graph.namespaces() {
        let Some(shard) = graph.snapshot(&namespace) else {
            continue;
        };
        for workload in shard.workloads() {
            for (claim, _) in workload.claims() {
                seen += usize::from(
                    shard
                        .claim(claim)
                        .is_some_and(|claim| matches!(claim.volume, Lookup::Known(_))),
                );
                seen += shard.claim_users(claim).count();
            }
            seen += shard.scalers(&workload.id).count() + workload.labels.iter().count();
        }
    }
    black_box(seen);
    started.elapsed()
}

fn fastest(runs: Vec<Duration>) -> Duration {
    runs.into_iter().min().unwrap_or_default()
}

/// A line of `/proc/self/status` in bytes; `VmHWM` is the most that was ever resident.
fn memory(name: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc/self/status");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    kib.expect("a number of kB") * 1024.0
}
