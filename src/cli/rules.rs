//! `stateward rules`: the rules as a table, or the page of one.

use std::process::ExitCode;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::{Value, json};

use super::reporting::paint;
use crate::audit::{Page, pages};
use crate::output::Paint;
use crate::rules::RULES;
use crate::rules::kit::{Action, Case, Injection, Rule};

/// Print the rules, or the page of one rule with its examples.
///
/// The actions in the table are those of a rule's main case in the profiles Baseline and Strict; its page has the
/// others. The profile Audit records everything.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What a report names in brackets: `rwo-surge`
    #[arg(value_name = "ID", value_parser = page(), hide_possible_values = true)]
    page: Option<Page>,
    /// How to write the table
    #[arg(
        short = 'o',
        long,
        value_name = "FORMAT",
        default_value = "human",
        conflicts_with = "page"
    )]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    Human,
    /// Version v1, for programs: also every case and parameter
    Json,
}

impl Args {
    /// Prints the table or the page.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let text = match self.page {
            Some(page) => painted(page.text, paint()),
            None if self.format == Format::Json => format!("{:#}\n", described()),
            None => table(),
        };
        super::print(text.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Reads the id of a page; a shell completes it, and a slip is told the nearest.
fn page() -> impl TypedValueParser<Value = Page> {
    PossibleValuesParser::new(pages().map(|page| page.id)).try_map(|id| {
        let found = pages().find(|page| page.id == id);
        found.ok_or_else(|| format!("there is no rule {id:?}"))
    })
}

/// Colours the headings of a page, and what one may copy from it.
pub(super) fn painted(page: &str, paint: Paint) -> String {
    const BOLD: &str = "\x1b[1m";
    const CYAN: &str = "\x1b[36m";
    const END: &str = "\x1b[0m";
    if paint == Paint::Plain {
        return page.to_owned();
    }
    let mut text = String::new();
    let mut fenced = false;
    for line in page.lines() {
        let fence = line.trim_start().starts_with("```");
        let colour = match line {
            _ if fenced || fence => CYAN,
            line if line.starts_with('#') => BOLD,
            _ => "",
        };
        fenced ^= fence;
        let end = if colour.is_empty() { "" } else { END };
        text.push_str(&format!("{colour}{line}{end}\n"));
    }
    text
}

/// Every rule as programs read it.
fn described() -> Value {
    let rules = RULES.iter().map(|rule| {
        json!({
            "id": rule.id,
            "summary": rule.summary,
            "since": rule.since,
            "injects": injects(rule),
            "cases": rule.cases.iter().map(case).collect::<Vec<_>>(),
            "parameters": rule.parameters.iter().map(|parameter| json!({
                "name": parameter.name,
                "summary": parameter.summary,
            })).collect::<Vec<_>>(),
        })
    });
    json!({"version": "v1", "rules": rules.collect::<Vec<_>>()})
}

fn case(case: &Case) -> Value {
    json!({"when": case.when, "baseline": word(case.baseline), "strict": word(case.strict)})
}

fn word(action: Option<Action>) -> &'static str {
    action.map_or("off", Action::as_str)
}

fn injects(rule: &Rule) -> &'static str {
    match rule.injection {
        Injection::Always => "always",
        Injection::Never => "no",
        Injection::OptIn => "on request",
        Injection::OptOut => "unless disabled",
    }
}

/// One line a rule; actions are those of its main case.
fn table() -> String {
    let heading = ["RULE", "BASELINE", "STRICT", "INJECTS", "FINDS"];
    let rows: Vec<[&str; 5]> = std::iter::once(heading)
        .chain(RULES.iter().map(|rule| row(rule)))
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..4).map(width).collect();
    let mut table = String::new();
    for row in &rows {
        for (cell, width) in row.iter().zip(&widths) {
            table.push_str(&format!("{cell:width$}  "));
        }
        table.push_str(row[4]);
        table.push('\n');
    }
    table
}

fn row(rule: &Rule) -> [&'static str; 5] {
    let main = rule.cases.first();
    [
        rule.id,
        word(main.and_then(|case| case.baseline)),
        word(main.and_then(|case| case.strict)),
        injects(rule),
        rule.summary,
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
        parsed("duplicate-key").unwrap();
        let error = parsed("rwo-replica").unwrap_err().to_string();
        assert!(error.contains("a similar value exists: 'rwo-replicas'"), "{error}");
        parsed("x").unwrap_err();
    }

    #[test]
    fn headings_and_what_is_to_copy_have_colours() {
        let page = "# a\nb # c\n```yaml\n# d\n```\ne\n";
        let painted = painted(page, Paint::Coloured);
        let lines: Vec<&str> = painted.lines().collect();
        assert_eq!(lines[0], "\x1b[1m# a\x1b[0m");
        assert_eq!((lines[1], lines[5]), ("b # c", "e"));
        assert!(lines[2..5].iter().all(|line| line.starts_with("\x1b[36m")));
    }
}
