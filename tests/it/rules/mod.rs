//! Every rule's page is executed: its worlds are judged, and what it says is compared with what happens.
//!
//! `UPDATE=1 cargo test --test it rules` writes tables, messages and patches. Tags after `yaml`: `offline` (what is
//! not in the block is unknown), `version=1.37` (of Kubernetes), `delete=KIND/NAME` (that object's deletion is judged, by `force`),
//! `audit` (the audit judges), `before` and `after` (an update, in two blocks), and last `parameters={…}`.

mod edges;
mod late;
mod page;
mod print;
mod reached;
mod remedies;
mod world;

use std::path::PathBuf;

use stateward::graph::Kinds;
use stateward::policy::Profile;
use stateward::rules::RULES;
use stateward::rules::kit::{Action, Injection, Rule, Verdict};

use crate::oracle;
use page::{Block, Page};
use world::World;

use crate::support::changes::applied;

/// A name of so many characters must fit into a warning as it is.
const SHORT_NAME: usize = 12;

#[test]
fn pages_say_what_happens() {
    let mut breaches = Vec::new();
    for rule in RULES {
        let (file, text) = file(rule);
        match print::anew(&Page::parse(&text), rule).map(|page| print::proven(page, rule)) {
            Ok(expected) if expected == text => {}
            Ok(expected) if std::env::var_os("UPDATE").is_some_and(|value| value == "1") => {
                std::fs::write(&file, expected).expect("written");
            }
            Ok(expected) => breaches.push(format!("{}: {}", path(rule), print::difference(&text, &expected))),
            Err(error) => breaches.push(format!("{}: {error}", path(rule))),
        }
    }
    none(
        &breaches,
        "compare, and write the new words with: UPDATE=1 cargo test --test it rules",
    );
}

#[test]
fn pages_are_complete() {
    let mut breaches = Vec::new();
    for rule in RULES {
        let (_, text) = file(rule);
        let page = Page::parse(&text);
        let judges = !rule.cases.is_empty();
        let wanted = [
            ("What it does", true),
            ("Why is this bad?", true),
            ("How to fix", true),
            ("Parameters", !rule.parameters.is_empty()),
            ("Denied", judges),
            ("Allowed", judges),
            ("Mutated", rule.injection != Injection::Never),
            ("Proven by", !oracle::page::proofs(rule.id).is_empty()),
        ];
        let wanted: Vec<&str> = wanted
            .iter()
            .filter_map(|(heading, here)| here.then_some(*heading))
            .collect();
        let mut headings = page.headings();
        // A rule that finds nothing may still show what it leaves alone.
        headings.retain(|heading| judges || *heading != "Allowed");
        if headings != wanted {
            breaches.push(format!("{}: headings {headings:?}, wanted {wanted:?}", path(rule)));
        }
        let mut sections = Vec::new();
        if judges {
            sections.extend(["Denied", "Allowed"]);
        }
        sections.extend((rule.injection != Injection::Never).then_some("Mutated"));
        for section in sections {
            if page.worlds(section).is_empty() {
                breaches.push(format!("{}: no yaml block under {section}", path(rule)));
            }
        }
        if !text.contains("\n| | |\n") {
            breaches.push(format!("{}: no table, which begins with the line `| | |`", path(rule)));
        }
        for parameter in rule.parameters {
            if !text.contains(&format!("`{}`", parameter.name)) {
                breaches.push(format!("{}: the parameter `{}` is missing", path(rule), parameter.name));
            }
        }
    }
    none(&breaches, "complete these pages:");
}

#[test]
fn denied_is_found_and_allowed_is_not() {
    let mut breaches = Vec::new();
    for_each_world("Denied", |rule, world, at| {
        if print::judged(&world, rule, Profile::Strict).is_empty()
            && print::judged(&world, rule, Profile::Audit).is_empty()
        {
            breaches.push(format!("{at}: Denied, and nothing is found"));
        }
    });
    for_each_world("Allowed", |rule, world, at| {
        let opt_in = rule.cases.iter().all(|case| case.strict.is_none());
        let profile = if opt_in { Profile::Audit } else { Profile::Strict };
        for (warning, _) in print::judged(&world, rule, profile) {
            breaches.push(format!("{at}: Allowed, and found: {warning}"));
        }
    });
    none(&breaches, "these worlds are not judged as their section says:");
}

#[test]
fn a_denied_and_an_allowed_differ_in_one_line() {
    let lonely = |rule: &Rule| {
        let (_, text) = file(rule);
        let page = Page::parse(&text);
        let alike = |denied: &Block| {
            page.worlds("Allowed")
                .iter()
                .any(|allowed| print::differ_in_one_line(denied, allowed))
        };
        page.headings().contains(&"Denied") && !page.worlds("Denied").iter().any(alike)
    };
    let breaches: Vec<String> = RULES
        .iter()
        .filter(|rule| lonely(rule))
        .map(|rule| path(rule))
        .collect();
    none(
        &breaches,
        "show by one pair what matters: a Denied and an Allowed that differ in one line only:",
    );
}

#[test]
fn messages_keep_the_wording() {
    let mut breaches = Vec::new();
    for_each_world("Denied", |rule, world, at| {
        for (warning, judged) in print::judged(&world, rule, Profile::Strict) {
            let finding = &judged.finding;
            let violation = finding.verdict == Verdict::Violation;
            let mut law = |holds: bool, law: &str, text: &str| {
                if !holds {
                    breaches.push(format!("{at}: {law}: {text}"));
                }
            };
            for text in [&finding.text, &finding.brief] {
                law(begins_low(text), "begin lower-case or with an identifier", text);
            }
            for text in [&finding.text, &finding.brief, &finding.remedy] {
                law(!text.ends_with('.'), "no final period", text);
            }
            let capital = finding.remedy.chars().next().is_some_and(char::is_uppercase);
            law(
                capital || (!violation && finding.remedy.is_empty()),
                "the remedy begins with a capital",
                &finding.remedy,
            );
            law(
                finding.brief.chars().count() <= 80,
                "at most 80 characters",
                &finding.brief,
            );
            let short_name = finding.object.name.len() <= SHORT_NAME;
            law(
                warning.chars().count() <= 120 && !(short_name && warning.contains('…')),
                "warn in 120 characters",
                &warning,
            );
            law(
                !violation || finding.path.starts_with('/'),
                "name the field",
                &finding.text,
            );
        }
    });
    for_each_world("Mutated", |rule, world, at| {
        let told = world
            .injected(rule)
            .into_iter()
            .flat_map(|injected| injected.defaults.warnings);
        let long = told.filter(|warning| warning.chars().count() > 120);
        breaches.extend(long.map(|warning| format!("{at}: warn in 120 characters: {warning}")));
    });
    none(&breaches, "mend these messages:");
}

#[test]
fn defaults_apply_once_and_satisfy_their_rule() {
    let mut breaches = Vec::new();
    for_each_world("Mutated", |rule, world, at| {
        let mut anything = false;
        for injected in world.injected(rule) {
            let defaults = &injected.defaults;
            anything |= !defaults.operations.is_empty() || !defaults.warnings.is_empty();
            if !defaults.rules.contains(&rule.id) {
                continue;
            }
            let patched = match applied(&injected.before, &defaults.operations) {
                Ok(patched) => patched,
                Err(error) => {
                    breaches.push(format!("{at}: the patch does not apply: {error}"));
                    continue;
                }
            };
            let (again, decision) = world.again(&injected, &patched, rule);
            if !again.operations.is_empty() {
                breaches.push(format!("{at}: patched again with {:?}", again.operations));
            }
            let own = decision.findings.iter().filter(|judged| judged.finding.rule == rule);
            // What is only recorded may be what was injected, if it stays.
            let told = own.filter(|judged| judged.action > Action::Audit);
            for judged in told.filter(|judged| judged.finding.verdict == Verdict::Violation) {
                breaches.push(format!("{at}: found even after the patch: {}", judged.finding.text));
            }
        }
        if !anything {
            breaches.push(format!("{at}: Mutated, and nothing is injected"));
        }
    });
    none(&breaches, "these defaults are not right:");
}

fn path(rule: &Rule) -> String {
    format!("crates/core/src/rules/{}.md", rule.id)
}

/// The page as it is on disk, so that `UPDATE=1` needs no second build.
fn file(rule: &Rule) -> (PathBuf, String) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path(rule));
    let text = std::fs::read_to_string(&file).expect("every rule has a page");
    (file, text)
}

fn for_each_world(section: &str, mut see: impl FnMut(&'static Rule, World, String)) {
    for rule in RULES {
        let (_, text) = file(rule);
        for block in Page::parse(&text).worlds(section) {
            let at = format!("{}:{}", path(rule), block.line);
            let world = World::of(&block, rule).map_err(|error| format!("{at}: {error}"));
            see(rule, world.expect("a world that can be read"), at);
        }
    }
}

/// Lower-case, a number, a quotation, a kind, or a name in camel case.
fn begins_low(text: &str) -> bool {
    let word: &str = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let inner_capital = word.chars().skip(1).any(char::is_uppercase);
    !word.starts_with(char::is_uppercase) || inner_capital || Kinds::builtin().iter().any(|kind| kind.as_str() == word)
}

fn none(breaches: &[String], mend: &str) {
    assert!(breaches.is_empty(), "{mend}\n  {}", breaches.join("\n  "));
}
