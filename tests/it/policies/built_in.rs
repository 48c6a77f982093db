//! `policies/warn.yaml` follows from what Baseline denies.

use stateward::rules::RULES;
use stateward::rules::kit::Action;

use crate::generated;

const HEADING: &str = "\
# What Baseline denies is warned about: for the time between an audit and Baseline.
# Written from the rules; write it again with UPDATE=1 cargo test.
apiVersion: stateward.dev/v1alpha1
kind: WorkloadPolicy
metadata:
  name: warn
spec:
  profile: Baseline
  overrides: Allowed
  rules:
";

#[test]
fn warn_denies_nothing() {
    let mut policy = HEADING.to_owned();
    for rule in RULES {
        let denies = |action: Option<Action>| action == Some(Action::Deny);
        if !rule.cases.iter().any(|case| denies(case.baseline)) {
            continue;
        }
        // One action replaces those of all cases, so that each has to be a warning or a denial in Baseline.
        let told = rule.cases.iter().all(|case| case.baseline >= Some(Action::Warn));
        assert!(
            told,
            "{}: a case that Baseline does not tell of would be warned about",
            rule.id
        );
        policy.push_str(&format!("  - {{id: {}, actions: [Warn]}}\n", rule.id));
    }
    generated::check("policies/warn.yaml", &policy);
}
