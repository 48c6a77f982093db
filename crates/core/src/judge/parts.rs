//! What rules find in a workload of several pod templates: in the pods of each, as in a workload of its own, and in those
//! of several that share a claim.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::graph::{Field, Name, OfPart, Part, Pods, Workload};
use crate::rules::kit::bond::{self, Bond};
use crate::rules::kit::rule::Judge;
use crate::rules::kit::sharing::{self, Access};
use crate::rules::kit::{Finding, Surroundings, Verdict};

/// Adds what a rule finds in a workload, of however many templates its pods are.
pub(super) fn judge(judge: Judge, workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let Some(several) = workload.several() else {
        judge(workload, cx, findings);
        return;
    };
    let parts = workload.by_template();
    let mut all = Vec::new();
    for (alone, part) in &parts {
        let first = all.len();
        judge(alone, cx, &mut all);
        place(&mut all[first..], workload, part);
    }
    // Pods that wait for one another to end never meet.
    if !several.in_turn {
        for (claim, together, part) in together(&parts, cx) {
            let first = all.len();
            judge(&together, cx, &mut all);
            // All else was found in each of them.
            let about_claim = all
                .split_off(first)
                .into_iter()
                .filter(|finding| finding.subject == claim);
            all.extend(about_claim);
            place(&mut all[first..], workload, part);
        }
    }
    findings.extend(worst(all));
}

/// The claims that pods of several templates name, each with one workload that has all of these pods.
fn together<'p>(parts: &'p [OfPart<'_>], cx: &Surroundings<'_>) -> Vec<(Name, Workload, &'p Part)> {
    let mut users: BTreeMap<&Name, Vec<&OfPart<'_>>> = BTreeMap::new();
    for part in parts {
        for (claim, _) in part.0.claims() {
            let users = users.entry(claim).or_default();
            if users.last().is_none_or(|last| !std::ptr::eq(*last, part)) {
                users.push(part);
            }
        }
    }
    let shared = users.into_iter().filter_map(|(claim, users)| {
        let [(first, part), rest @ ..] = &users[..] else {
            return None;
        };
        // On one node they may share it, unless it is for one pod alone.
        let for_one = matches!(sharing::access(claim, cx), Access::OnePod(_));
        let apart = rest
            .iter()
            .filter(|(other, _)| for_one || bond::bond(first, other, claim, cx.view) == Bond::None);
        let (more, is_alike) = apart.fold((0_u32, true), |(more, is_alike), (other, _)| {
            let alike = first.pods.placement == other.pods.placement && first.pods.labels == other.pods.labels;
            (more.saturating_add(other.replicas), is_alike && alike)
        });
        let pods = Pods {
            placement: first.pods.placement.clone().filter(|_| is_alike),
            ..Pods::clone(&first.pods)
        };
        let together = Workload {
            replicas: first.replicas.saturating_add(more),
            pods: Arc::new(pods),
            ..first.clone()
        };
        (more > 0).then(|| (claim.clone(), together, *part))
    });
    shared.collect()
}

/// Has findings point into one of the templates, and at what says how many pods are made of it.
fn place(findings: &mut [Finding], workload: &Workload, part: &Part) {
    let kind = workload.id.kind;
    let template = kind.pod_spec().trim_end_matches("/spec");
    let replicas = kind.path_of(Field::Replicas).unwrap_or_default();
    for finding in findings {
        if finding.path == replicas {
            finding.path = part.count_path.to_string();
        } else if let Some(rest) = finding.path.strip_prefix(template) {
            finding.path = format!("{}{rest}", part.path);
        }
    }
}

/// Of findings of one rule about one thing the worst: more pods, and what is certain before what cannot be told.
fn worst(findings: Vec<Finding>) -> Vec<Finding> {
    let mut worst: Vec<Finding> = Vec::new();
    for finding in findings {
        let rank = |finding: &Finding| (finding.verdict == Verdict::Violation, finding.extent);
        match worst.iter_mut().find(|known| known.subject == finding.subject) {
            Some(known) if rank(&finding) > rank(known) => *known = finding,
            Some(_) => {}
            None => worst.push(finding),
        }
    }
    worst
}
