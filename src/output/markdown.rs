//! Markdown, for a comment on a pull request: a table, short unless all is asked for.

use std::fmt::Write as _;

use super::Notes;
use crate::audit::{Entry, Level, Report};

/// So many rows are read in a comment.
const ROWS: usize = 20;
/// The longest comment that GitHub takes is 65,536 characters; what is not said of the last rows is counted.
const LONGEST: usize = 60_000;

pub(super) fn render(report: &Report, notes: Notes) -> String {
    let all = notes == Notes::Shown;
    let mut text = format!("### stateward: {}\n", counts(report));
    let mut entries: Vec<&Entry> = report
        .entries
        .iter()
        .filter(|entry| all || entry.level > Level::Note)
        .collect();
    // Stable: of one level they stay in the order of the report.
    entries.sort_by_key(|entry| std::cmp::Reverse((entry.level, !entry.is_let_pass())));
    for failure in &report.failures {
        let at = failure.location.as_ref();
        let at = at.map_or(String::new(), |at| format!(":{}:{}", at.line, at.column));
        let _ = write!(
            text,
            "\n- cannot be read: {}",
            plain(&format!("{}{at}: {}", failure.file, failure.message))
        );
    }
    if !report.failures.is_empty() {
        text.push('\n');
    }
    let mut rows = String::new();
    let mut told = 0;
    for entry in &entries {
        let row = row(entry, all);
        if (told == ROWS && !all) || text.len() + rows.len() + row.len() > LONGEST {
            break;
        }
        rows.push_str(&row);
        told += 1;
    }
    if told > 0 {
        let _ = write!(text, "\n| | Rule | Where | What |\n|---|---|---|---|\n{rows}");
    }
    let more = entries.len() - told;
    if more > 0 {
        let _ = writeln!(text, "\nand {more} more.");
    }
    let hidden = report.entries.len() - entries.len();
    if hidden > 0 {
        let plural = if hidden == 1 { "" } else { "s" };
        let _ = writeln!(text, "\n{hidden} note{plural} not shown.");
    }
    text
}

fn counts(report: &Report) -> String {
    let levels = [Level::Error, Level::Warning].map(|level| (report.count(level), level.as_str()));
    let counts: Vec<String> = levels
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}{}", if count == 1 { "" } else { "s" }))
        .collect();
    if counts.is_empty() {
        "nothing found".to_owned()
    } else {
        counts.join(", ")
    }
}

fn row(entry: &Entry, all: bool) -> String {
    let sign = match entry.level {
        Level::Error => "\u{2716} error",
        Level::Warning => "\u{25b2} warning",
        Level::Note => "\u{25cf} note",
    };
    let place = entry.location.as_ref();
    let place = place.map_or(String::new(), |at| format!("{}:{}", at.file, at.line));
    let place = if place.is_empty() { entry.object.title() } else { place };
    let mut words = plain(&entry.message);
    if all && !entry.remedy.is_empty() {
        let _ = write!(words, "<br>{}", plain(&entry.remedy));
    }
    if let Some(granted) = entry.granted() {
        let _ = write!(words, "<br>let pass until {}", plain(&granted.expires.in_words()));
    } else if entry.is_let_pass() {
        words.push_str("<br>let pass by annotation");
    }
    format!("| {sign} | {} | {} | {words} |\n", plain(entry.rule), plain(&place))
}

/// Text that Markdown takes for nothing else, and that calls nobody.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '|' | '#' | '@' | '~' | '!' | '$' => {
                let _ = write!(plain, "&#{};", u32::from(c));
            }
            c if c.is_control() => plain.push(' '),
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_out_of_objects_stays_text() {
        let text = plain("a|b\n<img src=x> @all [x](y) `c`");
        assert!(!text.contains(['|', '<', '\n', '@', '[', '`']), "{text}");
    }

    #[test]
    fn a_clean_report_is_one_line() {
        assert_eq!(
            render(&Report::default(), Notes::Counted),
            "### stateward: nothing found\n"
        );
    }
}
