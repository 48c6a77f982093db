//! `overlapping-selectors`: the selector of one workload selects the pods of another.

use std::cmp::Reverse;

use super::kit::{Action, Case, Finding, Rule, Surroundings, governing, others, sharing, text};
use crate::graph::{Features, Field, Lookup, Runs, View, Workload};

/// So many others are named as objects that play a part; the text says how many there are.
const NAMED: usize = 20;

/// See `overlapping-selectors.md`.
pub(super) static RULE: Rule = Rule {
    id: "overlapping-selectors",
    summary: "the selector of one workload selects the pods of another",
    page: include_str!("overlapping-selectors.md"),
    since: "0.1.0",
    cases: &[Case::rising(Action::Warn, Action::Deny)],
    judges: Features::running(&[Runs::OnSchedule, Runs::PerNode, Runs::Replicas, Runs::ToCompletion]),
    judge: Some(judge),
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let mut found = cx.view.overlapping(workload);
    if found.is_empty() || !has_pods(workload, cx.view) {
        return;
    }
    found.retain(|other| {
        !other.is_owned()
            && !other.id.kind.runs(Runs::Itself)
            && !others::is_one_owner(workload, other)
            && !workload.shares_template_with(other)
            && has_pods(other, cx.view)
    });
    // The one that is worst comes first: it is named, and decides.
    found.sort_by_key(|other| Reverse(limit(workload, other, cx.view)));
    let Some(worst) = found.first() else {
        return;
    };
    let who = text::object(worst);
    let more = match found.len() - 1 {
        0 => String::new(),
        more => format!(" and of {}", text::counted(more as u64, "more workload")),
    };
    let short = format!("{} {}", worst.id.kind, worst.id.name);
    let (what, brief, path) = if workload.selects_pods_of(worst) {
        let pairs = governing::pairs(&workload.selector.match_labels);
        (
            format!("its selector {pairs} also selects the pods of {who}{more}"),
            format!("its selector also selects the pods of {short}"),
            workload
                .id
                .kind
                .path_of(Field::Selector)
                .unwrap_or("/spec/selector")
                .to_owned(),
        )
    } else {
        let pairs = governing::pairs(&worst.selector.match_labels);
        let template = workload.id.kind.pod_spec().trim_end_matches("/spec");
        (
            format!("its pods carry {pairs}, by which {who} selects its own{more}"),
            format!("its pods are also selected by {short}"),
            format!("{template}/metadata/labels"),
        )
    };
    let finding = Finding::violation(&RULE, &workload.id, "")
        .extent(found.len() as u64)
        .at_most(limit(workload, worst, cx.view))
        .says(
            format!(
                "{what}; an autoscaler of the one counts the pods of both, and a Service or budget with these labels \
                 means both"
            ),
            brief,
        )
        .remedy(
            "Give each a label of its own, such as component, in selector and template; selectors cannot be changed, so \
             one that exists is created anew",
        )
        .at(path);
    findings.push(found.iter().take(NAMED).fold(finding, |finding, other| {
        finding.related(other.id.clone(), "/spec/selector", "shares labels of its pods")
    }));
}

fn has_pods(workload: &Workload, view: &View<'_>) -> bool {
    !workload.deleting && sharing::pods_ever(workload, view) != Lookup::Known(0)
}

/// The strongest action that meeting `other` deserves: no denial stands in the way of a rename, of what runs once, or
/// of what somebody else writes. In files two may have the same labels that never come into one namespace.
fn limit(workload: &Workload, other: &Workload, view: &View<'_>) -> Action {
    let is_renamed = others::is_renamed_from(workload, other) || others::is_renamed_from(other, workload);
    let is_of_files = !view.knows_all(other.id.kind);
    if is_of_files || is_renamed || workload.is_one_shot() || other.is_one_shot() || other.is_operated() {
        Action::Warn
    } else {
        Action::Deny
    }
}
