//! Small worlds that nobody thought of, the same in every run, and what Kubernetes says of what we say.
//!
//! Not everything that waits waits for a volume: a world that is stuck although no rule speaks is played again with
//! volumes that every node may use at once, and only where that settles is it our silence. And a denial that nothing
//! came of is believed only after other orders of creation.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use serde_json::{Value, json};
use stateward::graph::Kind;
use stateward::rules::kit::{Action, Verdict};

use super::PLACES;
use super::api::name;
use super::case::{Case, Disk, RWX};
use super::drawn::{lived, world};
use super::outcome::Outcome;
use super::site::{Placement, kind};
use super::stage::{Stage, on_stage, stage};
use super::verdict::{Said, verdict};

/// Worlds in a run of the tests; `ORACLE_WORLDS` says otherwise.
const WORLDS: usize = 300;

#[test]
fn kubernetes_agrees_about_generated_worlds() {
    let number = |variable: &str| std::env::var(variable).ok().and_then(|number| number.parse().ok());
    let (first, wanted) = (number("ORACLE_FIRST_WORLD"), number("ORACLE_WORLDS"));
    let worlds: Vec<Case> = (first.unwrap_or_default() as u64..)
        .map(world)
        .filter(|case| is_open(&verdict(case)))
        .take(wanted.unwrap_or(WORLDS))
        .collect();
    let breaches: Vec<String> = on_stage(async {
        let stage = stage().await;
        let played = futures::stream::iter(&worlds).map(|case| async move {
            disagreement(stage, case).await?;
            // Once may be chance.
            let wrong = disagreement(stage, case).await?;
            let (smallest, wrong) = smallest(stage, case.clone(), wrong).await;
            Some(format!("{}: {wrong}: {}", case.id, Value::from(smallest.objects)))
        });
        let breaches = played
            .buffer_unordered(PLACES)
            .filter_map(std::future::ready)
            .collect()
            .await;
        stage.cleared().await;
        breaches
    });
    assert!(breaches.is_empty(), "Kubernetes disagrees:\n{}", breaches.join("\n"));
}

type SaidByRule = BTreeMap<&'static str, Said>;

fn is_found(said: &SaidByRule) -> bool {
    said.values().any(|said| said.verdict == Verdict::Violation)
}

fn is_denied(said: &SaidByRule) -> bool {
    said.values().any(|said| said.strict == Some(Action::Deny))
}

/// Whether anything that Kubernetes does could show that what we say is wrong: a warning is right either way.
fn is_open(said: &SaidByRule) -> bool {
    is_denied(said) || !is_found(said)
}

/// Why what we say of a world is wrong.
async fn disagreement(stage: &Stage, case: &Case) -> Option<String> {
    let said = verdict(case);
    if !is_open(&said) {
        return None;
    }
    let (found, denied) = (is_found(&said), is_denied(&said));
    let stuck = match stage.play(case, Placement::Spread).await {
        // There is only one node to choose.
        Outcome::Settles if case.nodes == 1 => Outcome::Settles,
        Outcome::Settles => stage.play(case, Placement::Packed).await,
        stuck => stuck,
    };
    match stuck {
        Outcome::Stuck { after, waits } if !found => {
            let free = with_free_volumes(case);
            for placement in [Placement::Spread, Placement::Packed] {
                if stage.play(&free, placement).await != Outcome::Settles {
                    return None;
                }
            }
            Some(format!("no rule speaks, and once {after}, {waits:?}"))
        }
        Outcome::Settles if denied => {
            for order in 0..4 {
                // With another node there is an emptier one.
                let other = turned(case, order).nodes(case.nodes + order % 2);
                if stage.play(&other, Placement::Spread).await != Outcome::Settles {
                    return None;
                }
            }
            let rules: Vec<&&str> = said.keys().collect();
            Some(format!("denied by one of {rules:?}, and it settles"))
        }
        _ => None,
    }
}

/// The smallest world like this one of which something is wrong, too.
async fn smallest(stage: &Stage, mut case: Case, mut wrong: String) -> (Case, String) {
    'smaller: loop {
        for smaller in smaller(&case) {
            if let Some(still) = disagreement(stage, &smaller).await {
                (case, wrong) = (smaller, still);
                continue 'smaller;
            }
        }
        return (case, wrong);
    }
}

/// Worlds with one thing less.
fn smaller(case: &Case) -> Vec<Case> {
    let mut all = Vec::new();
    let with = |objects| {
        lived(Case {
            objects,
            ..case.clone()
        })
    };
    for (index, object) in case.objects.iter().enumerate() {
        if kind(object) != Kind::AUTOSCALER && !kind(object).is_workload() {
            continue;
        }
        // With the autoscaler of its name.
        let mut objects = case.objects.clone();
        objects.retain(|other| other != object && (kind(other) != Kind::AUTOSCALER || name(other) != name(object)));
        all.push(with(objects));
        if kind(object) == Kind::AUTOSCALER {
            continue;
        }
        let pods = kind(object).pod_spec();
        let further = ["affinity", "nodeSelector", "topologySpreadConstraints"].map(|field| format!("{pods}/{field}"));
        for field in further.into_iter().chain(["/spec/strategy".to_owned()]) {
            let (parent, member) = field.rsplit_once('/').unwrap_or_default();
            let mut objects = case.objects.clone();
            let parent = objects[index].pointer_mut(parent).and_then(Value::as_object_mut);
            if parent.is_some_and(|parent| parent.remove(member).is_some()) {
                all.push(with(objects));
            }
        }
        if let Some(replicas @ 2..) = object["spec"]["replicas"].as_u64() {
            let mut objects = case.objects.clone();
            objects[index]["spec"]["replicas"] = json!(replicas - 1);
            all.push(with(objects));
        }
    }
    all
}

/// The same with volumes that every node may use at once.
fn with_free_volumes(case: &Case) -> Case {
    let claims = ["data", "logs"];
    let mut free = claims.iter().fold(Case::new("free").nodes(case.nodes), |free, claim| {
        free.bound(claim, Disk::Csi, RWX)
    });
    let workloads = case.objects.iter().filter(|object| kind(object).is_workload());
    free.objects.extend(workloads.cloned());
    for object in &mut free.objects {
        let templates = object["spec"]["volumeClaimTemplates"].as_array_mut();
        for template in templates.into_iter().flatten() {
            template["spec"]["accessModes"] = json!(RWX);
        }
    }
    free.acts.clone_from(&case.acts);
    free
}

/// The same with workloads that are created in another order.
fn turned(case: &Case, by: usize) -> Case {
    let (mut workloads, mut objects): (Vec<Value>, Vec<Value>) = case
        .objects
        .iter()
        .cloned()
        .partition(|object| kind(object).is_workload());
    let count = workloads.len().max(1);
    workloads.rotate_left(by % count);
    objects.extend(workloads);
    Case {
        objects,
        ..case.clone()
    }
}
