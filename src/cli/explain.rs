//! `stateward explain`: the page of a rule, or what is known of one workload in some ten lines.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use stateward_nearest::nearest;

use super::check::inputs::Inputs;
use super::named::Named;
use super::reporting::{self, Judging};
use super::rules::painted;
use super::seen::{Reading, Seen, picture};
use crate::audit::{InForce, Page, pages};
use crate::graph::view::Reservations;
use crate::graph::{
    Actor, Change, Kind, Name, Node, ObjectRef, Old, Operation, Overlay, Runs, Shape, States, Timestamp, View, Workload,
};
use crate::judge::allow::ALLOW;
use crate::judge::{Basis, judge};
use crate::picture::{Column, Id, Meaning, Picture, around};
use crate::rules::kit::Action;
use crate::rules::kit::text::{listed, named};

const EXAMPLES: &str = "\
Examples:
  stateward explain rwo-surge                   the page of a rule
  stateward explain Deployment/web -n shop      a workload of the cluster
  stateward explain sts/db deploy/              a workload of files
  stateward explain deploy/web --with-cluster new.yaml

Of a workload it says what it mounts and who else does, its Services and autoscalers, what is found of it, what would
be denied next, and which policies and exceptions decide. `stateward graph --workload KIND/NAME` draws it.";

/// Tell what stateward knows of a workload, or print the page of a rule.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A rule, or KIND/NAME of a workload
    #[arg(value_name = "RULE|KIND/NAME", value_parser = what)]
    what: What,
    /// Files or directories with the workload, or - for standard input [default: the cluster]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Namespace of the workload; in files also that of objects that name none [default there: default]
    #[arg(short, long, value_name = "NAME", value_parser = super::manifests::namespace)]
    namespace: Option<String>,
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    judging: Judging,
}

/// What is to be explained.
#[derive(Clone, Debug)]
enum What {
    Page(Page),
    Workload(Named),
}

impl Args {
    /// Explains.
    ///
    /// # Errors
    /// A workload that is not there, bad policies, or a cluster that cannot be read.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let workload = match &self.what {
            What::Page(page) => {
                super::print(painted(page.text, reporting::paint()).as_bytes())?;
                return Ok(ExitCode::SUCCESS);
            }
            What::Workload(named) => named,
        };
        let reading = Reading {
            inputs: &self.inputs,
            judging: &self.judging,
            namespace: self.namespace.as_deref(),
        };
        let seen = if self.paths.is_empty() {
            reading.cluster()?
        } else {
            reading.files(&self.paths)?
        };
        seen.tell();
        let found = seen.each(|namespace, basis, _| explained(workload, namespace, basis, &seen.in_force));
        if found.is_empty() {
            bail!("{}", workload.missing(&seen.pictures()));
        }
        super::print(found.join("\n").as_bytes())?;
        Ok(ExitCode::from(code(&seen)))
    }
}

fn code(seen: &Seen) -> u8 {
    if seen.failures.is_empty() { 0 } else { 2 }
}

fn what(text: &str) -> Result<What, String> {
    if text.contains('/') {
        return Named::parse(text).map(What::Workload);
    }
    pages().find(|page| page.id == text).map(What::Page).ok_or_else(|| {
        let near = nearest(text, pages().map(|page| page.id));
        let near = near.map_or(String::new(), |near| format!(": did you mean {near}?"));
        format!("there is no such rule{near} A workload is KIND/NAME, such as Deployment/web")
    })
}

/// What is known of a workload, if it is in this namespace.
fn explained(wanted: &Named, namespace: &Name, basis: &Basis<'_>, in_force: &InForce) -> Option<String> {
    let whole = picture(namespace, basis);
    let id = wanted.find(&whole)?;
    let nothing = Overlay::default();
    let view = View::new(basis.shard, basis.facts, &nothing, Reservations::Ignored);
    let is_it = |one: &&Workload| {
        one.id.kind.as_str() == id.kind && one.id.kind.api_version() == id.api_version && one.id.name == id.name
    };
    let workload = view.workloads().into_iter().find(is_it)?;
    let part = around(&whole, id);
    let mut page = Lines::default();
    page.text(&named(namespace, &workload.id));
    let own = part.node(id).map(|node| node.lines.join(", "));
    page.fact("pods", own);
    page.fact("storage", storage(id, &part));
    page.fact("shared", shared(id, &part));
    page.fact("Services", steered(id, &part, "Service"));
    page.fact("autoscalers", steered(id, &part, ""));
    let found = part.node(id).into_iter().flat_map(|node| part.marks(&node.marks));
    page.fact(
        "found",
        found.map(|mark| {
            let pass = if mark.is_let_pass { " (let pass)" } else { "" };
            format!(
                "{} {} {}{pass}: {}",
                mark.symbol(),
                mark.word(),
                mark.rule,
                mark.message
            )
        }),
    );
    page.fact("next", next(workload, &view, basis));
    page.fact("policies", [policies(workload, &view, basis, in_force)]);
    page.fact("let pass", let_pass(workload, basis));
    Some(page.0)
}

/// Lines of a label and what there is to say of it.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn fact(&mut self, label: &str, words: impl IntoIterator<Item = String>) {
        let mut label = label;
        let mut words = words.into_iter().peekable();
        if words.peek().is_none() {
            self.text(&format!("  {label:<12} none"));
        }
        for words in words {
            self.text(&format!("  {label:<12} {words}"));
            label = "";
        }
    }

    /// Writes a line; what comes out of objects cannot command a terminal.
    fn text(&mut self, line: &str) {
        self.0
            .extend(line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }));
        self.0.push('\n');
    }
}

/// What is told of an object, in one line.
fn facts(node: &crate::picture::Node) -> String {
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

/// Who else uses the same claims.
fn shared<'p>(id: &'p Id, part: &'p Picture) -> impl Iterator<Item = String> {
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

/// What becomes of changes that somebody may make next.
fn next(workload: &Workload, view: &View<'_>, basis: &Basis<'_>) -> Vec<String> {
    let mut quiet = Vec::new();
    let mut told = Vec::new();
    for (words, change) in changes(workload, view, basis) {
        let decision = judge(&change, basis, Timestamp::default());
        let of = |action| {
            let findings = decision.findings.iter().filter(|judged| judged.action == action);
            let mut rules: Vec<&str> = findings.map(|judged| judged.finding.rule.id).collect();
            rules.dedup();
            rules
        };
        let (denied, warned) = (of(Action::Deny), of(Action::Warn));
        if !denied.is_empty() {
            told.push(format!("{words} is denied: {}", listed(&denied)));
        } else if !warned.is_empty() {
            told.push(format!("{words} is warned about: {}", listed(&warned)));
        } else {
            quiet.push(words);
        }
    }
    if !quiet.is_empty() {
        told.push(format!("nothing is said of {}", listed(&quiet)));
    }
    told
}

/// Changes of a workload and of what it stands on, each in words.
fn changes(workload: &Workload, view: &View<'_>, basis: &Basis<'_>) -> Vec<(String, Change<'static>)> {
    let namespace = view.namespace();
    let id = &workload.id;
    let object = |target: ObjectRef, before: Option<Node>, after: Option<Node>| Change {
        namespace: namespace.clone(),
        operation: if after.is_some() {
            Operation::Create
        } else {
            Operation::Delete
        },
        actor: Actor::User,
        forced: false,
        target,
        states: States::Object {
            before: before.map_or_else(Old::none, |node| Old::lazy(move || Some(node.clone()))),
            after,
            shape: Shape::default(),
        },
    };
    let mut changes = Vec::new();
    let anew = Node::Workload(workload.clone().into());
    changes.push(("creating it anew".to_owned(), object(id.clone(), None, Some(anew))));
    if id.kind.runs(Runs::Replicas) {
        let (before, after) = (workload.replicas, workload.replicas.saturating_add(1));
        changes.push((
            format!("scaling it to {after}"),
            Change {
                operation: Operation::Update,
                states: States::Scale {
                    before: Some(before),
                    after,
                },
                ..object(id.clone(), None, None)
            },
        ));
    }
    if let Some(service) = workload
        .service_name
        .as_ref()
        .and_then(|name| basis.shard.service(name))
    {
        changes.push((
            format!("deleting Service {}", service.name),
            object(
                ObjectRef::new(Kind::SERVICE, service.name.clone()),
                Some(Node::Service(service.clone())),
                None,
            ),
        ));
    }
    let mut claims: Vec<Name> = workload.claims().map(|(claim, _)| claim.clone()).collect();
    if let (Some(template), Some(first)) = (workload.claim_templates.first(), workload.ordinals().next()) {
        claims.push(template.claim(&id.name, first).to_string().into());
    }
    claims.sort_unstable();
    claims.dedup();
    for claim in claims.iter().filter_map(|name| basis.shard.claim(name)) {
        changes.push((
            format!("deleting claim {}", claim.name),
            object(
                ObjectRef::new(Kind::CLAIM, claim.name.clone()),
                Some(Node::Claim(claim.clone())),
                None,
            ),
        ));
    }
    changes
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
        .annotations
        .get(ALLOW)
        .map(|text| format!("annotation {ALLOW}: {text}"));
    meant.chain(annotation).collect()
}
