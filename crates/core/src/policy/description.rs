//! The one description of a `WorkloadPolicy`: fields, words, rules and their parameters.

use std::borrow::Cow;

use super::glob::Of;
use super::schema::{Entries, Field, List, Object, Scope, Shape, Variant, Variants, Words};
use super::settings::{Mutation, Overrides, Profile};
use crate::graph::Operator;
use crate::rules::kit::{Action, Injection, Parameter, ParameterKind, Rule};

/// The API group and version of policies.
pub const API_VERSION: &str = "stateward.dev/v1alpha1";
/// The kind of policies.
pub const KIND: &str = "WorkloadPolicy";

pub(super) const PROFILES: &[(&str, Profile)] = &[
    ("Audit", Profile::Audit),
    ("Baseline", Profile::Baseline),
    ("Strict", Profile::Strict),
];
pub(super) const OVERRIDES: &[(&str, Overrides)] =
    &[("Allowed", Overrides::Allowed), ("Forbidden", Overrides::Forbidden)];
pub(super) const ACTIONS: &[(&str, Action)] =
    &[("Audit", Action::Audit), ("Deny", Action::Deny), ("Warn", Action::Warn)];
/// Whether a rule injects.
pub(super) const MUTATIONS: &[(&str, Mutation)] = &[
    ("Disabled", Mutation::Disabled),
    ("Enabled", Mutation::Enabled),
    ("Quiet", Mutation::Quiet),
];
/// The operators of label selectors, each with what it asks of a label.
const OPERATORS: &[(&str, Operator, &str)] = &[
    (
        "DoesNotExist",
        Operator::DoesNotExist,
        "there is no such label; takes no `values`",
    ),
    (
        "Exists",
        Operator::Exists,
        "there is such a label, whatever its value; takes no `values`",
    ),
    (
        "In",
        Operator::In,
        "there is such a label, and its value is one of `values`",
    ),
    (
        "NotIn",
        Operator::NotIn,
        "there is no such label, or its value is none of `values`",
    ),
];

/// Priorities are small numbers that people compare by eye.
const PRIORITIES: Shape = Shape::Integer {
    least: -1_000,
    most: 1_000,
    default: Some(0),
};

/// Of pods, and the like.
const COUNTS: Shape = Shape::Integer {
    least: 1,
    most: 1_000,
    default: None,
};

/// A `WorkloadPolicy` over these rules.
#[must_use]
pub fn document(rules: &[&Rule]) -> Shape {
    Shape::object(vec![
        Field::required(
            "apiVersion",
            "The API group and version of policies.",
            Shape::Constant(API_VERSION),
        ),
        Field::required("kind", "The kind of policies.", Shape::Constant(KIND)),
        Field::required(
            "metadata",
            "Kubernetes' metadata, with the name of the policy.",
            Shape::Metadata(Scope::Cluster),
        ),
        // A file that was cut off must not be taken for one that states nothing.
        Field::required(
            "spec",
            "What the policy applies to, and what it states; `{}` applies everywhere and states nothing, so that Baseline counts.",
            spec(rules),
        ),
        Field::optional(
            "status",
            "What a cluster says of the policy; in a file nobody reads it.",
            "nothing",
            Shape::Unread,
        ),
    ])
}

/// The operator of a word.
pub(super) fn operator(word: &str) -> Option<Operator> {
    let operator = OPERATORS.iter().find(|(name, ..)| *name == word);
    operator.map(|(_, operator, _)| *operator)
}

fn spec(rules: &[&Rule]) -> Shape {
    Shape::object(vec![
        Field::optional(
            "enforceAfter",
            "The moment from which on Deny counts; until then it is Warn. Of the actions that the policy states; where it states none, of those that others state.",
            "what the policy states counts at once",
            Shape::Time,
        ),
        Field::optional(
            "exceptions",
            "Whether a `WorkloadPolicyException` counts.",
            "what other policies that apply state, else none counts",
            exceptions(),
        ),
        Field::optional(
            "match",
            "The workloads that the policy applies to: everything that is given must hold.",
            "every workload",
            matching(),
        ),
        Field::optional(
            "overrides",
            "Whether a workload may carry the annotation `stateward.dev/allow`.",
            "what other policies that apply state, else Allowed",
            Shape::word(OVERRIDES),
        ),
        Field::optional(
            "priority",
            "Of several policies that apply and state one thing differently, the one with the highest number counts.",
            "0",
            PRIORITIES,
        ),
        Field::optional(
            "profile",
            "States an action for every rule.",
            "the policy states only what `rules` lists",
            Shape::word(PROFILES),
        ),
        Field::optional(
            "rules",
            "What the policy states of single rules, whatever its profile says of them.",
            "nothing",
            Shape::list(rule(rules), Entries::By("id")),
        ),
    ])
}

fn exceptions() -> Shape {
    Shape::object(vec![
        Field::required("allowed", "Whether exceptions count at all.", Shape::Boolean),
        Field::optional(
            "maxDuration",
            "The longest time from the creation of an exception to its end; one that lasts longer does not count.",
            "any time",
            Shape::Span,
        ),
        Field::optional(
            "namespaces",
            "Names of namespaces, of which one must fit; with the same wildcards as in `match`.",
            "every namespace that the policy applies to",
            Shape::set(Shape::Glob(Of::Namespace), 1),
        ),
    ])
}

fn matching() -> Shape {
    let names = |least| Shape::set(Shape::Glob(Of::Namespace), least);
    Shape::object(vec![
        Field::optional(
            "excludeNamespaces",
            "Names of namespaces to which the policy does not apply, whatever else matches; with the same wildcards.",
            "none",
            names(0),
        ),
        Field::optional(
            "namespaceSelector",
            "A label selector on the Namespace of the workload.",
            "every namespace",
            selector(),
        ),
        Field::optional(
            "namespaces",
            "Names of namespaces, of which one must fit; `*` stands for any characters and `?` for one.",
            "every namespace",
            // No name at all would be every namespace to one reader and none to the other.
            names(1),
        ),
        Field::optional(
            "objectSelector",
            "A label selector on the labels of the workload itself, not of its pods.",
            "every workload",
            selector(),
        ),
    ])
}

/// A `metav1.LabelSelector`; server-side apply replaces it as a whole, as everywhere in Kubernetes.
pub(super) fn selector() -> Shape {
    let operators = OPERATORS.iter().map(|(word, operator, summary)| Variant {
        word,
        summary,
        fields: requirement(*operator),
    });
    let requirements = Variants {
        by: "operator",
        description: "How the label relates to the values.",
        noun: "operator",
        of: operators.collect(),
    };
    let fields = vec![
        Field::optional(
            "matchExpressions",
            "Requirements on labels, all of which must hold.",
            "none",
            Shape::list(Shape::Variants(requirements), Entries::Atomic),
        ),
        Field::optional(
            "matchLabels",
            "Labels that must be there with these values.",
            "none",
            Shape::Texts,
        ),
    ];
    Shape::Object(Object { fields, atomic: true })
}

/// What the API server asks of a requirement (`pkg/apis/meta/v1/validation`, `ValidateLabelSelectorRequirement`).
fn requirement(operator: Operator) -> Vec<Field> {
    let compares = matches!(operator, Operator::In | Operator::NotIn);
    let values = Shape::List(List {
        of: Box::new(Shape::Text),
        entries: Entries::Atomic,
        least: usize::from(compares),
        most: (!compares).then_some(0),
    });
    let description = "The values that In and NotIn compare with, at least one; the other operators take none.";
    vec![
        Field::required("key", "The key of the label.", Shape::Text),
        if compares {
            Field::required("values", description, values)
        } else {
            Field::optional("values", description, "none", values)
        },
    ]
}

fn rule(rules: &[&Rule]) -> Shape {
    let rules = rules.iter().map(|rule| Variant {
        word: rule.id,
        summary: rule.summary,
        fields: entry(rule),
    });
    Shape::Variants(Variants {
        by: "id",
        description: "The rule, which is listed once at most.",
        noun: "rule",
        of: rules.collect(),
    })
}

/// What a policy may state of one rule.
fn entry(rule: &Rule) -> Vec<Field> {
    vec![
        Field::optional(
            "actions",
            "What follows from a finding: the strictest of the list; an empty list switches the rule off.",
            "what the profile states, if there is one",
            Shape::list(Shape::word(ACTIONS), Entries::Atomic),
        ),
        Field::optional(
            "enforceAfter",
            "The moment from which on Deny counts for this rule; until then it is Warn. Of the actions that the policy states of the rule; where it states none, of those that others state.",
            "`spec.enforceAfter`",
            Shape::Time,
        ),
        Field::optional(
            "mutation",
            "Whether the rule injects its default. `Enabled` answers with a warning that says what to write into the manifest; `Quiet` does not.",
            "what the profile states: Audit `Disabled`, Baseline and Strict `Enabled` for rules that inject unless disabled; else what other policies that apply state, else what the rule does by itself",
            Shape::Word(mutation(rule)),
        ),
        Field::optional(
            "parameters",
            "Values that the rule reads.",
            "what other policies that apply state, else the default of each",
            Shape::object(rule.parameters.iter().map(parameter).collect()),
        ),
    ]
}

fn mutation(rule: &Rule) -> Words {
    let because = |word, why| vec![(word, format!("rule {:?} {why}", rule.id))];
    let (allowed, refused) = match rule.injection {
        Injection::Always => (
            vec!["Enabled", "Quiet"],
            because("Disabled", "keeps what was injected before: it cannot be disabled"),
        ),
        Injection::Never => (
            vec!["Disabled"],
            [
                because("Enabled", "injects nothing: it cannot be enabled"),
                because("Quiet", "injects nothing: there is nothing to be quiet about"),
            ]
            .concat(),
        ),
        Injection::OptIn | Injection::OptOut => (MUTATIONS.iter().map(|(word, _)| *word).collect(), Vec::new()),
    };
    Words {
        allowed,
        refused,
        ..Words::default()
    }
}

fn parameter(parameter: &Parameter) -> Field {
    let (shape, absent): (Shape, Cow<'static, str>) = match &parameter.kind {
        ParameterKind::Choice(words) => {
            let allowed = words.to_vec();
            let shape = Shape::Word(Words {
                allowed,
                ..Words::default()
            });
            (shape, words.first().copied().unwrap_or_default().into())
        }
        ParameterKind::Count => (COUNTS, "unset".into()),
        ParameterKind::Duration(default) => (Shape::Duration, (*default).into()),
        ParameterKind::List([]) => (Shape::list(Shape::Text, Entries::Atomic), "none".into()),
        ParameterKind::List(texts) => (Shape::list(Shape::Text, Entries::Atomic), texts.join(", ").into()),
        ParameterKind::Quantity => (Shape::Quantity, "unset".into()),
        ParameterKind::Text => (Shape::Text, "unset".into()),
    };
    Field::optional(parameter.name, sentence(parameter.summary), absent, shape)
}

/// A summary with a capital and a period.
fn sentence(summary: &str) -> String {
    let mut letters = summary.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).chain(['.']).collect()
}
