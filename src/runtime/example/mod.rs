//! The built-in example: a small world, and three requests to try on it.

use std::fmt::Write as _;
use std::net::SocketAddr;

/// The objects that are known.
pub(super) const WORLD: &str = include_str!("world.yaml");

const REQUESTS: [(&str, &str, &str); 3] = [
    (
        "Denied: three replicas on one ReadWriteOnce claim",
        "validate",
        include_str!("denied.json"),
    ),
    (
        "Warned: a rolling update that can deadlock on its own disk",
        "validate",
        include_str!("warned.json"),
    ),
    (
        "Patched: a claim template without access modes",
        "mutate",
        include_str!("patched.json"),
    ),
];

/// What to paste into another terminal.
pub(super) fn guide(listening: SocketAddr) -> String {
    let port = listening.port();
    let mut guide = String::from("Paste any of these into another terminal:\n");
    for (title, path, review) in REQUESTS {
        // Writing to a string cannot fail.
        let _ = write!(
            guide,
            "\n# {title}\ncurl -sk https://localhost:{port}/{path} -H 'Content-Type: application/json' -d '{}'\n",
            review.trim_end()
        );
    }
    guide
}
