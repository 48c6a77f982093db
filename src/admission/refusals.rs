//! Who hears that a request was refused.

use crate::graph::Name;
use crate::judge::Judged;

/// Hears of refusals while the request still waits: it must not wait for anything.
pub trait Refusals: Send + Sync {
    /// A write to a namespace, by the request with this uid, was refused for some of these findings. Not told of dry
    /// runs.
    fn refused(&self, request: &str, namespace: &Name, findings: &[Judged]);
}
