//! `docs/policies.md`, written anew: tables from the description, answers from the policies above them.

use serde_json::Value;
use stateward::graph::project::WorkloadSeed;
use stateward::graph::{Kind, Labels, Lookup};
use stateward::judge::allow::{ALLOW, Allowances};
use stateward::policy::{Enforced, Mutation, Overrides, Policies, RuleSettings, exception, parse};
use stateward::rules::RULES;
use stateward::rules::kit::{Action, Injection};
use stateward::time::Time;

use super::{documents, is_exception, tables};

/// The page with every marked part written again: between `<!-- NAME -->` and `<!-- end -->` stands a table, and in
/// the table below `<!-- exceptions -->`, `<!-- outcomes -->` or `<!-- lines -->` the last column.
pub fn anew(page: &str) -> String {
    let mut written = String::new();
    let mut block = String::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        push(&mut written, line);
        match line {
            "```yaml" => block = fenced(&mut lines, &mut written),
            "<!-- exception -->" => replace(&mut lines, &mut written, &tables::exception()),
            "<!-- exceptions -->" => {
                let policies = in_force(&block);
                answer(&mut lines, &mut written, &|cells| excepted(cells, &policies));
            }
            "<!-- fields -->" => replace(&mut lines, &mut written, &tables::fields()),
            "<!-- kind -->" => replace(&mut lines, &mut written, &tables::workload_kind()),
            "<!-- operators -->" => replace(&mut lines, &mut written, &tables::operators()),
            "<!-- parameters -->" => replace(&mut lines, &mut written, &tables::parameters()),
            "<!-- selectors -->" => replace(&mut lines, &mut written, &tables::selectors()),
            "<!-- outcomes -->" => {
                let policies = in_force(&block);
                answer(&mut lines, &mut written, &|cells| outcome(cells, &policies));
            }
            "<!-- lines -->" => {
                let example = documents(&block).remove(0);
                assert_eq!(ignored(&example), [""; 0], "the example says nothing that is ignored");
                answer(&mut lines, &mut written, &|cells| {
                    let mut example = example.clone();
                    example["metadata"]["annotations"][ALLOW] = codes(cells[0])[0].into();
                    ignored(&example).pop().unwrap_or_else(|| "it counts".to_owned())
                });
            }
            _ => {}
        }
    }
    written
}

fn push(written: &mut String, line: &str) {
    written.push_str(line);
    written.push('\n');
}

/// Copies a fenced block to its end, and returns what is in it.
fn fenced<'p>(lines: &mut impl Iterator<Item = &'p str>, written: &mut String) -> String {
    let mut block = String::new();
    for line in lines {
        push(written, line);
        if line == "```" {
            break;
        }
        push(&mut block, line);
    }
    block
}

/// Writes a table in the place of what stands before `<!-- end -->`.
fn replace<'p>(lines: &mut impl Iterator<Item = &'p str>, written: &mut String, table: &str) {
    assert!(
        lines.any(|line| line == "<!-- end -->"),
        "the part before this table has no end: {table}"
    );
    written.push_str(table);
    push(written, "<!-- end -->");
}

fn in_force(block: &str) -> Policies {
    let (exceptions, policies): (Vec<Value>, Vec<Value>) = documents(block).into_iter().partition(is_exception);
    let list = policies
        .iter()
        .map(|document| parse(document, RULES).expect("the example is valid"));
    let exceptions = exceptions
        .iter()
        .map(|document| exception::parse(document, RULES).expect("the example is valid"));
    Policies::new(list.collect(), RULES).with_exceptions(exceptions)
}

/// Writes the last column of the table that follows.
fn answer<'p>(lines: &mut impl Iterator<Item = &'p str>, written: &mut String, say: &dyn Fn(&[&str]) -> String) {
    for (number, line) in lines.enumerate() {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        match cells.split_last() {
            // The first two are the heading and the line below it.
            Some((_, given)) if number >= 2 && line.starts_with('|') => {
                push(written, &format!("| {} | {} |", given.join(" | "), say(given)));
            }
            Some(_) | None => push(written, line),
        }
        if line.is_empty() {
            break;
        }
    }
}

/// What policies make of a rule in a namespace: `` `shop`, labels `tier: data` `` or `` `shop`, labels not known ``.
fn outcome(cells: &[&str], policies: &Policies) -> String {
    let [place, rule] = cells else {
        unreachable!("a namespace and a rule: {cells:?}");
    };
    let place_codes = codes(place);
    let labels = place_codes[1..].iter().filter_map(|label| label.split_once(": "));
    let labels = Labels::from_pairs(labels);
    let namespace_labels = if place.ends_with("labels not known") {
        Lookup::Unknown
    } else {
        Lookup::Known(&labels)
    };
    let index = RULES.iter().position(|known| known.id == codes(rule)[0]);
    let index = index.expect("the table names a rule");
    match policies.resolve(place_codes[0], namespace_labels, &Labels::default()) {
        None => "it is not judged".to_owned(),
        Some(settings) => in_words(&settings.rules[index], RULES[index].injection),
    }
}

/// What an exception counts for on a day: `` `shop/legacy` | 2026-12-01 ``.
fn excepted(cells: &[&str], policies: &Policies) -> String {
    let [title, day] = cells else {
        unreachable!("an exception and a day: {cells:?}");
    };
    let (namespace, name) = codes(title)[0].split_once('/').expect("a namespace and a name");
    let mut exceptions = policies.exceptions(namespace).iter();
    let exception = exceptions.find(|one| one.name == name).expect("the example has it");
    let settings = policies.resolve(namespace, Lookup::Unknown, &Labels::default());
    let allowed = &settings.expect("a policy applies").exceptions;
    let now = Time::parse(&format!("{day}T12:00:00Z")).expect("a day");
    exception
        .void(allowed, now)
        .map_or_else(|| "it counts".to_owned(), |void| exception.told(void))
}

fn in_words(settings: &RuleSettings, injection: Injection) -> String {
    let mut words = vec![follows(settings.actions[0])];
    if injection != Injection::Never {
        words.push(
            match settings.mutation {
                Mutation::Disabled => "injects nothing",
                Mutation::Quiet => "injects quietly",
                Mutation::Enabled => "injects",
            }
            .to_owned(),
        );
    }
    let parameters = settings.parameters.iter();
    let mut parameters: Vec<String> = parameters
        .map(|(name, _)| match settings.parameters.text(name) {
            Some(text) => format!("`{name}: {text}`"),
            None => format!("`{name}: {:?}`", settings.parameters.list(name).unwrap_or_default()),
        })
        .collect();
    parameters.sort();
    words.extend(parameters);
    words.join(", ")
}

/// An action, and from when on it counts: `Warn, from 2026-12-24 on Deny`.
fn follows(stated: Option<Enforced>) -> String {
    match stated {
        None => "off".to_owned(),
        Some(Enforced { action, after }) if after == Time::ALWAYS => action.as_str().to_owned(),
        Some(Enforced { action, after }) => {
            let before = Action::Warn.as_str();
            format!("{before}, from {} on {}", after.in_words(), action.as_str())
        }
    }
}

/// What is wrong with the annotation of a Deployment.
fn ignored(object: &Value) -> Vec<String> {
    let namespace = "shop".into();
    let seed = WorkloadSeed::new(Kind::DEPLOYMENT, &namespace).expect("Deployments run pods");
    let workload = seed.read(&object.to_string()).expect("a Deployment").workload;
    assert!(workload.annotation(ALLOW).is_some(), "annotated: {object}");
    let mut allowances = Allowances::of(&workload, Overrides::Allowed, RULES);
    std::mem::take(&mut allowances.problems)
}

/// What stands between backticks.
fn codes(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}
