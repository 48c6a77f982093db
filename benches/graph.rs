//! The graph at a large cluster's size: memory an object, and the time to fill it. Goal: at most 120 MiB for 100,000
//! workloads, 100,000 claims, 50,000 services and 20,000 autoscalers.

#![expect(
    unreachable_pub,
    reason = "a benchmark exports nothing: `pub` marks what a module offers to the others"
)]
#![expect(clippy::print_stdout, reason = "a benchmark prints its numbers")]
#![expect(clippy::expect_used, reason = "without /proc there is nothing to measure")]

use std::time::Instant;

#[path = "support/machine.rs"]
mod machine;
#[path = "support/objects.rs"]
mod objects;
#[path = "support/world.rs"]
mod world;

use world::Size;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const MIB: usize = 1024 * 1024;

fn main() {
    println!("{}", machine::line());
    let size = Size::of(100_000);
    let Size {
        workloads,
        claims,
        services,
        autoscalers,
    } = size;
    let graph = world::empty();
    // The allocator's own start is not the graph's.
    drop(vec![1_u8; MIB]);
    let before = resident();

    // First, for as long as a claim's volume is missing, the graph remembers who waits for it.
    world::fill_volumes(&graph, claims);
    let volumes = resident();
    let started = Instant::now();
    world::fill(&graph, size);
    let seconds = started.elapsed().as_secs_f64();
    let used = resident() - volumes;
    let objects = workloads + claims + services + autoscalers;
    println!(
        "{} MiB for the {claims} volumes of the claims",
        (volumes - before) / MIB
    );
    println!("{workloads} workloads, {claims} claims, {services} services, {autoscalers} autoscalers");
    println!("filled in {seconds:.2} s, making and parsing the JSON of every object included");
    println!("{} MiB, {} bytes an object", used / MIB, used / objects);
    println!(
        "graph mib={} bytes_per_object={} seconds={seconds:.2}",
        used / MIB,
        used / objects
    );
}

/// The resident memory of this process in bytes.
fn resident() -> usize {
    const PAGE: usize = 4096;
    let statm = std::fs::read_to_string("/proc/self/statm").expect("/proc/self/statm");
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.expect("the second number") * PAGE
}
