//! Which workloads a policy applies to.

use super::glob::Glob;
use crate::graph::{Labels, Lookup, Selector};

/// The label that every Namespace carries with its own name.
pub const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// The workloads that a policy applies to: all that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Match {
    /// Names, of which one must fit; none given is every namespace.
    pub namespaces: Vec<Glob>,
    /// Names of which none may fit.
    pub excluded: Vec<Glob>,
    /// On the labels of the Namespace.
    pub namespace_labels: Selector,
    /// On the labels of the workload.
    pub labels: Selector,
}

/// Whether a policy applies to a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Applies {
    No = 0,
    /// It asks for labels of a Namespace that nobody knows.
    Perhaps = 1,
    Yes = 2,
}

impl Match {
    /// Whether the policy applies to a workload with `labels` in `namespace`.
    #[must_use]
    pub fn applies(&self, namespace: &str, namespace_labels: Lookup<&Labels>, labels: &Labels) -> Applies {
        if self.labels.matches(labels) {
            self.applies_in(namespace, namespace_labels)
        } else {
            Applies::No
        }
    }

    /// Whether the policy applies to workloads in `namespace`, if they have the labels that it asks for.
    #[must_use]
    pub fn applies_in(&self, namespace: &str, namespace_labels: Lookup<&Labels>) -> Applies {
        let named = self.namespaces.is_empty() || self.namespaces.iter().any(|glob| glob.matches(namespace));
        if !named || self.excluded.iter().any(|glob| glob.matches(namespace)) {
            return Applies::No;
        }
        if self.namespace_labels.is_empty() {
            return Applies::Yes;
        }
        match namespace_labels {
            Lookup::Known(labels) if self.namespace_labels.matches(labels) => Applies::Yes,
            Lookup::Known(_) => Applies::No,
            Lookup::Absent | Lookup::Unknown => self.applies_by_name(namespace),
        }
    }

    /// Without the Namespace object only its name is known.
    fn applies_by_name(&self, name: &str) -> Applies {
        let by_name = Labels::from_pairs([(NAMESPACE_NAME, name)]);
        let pairs = self.namespace_labels.match_labels.iter();
        let pairs = pairs.map(|(key, value)| (key, value == name));
        let expressions = self.namespace_labels.match_expressions.iter();
        let expressions = expressions.map(|one| (&*one.key, one.matches(&by_name)));
        let mut applies = Applies::Yes;
        for (key, holds) in pairs.chain(expressions) {
            match (key == NAMESPACE_NAME, holds) {
                (true, false) => return Applies::No,
                (true, true) => {}
                (false, _) => applies = Applies::Perhaps,
            }
        }
        applies
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::json::whole;
    use crate::policy::glob::Of;

    fn globs(texts: &[&str]) -> Vec<Glob> {
        texts
            .iter()
            .map(|text| Glob::parse(text, Of::Namespace).unwrap())
            .collect()
    }

    fn selector(written: &Value) -> Selector {
        let read = whole(&written.to_string(), Selector::read);
        read.unwrap().unwrap()
    }

    fn selecting(written: &Value) -> Match {
        Match {
            namespace_labels: selector(written),
            ..Match::default()
        }
    }

    fn unknown(matching: &Match, namespace: &str) -> Applies {
        matching.applies(namespace, Lookup::Unknown, &Labels::default())
    }

    #[test]
    fn names_are_known_without_the_namespace_and_exclusion_wins() {
        let matching = Match {
            namespaces: globs(&["team-*", "shop"]),
            excluded: globs(&["team-a", "*-test"]),
            ..Match::default()
        };
        for (namespace, applies) in [
            ("shop", Applies::Yes),
            ("team-b", Applies::Yes),
            ("team-a", Applies::No),
            ("team-b-test", Applies::No),
            ("other", Applies::No),
        ] {
            assert_eq!(unknown(&matching, namespace), applies, "{namespace}");
        }
    }

    #[test]
    fn all_that_is_given_must_hold() {
        let matching = Match {
            namespaces: globs(&["shop"]),
            labels: selector(&json!({"matchLabels": {"tier": "data"}})),
            ..selecting(&json!({"matchLabels": {"team": "shop"}}))
        };
        let (team, tier) = (
            Labels::from_pairs([("team", "shop")]),
            Labels::from_pairs([("tier", "data")]),
        );
        let none = Labels::default();
        assert_eq!(matching.applies("shop", Lookup::Known(&team), &tier), Applies::Yes);
        assert_eq!(matching.applies("shop", Lookup::Known(&team), &none), Applies::No);
        assert_eq!(matching.applies("shop", Lookup::Known(&none), &tier), Applies::No);
        assert_eq!(matching.applies("other", Lookup::Known(&team), &tier), Applies::No);
        assert_eq!(matching.applies("shop", Lookup::Unknown, &tier), Applies::Perhaps);
        // What is known of the namespace, or of the workload, is enough to leave it out.
        assert_eq!(matching.applies("other", Lookup::Unknown, &tier), Applies::No);
        assert_eq!(matching.applies("shop", Lookup::Unknown, &none), Applies::No);
    }

    #[test]
    fn without_labels_the_label_with_the_name_is_known() {
        let by_name = selecting(&json!({"matchLabels": {NAMESPACE_NAME: "pay"}}));
        assert_eq!(unknown(&by_name, "pay"), Applies::Yes);
        assert_eq!(unknown(&by_name, "shop"), Applies::No);
        let both = selecting(&json!({
            "matchLabels": {"team": "pay"},
            "matchExpressions": [{"key": NAMESPACE_NAME, "operator": "NotIn", "values": ["shop"]}],
        }));
        assert_eq!(unknown(&both, "pay"), Applies::Perhaps);
        assert_eq!(unknown(&both, "shop"), Applies::No);
    }
}
