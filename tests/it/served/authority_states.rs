//! Every state of an authority's rotation: in each whoever leads is killed, and in the next round whoever follows; no review
//! fails.

use super::Served;
use super::installation::{ENFORCE, Installed, NAMESPACE, SECRET};
use super::load::Load;
use super::objects::claim;
use super::reports::leader;
use crate::controlplane::eventually;

/// What the Secret tells of a rotation.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// One authority, and no other.
    Steady,
    /// Another is announced.
    Announced,
    /// Another signs, and the former is trusted still.
    Switched,
}

impl State {
    async fn of(installed: &Installed) -> Self {
        let secret = installed.get(&["secret", SECRET, "-n", NAMESPACE]).await;
        let has = |key| secret["data"].get(key).is_some();
        match (has("next-ca.crt"), has("previous-ca.crt")) {
            (false, false) => Self::Steady,
            (true, false) => Self::Announced,
            (false, true) => Self::Switched,
            (true, true) => unreachable!("two rotations at once"),
        }
    }
}

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    Leader,
    Follower,
}

const LIFETIMES: [&str; 3] = [
    "--authority-lifetime=120s",
    "--certificate-lifetime=30s",
    "--authority-settle=5s",
];

/// Both replicas, of which one leads.
struct Pair<'i> {
    installed: &'i Installed,
    replicas: [Served; 2],
}

impl Pair<'_> {
    /// Kills one of them in a state, and starts it anew; `false` where the state had just gone by.
    async fn kill(&mut self, who: Who, state: State) -> bool {
        let [one, other] = &self.replicas;
        let led = leader(&[one, other]).await;
        let leading = usize::from(led.pid() == other.pid());
        let number = if who == Who::Leader { leading } else { 1 - leading };
        eventually("the state", async || {
            (State::of(self.installed).await == state).then_some(())
        })
        .await;
        self.installed.kill(number, &self.replicas[number]).await;
        let hit = State::of(self.installed).await == state;
        if who == Who::Leader {
            // Only then another process comes: of two that wait for the Lease either may get it.
            leader(&[&self.replicas[1 - number]]).await;
        }
        self.replicas[number] = self.installed.replica(number, &LIFETIMES);
        self.installed.use_replica(number, &self.replicas[number]).await;
        hit
    }
}

#[tokio::test]
async fn no_review_fails_whoever_is_killed_in_whichever_state_of_a_rotation() {
    let installed = Installed::new().await;
    // Whoever leads first dies before there is an authority, or with the first.
    let first = installed.replica(0, &LIFETIMES);
    first.logged(|line| line["message"] == "Leadership changed").await;
    installed.kill(0, &first).await;
    let replicas = [0, 1].map(|number| installed.replica(number, &LIFETIMES));
    for (number, served) in replicas.iter().enumerate() {
        installed.use_replica(number, served).await;
    }
    installed.manifests(ENFORCE).await;
    let namespace = installed.cluster.namespace("guarded").await;
    let create = ["create", "-n", &namespace, "-f", "-"];
    let data = claim("data", "ReadWriteOnce");
    installed.cluster.kubectl_stdin(create, &data).await.succeeded();
    installed.guards(&namespace).await;
    let load = Load::start(&installed, &namespace).await;
    let mut pair = Pair {
        installed: &installed,
        replicas,
    };
    let mut killed = 0;
    for who in [Who::Leader, Who::Follower] {
        for state in [State::Steady, State::Announced, State::Switched] {
            loop {
                killed += 1;
                if pair.kill(who, state).await {
                    break;
                }
            }
        }
    }
    // One request is under way to a process that is killed, and the next may still go there.
    let cut = load.end(1_000).await;
    assert!(cut <= 2 * killed, "{cut}");
}
