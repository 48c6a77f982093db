//! What is found in a graph as entries of a report.

use super::report::{Entry, Level, Location, Object, Related, Report};
use crate::graph::store::locked;
use crate::graph::{Graph, Name, ObjectRef, Overlay};
use crate::judge::{Judged, World, inspect};
use crate::policy::Policies;
use crate::rules::kit::AnyRule;

/// Where objects come from: knows the place of a field, named by a JSON pointer.
pub trait Origin {
    fn locate(&self, object: &Object, path: &str) -> Option<Location>;
}

/// A live cluster: objects have names, not places.
#[derive(Clone, Copy, Debug)]
pub struct LiveCluster;

impl Origin for LiveCluster {
    fn locate(&self, _: &Object, _: &str) -> Option<Location> {
        None
    }
}

/// Judges every workload of every namespace, by namespace and name, and adds what is found to the report.
pub fn judge_all(graph: &Graph, policies: &Policies, rules: &[AnyRule], origin: &dyn Origin, report: &mut Report) {
    let facts = graph.facts();
    for namespace in graph.namespaces() {
        let Some(shard) = graph.existing_shard(&namespace) else {
            continue;
        };
        let shard = locked(&shard);
        let inspection = inspect(&World {
            shard: &shard,
            facts: &facts,
            fetched: &Overlay::default(),
            policies,
            rules,
        });
        report.workloads += inspection.workloads;
        let entries = inspection.findings.into_iter();
        report
            .entries
            .extend(entries.map(|judged| entry(&namespace, judged, origin)));
        for (workload, problem) in inspection.problems {
            report
                .notes
                .push(format!("{} {namespace}/{}: {problem}", workload.kind, workload.name));
        }
    }
}

fn entry(namespace: &Name, judged: Judged, origin: &dyn Origin) -> Entry {
    let finding = judged.finding;
    let object = Object::new(namespace, &ObjectRef::from(&finding.workload));
    let related = finding.related.into_iter().map(|related| {
        let object = Object::new(namespace, &related.object);
        Related {
            location: origin.locate(&object, &related.path),
            object,
            path: related.path,
            message: related.message,
        }
    });
    Entry {
        rule: finding.rule,
        verdict: finding.verdict,
        level: Level::of(finding.verdict, judged.action),
        location: origin.locate(&object, &finding.path),
        related: related.collect(),
        object,
        path: finding.path,
        message: judged.message,
        remedy: finding.remedy,
        allowed_because: judged.allowed_because,
    }
}
