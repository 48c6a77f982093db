//! What has no volumes, no Service and no claim templates hears only of its identity, its kind and its changes.

use std::collections::BTreeSet;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use stateward::graph::{Change, Graph, Kind};
use stateward::judge::defaults::Services;
use stateward::judge::{Reserve, admit, admit_defaults};
use stateward::policy::{Enforced, Policies, Profile, Settings};
use stateward::rules::RULES;
use stateward::rules::kit::Action;
use stateward::time::Time;

use crate::support::changes::{change, workload_kinds};
use crate::support::dice::Dice;
use crate::support::webhook::asked;
use crate::support::workloads::workload;
use crate::support::worlds::{World, entropy};

/// The rules that look at something else, and at what.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("database-in-deployment", "kind"),
    ("daemonset-shaped", "kind"),
    ("immutable-change", "change"),
    ("naked-pod", "kind"),
    ("needless-statefulset", "kind"),
    ("overlapping-selectors", "identity"),
    ("partition-stall", "change"),
    ("rollout-fields", "change"),
    ("service-name-missing", "identity"),
    ("statefulset-name", "identity"),
    ("statefulset-recreate", "change"),
    ("unspread-replicas", "identity"),
    ("zero-grace", "change"),
];

const CASES: usize = 1500;

#[test]
fn without_volumes_services_and_templates_no_other_rule_speaks() {
    let mut spoken = BTreeSet::new();
    let mut runner = TestRunner::deterministic();
    for _ in 0..CASES {
        let bytes = (entropy(), entropy()).new_tree(&mut runner).expect("bytes").current();
        let graph = World::new(&mut Dice::new(&bytes.0)).graph(|position| position as u64);
        let dice = &mut Dice::new(&bytes.1);
        let kind = dice.pick(&workload_kinds());
        let name = dice.pick(&[
            "web",
            "db",
            "a-name-that-is-longer-than-what-the-hash-of-a-revision-leaves",
        ]);
        let (mut before, mut after) = (workload(kind, name, dice), workload(kind, name, dice));
        strip(kind, &mut before);
        strip(kind, &mut after);
        if kind == Kind::DEPLOYMENT && dice.one_in(4) {
            shape(&mut after);
        }
        let before = dice.one_in(2).then_some(before);
        let change = change(kind, "shop", before.as_ref(), Some(&after));
        for (rule, message) in found(&change, &graph) {
            spoken.insert(rule);
            assert!(
                EXCEPTIONS.iter().any(|(id, _)| *id == rule),
                "{rule}: {message}\n{before:?}\n{after}"
            );
        }
    }
    let expected: BTreeSet<&str> = EXCEPTIONS.iter().map(|(id, _)| *id).collect();
    assert_eq!(spoken, expected, "an exception that no generated workload needs");
}

/// Takes away whatever keeps or reaches anything.
fn strip(kind: Kind, workload: &mut Value) {
    let pods = workload.pointer_mut(kind.pod_spec()).expect("a pod spec");
    pods.as_object_mut().expect("an object").remove("volumes");
    for list in ["containers", "initContainers"] {
        for container in pods[list].as_array_mut().into_iter().flatten() {
            for mounts in ["volumeMounts", "volumeDevices"] {
                container.as_object_mut().expect("an object").remove(mounts);
            }
        }
    }
    // An index of what is not there would leave `null` behind.
    pods.as_object_mut()
        .expect("an object")
        .retain(|_, value| !value.is_null());
    let spec = workload["spec"].as_object_mut().expect("a spec");
    for field in ["serviceName", "volumeClaimTemplates"] {
        spec.remove(field);
    }
}

/// Makes it one pod a node, by hand.
fn shape(workload: &mut Value) {
    workload["spec"]["replicas"] = 3.into();
    let pod = &mut workload["spec"]["template"];
    let own = json!([{"topologyKey": "kubernetes.io/hostname",
        "labelSelector": {"matchLabels": pod["metadata"]["labels"]}}]);
    pod["spec"]["affinity"] = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": own}});
    pod["spec"]["containers"][0]["ports"] = json!([{"containerPort": 80, "hostPort": 80}]);
}

/// What is found of the object of a change, with every rule on.
fn found(change: &Change<'_>, graph: &Graph) -> Vec<(&'static str, String)> {
    let mut settings = Settings::new(Profile::Strict, RULES);
    for rule in settings.rules.iter_mut().filter(|rule| rule.is_off()) {
        rule.actions.fill(Some(Enforced::new(Action::Warn, Time::ALWAYS)));
    }
    let policies = Policies::everywhere(settings);
    let mut findings = asked(graph, &policies, |admission| admit(change, admission, Reserve::Never)).findings;
    findings.extend(
        asked(graph, &policies, |admission| {
            admit_defaults(change, admission, Services::Confirmed)
        })
        .decision
        .findings,
    );
    let own = findings
        .into_iter()
        .filter(|judged| judged.finding.object == change.target);
    own.map(|judged| (judged.finding.rule.id, judged.message)).collect()
}
