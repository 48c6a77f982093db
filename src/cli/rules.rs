//! `stateward rules`: the rules as a table, or the page of one.

use std::process::ExitCode;

use anyhow::anyhow;
use stateward_nearest::nearest;

use crate::rules::RULES;
use crate::rules::kit::{Action, Injection, Rule};

/// Print the rules, or the page of one rule with its examples.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Id of a rule
    id: Option<String>,
}

impl Args {
    /// Prints the table or the page.
    ///
    /// # Errors
    /// When there is no such rule, or standard output cannot be written.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let text = match &self.id {
            None => table(),
            Some(id) => page(id)?.to_owned(),
        };
        super::print(text.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}

fn page(id: &str) -> anyhow::Result<&'static str> {
    let found = RULES.iter().find(|rule| rule.id == id);
    found.map(|rule| rule.page).ok_or_else(|| {
        let near = nearest(id, RULES.iter().map(|rule| rule.id));
        let near = near.map_or(String::new(), |near| format!(": did you mean {near}?"));
        anyhow!("there is no rule {id:?}{near}")
    })
}

/// One line a rule; actions are those of its main case.
fn table() -> String {
    let heading = ["RULE", "BASELINE", "STRICT", "INJECTS", "FINDS"].map(str::to_owned);
    let rows: Vec<[String; 5]> = std::iter::once(heading)
        .chain(RULES.iter().map(|rule| row(rule)))
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..4).map(width).collect();
    let mut table = String::new();
    for row in &rows {
        for (cell, width) in row.iter().zip(&widths) {
            table.push_str(&format!("{cell:width$}  "));
        }
        table.push_str(&row[4]);
        table.push('\n');
    }
    table
}

fn row(rule: &Rule) -> [String; 5] {
    let main = rule.cases.first();
    let action = |action: Option<Action>| action.map_or("off", Action::as_str).to_owned();
    let injects = match rule.injection {
        Injection::Always => "always",
        Injection::Never => "no",
        Injection::OptIn => "on request",
        Injection::OptOut => "unless disabled",
    };
    [
        rule.id.to_owned(),
        action(main.and_then(|case| case.baseline)),
        action(main.and_then(|case| case.strict)),
        injects.to_owned(),
        rule.summary.to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_begin_below_their_headings() {
        let table = table();
        let mut lines = table.lines();
        let heading = lines.next().unwrap();
        let finds = heading.find("FINDS").unwrap();
        assert_eq!(lines.clone().count(), RULES.len());
        for (line, rule) in lines.zip(RULES) {
            assert_eq!(&line[finds..], rule.summary);
        }
    }

    #[test]
    fn a_slip_is_told_the_nearest_name() {
        assert!(page("rwo-replicas").unwrap().starts_with("# rwo-replicas\n"));
        let error = page("rwo-replica").unwrap_err().to_string();
        assert_eq!(error, "there is no rule \"rwo-replica\": did you mean rwo-replicas?");
        assert_eq!(page("x").unwrap_err().to_string(), "there is no rule \"x\"");
    }
}
