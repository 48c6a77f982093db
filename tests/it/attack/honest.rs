//! An honest client: a review over a new connection every time, small ones and some in pieces; and a kubelet's probes.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{sleep, timeout};

use super::client::Client;

/// Between one request and the next.
const PAUSE: Duration = Duration::from_millis(20);

/// How many requests make a measurement.
const LEAST: usize = 20;

/// When an answer comes too late. The API server gives up after five seconds by itself; here the machine may be slow.
const PATIENCE: Duration = Duration::from_secs(20);

/// An honest client at work.
pub(super) struct Honest {
    task: JoinHandle<Told>,
    stop: watch::Sender<bool>,
}

/// How it fared.
#[derive(Default)]
pub(super) struct Told {
    took: Vec<Duration>,
    failures: Vec<String>,
    probes: usize,
}

impl Honest {
    /// Bytes of a review that comes in one piece.
    pub(super) const SMALL: usize = 2_000;
    /// Bytes of a review that comes in several.
    const LARGE: usize = 100_000;

    pub(super) fn start(client: Client, admin: SocketAddr) -> Self {
        let (stop, stopped) = watch::channel(false);
        let client = async move {
            let mut told = Told::default();
            while !*stopped.borrow() || told.probes + told.failures.len() < LEAST {
                let size = if told.took.len() % 4 == 3 {
                    Self::LARGE
                } else {
                    Self::SMALL
                };
                let began = Instant::now();
                match timeout(PATIENCE, ask(&client, size)).await {
                    Ok(Ok(())) => told.took.push(began.elapsed()),
                    Ok(Err(error)) => told.failures.push(format!("{size} bytes: {error}")),
                    Err(_) => told.failures.push(format!("{size} bytes: no answer")),
                }
                match timeout(PATIENCE, probe(admin)).await {
                    Ok(Ok(())) => told.probes += 1,
                    Ok(Err(error)) => told.failures.push(format!("/livez: {error}")),
                    Err(_) => told.failures.push("/livez: no answer".to_owned()),
                }
                sleep(PAUSE).await;
            }
            told
        };
        // A thread of its own, so that it takes no turns with a thousand tasks of attackers.
        let task = spawn_blocking(|| {
            let runtime = Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(client)
        });
        Self { task, stop }
    }

    pub(super) async fn finish(self) -> Told {
        self.stop.send_replace(true);
        self.task.await.expect("the client ends")
    }
}

impl Told {
    pub(super) fn was_answered_always(&self) {
        assert!(self.failures.is_empty(), "{:?}", self.failures);
        assert!(self.probes >= LEAST, "only {} probes", self.probes);
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut took = self.took.clone();
        took.sort_unstable();
        let at = |share: usize| took.get((took.len() * share / 100).min(took.len().saturating_sub(1)));
        let ms = |share| at(share).copied().unwrap_or_default().as_millis();
        write!(f, "{} answered, p50 {} ms, p99 {} ms", took.len(), ms(50), ms(99))
    }
}

/// A review; some times more over another connection, where the machine was too slow to greet before others had the
/// place.
async fn ask(client: &Client, size: usize) -> io::Result<()> {
    for _ in 0..4 {
        if client.review(size).await.is_ok() {
            return Ok(());
        }
    }
    client.review(size).await
}

async fn probe(admin: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect(admin).await?;
    let request = b"GET /livez HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    if answer.starts_with("HTTP/1.1 200 ") {
        Ok(())
    } else {
        Err(io::Error::other(answer))
    }
}
