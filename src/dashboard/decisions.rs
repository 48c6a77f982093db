//! The last denials, warnings and injections, with who and when.

use std::fmt::Write as _;

use super::page::{Align, Place, ROWS, link, live, pager, path, search, table};
use super::query::Query;
use super::{Content, Dashboard};
use crate::admission::Remembered;
use crate::markup::escaped;
use crate::rules::kit::Action;

/// Makes the page.
pub(super) fn page(dashboard: &Dashboard, query: &Query) -> Content {
    let body = match &dashboard.decisions {
        Some(decisions) => list(&decisions.remembered(), query),
        None => "<p>Requests are decided by the webhook in the cluster, and only its own dashboard has seen them: \
                 <code>serve --dashboard-bind</code> has this page with the last denials, warnings and injections. What \
                 would become of a request, <a href=\"/replay\">Replay</a> tells here too.</p>\n"
            .to_owned(),
    };
    Content {
        title: "Decisions".to_owned(),
        place: Place::Decisions,
        body: format!("<h1>Decisions</h1>\n{body}"),
    }
}

const OUTCOMES: [&str; 4] = ["denied", "warned", "injected", "recorded"];

/// What became of a request.
fn outcome(one: &Remembered) -> &'static str {
    if !one.allowed {
        "denied"
    } else if !one.injected.is_empty() {
        "injected"
    } else if one.findings.iter().any(|found| found.action == Action::Warn) {
        "warned"
    } else {
        "recorded"
    }
}

fn list(all: &[Remembered], query: &Query) -> String {
    let meets = |one: &&Remembered| {
        let rules: Vec<&str> = one.findings.iter().map(|found| found.rule).collect();
        let words = [
            &*one.user,
            &one.operation,
            &one.kind,
            &one.namespace,
            &one.name,
            &rules.join(" "),
            &one.injected.join(" "),
        ];
        (query.outcome.is_empty() || outcome(one) == query.outcome) && query.meets(&words.join(" "))
    };
    let rows: Vec<&Remembered> = all.iter().filter(meets).collect();
    let skipped = query.page.saturating_mul(ROWS);
    let shown: Vec<Vec<String>> = rows.iter().skip(skipped).take(ROWS).map(|one| row(one)).collect();
    let columns = ["When", "Outcome", "Who", "What", "Why"].map(|heading| (heading, Align::Words));
    let pager = pager(shown.len(), rows.len(), query, "decision");
    let list = format!(
        "{pager}{}<p class=\"mute\">The last 1,000 with findings and the last 1,000 injections of this replica, without the \
         objects.</p>\n",
        table("Decisions", &columns, shown)
    );
    let mut options = String::from("<option value=\"\">all</option>");
    for outcome in OUTCOMES {
        let selected = if outcome == query.outcome {
            " selected=\"selected\""
        } else {
            ""
        };
        let _ = write!(options, "<option value=\"{outcome}\"{selected}>{outcome}</option>");
    }
    let select = format!(
        "<div><label for=\"outcome\">Outcome</label><select id=\"outcome\" name=\"outcome\">{options}</select></div>\n"
    );
    format!(
        "{}{}",
        search("Who, kind, name or rule", &query.words, &select),
        live("decisions", &list)
    )
}

fn row(one: &Remembered) -> Vec<String> {
    let scale = if one.sub_resource.is_empty() {
        String::new()
    } else {
        format!(" ({})", one.sub_resource)
    };
    let dry_run = if one.dry_run { ", dry run" } else { "" };
    let what = format!("{} {} {}{scale}{dry_run}", one.operation, one.kind, one.name);
    let place = if one.namespace.is_empty() {
        String::new()
    } else {
        format!(" in {}", link(&path(&["namespaces", &one.namespace]), &one.namespace))
    };
    let mut why = String::new();
    for found in &one.findings {
        let rule = link(&path(&["rules", found.rule]), found.rule);
        let _ = write!(why, "<p>{rule}: {}</p>", escaped(&found.message));
    }
    for rule in &one.injected {
        let _ = write!(why, "<p>{}</p>", link(&path(&["rules", rule]), rule));
    }
    vec![
        escaped(&one.time.to_string().replace('T', " ").replace('Z', " UTC")),
        outcome(one).to_owned(),
        escaped(&one.user),
        format!("{}{place}", escaped(&what)),
        why,
    ]
}
