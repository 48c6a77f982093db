//! The kinds that a cluster declares, which come and go, beside those that a process was started with.

use std::collections::BTreeMap;

use super::{Key, key};
use crate::graph::{Kind, Kinds, Row, Trust};
use crate::policy::WorkloadKind;

/// The kinds of a process, and what its cluster declares of them now.
#[derive(Debug)]
pub struct InCluster {
    /// Those that it was started with.
    started: &'static Kinds,
    now: &'static Kinds,
    declared: BTreeMap<Key, WorkloadKind>,
}

impl InCluster {
    /// The cluster declares nothing yet.
    #[must_use]
    pub const fn new(started: &'static Kinds) -> Self {
        Self {
            started,
            now: started,
            declared: BTreeMap::new(),
        }
    }

    /// These are declared now, each kind once: they count for what the process was started with. Returns the kinds where
    /// they are others than before.
    pub fn declare(&mut self, declared: BTreeMap<Key, WorkloadKind>) -> Option<&'static Kinds> {
        let is_new = |(key, kind): &(&Key, &WorkloadKind)| self.declared.get(*key) != Some(*kind);
        let new: Vec<(&Key, &WorkloadKind)> = declared.iter().filter(is_new).collect();
        let gone: Vec<&Key> = self
            .declared
            .keys()
            .filter(|key| !declared.contains_key(*key))
            .collect();
        if new.is_empty() && gone.is_empty() {
            return None;
        }
        let is_changed = |kind: Kind| {
            let is_it = |(group, name): &Key| group == kind.group() && name == kind.as_str();
            new.iter().any(|(key, _)| is_it(key)) || gone.iter().any(|key| is_it(key))
        };
        let again = gone
            .iter()
            .filter_map(|(group, name)| self.started.in_group(group, name));
        let further: Vec<Row> = new
            .iter()
            .map(|(_, kind)| WorkloadKind::clone(kind).into_row(Trust::Declared))
            .chain(again.map(Kind::row))
            .collect();
        self.now = self
            .now
            .changed(|kind| !is_changed(kind), further)
            .expect("invariant: each kind is declared once, and what was said of it before is left out");
        self.declared = declared;
        Some(self.now)
    }

    /// The kind that a declaration is of, where it is known now.
    #[must_use]
    pub fn kind(&self, declaration: &WorkloadKind) -> Option<Kind> {
        self.now.in_group(&declaration.group, &declaration.kind)
    }
}

/// Of several declarations of one kind the first counts, by name. Returns also the others, each with the name of that.
pub fn counting(declared: Vec<WorkloadKind>) -> (BTreeMap<Key, WorkloadKind>, Vec<(WorkloadKind, String)>) {
    let mut declared = declared;
    declared.sort_by(|one, other| one.name.cmp(&other.name));
    let (mut counting, mut others) = (BTreeMap::<Key, WorkloadKind>::new(), Vec::new());
    for kind in declared {
        match counting.get(&key(&kind)) {
            Some(first) => others.push((kind, first.name.clone())),
            None => {
                counting.insert(key(&kind), kind);
            }
        }
    }
    (counting, others)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds::chosen;
    use crate::policy::workload_kind::parse;

    fn declaration(name: &str, group: &str, kind: &str, template: &str) -> WorkloadKind {
        let spec = json!({"group": group, "version": "v1", "kind": kind, "plural": "widgets", "podTemplate": template});
        let declaration = json!({
            "apiVersion": "stateward.dev/v1alpha1", "kind": "WorkloadKind", "metadata": {"name": name}, "spec": spec,
        });
        parse(&declaration).expect("valid")
    }

    fn once(declared: &[WorkloadKind]) -> BTreeMap<Key, WorkloadKind> {
        counting(declared.to_vec()).0
    }

    #[test]
    fn kinds_come_change_and_go_as_they_are_declared() {
        let started = chosen(&["rollouts.argoproj.io".to_owned()]).expect("a name");
        let mut kinds = InCluster::new(started);
        assert!(kinds.declare(BTreeMap::new()).is_none());
        let widget = declaration("a", "example.com", "Widget", "/spec/template");
        let first = kinds.declare(once(std::slice::from_ref(&widget))).expect("another");
        let kind = first.in_group("example.com", "Widget").expect("declared");
        assert!(!kind.is_sure() && kinds.kind(&widget) == Some(kind));
        assert!(kinds.declare(once(&[widget])).is_none(), "nothing is new");

        let otherwise = declaration("a", "example.com", "Widget", "/spec/pod");
        let second = kinds.declare(once(&[otherwise])).expect("another");
        let changed = second.in_group("example.com", "Widget").expect("declared");
        assert!(changed == kind && !changed.is_row_of(kind) && changed.pod_spec() == "/spec/pod/spec");

        // What the process was started with is known again when nobody says otherwise any more.
        let rollout = declaration("b", "argoproj.io", "Rollout", "/spec/pod");
        let third = kinds.declare(once(&[rollout])).expect("another");
        let of = |kinds: &Kinds| kinds.in_group("argoproj.io", "Rollout").expect("known");
        assert!(third.in_group("example.com", "Widget").is_none() && !of(third).is_sure());
        let last = kinds.declare(BTreeMap::new()).expect("another");
        assert!(of(last).is_sure() && of(last).position() == of(started).position());
    }

    #[test]
    fn of_two_declarations_of_one_kind_the_first_counts() {
        let (first, second) = (
            declaration("a", "example.com", "Widget", "/spec/template"),
            declaration("b", "example.com", "Widget", "/spec/pod"),
        );
        let (counting, others) = counting(vec![second.clone(), first.clone()]);
        assert_eq!(counting.into_values().collect::<Vec<_>>(), [first]);
        assert_eq!(others, [(second, "a".to_owned())]);
    }
}
