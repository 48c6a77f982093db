//! `docs/policies.md`, written anew: tables from the description, answers from the policies above them.

use serde_json::Value;
use stateward::graph::project::WorkloadSeed;
use stateward::graph::{Kind, Labels, Lookup};
use stateward::judge::allow::{ALLOW, Allowances};
use stateward::policy::{Overrides, Policies, RuleSettings, parse};
use stateward::rules::RULES;
use stateward::rules::kit::{Action, Injection};

use super::{documents, tables};

/// The page with every marked part written again: between `<!-- NAME -->` and `<!-- end -->` stands a table, and in
/// the table below `<!-- outcomes -->` or `<!-- lines -->` the last column.
pub fn anew(page: &str) -> String {
    let mut written = String::new();
    let mut block = String::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        push(&mut written, line);
        match line {
            "```yaml" => block = fenced(&mut lines, &mut written),
            "<!-- fields -->" => replace(&mut lines, &mut written, &tables::fields()),
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
    let list = documents(block)
        .into_iter()
        .map(|document| parse(&document, RULES).expect("the example is valid"));
    Policies::new(list.collect(), RULES)
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

fn in_words(settings: &RuleSettings, injection: Injection) -> String {
    let mut words = vec![settings.actions[0].map_or("off", Action::as_str).to_owned()];
    if injection != Injection::Never {
        words.push(if settings.injects { "injects" } else { "injects nothing" }.to_owned());
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

/// What is wrong with the annotation of a Deployment.
fn ignored(object: &Value) -> Vec<String> {
    let namespace = "shop".into();
    let seed = WorkloadSeed::new(Kind::DEPLOYMENT, &namespace).expect("Deployments run pods");
    let workload = seed.read(&object.to_string()).expect("a Deployment").workload;
    assert!(workload.annotations.get(ALLOW).is_some(), "annotated: {object}");
    let mut allowances = Allowances::of(&workload, Overrides::Allowed, RULES);
    std::mem::take(&mut allowances.problems)
}

/// What stands between backticks.
fn codes(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}
