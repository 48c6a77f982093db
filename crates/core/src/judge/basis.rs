//! What a judgement stands on.

use crate::graph::view::Reservations;
use crate::graph::{Facts, Overlay, Shard, View};
use crate::policy::Policies;
use crate::rules::kit::Rule;
use crate::time::Time;

/// All that a judgement stands on: one namespace, the facts of the cluster, policies and rules.
#[derive(Clone, Copy, Debug)]
pub struct Basis<'a> {
    pub shard: &'a Shard,
    pub facts: &'a Facts,
    /// Objects that were asked for by name because the graph did not have them.
    pub fetched: &'a Overlay,
    pub policies: &'a Policies,
    pub rules: &'a [&'static Rule],
    /// What the date is, for policies and exceptions that name one.
    pub time: Time,
}

impl<'a> Basis<'a> {
    /// The namespace with objects laid over it.
    pub(super) fn view<'v>(&self, overlay: &'v Overlay, reservations: Reservations) -> View<'v>
    where
        'a: 'v,
    {
        View::new(self.shard, self.facts, overlay, reservations)
    }
}
