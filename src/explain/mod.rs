//! What is known of a namespace and of a workload, in pictures and in words.

mod next;

use next::next;

use crate::audit::{InForce, entries, leave_other_sides};
use crate::graph::view::Reservations;
use crate::graph::{Name, View, Workload};
use crate::judge::allow::ALLOW;
use crate::judge::{Basis, inspect};
use crate::picture::{Column, Id, Meaning, Node, Picture, around, draw};
use crate::rules::kit::text::named;

/// What is known of a workload, a label and what there is to say of it a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// `Deployment shop/web`.
    pub title: String,
    pub facts: Vec<(&'static str, Vec<String>)>,
}

/// The picture of one namespace, with all that is found in it.
#[must_use]
pub fn picture(namespace: &Name, basis: &Basis<'_>) -> Picture {
    let mut entries = entries(inspect(basis), namespace);
    leave_other_sides(&mut entries);
    let view = View::new(basis.shard, basis.facts, basis.fetched, Reservations::Ignored);
    draw(&view, &entries)
}

/// What is known of a workload of a namespace, whose picture is `whole`.
#[must_use]
pub fn workload(id: &Id, whole: &Picture, basis: &Basis<'_>, in_force: &InForce) -> Option<Explained> {
    let view = View::new(basis.shard, basis.facts, basis.fetched, Reservations::Ignored);
    let is_it = |one: &&Workload| {
        one.id.kind.as_str() == id.kind && one.id.kind.api_version() == id.api_version && one.id.name == id.name
    };
    let workload = view.workloads().into_iter().find(is_it)?;
    let part = around(whole, id);
    let own = part.node(id).map(|node| node.lines.join(", "));
    let found = part.node(id).into_iter().flat_map(|node| part.marks(&node.marks));
    let found = found.map(|mark| {
        let pass = if mark.is_let_pass { " (let pass)" } else { "" };
        format!(
            "{} {} {}{pass}: {}",
            mark.symbol(),
            mark.word(),
            mark.rule,
            mark.message
        )
    });
    Some(Explained {
        title: named(view.namespace(), &workload.id),
        facts: vec![
            ("pods", own.into_iter().collect()),
            ("storage", storage(id, &part).collect()),
            ("shared", shared(id, &part)),
            ("Services", steered(id, &part, "Service").collect()),
            ("autoscalers", steered(id, &part, "").collect()),
            ("found", found.collect()),
            ("next", next(workload, &view, basis)),
            ("policies", vec![policies(workload, &view, basis, in_force)]),
            ("let pass", let_pass(workload, basis)),
        ],
    })
}

/// What is told of an object, in one line.
fn facts(node: &Node) -> String {
    let facts: Vec<&str> = node
        .lines
        .iter()
        .map(String::as_str)
        .chain(node.presence.note())
        .collect();
    facts.join(", ")
}

/// What a workload mounts, or makes for its pods.
fn storage<'p>(id: &'p Id, part: &'p Picture) -> impl Iterator<Item = String> {
    let own = part
        .edges
        .iter()
        .filter(move |edge| edge.from == *id && edge.to.column == Column::Claims);
    own.filter_map(move |edge| {
        let node = part.node(&edge.to)?;
        let label = if edge.label.is_empty() {
            String::new()
        } else {
            format!(" ({})", edge.label)
        };
        let volumes = part
            .edges
            .iter()
            .filter(|bound| bound.from == edge.to && bound.meaning == Meaning::Binds);
        let volumes: String = volumes.map(|bound| format!(", on {}", bound.to.title())).collect();
        Some(format!("{}{label}: {}{volumes}", node.id.title(), facts(node)))
    })
}

/// So many others are named of those who use the same claims.
const OTHERS: usize = 20;

/// Who else uses the same claims, and how many more.
fn shared(id: &Id, part: &Picture) -> Vec<String> {
    let mut all = sharers(id, part);
    let mut told: Vec<String> = all.by_ref().take(OTHERS).collect();
    let more = all.count();
    if more > 0 {
        told.push(format!("{more} more"));
    }
    told
}

fn sharers<'p>(id: &'p Id, part: &'p Picture) -> impl Iterator<Item = String> {
    let own = part
        .edges
        .iter()
        .filter(move |edge| edge.from == *id && edge.to.column == Column::Claims);
    own.flat_map(move |mine| {
        let others = part
            .edges
            .iter()
            .filter(move |other| other.to == mine.to && other.from != *id);
        others.map(move |other| {
            format!(
                "{}: {} {} it too",
                mine.to.name,
                other.from.title(),
                other.meaning.as_str()
            )
        })
    })
}

/// The Services of a workload; or its autoscalers, which are of other kinds.
fn steered<'p>(id: &'p Id, part: &'p Picture, kind: &'p str) -> impl Iterator<Item = String> {
    let steering = part
        .edges
        .iter()
        .filter(move |edge| edge.to == *id && edge.from.column == Column::Steering);
    let of_kind = steering.filter(move |edge| (edge.from.kind == "Service") == (kind == "Service"));
    of_kind.filter_map(|edge| {
        let node = part.node(&edge.from)?;
        Some(format!(
            "{} {} it: {}",
            node.id.title(),
            edge.meaning.as_str(),
            facts(node)
        ))
    })
}

/// The policies that apply to a workload, and those that may.
fn policies(workload: &Workload, view: &View<'_>, basis: &Basis<'_>, in_force: &InForce) -> String {
    let labels = || view.namespace_facts().map(|facts| &facts.labels);
    let certain: Vec<&str> = basis
        .policies
        .in_effect(view.namespace(), labels(), &workload.labels)
        .collect();
    let doubtful: Vec<&str> = basis
        .policies
        .in_doubt(view.namespace(), labels(), &workload.labels)
        .collect();
    let mut words = if certain.is_empty() {
        "none applies".to_owned()
    } else {
        format!("{} ({})", certain.join(", "), in_force.from.join(", "))
    };
    if !doubtful.is_empty() {
        words.push_str(&format!(
            "; perhaps {}: labels of the namespace are not known",
            doubtful.join(", ")
        ));
    }
    words
}

/// The exceptions that are meant for a workload, and its own annotation.
fn let_pass(workload: &Workload, basis: &Basis<'_>) -> Vec<String> {
    let exceptions = basis.policies.exceptions(&workload.namespace).iter();
    let meant = exceptions
        .filter(|exception| exception.selects(workload))
        .map(|exception| {
            let (title, day, owner) = (exception.title(), exception.expires.in_words(), &exception.owner);
            format!("exception {title} until {day}, {owner}: {}", exception.rules.join(", "))
        });
    let annotation = workload
        .annotation(ALLOW)
        .map(|text| format!("annotation {ALLOW}: {text}"));
    meant.chain(annotation).collect()
}
