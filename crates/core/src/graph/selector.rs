//! Kubernetes' label selectors.

use thin_vec::ThinVec;

use super::labels::Labels;
use super::names::Name;
use super::project::names;
use crate::cursor::{Cursor, list, members};

/// A `metav1.LabelSelector`: every pair and every expression must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    pub match_labels: Labels,
    pub match_expressions: ThinVec<Requirement>,
}

/// One expression of a selector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirement {
    pub key: Name,
    pub operator: Operator,
    pub values: ThinVec<Name>,
}

/// How a key relates to its values. `Gt`, `Lt` exist for nodes only; an operator of a later Kubernetes
/// version must not make an object unreadable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Operator {
    DoesNotExist,
    Exists,
    Gt,
    In,
    Lt,
    NotIn,
    #[default]
    Other,
}

impl Operator {
    fn named(name: &str) -> Self {
        match name {
            "DoesNotExist" => Self::DoesNotExist,
            "Exists" => Self::Exists,
            "Gt" => Self::Gt,
            "In" => Self::In,
            "Lt" => Self::Lt,
            "NotIn" => Self::NotIn,
            _ => Self::Other,
        }
    }
}

impl Selector {
    /// Reads a selector.
    pub fn read<'a, C: Cursor<'a>>(cursor: &mut C) -> Option<Self> {
        let mut selector = Self::default();
        let there = members!(cursor, {
            "matchLabels" => selector.match_labels = Labels::read(cursor).unwrap_or_default(),
            "matchExpressions" => selector.match_expressions = Requirement::read_list(cursor),
        });
        there.then_some(selector)
    }

    /// Returns true where nothing is asked: such a selector matches everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.match_labels.is_empty() && self.match_expressions.is_empty()
    }

    /// Returns true where `labels` meet every requirement.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        labels.contains_all(&self.match_labels) && self.match_expressions.iter().all(|one| one.matches(labels))
    }
}

impl Requirement {
    pub(super) fn read_list<'a, C: Cursor<'a>>(cursor: &mut C) -> ThinVec<Self> {
        let list = list(cursor, |cursor| {
            let mut requirement = Self::default();
            members!(cursor, {
                "key" => requirement.key = (&*cursor.text().unwrap_or_default()).into(),
                "operator" => requirement.operator = Operator::named(&cursor.text().unwrap_or_default()),
                "values" => requirement.values = names(cursor),
            });
            requirement
        });
        list.unwrap_or_default().into()
    }

    /// Returns true where `labels` meet this requirement (`apimachinery/pkg/labels/selector.go`, `Matches`).
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        let listed = |value: &str| self.values.iter().any(|candidate| &**candidate == value);
        match self.operator {
            Operator::In => value.is_some_and(listed),
            Operator::NotIn => !value.is_some_and(listed),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::Gt => self.compares(value, |left, right| left > right),
            Operator::Lt => self.compares(value, |left, right| left < right),
            Operator::Other => false,
        }
    }

    fn compares(&self, value: Option<&str>, holds: fn(i64, i64) -> bool) -> bool {
        let bound = self.values.first().and_then(|bound| bound.parse().ok());
        let value = value.and_then(|value| value.parse().ok());
        value.zip(bound).is_some_and(|(value, bound)| holds(value, bound))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_follow_kubernetes() {
        let json = r#"{"matchLabels":{"app":"web"},"matchExpressions":[
                {"key":"tier","operator":"NotIn","values":["test"]},
                {"key":"rank","operator":"Gt","values":["2"]}]}"#;
        let selector = Selector::read(&mut crate::json::Reader::new(json)).unwrap();
        assert!(selector.matches(&Labels::from_pairs([("app", "web"), ("rank", "3")])));
        assert!(!selector.matches(&Labels::from_pairs([("app", "web"), ("rank", "3"), ("tier", "test")])));
        assert!(!selector.matches(&Labels::from_pairs([("app", "web"), ("rank", "x")])));
        assert!(Selector::default().matches(&Labels::default()));
    }
}
