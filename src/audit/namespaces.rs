//! The namespaces of a graph, one after another or several at a time.

use std::num::NonZeroUsize;

use crate::graph::store::locked;
use crate::graph::{Graph, Name, Overlay};
use crate::judge::Basis;
use crate::parallel;
use crate::policy::Policies;
use crate::rules::RULES;
use crate::time::Time;

/// Looks at every namespace of a graph as it is now, judged as of `time`; returns what `look` makes of each, in the order of their names.
pub fn by_namespace<T: Send + Sync>(
    graph: &Graph,
    policies: &Policies,
    time: Time,
    threads: NonZeroUsize,
    look: impl Fn(&Name, &Basis<'_>) -> T + Sync,
) -> Vec<T> {
    let facts = graph.facts();
    let fetched = Overlay::default();
    parallel::map(threads, &graph.namespaces(), |namespace| {
        let shard = graph.shard(namespace);
        let basis = Basis {
            shard: &locked(&shard),
            facts: &facts,
            fetched: &fetched,
            policies,
            rules: RULES,
            time,
        };
        look(namespace, &basis)
    })
}
