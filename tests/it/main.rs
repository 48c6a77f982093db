//! The one integration test binary.

#![expect(
    unreachable_pub,
    reason = "a test binary exports nothing: `pub` marks what a module offers to the others"
)]

/// A real Kubernetes API server, and what the tests need to use it.
mod controlplane;
