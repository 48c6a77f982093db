//! Rules: the files of `crates/core/src/rules`, the slice `RULES` and the index `docs/rules.md` name the same.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use stateward::rules::kit::{Action, Injection, Rule, Seen};
use stateward::rules::{FAULTS, RULES};

use super::{assert_none, sources};
use crate::generated;

#[test]
fn files_pages_and_slice_agree() {
    let stems = |extension: &str| -> BTreeSet<String> {
        let ending = format!(".{extension}");
        let stem = |path: &str| {
            path.strip_prefix("crates/core/src/rules/")?
                .strip_suffix(&ending)
                .map(str::to_owned)
        };
        let mut stems: BTreeSet<_> = sources(&["crates/core/src/rules"], extension)
            .iter()
            .filter_map(|it| stem(&it.path))
            .collect();
        stems.retain(|stem| stem != "mod" && !stem.contains('/'));
        stems
    };
    let ids: BTreeSet<String> = RULES.iter().map(|rule| rule.id.to_owned()).collect();
    let code: BTreeSet<String> = stems("rs").iter().map(|stem| stem.replace('_', "-")).collect();
    assert_eq!(
        code, ids,
        "a rule is crates/core/src/rules/<id with _>.rs and one line in RULES (crates/core/src/rules/mod.rs)"
    );
    assert_eq!(stems("md"), ids, "a rule has a page crates/core/src/rules/<id>.md");
}

#[test]
fn rules_are_sorted_unique_and_well_named() {
    let ids: Vec<_> = RULES.iter().map(|rule| rule.id).collect();
    assert!(
        ids.is_sorted_by(|a, b| a < b),
        "sort RULES in crates/core/src/rules/mod.rs by id: {ids:?}"
    );
    let odd = |id: &&&str| {
        !id.split('-')
            .all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase()))
    };
    let breaches: Vec<_> = ids.iter().filter(odd).map(ToString::to_string).collect();
    assert_none(&breaches, "an id is kebab-case, a-z and -, and names the bad pattern:");
}

#[test]
fn rules_have_what_they_say() {
    let mut breaches = Vec::new();
    for rule in RULES {
        let mut law = |holds: bool, law: &str| {
            if !holds {
                breaches.push(format!("{}: {law}", rule.id));
            }
        };
        let finds = rule.judge.is_some() || rule.judge_change.is_some() || rule.judge_autoscaler.is_some();
        law(finds != rule.cases.is_empty(), "what finds something has cases");
        let injects = rule.injection != Injection::Never;
        let how = rule.inject.is_some() || rule.inject_service.is_some();
        law(injects == how, "what injects says when, and how");
        law(
            !rule.summary.is_empty() && !rule.since.is_empty(),
            "say what and since when",
        );
    }
    for fault in FAULTS {
        let odd = |seen: &&Seen| matches!(seen, Seen::Case(rule, case) if *case >= rule.cases.len());
        let odd = fault.seen.iter().filter(odd);
        breaches.extend(odd.map(|seen| format!("{}: there is no {seen:?}", fault.what)));
    }
    assert_none(&breaches, "mend these rules:");
}

#[test]
fn pages_begin_with_their_id() {
    let untitled = |rule: &&&Rule| rule.page.lines().next() != Some(&format!("# {}", rule.id));
    let breaches: Vec<_> = RULES.iter().filter(untitled).map(|rule| rule.id.to_owned()).collect();
    assert_none(
        &breaches,
        "the page crates/core/src/rules/<id>.md begins with `# <id>`:",
    );
}

#[test]
fn the_index_is_what_the_rules_say() {
    let mut index = String::from(
        "# Rules\n\nWritten by `UPDATE=1 cargo test`; each name leads to the page with its examples.\n\
         Actions are those of the main case in the Baseline and Strict profiles; the Audit profile records everything.\n\
         [Which requests a rule judges](requests.md) has what each meets with.\n\n\
         | Rule | Finds | Baseline | Strict | Injects a default | Since |\n|---|---|---|---|---|---|\n",
    );
    let action = |action: Option<Action>| action.map_or("off", Action::as_str);
    for rule in RULES {
        let main = rule.cases.first();
        let injects = match rule.injection {
            Injection::Always => "always",
            Injection::Never => "no",
            Injection::OptIn => "on request",
            Injection::OptOut => "unless disabled",
        };
        writeln!(
            index,
            "| [`{id}`](../crates/core/src/rules/{id}.md) | {} | {} | {} | {injects} | {} |",
            rule.summary,
            action(main.and_then(|case| case.baseline)),
            action(main.and_then(|case| case.strict)),
            rule.since,
            id = rule.id,
        )
        .expect("a String takes all");
    }
    generated::check("docs/rules.md", &index);
}
