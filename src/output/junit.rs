//! JUnit XML: a test case a finding, in a suite a file. Who only counts failures sees what makes the check fail.

use std::fmt::Write as _;

use super::paragraph;
use crate::audit::{Entry, Level, Report};
use crate::markup::escaped;

/// The test cases of one file.
struct Suite<'a> {
    name: &'a str,
    cases: Vec<String>,
    failures: usize,
    errors: usize,
}

pub(super) fn render(report: &Report, fail_on: Level) -> String {
    let mut suites = Suites::default();
    for failure in &report.failures {
        let at = failure
            .location
            .as_ref()
            .map_or(String::new(), |at| format!("{}:{}: ", at.line, at.column));
        let (file, message) = (escaped(&failure.file), escaped(&format!("{at}{}", failure.message)));
        suites.of(&failure.file).errors += 1;
        suites.of(&failure.file).cases.push(format!(
            "    <testcase classname=\"{file}\" name=\"readable\">\n      <error message=\"{message}\"/>\n    </testcase>\n"
        ));
    }
    for entry in &report.entries {
        let place = entry.location.as_ref();
        let suite = suites.of(place.map_or(&*entry.object.namespace, |at| &*at.file));
        let fails = entry.level >= fail_on && !entry.is_let_pass();
        suite.failures += usize::from(fails);
        suite.cases.push(case(entry, fails));
    }
    if suites.list.is_empty() {
        // Some servers take a report without any test for a broken one.
        suites.of("stateward").cases.push(format!(
            "    <testcase classname=\"stateward\" name=\"{} workloads\"/>\n",
            report.workloads
        ));
    }
    suites.render()
}

/// The suites of a report, in the order in which they were first named.
#[derive(Default)]
struct Suites<'a> {
    list: Vec<Suite<'a>>,
}

impl<'a> Suites<'a> {
    fn of(&mut self, name: &'a str) -> &mut Suite<'a> {
        let position = self.list.iter().position(|suite| suite.name == name);
        let position = position.unwrap_or_else(|| {
            self.list.push(Suite::new(name));
            self.list.len() - 1
        });
        &mut self.list[position]
    }

    fn render(&self) -> String {
        let sum = |of: fn(&Suite<'_>) -> usize| self.list.iter().map(of).sum::<usize>();
        let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let _ = writeln!(
            text,
            "<testsuites name=\"stateward\" tests=\"{}\" failures=\"{}\" errors=\"{}\">",
            sum(|suite| suite.cases.len()),
            sum(|suite| suite.failures),
            sum(|suite| suite.errors),
        );
        for suite in &self.list {
            let _ = writeln!(
                text,
                "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\">",
                escaped(suite.name),
                suite.cases.len(),
                suite.failures,
                suite.errors,
            );
            text.extend(suite.cases.iter().map(String::as_str));
            text.push_str("  </testsuite>\n");
        }
        text.push_str("</testsuites>\n");
        text
    }
}

impl<'a> Suite<'a> {
    const fn new(name: &'a str) -> Self {
        Self {
            name,
            cases: Vec::new(),
            failures: 0,
            errors: 0,
        }
    }
}

fn case(entry: &Entry, fails: bool) -> String {
    let at = entry
        .location
        .as_ref()
        .map_or(String::new(), |at| format!("{}:{}:{}: ", at.file, at.line, at.column));
    let title = entry.object.title();
    let (level, rule) = (entry.level.as_str(), entry.rule);
    let words = escaped(&format!("{at}{level}: {}", paragraph(&entry.message, &entry.remedy)));
    let body = if fails {
        format!(
            "      <failure type=\"{rule}\" message=\"{}\">{words}</failure>\n",
            escaped(&entry.message)
        )
    } else {
        format!("      <system-out>{words}</system-out>\n")
    };
    format!(
        "    <testcase classname=\"{}\" name=\"{rule}: {}\">\n{body}    </testcase>\n",
        escaped(&title),
        escaped(&entry.path)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_report_has_a_test() {
        let text = render(&Report::default(), Level::Error);
        assert!(text.contains("tests=\"1\" failures=\"0\" errors=\"0\""), "{text}");
    }
}
