//! `rwo-consumers`: two workloads use one single-node claim.

use super::kit::bond::{self, Bond};
use super::kit::others::{self, Other};
use super::kit::sharing::{self, Access, Barrier};
use super::kit::{Action, Case, Finding, Rule, Surroundings, text};
use crate::graph::{Features, Lookup, Modes, Runs, View, Workload};

/// See `rwo-consumers.md`.
pub(super) static RULE: Rule = Rule {
    id: "rwo-consumers",
    summary: "two workloads use one ReadWriteOnce claim",
    page: include_str!("rwo-consumers.md"),
    since: "0.1.0",
    cases: &[Case::always(Action::Deny)],
    parameters: &[sharing::LOCAL_PROVISIONERS],
    judges: Features::running(&[Runs::Itself, Runs::PerNode, Runs::Replicas]),
    judge: Some(judge),
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    // Of what runs once and ends speaks `rwo-job`, whichever side it is on.
    if workload.is_one_shot() || sharing::pods_ever(workload, cx.view) == Lookup::Known(0) {
        return;
    }
    for used in others::shareable(workload, cx.view) {
        let claim = used.claim();
        let held = match sharing::access(claim, cx) {
            // Of one pod alone speaks `rwop-overlap`.
            Access::Free | Access::OnePod(_) => continue,
            Access::OneNode(modes, barrier) => Ok((modes, barrier)),
            Access::Missing(missing) => Err(missing),
        };
        let mut met = others::others(workload, claim, cx.view);
        met.retain(|other| !other.workload.is_one_shot());
        if met.is_empty() {
            continue;
        }
        let confined = sharing::confined_claims(workload, cx);
        met.retain(|other| !sharing::mounts_any(other.workload, &confined));
        let mut met: Vec<(Meeting, Other<'_>)> = met
            .into_iter()
            .filter_map(|other| Some((Meeting::of(workload, &other, claim, cx.view)?, other)))
            .collect();
        // The one that is worst comes first: it is named, and decides.
        met.sort_by_key(|(meeting, _)| *meeting);
        let (meetings, others): (Vec<Meeting>, Vec<Other<'_>>) = met.into_iter().unzip();
        let (Some(meeting), Some(worst)) = (meetings.first(), others.first()) else {
            continue;
        };
        let finding = match held {
            // Nothing waits then.
            Ok((_, Barrier::Nothing)) if *meeting == Meeting::Led => continue,
            Ok((modes, barrier)) => {
                violation(workload, claim, modes, barrier, *meeting, &others).at_most(barrier.limit())
            }
            Err(missing) => {
                let question = format!("whether {} may use it too", text::object(worst.workload));
                sharing::cannot_tell(&RULE, workload, claim, missing, &question)
            }
        };
        let finding = others::related(finding, &others, claim);
        findings.push(finding.extent(others.len() as u64).at(used.path()));
    }
}

/// How two workloads meet on a claim; the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Meeting {
    /// Nothing brings them together.
    Apart,
    /// One of them is about to go, or was made to meet the other.
    Passing,
    /// The other one follows our pods; ours do not follow it.
    Led,
}

impl Meeting {
    /// `None` where they share a node. Where ours follow the other's, it is for the other to follow too.
    fn of(workload: &Workload, other: &Other<'_>, claim: &str, view: &View<'_>) -> Option<Self> {
        match bond::bond(workload, other.workload, claim, view) {
            Bond::Both | Bond::Follows => None,
            Bond::Leads => Some(Self::Led),
            Bond::None
                if others::is_renamed_from(workload, other.workload) || others::is_visit(workload, other.workload) =>
            {
                Some(Self::Passing)
            }
            Bond::None => Some(Self::Apart),
        }
    }
}

fn violation(
    workload: &Workload,
    claim: &str,
    modes: Modes,
    barrier: Barrier,
    meeting: Meeting,
    others: &[Other<'_>],
) -> Finding {
    let finding = Finding::violation(&RULE, &workload.id, claim);
    let (who, explained) = (others::described(others), text::modes_explained(modes));
    if meeting == Meeting::Led {
        let brief = others::brief(others);
        let affinity = others
            .first()
            .and_then(|other| bond::together(workload, other.workload));
        let affinity = affinity.unwrap_or_else(|| "required podAffinity that selects both".to_owned());
        return finding
            .says(
                format!(
                    "{who} has to run beside it, but not the reverse: a new pod of \"{}\" may land on another node and \
                     wait for claim \"{claim}\", which is {explained}",
                    workload.id.name
                ),
                format!("{brief} follows it for claim \"{claim}\", but not the reverse"),
            )
            .remedy(format!("Let it follow too: {affinity}"))
            .at_most(Action::Warn);
    }
    let limit = if meeting == Meeting::Passing {
        Action::Warn
    } else {
        Action::Deny
    };
    finding
        .says(
            format!(
                "claim \"{claim}\", which is {explained}, is also used by {who}; {}",
                barrier.consequence("pods")
            ),
            format!(
                "claim \"{claim}\", which is {modes}{}, is also used by {}",
                barrier.aside(),
                others::brief(others)
            ),
        )
        .remedy(remedy(workload, others))
        .at_most(limit)
}

fn remedy(workload: &Workload, others: &[Other<'_>]) -> String {
    let own = others.iter().map(|other| other.workload);
    match own.into_iter().find(|other| workload.shares_template_with(other)) {
        // Argo Rollouts' scaleDown, whatever it says, takes no pod of the lender away before one of the borrower is ready
        // (`rollout/replicaset.go`, `rollout/sync.go` of Argo Rollouts).
        Some(other) => {
            let (lender, borrower) = match workload.template_of() {
                Some(_) => (other, workload),
                None => (workload, other),
            };
            let (id, namespace) = (&lender.id, &lender.namespace);
            format!(
                "Scale {kind} \"{name}\" to 0 first: kubectl scale {resource} {name} -n {namespace} --replicas=0; workloadRef.scaleDown \
                 takes its pods away only once those of {} \"{}\" are ready, which wait for the claim",
                borrower.id.kind,
                borrower.id.name,
                kind = id.kind,
                name = id.name,
                resource = id.kind.as_str().to_lowercase(),
            )
        }
        None => {
            "Give each its own claim, use a ReadWriteMany class, or keep them on one node by required podAffinity with \
                 topologyKey kubernetes.io/hostname, in both"
                .to_owned()
        }
    }
}
