//! Webhooks over a given graph.

use std::sync::Arc;

use arc_swap::ArcSwap;
use stateward::admission::{OnError, Webhook};
use stateward::graph::{Graph, Overlay, Timestamp};
use stateward::judge::Admission;
use stateward::metrics::Metrics;
use stateward::policy::{Mutation, Policies, Profile, Settings};
use stateward::rules::RULES;
use stateward::rules::kit::Rule;
use stateward::time::Time;

/// One policy for everything that denies what Strict denies, with every default injected.
pub fn strict(rules: &[&Rule]) -> Policies {
    let mut settings = Settings::new(Profile::Strict, rules);
    for rule in &mut settings.rules {
        rule.mutation = Mutation::Enabled;
    }
    Policies::everywhere(settings)
}

/// A webhook that knows `graph` and nothing else.
pub fn webhook(graph: Arc<Graph>) -> Webhook {
    with_rules(graph, RULES, OnError::Allow)
}

/// A webhook with other rules.
pub fn with_rules(graph: Arc<Graph>, rules: &'static [&'static Rule], on_error: OnError) -> Webhook {
    Webhook {
        graph,
        policies: Arc::new(ArcSwap::from_pointee(strict(rules))),
        rules,
        metrics: Arc::new(Metrics::new(rules)),
        decisions: Arc::default(),
        live: None,
        refusals: None,
        traces: None,
        on_error,
    }
}

/// Asks the judge about a graph under these policies, with all rules and always at the same time.
pub fn asked<T>(graph: &Graph, policies: &Policies, ask: impl FnOnce(&Admission<'_>) -> T) -> T {
    ask(&Admission {
        graph,
        policies,
        rules: RULES,
        fetched: &Overlay::default(),
        now: Timestamp(1_800_000_000_000),
        time: Time::from_seconds(1_800_000_000),
        asked: Timestamp(1_800_000_000_000),
        bytes: 0,
    })
}
