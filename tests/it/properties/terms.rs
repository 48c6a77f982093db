//! Dates of policies and exceptions: what they change of a decision, and what they leave.

use proptest::prelude::*;
use serde_json::{Value, json};
use stateward::graph::{Graph, Overlay, Timestamp};
use stateward::judge::{Admission, Decision, Judged, Reserve, admit};
use stateward::policy::exception::{self, description};
use stateward::policy::{Policies, parse};
use stateward::rules::RULES;
use stateward::rules::kit::Action;
use stateward::time::Time;

use super::decisions::Request;
use crate::support::dice::Dice;
use crate::support::worlds::{World, entropy};

const DATE: &str = "2026-12-24T00:00:00Z";
const BEFORE: &str = "2026-12-23T23:59:59Z";

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_date_puts_off_denials_and_nothing_else(world in entropy(), request in entropy()) {
        let graph = World::new(&mut Dice::new(&world)).graph(|position| position as u64);
        let request = Request::new(&mut Dice::new(&request));
        let at_once = judged(&request, &graph, &policies(&json!({"profile": "Strict"})), BEFORE);
        let dated = policies(&json!({"profile": "Strict", "enforceAfter": DATE}));
        let then = judged(&request, &graph, &dated, DATE);
        prop_assert_eq!(shown(&then), shown(&at_once));
        prop_assert_eq!(&then.denial, &at_once.denial);

        let before = judged(&request, &graph, &dated, BEFORE);
        prop_assert!(before.is_allowed(), "{:?}", before.denial);
        prop_assert_eq!(before.findings.len(), at_once.findings.len());
        for (before, at_once) in before.findings.iter().zip(&at_once.findings) {
            prop_assert_eq!(before.action, at_once.action.min(Action::Warn));
            let denied = at_once.action == Action::Deny;
            prop_assert_eq!(before.denied_after, Time::parse(DATE).filter(|_| denied), "{:?}", before);
        }
    }

    #[test]
    fn an_exception_is_for_its_rules_and_leaves_the_others(
        world in entropy(), request in entropy(), rule in 0..RULES.len(),
    ) {
        let graph = World::new(&mut Dice::new(&world)).graph(|position| position as u64);
        let request = Request::new(&mut Dice::new(&request));
        let rule = RULES[rule].id;
        let strict = policies(&json!({"profile": "Strict", "exceptions": {"allowed": true}}));
        let without = judged(&request, &graph, &strict, BEFORE);
        let with = judged(&request, &graph, &strict.with_exceptions([excepting(rule)]), BEFORE);
        prop_assert_eq!(with.findings.len(), without.findings.len());
        for (with, without) in with.findings.iter().zip(&without.findings) {
            let meant = without.finding.rule.id == rule && without.finding.object.kind.is_workload();
            if meant && without.action > Action::Audit {
                prop_assert_eq!((with.action, with.granted().is_some()), (Action::Audit, true));
            } else {
                prop_assert_eq!(line(with), line(without));
            }
        }
    }
}

fn document(kind: &str, spec: &Value) -> Value {
    let metadata = json!({"name": "one", "namespace": "shop"});
    json!({"apiVersion": "stateward.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec})
}

fn policies(spec: &Value) -> Policies {
    let policy = parse(&document("WorkloadPolicy", spec), RULES).expect("a policy");
    Policies::new(vec![policy], RULES)
}

fn excepting(rule: &str) -> exception::Exception {
    let spec = json!({"rules": [rule], "match": {}, "reason": "a", "owner": "b", "expiresAt": "2999-01-01T00:00:00Z"});
    exception::parse(&document(description::KIND, &spec), RULES).expect("an exception")
}

fn judged(request: &Request, graph: &Graph, policies: &Policies, time: &str) -> Decision {
    let admission = Admission {
        graph,
        policies,
        rules: RULES,
        fetched: &Overlay::default(),
        now: Timestamp(1_800_000_000_000),
        time: Time::parse(time).expect("a time"),
        asked: Timestamp(1_800_000_000_000),
        bytes: 0,
    };
    admit(&request.change(), &admission, Reserve::Never)
}

fn shown(decision: &Decision) -> Vec<String> {
    decision.findings.iter().map(line).collect()
}

fn line(judged: &Judged) -> String {
    let Judged {
        action,
        standing,
        message,
        exemption,
        ..
    } = judged;
    format!(
        "{} {action:?} {standing:?} {exemption:?} {message}",
        judged.finding.rule.id
    )
}
