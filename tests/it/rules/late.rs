//! What comes without a request: a volume, a class, a driver or a node that appears when the workload is there.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use stateward::graph::{Kind, Name, ObjectRef};
use stateward::judge::Standing;
use stateward::policy::Profile;
use stateward::rules::RULES;
use stateward::rules::kit::{Action, Rule, Verdict};

use super::edges::{Met, said};
use super::page::Page;
use super::world::{Object, World};
use super::{file, none};

/// The kinds that are only watched, as far as judgements rest on them.
const WATCHED: [Kind; 4] = [Kind::VOLUME, Kind::CLASS, Kind::DRIVER, Kind::NODE];

/// What the audit finds, or finds worse, once such an object is there; and what it no longer finds, or not so bad.
#[derive(Default)]
struct Cell {
    found: Met,
    eases: bool,
    ends: bool,
}

/// The table for the page of requests.
pub(super) fn table() -> String {
    let mut table = String::from(
        "\n## What comes without a request\n\n\
         Volumes, classes, drivers and nodes are watched, and nobody is asked about them.\n\
         Once one appears, the [audit](audit.md) judges again whatever rests on it: a cell has what it finds only \
         then, or worse than before, with the action of the Baseline and, after the stroke, of the Strict profile; *eases* says that a \
         finding meets with less, *ends* that it goes.\n\
         The next request about such a workload is not refused for it: it was there before, and one line tells so.\n\
         \n| Rule |",
    );
    for kind in WATCHED {
        write!(table, " {kind} |").expect("a String takes all");
    }
    writeln!(table, "\n|---|{}", "---|".repeat(WATCHED.len())).expect("a String takes all");
    let mut refused = Vec::new();
    for rule in RULES {
        let cells = cells(rule, &mut refused);
        if cells.is_empty() {
            continue;
        }
        write!(table, "| [`{id}`](../crates/core/src/rules/{id}.md) |", id = rule.id).expect("a String takes all");
        for kind in WATCHED {
            let cell = cells.get(&kind).map(Cell::print).unwrap_or_default();
            write!(table, " {cell} |").expect("a String takes all");
        }
        table.push('\n');
    }
    none(&refused, "these are refused for what was there before:");
    table
}

fn cells(rule: &'static Rule, refused: &mut Vec<String>) -> BTreeMap<Kind, Cell> {
    let (_, text) = file(rule);
    let page = Page::parse(&text);
    let mut cells: BTreeMap<Kind, Cell> = BTreeMap::new();
    let blocks = ["Denied", "Allowed"]
        .into_iter()
        .flat_map(|section| page.worlds(section));
    for block in blocks.filter(|block| !block.is("offline")) {
        let world = World::of(&block, rule).expect("a world that can be read");
        if world.deletion().is_some() || world.updated().is_some() {
            continue;
        }
        for (late, kind) in world
            .objects
            .iter()
            .enumerate()
            .map(|(late, object)| (late, object.kind))
        {
            if !WATCHED.contains(&kind) {
                continue;
            }
            let mut before = world.objects.clone();
            before.remove(late);
            let before = world.with(before);
            for (number, profile) in [Profile::Baseline, Profile::Strict].into_iter().enumerate() {
                let (former, now) = (found(&before, rule, profile), found(&world, rule, profile));
                let new = now.iter().filter(|(one, action)| former.get(*one) < Some(*action));
                if let Some(action) = new.map(|(_, action)| *action).max() {
                    let cell = &mut cells.entry(kind).or_default().found[number];
                    *cell = (*cell).max(Some(action));
                    refused.extend(next_refused(&world, rule, profile).map(|at| format!("{}: {at}", block.line)));
                }
                for (one, _) in former.iter().filter(|(one, action)| now.get(*one) < Some(*action)) {
                    let cell = cells.entry(kind).or_default();
                    let left = if now.contains_key(one) {
                        &mut cell.eases
                    } else {
                        &mut cell.ends
                    };
                    *left = true;
                }
            }
        }
    }
    cells
}

/// What the audit finds by a rule.
fn found(world: &World, rule: &Rule, profile: Profile) -> BTreeMap<(ObjectRef, Name, usize), Action> {
    let workloads = world.objects.iter().filter(|object| object.kind.is_workload());
    let found = workloads.flat_map(|object| world.found(object.written(), rule, profile).1.findings);
    let own = found.filter(|judged| judged.finding.rule == rule && judged.finding.verdict == Verdict::Violation);
    own.map(|judged| {
        let finding = judged.finding;
        ((finding.object, finding.subject, finding.case), judged.action)
    })
    .collect()
}

/// A workload whose next update, of anything, is refused, or told of as if that brought it about.
fn next_refused(world: &World, rule: &Rule, profile: Profile) -> Option<String> {
    world
        .objects
        .iter()
        .filter(|object| object.kind.is_workload())
        .find_map(|object| {
            let mut json = object.json.clone();
            json["metadata"]["labels"]["touched"] = "yes".into();
            let touched = Object { json, ..object.clone() };
            let (_, decision) = world.decide(touched.updated(object), rule, profile);
            let news = decision
                .findings
                .iter()
                .find(|judged| judged.standing != Standing::Existing);
            let why = decision.denial.or_else(|| news.map(|judged| judged.message.clone()))?;
            Some(format!("{} {profile:?}: {why}", rule.id))
        })
}

impl Cell {
    fn print(&self) -> String {
        let found = match self.found {
            [None, None] => None,
            met => Some(said(met)),
        };
        let eases = self.eases.then(|| "eases".to_owned());
        let ends = self.ends.then(|| "ends".to_owned());
        found
            .into_iter()
            .chain(eases)
            .chain(ends)
            .collect::<Vec<_>>()
            .join("; ")
    }
}
