//! GitHub's workflow commands: one line a finding, which GitHub shows beside the line of the file.

use std::fmt::Write as _;

use super::paragraph;
use crate::audit::report::STDIN;
use crate::audit::{Level, Location, Report};

pub(super) fn render(report: &Report) -> String {
    let mut text = String::new();
    for failure in &report.failures {
        let place = place(failure.location.as_ref(), &failure.file);
        let _ = writeln!(
            text,
            "::error {place}title=stateward::{}",
            data(&format!("{}: {}", failure.file, failure.message))
        );
    }
    for entry in &report.entries {
        let command = match entry.level {
            Level::Error => "error",
            Level::Note => "notice",
            Level::Warning => "warning",
        };
        let place = entry
            .location
            .as_ref()
            .map_or(String::new(), |at| place(Some(at), &at.file));
        let message = paragraph(&entry.message, &entry.remedy);
        let _ = writeln!(text, "::{command} {place}title={}::{}", entry.rule, data(&message));
    }
    text
}

/// Where it stands, as far as GitHub can show it: of what came by standard input no more than the template that Helm
/// made it from, whose lines are others.
fn place(location: Option<&Location>, file: &str) -> String {
    if file == STDIN {
        let source = location.and_then(|at| at.source.as_deref());
        return source.map_or_else(String::new, |source| format!("file={},", property(source)));
    }
    let file = property(file);
    location.map_or_else(
        || format!("file={file},"),
        |at| format!("file={file},line={},col={},", at.line, at.column),
    )
}

/// The command's data (`@actions/core`, `command.ts`, `escapeData`).
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property (`escapeProperty`).
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::report::Excerpt;

    #[test]
    fn a_place_of_standard_input_is_no_file() {
        let mut at = Location {
            file: STDIN.into(),
            line: 7,
            column: 1,
            width: 1,
            missing: false,
            excerpt: Excerpt::default(),
            source: None,
        };
        assert_eq!(place(Some(&at), STDIN), "");
        at.source = Some("db/templates/db.yaml".into());
        assert_eq!(place(Some(&at), STDIN), "file=db/templates/db.yaml,");
        assert_eq!(place(Some(&at), "a.yaml"), "file=a.yaml,line=7,col=1,");
    }

    #[test]
    fn nothing_ends_a_command_early() {
        assert_eq!(property("a,b:c%\n"), "a%2Cb%3Ac%25%0A");
        assert_eq!(data("a::b\r\n"), "a::b%0D%0A");
    }
}
