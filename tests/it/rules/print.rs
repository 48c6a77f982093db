//! What a page must say: the table, the text after a world, the patch; and the whole page written anew.

use std::fmt::Write as _;

use serde_json::Value as Json;
use stateward::graph::Change;
use stateward::judge::{Judged, message};
use stateward::policy::Profile;
use stateward::rules::kit::{Action, Injection, Meta, Verdict};

use super::page::{Block, Page, Piece};
use super::world::World;

/// Writes a page anew: what the rule itself says of its table, messages and patches replaces what stands there.
pub fn anew(page: &Page, meta: &'static Meta) -> Result<String, String> {
    let mut written = String::new();
    let mut follows_world = false;
    for piece in &page.pieces {
        match piece {
            Piece::Block(block) if block.is_world() => {
                written.push_str(&piece.print());
                let wrong = |error| format!("line {}: {error}", block.line);
                let world = World::of(block, meta).map_err(wrong)?;
                match &*block.section {
                    "Denied" => fence(&mut written, "text", &findings(&world, meta)),
                    "Mutated" => {
                        let (patch, warnings) = patches(&world, meta);
                        fence(&mut written, "json", &patch);
                        fence(&mut written, "text", &warnings);
                    }
                    _ => {}
                }
                follows_world = matches!(&*block.section, "Denied" | "Mutated");
            }
            // What was printed for the world before.
            Piece::Block(block) if follows_world && matches!(&*block.tag, "text" | "json") => {}
            Piece::Block(_) => written.push_str(&piece.print()),
            Piece::Prose(text) => {
                written.push_str(&with_table(text, meta));
                follows_world = false;
            }
        }
    }
    Ok(written)
}

/// The findings of this rule, one paragraph each: the actions, the message as in a denial, the warning.
fn findings(world: &World, meta: &Meta) -> String {
    let baseline = judged(world, meta, Profile::Baseline);
    let audited = judged(world, meta, Profile::Audit);
    let strict = judged(world, meta, Profile::Strict);
    let all = [&strict, &baseline, &audited];
    let mut said: Vec<(String, String)> = Vec::new();
    for (warning, judged) in all.into_iter().flatten() {
        let message = format!("{}: {}", meta.id, message::explained(judged));
        if said.iter().any(|(other, _)| *other == message) {
            continue;
        }
        let action = |found: &[(String, Judged)]| {
            let same = |other: &&(String, Judged)| same(&other.1, judged);
            let action = found.iter().find(same).map(|(_, other)| other.action);
            action.map_or("off", Action::as_str)
        };
        let mark = if judged.finding.verdict == Verdict::Unknown {
            " (cannot tell)"
        } else {
            ""
        };
        let paragraph = format!(
            "baseline: {}, strict: {}{mark}\n{message}\nwarning: {warning}\n",
            action(&baseline),
            action(&strict),
        );
        said.push((message, paragraph));
    }
    let paragraphs: Vec<String> = said.into_iter().map(|(_, paragraph)| paragraph).collect();
    paragraphs.join("\n")
}

/// The findings of this rule in a world, each with its warning.
pub fn judged(world: &World, meta: &Meta, profile: Profile) -> Vec<(String, Judged)> {
    let decisions = world.judged(meta, profile);
    let own = |(change, decision): (Change<'_>, stateward::judge::Decision)| {
        let found = decision.findings.into_iter();
        found
            .filter(|judged| judged.finding.rule == meta.id)
            .map(|judged| (message::warning(&change, &judged), judged))
            .collect::<Vec<_>>()
    };
    decisions.into_iter().flat_map(own).collect()
}

fn same(one: &Judged, other: &Judged) -> bool {
    let key = |judged: &Judged| {
        let finding = &judged.finding;
        (finding.workload.clone(), finding.subject.clone(), finding.text.clone())
    };
    key(one) == key(other)
}

/// The JSON patch of the world's workloads, one operation a line, and the warnings given with it.
fn patches(world: &World, meta: &Meta) -> (String, String) {
    let (mut operations, mut warnings) = (Vec::new(), String::new());
    for injected in world.injected(meta) {
        for operation in &injected.defaults.operations {
            operations.push(serde_json::to_string(operation).expect("JSON"));
        }
        for warning in &injected.defaults.warnings {
            writeln!(warnings, "warning: {warning}").expect("a String takes all");
        }
    }
    let patch = if operations.is_empty() {
        String::new()
    } else {
        format!("[\n  {}\n]\n", operations.join(",\n  "))
    };
    (patch, warnings)
}

fn fence(written: &mut String, tag: &str, text: &str) {
    if !text.is_empty() {
        write!(written, "```{tag}\n{text}```\n").expect("a String takes all");
    }
}

/// Replaces the table of a page by the rule's own facts.
fn with_table(text: &str, meta: &Meta) -> String {
    let Some(start) = text.find("| | |\n") else {
        return text.to_owned();
    };
    let table: usize = text[start..]
        .split_inclusive('\n')
        .take_while(|line| line.starts_with('|'))
        .map(str::len)
        .sum();
    format!("{}{}{}", &text[..start], self::table(meta), &text[start + table..])
}

fn table(meta: &Meta) -> String {
    let kinds: Vec<&str> = meta.kinds.iter().map(|kind| kind.as_str()).collect();
    let mut table = format!("| | |\n|---|---|\n| Judges | {} |\n", kinds.join(", "));
    let mut row = |name: &str, value: &str| writeln!(table, "| {name} | {value} |").expect("a String takes all");
    let action = |action: Option<Action>| action.map_or("off", Action::as_str);
    for case in meta.cases {
        let when = if case.when.is_empty() {
            String::new()
        } else {
            format!(", {}", case.when)
        };
        row(&format!("Baseline{when}"), action(case.baseline));
        row(&format!("Strict{when}"), action(case.strict));
    }
    let mutation = match meta.injection {
        Injection::Always => "always",
        Injection::Never => "never",
        Injection::OptIn => "on request",
        Injection::OptOut => "unless disabled",
    };
    row("Mutation", mutation);
    row("Since", meta.since);
    table
}

/// An object with the operations of a patch applied by an independent implementation.
pub fn applied(object: &Json, operations: &[stateward::rules::kit::Operation]) -> Result<Json, String> {
    let patch: json_patch::Patch = serde_json::to_value(operations)
        .and_then(serde_json::from_value)
        .map_err(|error| error.to_string())?;
    let mut object = object.clone();
    json_patch::patch(&mut object, &patch).map_err(|error| error.to_string())?;
    Ok(object)
}

/// The first lines in which a page and what it should be differ.
pub fn difference(found: &str, expected: &str) -> String {
    let line = found.lines().zip(expected.lines()).take_while(|(a, b)| a == b).count();
    let show = |text: &str, sign: char| {
        let lines = text.lines().skip(line).take(6);
        lines.map(|text| format!("    {sign} {text}\n")).collect::<String>()
    };
    format!("line {}:\n{}{}", line + 1, show(found, '-'), show(expected, '+'))
}

/// Whether two worlds differ in one line: another one, or one more.
pub fn differ_in_one_line(one: &Block, other: &Block) -> bool {
    let (a, b): (Vec<&str>, Vec<&str>) = (one.text.lines().collect(), other.text.lines().collect());
    let head = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let tail = a[head..].iter().rev().zip(b[head..].iter().rev());
    let tail = tail.take_while(|(a, b)| a == b).count();
    let (left, right) = (a.len() - head - tail, b.len() - head - tail);
    left.max(right) == 1
}
