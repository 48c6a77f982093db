//! Small worlds that nobody thought of, the same in every run, and what Kubernetes says of what we say.
//!
//! Not everything that waits waits for a volume: a world that is stuck although no rule speaks is played again with
//! volumes that every node may use at once, and only where that settles is it our silence. And a denial that nothing
//! came of is believed only after other orders of creation.

use futures::StreamExt as _;
use serde_json::{Value, json};
use stateward::graph::Kind;
use stateward::rules::kit::{Action, Verdict};

use super::PLACES;
use super::case::{Case, Disk, RWO, RWO_ROX, RWOP, RWX, Workload};
use super::site::{Placement, kind};
use super::stage::{Outcome, Stage, on_stage, stage};
use super::verdict::verdict;
use crate::support::dice::Dice;

/// Worlds in a run of the tests; `ORACLE_WORLDS` says otherwise.
const WORLDS: u64 = 60;

#[test]
fn kubernetes_agrees_about_generated_worlds() {
    let wanted = std::env::var("ORACLE_WORLDS").ok().and_then(|count| count.parse().ok());
    let worlds: Vec<Case> = (0..wanted.unwrap_or(WORLDS)).map(world).collect();
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

/// Why what we say of a world is wrong.
async fn disagreement(stage: &Stage, case: &Case) -> Option<String> {
    let spread = stage.play(case, Placement::Spread).await;
    let said = verdict(case);
    let found = said.values().any(|said| said.verdict == Verdict::Violation);
    let denied = said.values().any(|said| said.strict == Some(Action::Deny));
    let stuck = match spread {
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
    let with = |objects| Case {
        objects,
        ..case.clone()
    };
    for (index, object) in case.objects.iter().enumerate() {
        if !kind(object).is_workload() {
            continue;
        }
        let mut objects = case.objects.clone();
        objects.remove(index);
        all.push(with(objects));
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

/// The world of a number.
fn world(number: u64) -> Case {
    // SplitMix64, whose bytes are as good as any.
    let mut state = number;
    let mut bytes = Vec::new();
    while bytes.len() < 64 {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend((mixed ^ (mixed >> 31)).to_be_bytes());
    }
    let dice = &mut Dice::new(&bytes);
    let mut case = Case::new(format!("world-{number}")).nodes(dice.pick(&[2, 2, 2, 3, 1]));
    for claim in ["data", "logs"] {
        let modes = dice.pick(&[RWO, RWO, RWO, RWOP, RWX, RWO_ROX]);
        case = match dice.below(8) {
            0 => case.bound(claim, Disk::Share, modes),
            1 => case.bound(claim, Disk::Local, RWO),
            2 => case.bound(claim, Disk::Iscsi, RWO),
            3 => case.claim(claim, "disk-waits", modes),
            _ => case.bound(claim, Disk::Csi, modes),
        };
    }
    for name in &["web", "worker", "front"][..=dice.below(3)] {
        case = case.with(workload(name, dice));
    }
    case
}

fn workload(name: &str, dice: &mut Dice<'_>) -> Workload {
    let kinds = [
        Kind::DEPLOYMENT,
        Kind::DEPLOYMENT,
        Kind::DEPLOYMENT,
        Kind::STATEFUL_SET,
        Kind::REPLICA_SET,
        Kind::DAEMON_SET,
    ];
    let kind = dice.pick(&kinds);
    let mut workload = Workload::of(kind, name);
    if kind != Kind::DAEMON_SET {
        workload = workload.replicas(dice.pick(&[1, 1, 1, 2, 3, 0]));
    }
    // One that is switched off is judged as if it had a pod to roll out, which it will have.
    if kind == Kind::DEPLOYMENT && workload.0["spec"]["replicas"] != 0 {
        workload = match dice.below(6) {
            0 | 1 => workload.recreated(),
            2 => workload.rolling(&json!(0), &json!(1)),
            3 => workload.rolling(&json!(1), &json!(0)),
            4 => workload.rolling(&json!("50%"), &json!("50%")),
            _ => workload,
        };
    }
    if kind == Kind::DEPLOYMENT && workload.0["spec"]["replicas"] == 0 {
        workload = workload.recreated();
    }
    workload = match dice.below(9) {
        0 => workload.pinned("n1"),
        1 => workload.beside(name),
        2 => workload.beside_any(&["web", "worker", "front"]),
        3 => workload.apart_from(name),
        4 => workload.even(1),
        _ => workload,
    };
    match dice.below(5) {
        0 => workload.uses("logs"),
        1 => workload.uses("data").uses("logs"),
        2 if kind == Kind::STATEFUL_SET => workload.template("own", RWO),
        _ => workload.uses("data"),
    }
}
