//! What happens to a release, each a test of its own, one after the other on the one cluster.

/// What happens to the control plane and to the network.
mod cluster;
/// From the installation to the end.
mod life;
/// What happens to replicas.
mod replicas;

use std::time::Instant;

use libtest_mimic::{Arguments, Trial};
use tokio::runtime::Runtime;

use super::load::{Load, Tally};
use super::release::Release;
use crate::helm::Helm;

/// All of them, in their order.
pub fn all() -> Vec<Trial> {
    vec![
        trial("a_release_of_helm_3", || life::lives_and_leaves(Helm::Three)),
        trial("a_release_of_helm_4", || life::lives_and_leaves(Helm::Four)),
        trial("enforced_at_once", life::enforced_at_once),
        trial("a_limit_that_is_too_small", life::a_limit_that_is_too_small),
        trial("bodies_that_never_end", replicas::bodies_that_never_end),
        trial("a_rolling_restart", replicas::a_rolling_restart),
        trial("a_process_that_is_killed", replicas::a_process_that_is_killed),
        trial(
            "a_pod_that_is_deleted_by_force",
            replicas::a_pod_that_is_deleted_by_force,
        ),
        trial("a_pod_that_is_evicted", replicas::a_pod_that_is_evicted),
        trial("a_replica_that_nobody_reaches", replicas::a_replica_that_nobody_reaches),
        trial("an_api_server_that_is_killed", cluster::an_api_server_that_is_killed),
        trial("an_etcd_that_pauses", cluster::an_etcd_that_pauses),
        trial("authorities_that_are_lost", cluster::authorities_that_are_lost),
        trial("certificates_that_are_over", cluster::certificates_that_are_over),
        trial("a_policy_with_a_mistake", cluster::a_policy_with_a_mistake),
        trial("a_cold_start", cluster::a_cold_start),
    ]
}

fn trial<F: Future<Output = ()>>(name: &str, scenario: impl FnOnce() -> F + Send + 'static) -> Trial {
    Trial::test(name, move || {
        Runtime::new()?.block_on(scenario());
        Ok(())
    })
}

/// Whether any of them is wanted.
pub fn any(arguments: &Arguments) -> bool {
    let is_meant = |name: &str, filter: &str| {
        if arguments.exact {
            name == filter
        } else {
            name.contains(filter)
        }
    };
    all().iter().any(|trial| {
        let filtered = arguments
            .filter
            .as_deref()
            .is_some_and(|filter| !is_meant(trial.name(), filter));
        !filtered && !arguments.skip.iter().any(|skip| is_meant(trial.name(), skip))
    })
}

/// Something happens under load to a release of these values that is at peace; then everything must be right again.
/// Tells how it went.
async fn happens(values: &[&str], what: &str, happens: impl AsyncFnOnce(&Release)) -> Tally {
    let release = Release::at_peace(values).await;
    let load = Load::start(&release.client);
    load.calm().await;
    load.take();
    let since = Instant::now();
    happens(&release).await;
    load.calm().await;
    let tally = load.finish().await;
    report(what, &tally, since);
    release.is_whole().await;
    tally
}

/// A line of the table in `docs/reliability.md`.
#[expect(clippy::print_stdout, reason = "the table is for people")]
fn report(what: &str, tally: &Tally, since: Instant) {
    println!("| {what} | {tally} | {:.1} s |", tally.wrong_for(since).as_secs_f64());
}
