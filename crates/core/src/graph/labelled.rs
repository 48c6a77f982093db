//! Workloads by the labels of their pods: whom a selector selects, and whose selector selects these pods.

use std::sync::Arc;

use super::hashed::of_pair;
use super::labels::Labels;
use super::names::{Name, ObjectRef};
use super::sorted::Sorted;
use super::workload::Workload;

/// Labels that many workloads of a namespace share: selectors are found by others, where they have others.
const SHARED: &[&str] = &[
    "app.kubernetes.io/component",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/part-of",
    "component",
    "env",
    "environment",
    "heritage",
    "release",
    "tier",
];

/// The workloads of a namespace by some labels of their pods: those with the keys by which its selectors are found.
///
/// A selector is found by one of its pairs, which whatever it selects has too, and so have its own pods. The keys of such
/// pairs are few, so that a workload stands here once or twice.
#[derive(Clone, Debug, Default)]
pub(super) struct Labelled {
    /// Sorted. One that no selector is found by any longer stays: it costs entries, and tells nothing wrong.
    keys: Arc<Vec<Name>>,
    /// By the hash of a pair. Two pairs of one hash are told apart by whoever looks.
    carriers: Sorted<(u64, ObjectRef), ()>,
}

impl Labelled {
    /// Puts a workload in; `others` are those that are in already.
    pub(super) fn insert<'a>(&mut self, workload: &Workload, others: impl Iterator<Item = &'a Arc<Workload>>) {
        if let Some((key, _)) = found_by(workload)
            && let Err(position) = self.position(key)
        {
            Arc::make_mut(&mut self.keys).insert(position, key.into());
            for other in others {
                if let Some(value) = other.pods.labels.get(key) {
                    self.carriers.insert((of_pair(key, value), other.id.clone()), ());
                }
            }
        }
        for pair in self.pairs(&workload.pods.labels) {
            self.carriers.insert((pair, workload.id.clone()), ());
        }
    }

    /// Takes a workload out.
    pub(super) fn remove(&mut self, workload: &Workload) {
        for pair in self.pairs(&workload.pods.labels) {
            self.carriers
                .remove(|(own, id)| own.cmp(&pair).then_with(|| id.cmp(&workload.id)));
        }
    }

    /// The workloads whose pods may be selected by the selector of `workload`, or whose selectors may select its pods;
    /// maybe twice, and itself. `None` where nobody can tell without a look at all of them: no selector was found by such
    /// a key before.
    pub(super) fn near(&self, workload: &Workload) -> Option<impl Iterator<Item = &ObjectRef>> {
        if found_by(workload).is_some_and(|(key, _)| self.position(key).is_err()) {
            return None;
        }
        let labels = workload.pods.labels.iter();
        let known = labels.filter(move |(key, _)| self.position(key).is_ok());
        Some(known.flat_map(move |(key, value)| {
            let pair = of_pair(key, value);
            self.carriers
                .equal(move |(own, _)| own.cmp(&pair))
                .map(|((_, id), ())| id)
        }))
    }

    fn pairs(&self, labels: &Labels) -> Vec<u64> {
        let known = labels.iter().filter(|(key, _)| self.position(key).is_ok());
        known.map(|(key, value)| of_pair(key, value)).collect()
    }

    fn position(&self, key: &str) -> Result<usize, usize> {
        self.keys.binary_search_by(|own| (**own).cmp(key))
    }
}

/// The pair by which a selector is found; `None` where it has none.
fn found_by(workload: &Workload) -> Option<(&str, &str)> {
    let mut pairs = workload.selector.match_labels.iter();
    let first = pairs.next()?;
    let telling = |(key, _): &(&str, &str)| !SHARED.contains(key);
    Some(if telling(&first) {
        first
    } else {
        pairs.find(telling).unwrap_or(first)
    })
}

/// Returns true where the selector of a workload selects the pods of another one. One that asks nothing selects none.
pub(super) fn selects(one: &Workload, other: &Workload) -> bool {
    let asks = !one.selector.match_labels.is_empty();
    asks && one.selector.matches(&other.pods.labels)
}

#[cfg(test)]
mod tests {
    use super::super::kind::Kind;
    use super::super::project::WorkloadSeed;
    use super::*;

    fn deployment(name: &str, selector: &str, labels: &str) -> Arc<Workload> {
        let json = format!(
            r#"{{"metadata":{{"name":"{name}"}},"spec":{{"selector":{{"matchLabels":{{{selector}}}}},
                "template":{{"metadata":{{"labels":{{{labels}}}}}}}}}}}"#
        );
        let seed = WorkloadSeed::new(Kind::DEPLOYMENT, &Name::from("shop")).map(|seed| seed.read(&json));
        Arc::new(seed.unwrap().unwrap().workload)
    }

    #[test]
    fn either_side_finds_the_other_whichever_came_first() {
        let wide = deployment("wide", r#""tier":"back""#, r#""tier":"back""#);
        let narrow = deployment("narrow", r#""app":"api""#, r#""app":"api","tier":"back""#);
        let apart = deployment("apart", r#""app":"web""#, r#""app":"web","tier":"front""#);
        for order in [
            [&wide, &narrow, &apart],
            [&apart, &narrow, &wide],
            [&narrow, &wide, &apart],
        ] {
            let mut labelled = Labelled::default();
            let mut there: Vec<Arc<Workload>> = Vec::new();
            for one in order {
                labelled.insert(one, there.iter());
                there.push(Arc::clone(one));
            }
            let near = |one: &Workload| {
                let mut names: Vec<String> = labelled.near(one).unwrap().map(|id| id.name.to_string()).collect();
                names.sort_unstable();
                names.dedup();
                names
            };
            assert_eq!(near(&wide), ["narrow", "wide"]);
            assert_eq!(near(&narrow), ["narrow", "wide"]);
            assert_eq!(near(&apart), ["apart"]);
            labelled.remove(&narrow);
            assert_eq!(labelled.near(&wide).unwrap().count(), 1);
        }
        let new = deployment("new", r#""zone":"a""#, r#""zone":"a""#);
        assert!(Labelled::default().near(&new).is_none(), "nobody was found by a zone");
    }
}
