//! The bounds of a server: how many, and how long.

use std::time::Duration;

/// Bounds of a server; the defaults are for production, tests shorten them.
/// A time is met within a quarter of a second, that of bodies within half of itself.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections that have said something, at once; for a further one, another that is silent gives way. Above what API
    /// servers need: each keeps 25 for later, and has one more for each request under way. An equal share of the budget
    /// of bodies takes a review of 100 KB that comes in pieces.
    pub connections: usize,
    /// Connections beside them that have not said a word yet, or wait until another gives way: a file each, and no
    /// buffer.
    pub lobby: usize,
    /// HTTP/2 connections among them, since each may have many requests under way; further ones are offered HTTP/1.1.
    /// The API server speaks HTTP/1.1 to Services, and HTTP/2 only to `localhost`.
    pub http2_connections: usize,
    /// Bytes of request bodies that are held at once.
    pub body_budget: usize,
    /// How long a TLS handshake may take.
    pub handshake_timeout: Duration,
    /// How long a connection may be silent before its first request.
    pub first_request_timeout: Duration,
    /// How long a body may take from its request's head to its last byte: after the 5 s that an installation grants us
    /// the API server no longer waits for the answer.
    pub body_timeout: Duration,
    /// How long a connection may go without a request beginning.
    /// Longer than the 90 s after which the API server's own pool closes idle connections, so that we never close one
    /// it is about to use. A head that dribbles in is ended by the same bound.
    pub idle_timeout: Duration,
    /// How long the server goes on as before, new connections included, after it was asked to stop:
    /// the API server keeps using its connection to a replica that has left the endpoints, and kube-proxy lags.
    pub shutdown_delay: Duration,
    /// How long an HTTP/1.1 connection must be silent before a draining server closes it.
    pub drain_idle: Duration,
    /// How long the drain may take after the delay; then what is left is cut.
    /// Together they stay below the 30 s after which kubelet kills a pod.
    pub drain_timeout: Duration,
}

impl Limits {
    /// Bounds of the admin port: kubelet and a few scrapers call it, each with a connection or two.
    #[must_use]
    pub fn admin() -> Self {
        Self {
            connections: 64,
            lobby: 256,
            body_budget: 64 * 1024,
            first_request_timeout: Duration::from_secs(5),
            ..Self::default()
        }
    }

    /// Bounds of the dashboard: a few browsers, each with some connections, and forms that hold a manifest.
    #[must_use]
    pub fn dashboard() -> Self {
        Self {
            body_budget: 4 * 1024 * 1024,
            shutdown_delay: Duration::ZERO,
            ..Self::admin()
        }
    }

    /// Makes the lobby as small as the files that this process may have open want it: half of what the places of both
    /// ports and everything else leave, since there are two.
    #[must_use]
    pub fn within(mut self, files: usize) -> Self {
        let rest = Self::default().connections + Self::admin().connections + OTHER_FILES;
        self.lobby = self.lobby.min(files.saturating_sub(rest) / 2).max(1);
        self
    }
}

/// Files that are no connection of ours: watches, clients, certificates and policies as they are read.
const OTHER_FILES: usize = 128;

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 320,
            lobby: 2048,
            http2_connections: 32,
            body_budget: 64 * 1024 * 1024,
            handshake_timeout: Duration::from_secs(5),
            first_request_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(95),
            shutdown_delay: Duration::from_secs(3),
            drain_idle: Duration::from_secs(1),
            drain_timeout: Duration::from_secs(15),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::body::held;

    #[test]
    fn idle_connections_outlive_the_api_servers_pool() {
        assert!(Limits::default().idle_timeout > Duration::from_secs(90));
    }

    #[test]
    fn a_lobby_leaves_files_to_everything_else() {
        assert_eq!(Limits::default().within(20_000).lobby, 2048);
        assert_eq!(Limits::default().within(1024).lobby, 256);
        assert_eq!(Limits::admin().within(1024).lobby, 256);
        assert_eq!(Limits::default().within(0).lobby, 1);
    }

    #[test]
    fn an_equal_share_of_the_budget_takes_a_review_in_pieces() {
        const REVIEW: usize = 100_000;
        let limits = Limits::default();
        assert!(limits.body_budget / limits.connections > held(REVIEW));
    }

    #[test]
    fn a_stop_ends_before_kubelet_kills() {
        let limits = Limits::default();
        assert!(limits.shutdown_delay + limits.drain_timeout < Duration::from_secs(30));
    }
}
