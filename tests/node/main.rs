//! stateward on a whole cluster of one node: kubelet, container runtime and Services, with the chart installed by real Helm.
//!
//! Everything is in namespaces of this run's own (network, mounts, processes): no address outside of them is used, and
//! nothing in them outlives it. That needs root, and Debian's `containerd`, `runc`, `containernetworking-plugins`,
//! `iptables`, `nftables`, `conntrack` and `kmod`; where they are missing the run says so and tests nothing, unless `CI`
//! is set.
//!
//! The tests run one after the other on one cluster, and print a table:
//!
//! ```sh
//! cargo test --test node -- --nocapture | grep '^|'
//! ```

#![expect(
    unreachable_pub,
    reason = "a test binary exports nothing: `pub` marks what a module offers to the others"
)]

/// The cluster, and what it consists of.
mod cluster;
/// Into namespaces, and what is left to do after them.
mod enter;
/// What the parts of the cluster read.
mod files;
/// Images without a builder.
mod image;
/// Reviews without end, and how they went.
mod load;
/// stateward as a release of the chart.
mod release;
/// What happens to it.
mod scenarios;

/// What the other tests have for this, and use more of.
#[path = "../it/controlplane"]
#[expect(
    dead_code,
    unused_imports,
    reason = "the other tests use more of them, and have tests of them"
)]
mod controlplane {
    pub mod binaries;
    pub mod build;
    pub mod connect;
    mod patience;
    pub mod process;
    mod release;

    pub use patience::eventually;
}

#[path = "../it/attack/client.rs"]
#[expect(dead_code, reason = "the other tests use more of it")]
mod client;

#[path = "../it/chart/helm.rs"]
#[expect(dead_code, reason = "the other tests use more of it")]
mod helm;

use std::env;
use std::process::ExitCode;

use libtest_mimic::Arguments;

/// Set, to the directory of the cluster, where this program runs inside of the namespaces.
const INSIDE: &str = "STATEWARD_TEST_NODE";

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    if env::var_os(INSIDE).is_some() {
        enter::end_with_the_one_outside();
    } else if !arguments.list && scenarios::any(&arguments) {
        return enter::run_inside();
    }
    libtest_mimic::run(&arguments, scenarios::all()).exit_code()
}
