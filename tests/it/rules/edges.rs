//! Which requests make a rule speak: the worlds of its page, in which each object comes, changes or goes last.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use stateward::graph::{Change, Field, Kind, Reach, Role};
use stateward::judge::Standing;
use stateward::policy::Profile;
use stateward::rules::RULES;
use stateward::rules::kit::{Action, Rule, Verdict};

use super::page::Page;
use super::world::World;
use super::{file, late, none};
use crate::generated;

/// The requests that there are, in the order of the table.
const REQUESTS: [&str; 12] = [
    "workload created",
    "workload updated",
    "workload scaled",
    "pod deleted by force",
    "claim created",
    "claim changed",
    "claim deleted",
    "Service created",
    "Service changed",
    "Service deleted",
    "autoscaler created",
    "autoscaler changed",
];

/// What is done to an object.
#[derive(Clone, Copy)]
pub(super) enum Done {
    Changed,
    Created,
    Deleted,
}

/// What a request meets with in the Baseline and the Strict profile.
pub(super) type Met = [Option<Action>; 2];

#[test]
fn the_table_of_requests_is_what_happens() {
    let mut table = String::from(
        "# Which requests a rule judges\n\n\
         Written by `UPDATE=1 cargo test` from the examples on the pages of the rules: in each, every object comes, \
         changes or goes last.\n\
         A cell has what the strongest finding of the rule meets with in the Baseline and, after the stroke, in the \
         Strict profile; an empty one means that nothing is said, or that no example shows it.\n\
         Where something was there before the request, it is only a warning, whatever the table says \
         ([limits](limits.md)).\n\n| Rule |",
    );
    for request in REQUESTS {
        write!(table, " {request} |").expect("a String takes all");
    }
    writeln!(table, "\n|---|{}", "---|".repeat(REQUESTS.len())).expect("a String takes all");
    let mut silent = Vec::new();
    let on = |rule: &&&'static Rule| rule.cases.iter().any(|case| case.strict.is_some());
    for rule in RULES.iter().filter(on) {
        let met = met(rule);
        if met.is_empty() {
            silent.push(rule.id.to_owned());
        }
        write!(table, "| [`{id}`](../crates/core/src/rules/{id}.md) |", id = rule.id).expect("a String takes all");
        for request in REQUESTS {
            let cell = met.get(request).map(|met| said(*met)).unwrap_or_default();
            write!(table, " {cell} |").expect("a String takes all");
        }
        table.push('\n');
    }
    table.push_str(&late::table());
    none(&silent, "no example shows a request that makes these rules speak:");
    generated::check("docs/requests.md", &table);
}

pub(super) fn said([baseline, strict]: Met) -> String {
    let said = |action: Option<Action>| action.map_or("–", Action::as_str);
    if baseline == strict {
        said(strict).to_owned()
    } else {
        format!("{} / {}", said(baseline), said(strict))
    }
}

/// The strongest actions that requests to the worlds of a page meet with.
pub(super) fn met(rule: &'static Rule) -> BTreeMap<&'static str, Met> {
    let (_, text) = file(rule);
    let page = Page::parse(&text);
    let worlds = |section: &str| -> Vec<World> {
        let blocks = page.worlds(section);
        let live = blocks.iter().filter(|block| !block.is("offline") && !block.is("audit"));
        live.map(|block| World::of(block, rule).expect("a world that can be read"))
            .collect()
    };
    let allowed = worlds("Allowed");
    let mut met: BTreeMap<&'static str, Met> = BTreeMap::new();
    for world in worlds("Denied") {
        for (number, profile) in [Profile::Baseline, Profile::Strict].into_iter().enumerate() {
            for (request, change) in world.requests(&allowed) {
                let (_, decision) = world.decide(change, rule, profile);
                let news = decision.findings.iter().filter(|judged| {
                    judged.finding.rule == rule
                        && judged.finding.verdict == Verdict::Violation
                        && judged.standing != Standing::Existing
                });
                if let Some(action) = news.map(|judged| judged.action).max() {
                    let cell = &mut met.entry(request).or_default()[number];
                    *cell = (*cell).max(Some(action));
                }
            }
        }
    }
    met
}

impl World {
    /// The requests by which this world may have come about; `others` are such from which it differs by one.
    fn requests(&self, others: &[Self]) -> Vec<(&'static str, Change<'_>)> {
        let mut requests = Vec::new();
        if let Some(deletion) = self.deletion() {
            requests.extend(named(Done::Deleted, deletion.target.kind, deletion));
            return requests;
        }
        if let Some([old, new]) = self.updated() {
            requests.extend(named(Done::Changed, new.kind, new.updated(old)));
            requests.extend(scaled(new.kind, new.name(), old.replicas(), new.replicas()));
            return requests;
        }
        for object in &self.objects {
            requests.extend(named(Done::Created, object.kind, object.written()));
        }
        let steady = others
            .iter()
            .filter(|other| other.deletion().is_none() && other.updated().is_none());
        for other in steady.flat_map(|other| &other.objects) {
            match self.objects.iter().find(|object| object.is_same_as(other)) {
                None => requests.extend(named(Done::Deleted, other.kind, other.deleted())),
                Some(object) => {
                    if object.json != other.json {
                        requests.extend(named(Done::Changed, object.kind, object.updated(other)));
                    }
                    requests.extend(scaled(object.kind, object.name(), other.replicas(), object.replicas()));
                }
            }
        }
        requests
    }
}

/// A change with what it is called, where such are sent to us.
fn named(done: Done, kind: Kind, change: Change<'_>) -> Option<(&'static str, Change<'_>)> {
    Some((request(done, kind)?, change))
}

/// What is done to an object of a kind, as the table calls it.
pub(super) fn request(done: Done, kind: Kind) -> Option<&'static str> {
    let pod = kind == Kind::POD;
    Some(match (kind.role(), done) {
        (Role::Workload(_), Done::Created) => "workload created",
        (Role::Workload(_), Done::Changed) if !pod => "workload updated",
        (Role::Workload(_), Done::Deleted) if pod => "pod deleted by force",
        (Role::Claim, Done::Created) => "claim created",
        (Role::Claim, Done::Changed) => "claim changed",
        (Role::Claim, Done::Deleted) => "claim deleted",
        (Role::Service, Done::Created) => "Service created",
        (Role::Service, Done::Changed) => "Service changed",
        (Role::Service, Done::Deleted) => "Service deleted",
        (Role::Autoscaler(_), Done::Created) => "autoscaler created",
        (Role::Autoscaler(_), Done::Changed) => "autoscaler changed",
        _ => return None,
    })
}

/// A `scale` request, where the kind has one and it changes anything.
pub(super) fn scaled(kind: Kind, name: &str, before: u32, after: u32) -> Option<(&'static str, Change<'static>)> {
    let scales = matches!(kind.reach(), Reach::Review { scale: true, .. }) && kind.has(Field::Replicas);
    (scales && before != after).then(|| {
        (
            "workload scaled",
            crate::support::changes::scale(kind, name, before, after),
        )
    })
}
