//! Reports as text: for people and for programs.

mod comparison;
mod github;
pub mod html;
mod human;
mod json;
mod junit;
mod markdown;
mod sarif;

use crate::audit::comparison::Comparison;
use crate::audit::{Level, Report};

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Format {
    /// For people: excerpts with a caret, and a summary line
    Human,
    /// Version v1, for programs
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// JUnit XML, for CI servers
    Junit,
    /// Workflow commands, which GitHub shows beside the lines
    Github,
    /// One page with pictures, for a browser: filter, search, print
    Html,
    /// A table, for a comment on a pull request; with -v also notes and remedies
    Markdown,
}

/// What a format may take into account.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// `human`: notes are shown, not only counted; also what was skipped.
    pub notes: Notes,
    pub paint: Paint,
    /// `junit`: findings at this level or above are failures.
    pub fail_on: Level,
}

/// Whether notes are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notes {
    Counted,
    Shown,
}

/// Whether a text may hold terminal colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    Coloured,
    Plain,
}

/// Writes a report; every format ends with a line break, or is empty.
#[must_use]
pub fn render(report: &Report, format: Format, style: Style) -> String {
    match format {
        Format::Github => github::render(report),
        Format::Html => html::render(report, &html::Surroundings::default()),
        Format::Human => human::render(report, style),
        Format::Json => json::render(report),
        Format::Junit => junit::render(report, style.fail_on),
        Format::Markdown => markdown::render(report, style.notes),
        Format::Sarif => sarif::render(report),
    }
}

/// Writes a comparison; `None` for a format that has no place for one.
#[must_use]
pub fn compared(comparison: &Comparison, format: Format) -> Option<String> {
    match format {
        Format::Human => Some(comparison::human(comparison)),
        Format::Json => Some(comparison::json(comparison)),
        Format::Github | Format::Html | Format::Junit | Format::Markdown | Format::Sarif => None,
    }
}

/// A finding in one paragraph: what is wrong, and what to do.
fn paragraph(message: &str, remedy: &str) -> String {
    if remedy.is_empty() {
        message.to_owned()
    } else {
        format!("{message}. {remedy}")
    }
}
