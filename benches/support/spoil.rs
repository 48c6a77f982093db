//! What an audit finds.

#![expect(
    clippy::expect_used,
    reason = "a benchmark that cannot build its world has nothing to measure"
)]

use stateward::graph::{Graph, Kind, Name};

use super::objects::{self, Deployment};

/// Gives every tenth workload, a Deployment, a rollout that needs its volume twice. As many DaemonSets mount a volume
/// that is not there as it is.
pub fn spoil(graph: &Graph, workloads: usize) {
    for number in (0..workloads).step_by(10) {
        let namespace: Name = objects::namespace(number).into();
        let surging = Deployment {
            surges: true,
            ..Deployment::clean(number)
        };
        graph
            .insert(Kind::DEPLOYMENT, &namespace, &surging.json())
            .expect("a readable object");
    }
}
