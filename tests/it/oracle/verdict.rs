//! What our judge says of a case: its workloads as they are in the end, each as if it were created last.

use std::collections::BTreeMap;

use serde_json::Value;
use stateward::graph::store::locked;
use stateward::graph::{Change, Facts, Graph, Knowledge, Name, Overlay, Timestamp, Version};
use stateward::judge::defaults::{Services, defaults};
use stateward::judge::{Basis, Judged, judge};
use stateward::policy::{Policies, Profile, Settings};
use stateward::rules::RULES;
use stateward::rules::kit::{Action, Verdict};
use stateward::time::Time;

use super::api::name;
use super::case::Case;
use super::site::{furniture, kind, nodes};
use crate::support::changes::change;

/// The rules that say whether pods get their volumes.
pub(super) const STORAGE: [&str; 10] = [
    "claim-missing",
    "claim-mixed-modes",
    "rwo-autoscaler",
    "rwo-consumers",
    "rwo-daemonset",
    "rwo-job",
    "rwo-replicas",
    "rwo-spread",
    "rwo-surge",
    "rwop-overlap",
];

/// The strongest that a storage rule says of a workload of the case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub baseline: Option<Action>,
    pub strict: Option<Action>,
    pub verdict: Verdict,
}

/// What the storage rules say, by rule.
pub(super) fn verdict(case: &Case) -> BTreeMap<&'static str, Said> {
    let objects = case.last();
    let graph = graph(case, &objects);
    let mut said = BTreeMap::<&'static str, Said>::new();
    for object in objects.iter().filter(|object| kind(object).is_workload()) {
        for profile in [Profile::Baseline, Profile::Strict] {
            for (rule, action, verdict) in findings(&graph, object, profile) {
                let entry = said.entry(rule).or_insert(Said {
                    baseline: None,
                    strict: None,
                    verdict,
                });
                let place = if profile == Profile::Strict {
                    &mut entry.strict
                } else {
                    &mut entry.baseline
                };
                *place = (*place).max(Some(action));
                if verdict == Verdict::Violation {
                    entry.verdict = verdict;
                }
            }
        }
    }
    said
}

/// The cluster of a case with these objects.
fn graph(case: &Case, objects: &[Value]) -> Graph {
    let (graph, shop): (_, Name) = (Graph::new(Facts::new(Knowledge::Complete)), "shop".into());
    for object in nodes(case.nodes).iter().chain(&furniture()).chain(objects) {
        graph
            .insert(kind(object), &shop, &object.to_string())
            .expect("a readable object");
    }
    graph
}

/// The rules by which the Strict profile warns of a change among the objects of a case, or denies it.
pub(super) fn verdict_on_change(case: &Case, before: &Value, after: Option<&Value>) -> Vec<&'static str> {
    let graph = graph(case, &case.objects);
    let change = change(kind(before), "shop", Some(before), after);
    warned(judged(&graph, &change, Profile::Strict))
}

/// The rules by which the Strict profile warns of an object that is created among those of a case, or denies it.
pub(super) fn verdict_on_create(case: &Case, object: &Value) -> Vec<&'static str> {
    let graph = graph(case, &case.objects);
    let change = change(kind(object), "shop", None, Some(object));
    warned(judged(&graph, &change, Profile::Strict))
}

/// The rules by which the Strict profile warns of a new object, or denies it, where the release is known; also what is told
/// before the API server drops or refuses it.
pub(super) fn verdict_on_version(case: &Case, object: &Value, version: Version) -> Vec<&'static str> {
    let graph = graph(case, &case.objects);
    graph.set_version(version);
    let change = change(kind(object), "shop", None, Some(object));
    let early = with_basis(&graph, Profile::Strict, |basis| {
        defaults(&change, basis, Services::Confirmed).decision.findings
    });
    warned(judged(&graph, &change, Profile::Strict).into_iter().chain(early))
}

fn warned(findings: impl IntoIterator<Item = Judged>) -> Vec<&'static str> {
    let enforced = findings.into_iter().filter(|judged| judged.action > Action::Audit);
    enforced.map(|judged| judged.finding.rule.id).collect()
}

fn findings(graph: &Graph, object: &Value, profile: Profile) -> Vec<(&'static str, Action, Verdict)> {
    let mut object = object.clone();
    object["metadata"]["namespace"] = Value::from("shop");
    let change = change(kind(&object), "shop", None, Some(&object));
    let own = judged(graph, &change, profile)
        .into_iter()
        .filter(|judged| judged.finding.object.name == *name(&object));
    own.filter(|judged| STORAGE.contains(&judged.finding.rule.id))
        .map(|judged| (judged.finding.rule.id, judged.action, judged.finding.verdict))
        .collect()
}

fn judged(graph: &Graph, change: &Change<'_>, profile: Profile) -> Vec<Judged> {
    with_basis(graph, profile, |basis| judge(change, basis, Timestamp(0)).findings)
}

fn with_basis<T>(graph: &Graph, profile: Profile, ask: impl FnOnce(&Basis<'_>) -> T) -> T {
    let shop: Name = "shop".into();
    let policies = Policies::everywhere(Settings::new(profile, RULES));
    let (facts, shard) = (graph.facts(), graph.shard(&shop));
    let shard = locked(&shard);
    ask(&Basis {
        shard: &shard,
        facts: &facts,
        fetched: &Overlay::default(),
        policies: &policies,
        rules: RULES,
        time: Time::from_seconds(0),
    })
}
