//! A page on which every metric is told, with all of its labels.

use std::collections::BTreeSet;

use stateward::metrics::{End, EventFate, LiveRead, Metrics, Outcome, Port, Refusal, SentFate};
use stateward::metrics::{Reloaded, ReportFate, Verb, Webhook};
use stateward::rules::RULES;
use stateward::rules::kit::Action;

use super::promql::Names;
use super::promtool::{CHECK_METRICS, promtool};
use super::text;

/// Metrics to which everything has happened once.
fn eventful() -> Metrics {
    let metrics = Metrics::new(RULES);
    let rule = RULES[0].id;
    metrics.request(Webhook::Validate, Verb::Create, Outcome::Deny, 0.000_07);
    metrics.finding(rule, Action::Deny);
    metrics.patch(rule);
    metrics.unknown_lookup("Service");
    metrics.live_read("Service", LiveRead::Timeout);
    metrics.certificate.tell(1_700_000_000, 1_800_000_000);
    metrics.authority.tell(1_600_000_000, 1_900_000_000);
    metrics.reloads(Reloaded::Policies).refused(Refusal::Invalid);
    metrics.traffic(Port::Webhook).ended(End::Silent);
    metrics.body_bytes.observe(|| 4096);
    metrics.reservations.observe(|| 3);
    metrics.exceptions.observe_each(|| vec![("active", 1.0)]);
    metrics.graph_objects.observe_each(|| vec![("Service", 7.0)]);
    metrics.policies.observe_each(|| vec![("in_force", 1.0)]);
    metrics.watch_age.observe_each(|| vec![("Service", 1.5)]);
    let labels = move || vec![([rule.into(), "deny".into(), "shop".into()], 2.0)];
    metrics.audit.open_findings.observe(labels);
    metrics.audit.duration.observe(0.2);
    metrics.audit.event(EventFate::Written);
    metrics.sent.records.count(SentFate::Sent, 1);
    metrics.sent.spans.count(SentFate::Sent, 1);
    metrics.audit.report(ReportFate::Written);
    metrics
}

/// Every series that there can be, each with its labels.
pub fn series() -> Names {
    names(&eventful().encode_plain().expect("text"))
}

/// The series of a page, each with its labels.
pub fn names(page: &str) -> Names {
    let mut names = Names::new();
    for line in page.lines() {
        if line.starts_with('#') {
            continue;
        }
        let (series, _) = line.rsplit_once(' ').expect("a value");
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        // No value of a label that is looked at has a comma.
        let labels = labels.trim_end_matches('}').split(',');
        let labels = labels.filter_map(|label| Some(label.split_once('=')?.0.to_owned()));
        names.entry(name.to_owned()).or_default().extend(labels);
    }
    names
}

#[test]
fn the_page_about_metrics_tells_the_labels_of_each() {
    let page = text("docs/metrics.md");
    let cells = page.lines().filter_map(|line| line.strip_prefix("| `stateward_"));
    let cells = cells.map(|line| format!("stateward_{}", line.split('`').next().unwrap_or_default()));
    let written: BTreeSet<(String, BTreeSet<String>)> = cells
        .map(|cell| {
            let (name, labels) = cell.split_once('{').unwrap_or((&cell, ""));
            let labels = labels.trim_end_matches('}').split(',');
            let labels = labels.filter(|label| !label.is_empty()).map(str::to_owned);
            (name.to_owned(), labels.collect())
        })
        .collect();
    let histogram = |name: &str| ["_bucket", "_count", "_sum"].iter().any(|part| name.ends_with(part));
    let mut told: BTreeSet<_> = series().into_iter().filter(|(name, _)| !histogram(name)).collect();
    for (name, labels) in series() {
        let family = name.strip_suffix("_count");
        told.extend(family.map(|family| (family.to_owned(), labels)));
    }
    let missing: Vec<_> = told.difference(&written).collect();
    let unknown: Vec<_> = written.difference(&told).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "docs/metrics.md lacks {missing:?} and tells of {unknown:?}; what is told here follows from `eventful`"
    );
}

#[test]
fn every_metric_at_once_passes_promtool() {
    promtool(&CHECK_METRICS, &eventful().encode_plain().expect("text"));
}
