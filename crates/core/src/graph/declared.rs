//! What is said of a kind that was registered when the process started, beyond what the table says of every kind.

use super::kind::{Field, Kind};
use super::workload::Amount;

/// What a declaration says of a kind of workload.
#[derive(Clone, Copy, Debug)]
pub struct Declared {
    pub trust: Trust,
    /// How many pods it has where nothing says how many.
    pub replicas: u32,
    /// How a workload replaces its pods: the first that applies. Where none does, old pods end first.
    pub ways: &'static [Way],
    /// How to write that old pods end before new ones begin: `Use …`. `None` where the kind has no way to say so, or
    /// where nobody said which.
    pub ends_first: Option<&'static str>,
    /// The built-in kinds of which its controller makes objects: they were judged in its place.
    pub children: &'static [Kind],
    /// The label of such objects that names the workload, where something else than the workload owns them.
    pub child_label: Option<&'static str>,
    /// The templates of its pods, where it has several.
    pub templates: &'static [PodTemplate],
    /// What [`Field::InTurn`] must say for pods of one to wait for those of another; `None` for whatever is there.
    pub in_turn: Option<&'static str>,
}

/// One of several pod templates. In all its paths `[]` behind a name stands for every element of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PodTemplate {
    pub path: &'static str,
    /// The numbers whose product says how many pods are made of it for each replica; what is not there counts as one.
    pub replicas: &'static [&'static str],
    /// Where a number stands beyond which the last of these does not count.
    pub at_most: Option<&'static str>,
    /// So many fewer than the product.
    pub less: u32,
    /// The template of which the pods are made where there is none at `path`.
    pub or_else: Option<&'static str>,
}

/// How sure a declaration is of what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// A user's, or one of a kind whose controller may do otherwise: findings are warnings at most.
    Declared,
    /// Its pods run as those of built-in kinds do.
    Sure,
}

/// One way in which a workload may replace its pods, and when it does.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// The value at a JSON pointer is there, and is this text, if one is named. `None` for always.
    pub when: Option<(&'static str, Option<&'static str>)>,
    pub replaces: Replaces,
}

/// How pods are replaced.
#[derive(Clone, Copy, Debug)]
pub enum Replaces {
    /// Old pods end before new ones begin.
    EndsFirst,
    /// All new pods run beside all old ones.
    Overlaps,
    /// Some at a time.
    Rolls { surge: Bound, unavailable: Bound },
}

/// How far a rolling update goes in one direction.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// JSON pointer to a number of pods, or a share of them.
    pub path: Option<&'static str>,
    /// Where nothing stands there.
    pub default: Amount,
}

impl Kind {
    /// A JSON pointer into a StatefulSet, as it is for objects of this kind, which may have the same field elsewhere.
    #[must_use]
    pub fn own_path(self, path: impl Into<String>) -> String {
        const FIELDS: [(&str, Field); 3] = [
            ("/spec/persistentVolumeClaimRetentionPolicy", Field::Retention),
            ("/spec/serviceName", Field::ServiceName),
            ("/spec/volumeClaimTemplates", Field::ClaimTemplates),
        ];
        let path = path.into();
        if self.declared().is_none() {
            return path;
        }
        let moved = FIELDS.iter().find_map(|(usual, field)| {
            let rest = path
                .strip_prefix(usual)
                .filter(|rest| rest.is_empty() || rest.starts_with('/'))?;
            Some(format!("{}{rest}", self.path_of(*field)?))
        });
        moved.unwrap_or(path)
    }

    /// What the field is called that names the Service of the pods.
    #[must_use]
    pub fn service_field(self) -> String {
        let path = self.own_path("/spec/serviceName");
        path.rsplit('/').next().unwrap_or_default().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use crate::graph::kind::{Defaults, Entry, Field, Form, Kind, Reach, Role, Row, Runs};
    use crate::graph::kinds::{BUILTIN, Kinds};

    fn widget(api_version: &'static str) -> Row {
        let form = Form {
            runs: Runs::Replicas,
            pod_spec: "/spec/template/spec",
            fields: &[("/spec/template", Field::Template)],
            makers: &[],
            declared: None,
        };
        let reach = Reach::Review {
            entry: Entry::Declared,
            scale: false,
            defaults: Defaults::Never,
        };
        Row::new(0, api_version, "widgets", "Widget", Role::Workload(form), reach)
    }

    #[test]
    fn a_kind_has_its_position_again_when_it_comes_back() {
        let both = Kinds::with([widget("a.example/v1"), widget("b.example/v1")]).unwrap();
        let of = |kinds: &Kinds, version| kinds.of(version, "Widget");
        let (first, second) = (of(both, "a.example/v1").unwrap(), of(both, "b.example/v1").unwrap());
        assert_eq!((first.label(), second.label()), ("Widget", "widgets.b.example"));
        let one = both.changed(|kind| kind != first, []).unwrap();
        assert_eq!(of(one, "a.example/v1"), None);
        assert!(of(one, "b.example/v1").unwrap().is_row_of(second));
        assert_eq!((one.iter().len(), one.positions()), (BUILTIN + 1, BUILTIN + 2));
        let again = one.changed(|_| true, [widget("a.example/v2")]).unwrap();
        let back = of(again, "a.example/v1").unwrap();
        assert!(back == first && !back.is_row_of(first) && back.position() == first.position());
        assert_eq!(
            again.iter().map(Kind::position).collect::<Vec<_>>(),
            (0..BUILTIN + 2).collect::<Vec<_>>()
        );
    }

    #[test]
    fn what_a_graph_has_of_a_kind_goes_with_what_was_said_of_it() {
        use crate::graph::project::NodeSeed;
        use crate::graph::{Facts, Graph, Knowledge, Lookup};

        let both = Kinds::with([widget("a.example/v1"), widget("b.example/v1")]).unwrap();
        let of = |kinds: &Kinds, version| kinds.of(version, "Widget").unwrap();
        let graph = Graph::new(Facts::of(both, Knowledge::Complete));
        let json = r#"{"metadata": {"name": "web"}, "spec": {"template": {"spec": {}}}}"#;
        for version in ["a.example/v1", "b.example/v1"] {
            let seed = NodeSeed {
                kind: of(both, version),
                kinds: both,
                sent_to: &"shop".into(),
            };
            let _ = graph.insert_all([("shop".into(), seed.read(json).unwrap())]);
        }
        let count = |kind: Kind| {
            graph
                .counts()
                .into_iter()
                .find(|(one, _)| *one == kind)
                .map(|(_, count)| count)
        };
        assert_eq!(count(of(both, "a.example/v1")), Some(1));
        let first = of(both, "a.example/v1");
        let otherwise = both.changed(|kind| kind != first, [widget("a.example/v2")]).unwrap();
        assert!(graph.set_kinds(otherwise).everything);
        let facts = graph.facts();
        assert_eq!(facts.knowledge(of(otherwise, "a.example/v2")), Knowledge::Unavailable);
        assert_eq!(facts.knowledge(of(otherwise, "b.example/v1")), Knowledge::Complete);
        assert_eq!(facts.answer(of(otherwise, "b.example/v1"), None::<()>), Lookup::Absent);
        assert_eq!(count(of(otherwise, "a.example/v2")), Some(0));
        assert_eq!(count(of(otherwise, "b.example/v1")), Some(1));
    }
}
