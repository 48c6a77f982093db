//! The tables of the page that follow from the description alone.

use std::fmt::Write as _;

use stateward::policy::description::document;
use stateward::policy::schema::{Absent, Entries, Field, Scope, Shape, Variants};
use stateward::policy::{exception, workload_kind};
use stateward::rules::RULES;

/// Every field of a policy, but for those of selectors and parameters.
pub fn fields() -> String {
    let mut table = heading(&["Field", "What it says", "Value", "Where it is absent"]);
    walk(&document(RULES), "", &mut table, &|path, shape| {
        path == "spec.rules[].parameters" || matches!(shape, Shape::Object(object) if object.atomic)
    });
    table
}

/// Every field of an exception, but for those of selectors.
pub fn exception() -> String {
    let mut table = heading(&["Field", "What it says", "Value", "Where it is absent"]);
    let document = exception::description::document(RULES);
    walk(
        &document,
        "",
        &mut table,
        &|_, shape| matches!(shape, Shape::Object(object) if object.atomic),
    );
    table
}

/// Every field of a declaration of a kind.
pub fn workload_kind() -> String {
    let mut table = heading(&["Field", "What it says", "Value", "Where it is absent"]);
    let document = workload_kind::description::document();
    walk(&document, "", &mut table, &|_, _| false);
    table
}

/// The fields of a label selector.
pub fn selectors() -> String {
    let mut table = heading(&["Field", "What it says", "Value", "Where it is absent"]);
    walk(&selector(), "", &mut table, &|_, _| false);
    table
}

/// The operators of label selectors.
pub fn operators() -> String {
    let mut table = heading(&["Operator", "What it asks of the label `key`"]);
    let Shape::List(expressions) = member(&selector(), "matchExpressions") else {
        unreachable!("expressions are a list");
    };
    for operator in variants(&expressions.of).of {
        row(&mut table, &[&code(operator.word), operator.summary]);
    }
    table
}

/// The parameters of every rule that has some.
pub fn parameters() -> String {
    let mut table = heading(&["Rule", "Parameter", "What it says", "Value", "Where nobody sets it"]);
    let Shape::List(rules) = member(&member(&document(RULES), "spec"), "rules") else {
        unreachable!("rules are a list");
    };
    for rule in variants(&rules.of).of {
        let Some(field) = rule.fields.iter().find(|field| field.name == "parameters") else {
            continue;
        };
        for parameter in members(&field.shape) {
            let page = format!("[`{id}`](../crates/core/src/rules/{id}.md)", id = rule.word);
            row(
                &mut table,
                &[
                    &page,
                    &code(parameter.name),
                    &parameter.description,
                    &value(&parameter.shape),
                    &absent(&parameter),
                ],
            );
        }
    }
    table
}

fn selector() -> Shape {
    member(&member(&member(&document(RULES), "spec"), "match"), "namespaceSelector")
}

/// A line for each member, and below it for its own; `is_leaf` says where a table of its own goes on.
fn walk(shape: &Shape, at: &str, table: &mut String, is_leaf: &dyn Fn(&str, &Shape) -> bool) {
    for field in members(shape) {
        let path = if at.is_empty() {
            field.name.to_owned()
        } else {
            format!("{at}.{}", field.name)
        };
        row(
            table,
            &[&code(&path), &field.description, &value(&field.shape), &absent(&field)],
        );
        match &field.shape {
            shape if is_leaf(&path, shape) => {}
            Shape::List(list) => walk(&list.of, &format!("{path}[]"), table, is_leaf),
            shape => walk(shape, &path, table, is_leaf),
        }
    }
}

fn members(shape: &Shape) -> Vec<Field> {
    match shape {
        Shape::Object(object) => object.fields.clone(),
        Shape::Variants(variants) => variants.union(),
        _ => Vec::new(),
    }
}

fn member(shape: &Shape, name: &str) -> Shape {
    let field = members(shape).into_iter().find(|field| field.name == name);
    field.expect("the member is described").shape
}

fn variants(shape: &Shape) -> Variants {
    match shape {
        Shape::Variants(variants) => variants.clone(),
        _ => unreachable!("these are told apart by a word"),
    }
}

/// What a value may be, in words.
fn value(shape: &Shape) -> String {
    match shape {
        Shape::Amount => "number of pods or a share of them, such as `25%`".to_owned(),
        Shape::Pointer => "path, such as `/spec/template`".to_owned(),
        Shape::Boolean => "`true`, `false`".to_owned(),
        Shape::Constant(word) => code(word),
        Shape::Glob(of) => format!("name of a {}, with `*` and `?`", of.noun()),
        Shape::Integer { least, most, .. } => format!("whole number from {least} to {most}"),
        Shape::List(list) => {
            let least = if list.least > 0 { ", at least one" } else { "" };
            let once = if list.entries == Entries::Atomic {
                ""
            } else {
                ", each once"
            };
            format!("list: {}{once}{least}", value(&list.of))
        }
        Shape::Metadata(Scope::Cluster) => "object with `name`".to_owned(),
        Shape::Metadata(Scope::Namespaced) => "object with `name` and `namespace`".to_owned(),
        Shape::Object(object) if object.atomic => "[label selector](#which-workloads)".to_owned(),
        Shape::Object(_) | Shape::Unread | Shape::Variants(_) => "object".to_owned(),
        Shape::Duration => "seconds, minutes or hours, such as `60s`".to_owned(),
        Shape::Quantity => "quantity, such as `10Gi`".to_owned(),
        Shape::Said => "text that says something".to_owned(),
        Shape::Span => "days or hours, such as `90d`".to_owned(),
        Shape::Text => "text".to_owned(),
        Shape::Texts => "texts by key".to_owned(),
        Shape::Time => "time, such as `2026-12-24T18:00:00Z`".to_owned(),
        Shape::Kind(builtin) => {
            let builtin: Vec<String> = builtin.iter().map(|kind| code(kind)).collect();
            format!("{}, or the name of a definition", builtin.join(", "))
        }
        Shape::Word(words) if words.noun == "rule" => "id of a [rule](rules.md)".to_owned(),
        Shape::Word(words) => words
            .allowed
            .iter()
            .map(|word| code(word))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

fn absent(field: &Field) -> String {
    match &field.absent {
        Absent::Counts(counts) => counts.to_string(),
        Absent::Mistake => "a mistake".to_owned(),
    }
}

fn heading(cells: &[&str]) -> String {
    let mut table = String::new();
    row(&mut table, cells);
    writeln!(table, "|{}", "---|".repeat(cells.len())).expect("a String takes all");
    table
}

fn row(table: &mut String, cells: &[&str]) {
    writeln!(table, "| {} |", cells.join(" | ")).expect("a String takes all");
}

fn code(text: &str) -> String {
    format!("`{text}`")
}
