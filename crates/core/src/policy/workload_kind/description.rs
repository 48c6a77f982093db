//! The one description of a `WorkloadKind`.

use crate::graph::{Kind, Runs};
use crate::policy::description::API_VERSION;
use crate::policy::schema::{Entries, Field, Scope, Shape};

/// The kind of declarations.
pub const KIND: &str = "WorkloadKind";

/// How many pods such a workload runs.
pub(super) const RUNS: &[(&str, Runs)] = &[
    ("PerNode", Runs::PerNode),
    ("Replicas", Runs::Replicas),
    ("ToCompletion", Runs::ToCompletion),
];

/// How the claims of claim templates are named.
pub(super) const NAMING: &[(&str, crate::graph::Field)] = &[
    ("Random", crate::graph::Field::PodClaims),
    ("Shared", crate::graph::Field::SharedClaims),
    ("StatefulSet", crate::graph::Field::ClaimTemplates),
];

/// The kinds that a controller may make.
pub(super) const CHILDREN: &[(&str, Kind)] = &[
    ("CronJob", Kind::CRON_JOB),
    ("Deployment", Kind::DEPLOYMENT),
    ("Job", Kind::JOB),
    ("Pod", Kind::POD),
    ("ReplicaSet", Kind::REPLICA_SET),
    ("StatefulSet", Kind::STATEFUL_SET),
];

/// How pods are replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Does {
    EndsFirst,
    Overlaps,
    Rolls,
}

pub(super) const DOES: &[(&str, Does)] = &[
    ("EndsFirst", Does::EndsFirst),
    ("Overlaps", Does::Overlaps),
    ("Rolls", Does::Rolls),
];

/// A `WorkloadKind`.
#[must_use]
pub fn document() -> Shape {
    Shape::object(vec![
        Field::required(
            "apiVersion",
            "The API group and version of declarations.",
            Shape::Constant(API_VERSION),
        ),
        Field::required("kind", "The kind of declarations.", Shape::Constant(KIND)),
        Field::required(
            "metadata",
            "Kubernetes' metadata, with the name of the declaration.",
            Shape::Metadata(Scope::Cluster),
        ),
        Field::required("spec", "The kind, and where its fields stand.", spec()),
        Field::optional(
            "status",
            "What a cluster says of the declaration; in a file nobody reads it.",
            "nothing",
            Shape::Unread,
        ),
    ])
}

fn spec() -> Shape {
    Shape::object(vec![
        Field::optional(
            "children",
            "The built-in kinds of which its controller makes objects: what such a workload owns is judged with it, not beside it.",
            "what it owns is judged by itself, with warnings at most",
            Shape::list(Shape::word(CHILDREN), Entries::Set),
        ),
        Field::optional(
            "childLabel",
            "The label of the objects that are made for such a workload which has its name, where something else owns them.",
            "it owns them itself",
            Shape::Text,
        ),
        Field::optional(
            "claimTemplates",
            "Claim templates, each with a claim for every pod, or one for all.",
            "there are none",
            Shape::object(vec![
                Field::required(
                    "naming",
                    "How the claims are named: `StatefulSet` by template, workload and ordinal, `Random` by nothing that can be told before, `Shared` by template and workload, one for all pods that mount it.",
                    Shape::word(NAMING),
                ),
                Field::required("path", "Where the list stands.", Shape::Pointer),
            ]),
        ),
        Field::optional(
            "defaultReplicas",
            "How many pods it has where `replicas` names nothing that is there.",
            "one",
            Shape::Integer {
                least: 0,
                most: 1_000_000,
                default: None,
            },
        ),
        Field::optional(
            "endsFirst",
            "How to write that old pods end before new ones begin, after the word Use; messages say it.",
            "messages say that nothing is known that makes the kind do so",
            Shape::Said,
        ),
        pointer("firstOrdinal", "Where the ordinal of the first pod stands.", "it is 0"),
        Field::required("group", "The API group of the kind.", Shape::Text),
        Field::optional(
            "inTurn",
            "What is there where pods of one of several templates wait for those of another to end.",
            "they run at the same time",
            Shape::object(vec![
                Field::optional(
                    "is",
                    "The text, or the boolean as a text, that the value of `when` must be.",
                    "whatever it is",
                    Shape::Text,
                ),
                Field::required("when", "Where it stands.", Shape::Pointer),
            ]),
        ),
        Field::required("kind", "The kind, as `kind` in its objects.", Shape::Text),
        pointer(
            "paused",
            "Where a boolean stands that keeps it from replacing pods.",
            "nothing does",
        ),
        Field::required("plural", "The resource, as in a URL.", Shape::Text),
        pointer(
            "podTemplate",
            "Where the template of its pods stands; a kind has this or `podTemplates`.",
            "it has several",
        ),
        Field::optional(
            "podTemplates",
            "The templates of its pods, where there are several; their paths may lead through lists.",
            "it has one",
            Shape::list(template(), Entries::Atomic),
        ),
        Field::optional(
            "pods",
            "How many pods run at once: as many as its replicas, one on every node, or as many as its replicas until they have completed.",
            "Replicas",
            Shape::word(RUNS),
        ),
        pointer(
            "replicas",
            "Where the number of its pods stands.",
            "it has `defaultReplicas`",
        ),
        pointer(
            "reservedOrdinals",
            "Where a list stands of ordinals that no pod has: numbers, and ranges such as `3-5`.",
            "there are none",
        ),
        pointer(
            "retention",
            "Where `whenDeleted` and `whenScaled` say what becomes of the claims of claim templates.",
            "they stay",
        ),
        Field::optional(
            "rollout",
            "How it replaces its pods: the first entry that applies counts.",
            "old pods end before new ones begin",
            Shape::list(way(), Entries::Atomic),
        ),
        Field::optional(
            "scale",
            "Whether its API has the subresource `scale`, by which autoscalers and `kubectl scale` change `replicas`.",
            "it has not",
            Shape::Boolean,
        ),
        pointer(
            "selector",
            "Where a label selector of its pods stands.",
            "nothing is known of it",
        ),
        pointer(
            "serviceName",
            "Where the name of the Service stands that gives every pod a name.",
            "there is none",
        ),
        pointer(
            "suspended",
            "Where a boolean stands that keeps it from running pods.",
            "nothing does",
        ),
        pointer(
            "templateOf",
            "Where another workload may be named, by `apiVersion`, `kind` and `name`, whose template its pods are made of.",
            "its pods are always made of its own",
        ),
        Field::required(
            "version",
            "The version of the group in which the kind is read.",
            Shape::Text,
        ),
    ])
}

/// One of several templates.
fn template() -> Shape {
    Shape::object(vec![
        pointer(
            "atMost",
            "Where a number stands beyond which the last of `replicas` does not count.",
            "nothing bounds it",
        ),
        Field::optional(
            "less",
            "So many fewer pods than the product of `replicas`.",
            "none fewer",
            Shape::Integer {
                least: 0,
                most: 1_000_000,
                default: None,
            },
        ),
        pointer(
            "orElse",
            "The path of the other template of which the pods are made where there is none at `path`.",
            "there are no such pods then",
        ),
        Field::required(
            "path",
            "Where the template stands, such as /spec/jobs[]/template: `[]` stands for every element of a list.",
            Shape::Pointer,
        ),
        Field::optional(
            "replicas",
            "Numbers whose product says how many pods are made of it, for each replica of the workload; what is not there counts as one.",
            "one for each replica",
            Shape::list(Shape::Pointer, Entries::Atomic),
        ),
    ])
}

/// One way in which pods are replaced.
fn way() -> Shape {
    Shape::object(vec![
        Field::required(
            "does",
            "How pods are replaced then: old ones end before new ones begin, all new ones run beside all old ones, or some at a time, as `surge` and `unavailable` say.",
            Shape::word(DOES),
        ),
        Field::optional(
            "is",
            "The text, or the boolean as a text, that the value of `when` must be.",
            "whatever it is",
            Shape::Text,
        ),
        Field::optional(
            "surge",
            "How many pods it may add first; for `Rolls`, which needs it, and nothing else.",
            "it does not roll",
            bound(),
        ),
        Field::optional(
            "unavailable",
            "How many pods it may take away first; for `Rolls`, which needs it, and nothing else.",
            "it does not roll",
            bound(),
        ),
        pointer(
            "when",
            "What must be there for the entry to apply.",
            "it always applies",
        ),
    ])
}

/// How far a rolling update goes in one direction.
fn bound() -> Shape {
    Shape::object(vec![
        Field::required(
            "default",
            "A number of pods, or a share of them such as 25%.",
            Shape::Amount,
        ),
        pointer("path", "Where it stands in an object.", "it is always the default"),
    ])
}

fn pointer(name: &'static str, description: &'static str, absent: &'static str) -> Field {
    Field::optional(name, description, absent, Shape::Pointer)
}
