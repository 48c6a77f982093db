//! Attacks on the running program: what a stranger can do who reaches the ports, and what a mistake in files can do.
//!
//! Each attack runs beside an honest client that comes anew every time, as an API server does after a restart, and
//! beside the probes of a kubelet. It prints a line of the table in `docs/reliability.md`:
//!
//! ```sh
//! cargo test --test it attack:: -- --nocapture --test-threads 1 | grep '^|'
//! ```
//!
//! Traffic stays on loopback, and is bounded in number and time.

/// What takes memory.
mod bodies;
/// Connections and reviews over them.
mod client;
/// What files may hold.
mod files;
/// An honest client.
mod honest;
/// A serving certificate.
mod pair;
/// What takes connections.
mod silence;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};
use tokio::time::sleep;

use crate::controlplane::free_port;
use crate::controlplane::process::Scratch;
use crate::served::Served;
use client::Client;
use honest::Honest;
use pair::Pair;

/// What an attack may take beside what the process took before.
const MOST_MIB: u64 = 96;

/// Where the honest client comes from, as an API server does not from where strangers do.
const HONEST: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// For how long an attack goes on once it stands, at least.
const SIEGE: Duration = Duration::from_secs(1);

/// A webhook of its own, without a cluster, and whom it may be called by.
struct Site {
    served: Served,
    client: Client,
    /// One attack at a time: they would take each other's processor.
    _turn: MutexGuard<'static, ()>,
    _scratch: Scratch,
}

impl Site {
    async fn start() -> Self {
        static TURN: Mutex<()> = Mutex::const_new(());
        let turn = TURN.lock().await;
        let scratch = Scratch::new().expect("a directory can be made");
        let pair = Pair::write(&scratch, &Pair::params());
        let [chain, key] = pair.arguments();
        let port = free_port().expect("a port is free");
        let served = Served::on(port, &["--no-cluster", &chain, &key]);
        served.ready().await;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        Self {
            client: Client::new(address, "localhost", &pair.pem),
            served,
            _turn: turn,
            _scratch: scratch,
        }
    }

    /// Runs an attack, which tells what it tried and keeps what it holds until it is dropped, beside an honest client.
    /// Whoever is honest must be answered every time, and memory stay within its bound.
    async fn endures<T>(&self, name: &str, attack: impl Future<Output = (String, T)>) {
        self.endures_beside(self.client.clone().at(HONEST), name, attack).await;
    }

    /// The same, beside an honest client of one's choice.
    async fn endures_beside<T>(&self, client: Client, name: &str, attack: impl Future<Output = (String, T)>) {
        self.client.review(Honest::SMALL).await.expect("an answer in peace");
        let before = self.memory("VmRSS");
        let honest = Honest::start(client, self.served.admin_address());
        let (tried, held) = attack.await;
        sleep(SIEGE).await;
        let honest = honest.finish().await;
        drop(held);
        let metrics = self.served.metrics().await;
        let sum = |name| metrics.series(name, &[]).unwrap_or_default();
        let grown = self.memory("VmHWM").saturating_sub(before);
        report(&format!(
            "| {name} | {tried} | {before} + {grown} MiB | {honest} | {} connections ended, {} bodies refused |",
            sum("stateward_connections_ended_total"),
            sum("stateward_bodies_refused_total"),
        ));
        honest.was_answered_always();
        assert!(grown <= MOST_MIB, "{name}: {before} MiB grew by {grown} MiB");
    }

    /// A line of the process's own account of its memory, in MiB.
    fn memory(&self, line: &str) -> u64 {
        let path = format!("/proc/{}/status", self.served.pid());
        let text = fs::read_to_string(path).expect("the process is there");
        let value = text.lines().find_map(|it| it.strip_prefix(line)?.strip_prefix(':'));
        let kib = value.and_then(|value| value.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        kib.expect("a number of kB") / 1024
    }
}

#[expect(
    clippy::print_stdout,
    reason = "the table is for people, and shown when they ask for it"
)]
fn report(line: &str) {
    println!("{line}");
}
