//! The metrics and labels that an expression names.
//!
//! No parser: `promtool` says whether an expression is one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex_lite::{Captures, Regex};

/// Metrics by name, each with its labels.
pub type Names = BTreeMap<String, BTreeSet<String>>;

/// What every scraped series has besides.
const TARGET: [&str; 1] = ["instance"];
/// What stands between metrics and is none.
const WORDS: [&str; 6] = ["and", "bool", "offset", "on", "or", "unless"];

/// What of an expression does not exist: metrics, labels that select, and labels that are grouped by.
pub fn strange(expression: &str, known: &Names) -> Vec<String> {
    let mut strange = Vec::new();
    let plain = STRINGS.replace_all(expression, "''");
    let mut groupings = BTreeSet::new();
    let plain = GROUPING.replace_all(&plain, |found: &Captures<'_>| {
        groupings.extend(labels(&found[1]));
        String::new()
    });
    let plain = RANGE.replace_all(&plain, "");
    let mut of_metrics: BTreeSet<&str> = TARGET.into();
    for found in SELECTOR.captures_iter(&plain) {
        let name = &found[1];
        let rest = &plain[found.get(0).expect("the whole").end()..];
        if rest.starts_with('(') || WORDS.contains(&name) {
            continue;
        }
        let Some(has) = known.get(name) else {
            strange.push(name.to_owned());
            continue;
        };
        of_metrics.extend(has.iter().map(String::as_str));
        let selects = found.get(2).map_or("", |labels| labels.as_str());
        let lacking = labels(selects).filter(|label| !has.contains(label) && !TARGET.contains(&label.as_str()));
        strange.extend(lacking.map(|label| format!("{name}{{{label}}}")));
    }
    let lacking = groupings.iter().filter(|label| !of_metrics.contains(label.as_str()));
    strange.extend(lacking.map(|label| format!("by ({label})")));
    strange
}

/// The labels of a list, or of matchers whose values are gone.
fn labels(list: &str) -> impl Iterator<Item = String> {
    let names = list
        .split(',')
        .map(|label| label.split(['=', '!']).next().unwrap_or_default());
    let names = names.map(|name| name.trim().to_owned());
    names.filter(|name| !name.is_empty())
}

/// Metrics of an API server that are asked for. Kubernetes counts them for every webhook.
pub fn of_the_api_server() -> Names {
    let labels = ["name", "type"].map(str::to_owned).into();
    [("apiserver_admission_webhook_fail_open_count".to_owned(), labels)].into()
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a pattern")
}

static STRINGS: LazyLock<Regex> = LazyLock::new(|| regex(r#""(?:[^"\\]|\\.)*""#));
static GROUPING: LazyLock<Regex> = LazyLock::new(|| regex(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)"));
static RANGE: LazyLock<Regex> = LazyLock::new(|| regex(r"\[[^\]]*\]|offset\s+\w+"));
static SELECTOR: LazyLock<Regex> = LazyLock::new(|| regex(r"\b([A-Za-z_:][\w:]*)\s*(?:\{([^}]*)\})?"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_exist_is_told() {
        let labels = ["rule", "le"].map(str::to_owned);
        let known: Names = [("a_total".to_owned(), labels.into()), ("b:c".to_owned(), [].into())].into();
        let told = |expression| strange(expression, &known).join(", ");
        assert_eq!(told(r#"sum by (rule) (rate(a_total{le="0.1"}[5m] offset 1d)) > 5"#), "");
        assert_eq!(told("1.5e3 * max(b:c) or vector(0) unless a_total"), "");
        assert_eq!(told(r#"sum by (instance) (a_total{instance="x"})"#), "");
        assert_eq!(told(r#"rate(a_totl{rule="a_b"}[5m])"#), "a_totl");
        assert_eq!(told(r#"a_total{rule="x", kind=~"y"}"#), "a_total{kind}");
        assert_eq!(told("sum by (kind, rule) (a_total)"), "by (kind)");
        assert_eq!(told("sum by (rule) (b:c)"), "by (rule)");
    }
}
