//! The one description of a `WorkloadPolicyException`.

use crate::graph::{Kind, Kinds};
use crate::policy::description::{API_VERSION, selector};
use crate::policy::glob::Of;
use crate::policy::schema::{Field, Scope, Shape, Words};
use crate::rules::kit::Rule;

/// The kind of exceptions.
pub const KIND: &str = "WorkloadPolicyException";

/// A `WorkloadPolicyException` from these rules.
#[must_use]
pub fn document(rules: &[&Rule]) -> Shape {
    Shape::object(vec![
        Field::required(
            "apiVersion",
            "The API group and version of exceptions.",
            Shape::Constant(API_VERSION),
        ),
        Field::required("kind", "The kind of exceptions.", Shape::Constant(KIND)),
        Field::required(
            "metadata",
            "Kubernetes' metadata, with the name of the exception, and its namespace, in which alone it counts.",
            Shape::Metadata(Scope::Namespaced),
        ),
        Field::required(
            "spec",
            "What is let pass, until when, and who answers for it.",
            spec(rules),
        ),
        Field::optional(
            "status",
            "What a cluster says of the exception; in a file nobody reads it.",
            "nothing",
            Shape::Unread,
        ),
    ])
}

/// The built-in kinds that an exception may name.
fn kinds() -> impl Iterator<Item = Kind> {
    Kinds::builtin().iter().filter(|kind| kind.is_workload())
}

fn spec(rules: &[&Rule]) -> Shape {
    let words = |noun, allowed| {
        Shape::Word(Words {
            noun,
            allowed,
            ..Words::default()
        })
    };
    let ids = rules.iter().map(|rule| rule.id).collect();
    Shape::object(vec![
        Field::required("expiresAt", "The moment from which on it counts no more.", Shape::Time),
        Field::required(
            "match",
            "The workloads that it is for: everything that is given must hold; `{}` is all of its namespace.",
            Shape::object(vec![
                Field::optional(
                    "kinds",
                    "Kinds, of which one must be the workload's; one that is not built in by the name of its definition, such as `rollouts.argoproj.io`.",
                    "every kind",
                    Shape::set(Shape::Kind(kinds().map(Kind::as_str).collect()), 1),
                ),
                Field::optional(
                    "names",
                    "Names of workloads, of which one must fit; `*` stands for any characters and `?` for one.",
                    "every name",
                    Shape::set(Shape::Glob(Of::Workload), 1),
                ),
                Field::optional(
                    "objectSelector",
                    "A label selector on the labels of the workload itself, not of its pods.",
                    "every workload",
                    selector(),
                ),
            ]),
        ),
        Field::required("owner", "Who answers for it: a team or a person.", Shape::Said),
        Field::required("reason", "Why it has to be.", Shape::Said),
        Field::required(
            "rules",
            "The rules whose findings are let pass.",
            Shape::set(words("rule", ids), 1),
        ),
    ])
}
