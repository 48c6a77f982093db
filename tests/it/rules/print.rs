//! What a page must say: the table, the text after a world, the patch; and the whole page written anew.

use std::fmt::Write as _;

use stateward::graph::{Change, Kind, Kinds};
use stateward::judge::{Judged, message};
use stateward::policy::Profile;
use stateward::rules::kit::{Action, Case, Injection, Rule, Verdict};
use stateward::time::Time;

use super::page::{Block, Page, Piece};
use super::world::World;
use crate::oracle;
use crate::support::changes::workload_kinds;

/// Writes a page anew: what the rule itself says of its table, messages and patches replaces what stands there.
pub fn anew(page: &Page, rule: &'static Rule) -> Result<String, String> {
    let mut written = String::new();
    let mut before = None;
    let mut pieces = &page.pieces[..];
    while let [piece, rest @ ..] = pieces {
        pieces = rest;
        let block = match piece {
            Piece::Block(block) => block,
            Piece::Prose(text) => {
                written.push_str(&with_table(text, rule));
                continue;
            }
        };
        written.push_str(&piece.print());
        let Some(world) = block.world(&mut before) else {
            continue;
        };
        if !matches!(&*block.section, "Denied" | "Mutated") {
            continue;
        }
        // What was printed for this world before.
        while let [Piece::Prose(blank), Piece::Block(printed), rest @ ..] = pieces
            && blank.trim().is_empty()
            && matches!(&*printed.tag, "text" | "json")
        {
            pieces = rest;
        }
        let world = World::of(&world, rule).map_err(|error| format!("line {}: {error}", block.line))?;
        if block.section == "Denied" {
            fence(&mut written, "text", &findings(&world, rule));
        } else {
            let (patch, warnings) = patches(&world, rule);
            fence(&mut written, "json", &patch);
            fence(&mut written, "text", &warnings);
        }
    }
    Ok(written)
}

/// A page with the cases that prove its rule, as its last section.
pub fn proven(page: String, rule: &Rule) -> String {
    const HEADING: &str = "\n## Proven by\n";
    let mut page = page.split(HEADING).next().unwrap_or_default().to_owned();
    let proofs = oracle::page::proofs(rule.id);
    if proofs.is_empty() {
        return page;
    }
    let cases: Vec<String> = proofs.iter().map(|case| format!("- `{case}`\n")).collect();
    page += HEADING;
    page += "\nKubernetes' own controllers and scheduler were seen to get stuck in these cases of `docs/oracle.md`, in \
             each of which this rule finds something:\n\n";
    page += &cases.concat();
    page
}

/// The findings of this rule, one paragraph each: the actions, the message as in a denial, the warning.
fn findings(world: &World, rule: &Rule) -> String {
    let baseline = judged(world, rule, Profile::Baseline);
    let audited = judged(world, rule, Profile::Audit);
    let strict = judged(world, rule, Profile::Strict);
    let all = [&strict, &baseline, &audited];
    let mut said: Vec<(String, String)> = Vec::new();
    for (warning, judged) in all.into_iter().flatten() {
        let message = format!("{}: {}", rule.id, message::explained(judged));
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
pub fn judged(world: &World, rule: &Rule, profile: Profile) -> Vec<(String, Judged)> {
    let decisions = world.judged(rule, profile);
    let own = |(change, decision): (Change<'_>, stateward::judge::Decision)| {
        let found = decision.findings.into_iter();
        found
            .filter(|judged| judged.finding.rule == rule)
            .map(|judged| (message::warning(&change, &judged, Time::from_seconds(0)), judged))
            .collect::<Vec<_>>()
    };
    decisions.into_iter().flat_map(own).collect()
}

fn same(one: &Judged, other: &Judged) -> bool {
    let key = |judged: &Judged| {
        let finding = &judged.finding;
        (finding.object.clone(), finding.subject.clone(), finding.text.clone())
    };
    key(one) == key(other)
}

/// The JSON patch of the world's workloads, one operation a line, and the warnings given with it.
fn patches(world: &World, rule: &Rule) -> (String, String) {
    let (mut operations, mut warnings) = (Vec::new(), String::new());
    for injected in world.injected(rule) {
        for operation in &injected.defaults.operations {
            operations.push(serde_json::to_string(operation).expect("JSON"));
        }
        for warning in message::within_budget(injected.defaults.warnings.iter().cloned()) {
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
        write!(written, "\n```{tag}\n{text}```\n").expect("a String takes all");
    }
}

/// Replaces the table of a page by the rule's own facts.
fn with_table(text: &str, rule: &Rule) -> String {
    let Some(start) = text.find("| | |\n") else {
        return text.to_owned();
    };
    let table: usize = text[start..]
        .split_inclusive('\n')
        .take_while(|line| line.starts_with('|'))
        .map(str::len)
        .sum();
    let former = &text[start..start + table];
    format!(
        "{}{}{}",
        &text[..start],
        self::table(rule, former),
        &text[start + table..]
    )
}

/// The table; only what the former one says after `Mutation` and a colon is the author's.
fn table(rule: &Rule, former: &str) -> String {
    let judged = Kinds::builtin()
        .iter()
        .filter(|kind| rule.judges.meets(kind.features()));
    let mut kinds: Vec<Kind> = judged.collect();
    kinds.sort_unstable();
    let kinds = if kinds == workload_kinds() {
        "every kind of workload".to_owned()
    } else {
        kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ")
    };
    let cases = |of: fn(&Case) -> Option<Action>| {
        let case = |case: &Case| {
            let action = of(case).map_or("off", Action::as_str);
            if case.when.is_empty() {
                action.to_owned()
            } else {
                format!("{}: {action}", case.when)
            }
        };
        let cases: Vec<String> = rule.cases.iter().map(case).collect();
        if cases.is_empty() {
            "nothing to find".to_owned()
        } else {
            cases.join("; ")
        }
    };
    let mutation = match rule.injection {
        Injection::Always => "always",
        Injection::Never => "no",
        Injection::OptIn => "on request",
        Injection::OptOut => "unless disabled",
    };
    let mut rows = former.lines().filter_map(|line| line.strip_prefix("| Mutation | "));
    let explained = rows.next().and_then(|row| row.strip_suffix(" |")?.split_once(": "));
    let explained = explained.map_or(String::new(), |(_, why)| format!(": {why}"));
    format!(
        "| | |\n|---|---|\n| Judges | {kinds} |\n| Baseline | {} |\n| Strict | {} |\n\
         | Mutation | {mutation}{explained} |\n| Since | {} |\n",
        cases(|case| case.baseline),
        cases(|case| case.strict),
        rule.since,
    )
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
