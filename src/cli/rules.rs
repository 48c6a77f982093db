//! `stateward rules`: the rules as a table, or the page of one.

use std::process::ExitCode;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::rules::RULES;
use crate::rules::kit::{Action, Injection, Rule};

/// Print the rules, or the page of one rule with its examples.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Id of a rule
    #[arg(value_name = "ID", value_parser = rule(), hide_possible_values = true)]
    rule: Option<&'static Rule>,
}

impl Args {
    /// Prints the table or the page.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let text = self.rule.map_or_else(table, |rule| rule.page.to_owned());
        super::print(text.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Reads the id of a rule; a shell completes it, and a slip is told the nearest.
fn rule() -> impl TypedValueParser<Value = &'static Rule> {
    PossibleValuesParser::new(RULES.iter().map(|rule| rule.id)).try_map(|id| {
        let found = RULES.iter().copied().find(|rule| rule.id == id);
        found.ok_or_else(|| format!("there is no rule {id:?}"))
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
    use clap::Parser as _;

    use super::*;
    use crate::cli::Cli;

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
        let parsed = |id: &str| Cli::try_parse_from(["stateward", "rules", id]).map(|_| ());
        parsed("rwo-replicas").unwrap();
        let error = parsed("rwo-replica").unwrap_err().to_string();
        assert!(error.contains("a similar value exists: 'rwo-replicas'"), "{error}");
        parsed("x").unwrap_err();
    }
}
