//! `stateward rules`: the rules as a table, or the page of one.

use std::process::ExitCode;

use anyhow::anyhow;
use stateward_nearest::nearest;

use crate::rules::RULES;
use crate::rules::kit::{Action, Injection, Meta};

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

fn metas() -> impl Iterator<Item = &'static Meta> {
    RULES.iter().map(|rule| rule.meta())
}

fn page(id: &str) -> anyhow::Result<&'static str> {
    metas().find(|meta| meta.id == id).map(|meta| meta.page).ok_or_else(|| {
        let near =
            nearest(id, metas().map(|meta| meta.id)).map_or(String::new(), |near| format!(": did you mean {near}?"));
        anyhow!("there is no rule {id:?}{near}")
    })
}

/// One line a rule; actions are those of its main case.
fn table() -> String {
    let heading = ["RULE", "BASELINE", "STRICT", "INJECTS", "FINDS"].map(str::to_owned);
    let rows: Vec<[String; 5]> = std::iter::once(heading).chain(metas().map(row)).collect();
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

fn row(meta: &Meta) -> [String; 5] {
    let main = meta.cases.first();
    let action = |action: Option<Action>| action.map_or("off", Action::as_str).to_owned();
    let injects = match meta.injection {
        Injection::Always => "always",
        Injection::Never => "no",
        Injection::OptIn => "on request",
        Injection::OptOut => "unless disabled",
    };
    [
        meta.id.to_owned(),
        action(main.and_then(|case| case.baseline)),
        action(main.and_then(|case| case.strict)),
        injects.to_owned(),
        meta.summary.to_owned(),
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
        for (line, meta) in lines.zip(metas()) {
            assert_eq!(&line[finds..], meta.summary);
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
