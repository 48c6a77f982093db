//! `deploy/metrics/rules.yaml`, and what follows from it: the object for the Prometheus Operator, and the page's table.

use std::fmt::Write as _;

use serde_json::Value;

use super::promql::{Names, of_the_api_server, strange};
use super::promtool::promtool;
use super::{documents, list, scrape, text, word};
use crate::generated;

const RULES: &str = "deploy/metrics/rules.yaml";
const OPERATOR: &str = "deploy/metrics/prometheusrule.yaml";
const TESTS: &str = "tests/it/metrics/alerts.yaml";
const PAGE: &str = "docs/metrics.md";

/// Every rule, in order.
fn rules() -> Vec<Value> {
    let file = documents(RULES).remove(0);
    let groups = list(&file["groups"]).iter();
    groups.flat_map(|group| list(&group["rules"]).to_vec()).collect()
}

fn alerts() -> Vec<Value> {
    let rules = rules().into_iter();
    rules.filter(|rule| rule["alert"].is_string()).collect()
}

/// What an expression may ask for; what is recorded has lost all labels.
fn known() -> Names {
    let mut known = scrape::series();
    known.extend(of_the_api_server());
    for rule in rules() {
        if let Some(name) = rule["record"].as_str() {
            assert!(
                !word(&rule["expr"]).contains(" by "),
                "{name}: say here which labels it keeps"
            );
            known.insert(name.to_owned(), [].into());
        }
    }
    known
}

#[test]
fn rules_ask_for_what_there_is() {
    let known = known();
    for rule in rules() {
        let strange = strange(word(&rule["expr"]), &known);
        assert!(strange.is_empty(), "{rule} asks for {strange:?}");
    }
}

#[test]
fn every_alert_is_told_well() {
    for alert in alerts() {
        let name = word(&alert["alert"]);
        assert!(name.starts_with("Stateward"), "{name}");
        let severity = word(&alert["labels"]["severity"]);
        assert!(
            ["critical", "warning", "info"].contains(&severity),
            "{name}: {severity}"
        );
        let annotations = &alert["annotations"];
        assert!(!word(&annotations["summary"]).ends_with('.'), "{name}");
        // It stands in the page as well, where no label has a value.
        let description = word(&annotations["description"]);
        assert!(description.ends_with('.') && !description.contains("{{"), "{name}");
        // promtool does not say when a label of the words is none of the alert's.
        for part in word(&annotations["summary"]).split("$labels.").skip(1) {
            let label = part.split(' ').next().unwrap_or_default();
            let expression = word(&alert["expr"]);
            let (_, grouped) = expression.split_once(" by (").expect(name);
            let (grouped, _) = grouped.split_once(')').expect(name);
            assert!(grouped.split(", ").any(|it| it == label), "{name}: {label}");
        }
    }
}

#[test]
fn every_alert_is_tested_to_fire_and_to_be_silent() {
    let file = documents(TESTS).remove(0);
    let mut asked = Vec::new();
    for test in list(&file["tests"]) {
        for question in list(&test["promql_expr_test"]) {
            asked.push((word(&question["expr"]).to_owned(), list(&question["exp_samples"]).len()));
        }
    }
    for alert in alerts() {
        let expression = format!(
            "ALERTS{{alertname=\"{}\",alertstate=\"firing\"}}",
            word(&alert["alert"])
        );
        for found in [0, 1] {
            let answered = asked.contains(&(expression.clone(), found));
            assert!(answered, "{TESTS} never expects {found} of {expression}");
        }
    }
    for (expression, _) in &asked {
        let named = |alert: &Value| expression.contains(&format!("\"{}\"", word(&alert["alert"])));
        assert!(alerts().iter().any(named), "no such alert: {expression}");
    }
}

#[test]
fn the_operator_gets_the_same_rules() {
    let rules = text(RULES);
    let (_, groups) = rules.split_once("groups:\n").expect("groups");
    let mut object = format!(
        "# {RULES} for the Prometheus Operator.\n\
         # If your Prometheus selects by labels (`ruleSelector`), give them to this object.\n\
         apiVersion: monitoring.coreos.com/v1\n\
         kind: PrometheusRule\n\
         metadata:\n  labels:\n    app.kubernetes.io/name: stateward\n  name: stateward\n  namespace: stateward-system\n\
         spec:\n  groups:\n"
    );
    for line in groups.lines() {
        let indent = if line.is_empty() { "" } else { "  " };
        let _ = writeln!(object, "{indent}{line}");
    }
    let read: Value = serde_saphyr::from_str(&object).expect("YAML");
    assert_eq!(read["spec"]["groups"], documents(RULES)[0]["groups"]);
    generated::check(OPERATOR, &object);
}

#[test]
fn the_page_has_a_table_of_the_alerts() {
    let (begin, end) = ("<!-- alerts -->\n", "<!-- end -->\n");
    let page = text(PAGE);
    let (before, rest) = page.split_once(begin).expect(begin);
    let (_, after) = rest.split_once(end).expect(end);
    let mut table = "| Alert | Severity | When | What it means, and what to do |\n|---|---|---|---|\n".to_owned();
    for alert in alerts() {
        let annotations = &alert["annotations"];
        let cells = [
            &format!("`{}`", word(&alert["alert"])),
            word(&alert["labels"]["severity"]),
            // The labels are what the words leave open.
            &word(&annotations["summary"])
                .replace("{{ $labels.", "*")
                .replace(" }}", "*"),
            word(&annotations["description"]),
        ];
        let _ = writeln!(table, "| {} |", cells.join(" | "));
    }
    generated::check(PAGE, &format!("{before}{begin}{table}{end}{after}"));
}

#[test]
fn promtool_takes_the_rules_and_their_tests() {
    promtool(&["check", "rules", RULES], "");
    promtool(&["test", "rules", TESTS], "");
}
