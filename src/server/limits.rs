//! The bounds of a server: how many, and how long.

use std::time::Duration;

/// Bounds of a server; the defaults are for production, tests shorten them.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at once; further ones wait in the kernel's backlog.
    pub connections: usize,
    /// How long a TLS handshake may take.
    pub handshake_timeout: Duration,
    /// How long a connection may go without a request beginning or being answered; it is closed after one to two of these.
    /// Longer than the 90 s after which the API server's own pool closes idle connections, so that we never close one
    /// it is about to use. A request whose head or body dribbles in is ended by the same bound.
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

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            handshake_timeout: Duration::from_secs(5),
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

    #[test]
    fn idle_connections_outlive_the_api_servers_pool() {
        assert!(Limits::default().idle_timeout > Duration::from_secs(90));
    }

    #[test]
    fn a_stop_ends_before_kubelet_kills() {
        let limits = Limits::default();
        assert!(limits.shutdown_delay + limits.drain_timeout < Duration::from_secs(30));
    }
}
