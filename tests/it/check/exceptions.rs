//! Dates of policies, and exceptions, in what is checked.

use super::{Repository, replicas};

const POLICY: &str = "\
apiVersion: stateward.dev/v1alpha1
kind: WorkloadPolicy
metadata: {name: house}
spec:
  profile: Strict
  exceptions: {allowed: true, maxDuration: 90d}
";
const DATED: &str = "\
apiVersion: stateward.dev/v1alpha1
kind: WorkloadPolicy
metadata: {name: house}
spec: {profile: Strict, enforceAfter: 2026-12-24T00:00:00Z}
";
const EXCEPTION: &str = "\
apiVersion: stateward.dev/v1alpha1
kind: WorkloadPolicyException
metadata: {name: legacy}
spec:
  rules: [rwo-replicas]
  match: {kinds: [Deployment], names: [db]}
  reason: until the volume is moved
  owner: team-shop
  expiresAt: 2026-12-24T00:00:00Z
";

fn repository(exception: &str) -> Repository {
    let wrong = replicas(3);
    Repository::new(&[
        ("policy/house.yaml", POLICY),
        ("deploy/exception.yaml", exception),
        ("deploy/db.yaml", &wrong),
    ])
}

const CHECK: [&str; 3] = ["--policy", "policy", "deploy"];

#[test]
fn a_day_shows_what_will_be_denied_then() {
    let wrong = replicas(3);
    let repository = Repository::new(&[("policy.yaml", DATED), ("db.yaml", &wrong)]);
    let on = |day: &str| repository.check(&["--policy", "policy.yaml", "--at", day, "db.yaml"]);
    let before = on("2026-12-23");
    assert_eq!(before.code, 0, "{}{}", before.stdout, before.stderr);
    assert!(before.stdout.contains("warning[rwo-replicas]"), "{}", before.stdout);
    assert!(
        before.stdout.contains("= denied: from 2026-12-24 on\n"),
        "{}",
        before.stdout
    );
    let then = on("2026-12-24T00:00:00Z");
    assert_eq!(then.code, 1);
    assert!(then.stdout.contains("error[rwo-replicas]"), "{}", then.stdout);
    let report = repository.report(&["--policy", "policy.yaml", "--at", "2026-12-01", "db.yaml"]);
    assert_eq!(report["findings"][0]["deniedAfter"], "2026-12-24T00:00:00Z");
    let bad = on("christmas");
    assert_eq!(bad.code, 2);
    assert!(bad.stderr.contains("write a day such as 2026-12-24"), "{}", bad.stderr);
}

#[test]
fn an_exception_in_the_files_counts_for_its_namespace_until_its_end() {
    let repository = repository(EXCEPTION);
    let on = |day: &str| repository.check(&[&["-v", "--at", day], &CHECK[..]].concat());
    let passed = on("2026-12-01");
    assert_eq!(passed.code, 0, "{}{}", passed.stdout, passed.stderr);
    let detail = "= excepted: default/legacy until 2026-12-24, team-shop: until the volume is moved\n";
    assert!(passed.stdout.contains(detail), "{}", passed.stdout);
    assert!(
        passed.stdout.contains("1 of them let pass by exception"),
        "{}",
        passed.stdout
    );
    assert!(!passed.stdout.contains("plays no part"), "{}", passed.stdout);
    assert!(!passed.stdout.contains("expires"), "{}", passed.stdout);
    let soon = on("2026-12-22");
    let note = "note: exception default/legacy expires in 2 days, on 2026-12-24\n";
    assert!(soon.code == 0 && soon.stdout.contains(note), "{}", soon.stdout);
    let over = on("2026-12-24");
    assert_eq!(over.code, 1);
    let note = "= note: exception default/legacy expired on 2026-12-24\n";
    assert!(over.stdout.contains(note), "{}", over.stdout);

    let elsewhere = repository.check(&[&["-n", "shop", "--at", "2026-12-01"], &CHECK[..]].concat());
    assert_eq!(elsewhere.code, 0, "what names no namespace goes where the workloads go");
    repository.write(
        "deploy/exception.yaml",
        EXCEPTION.replace("legacy}", "legacy, namespace: pay}").as_bytes(),
    );
    assert_eq!(on("2026-12-01").code, 1);
}

#[test]
fn programs_are_told_of_exceptions() {
    let repository = repository(EXCEPTION);
    let on = |day: &str| repository.report(&[&["--at", day], &CHECK[..]].concat());
    let report = on("2026-12-01");
    assert_eq!(report["summary"]["exceptions"], 1);
    let exception = serde_json::json!({
        "name": "default/legacy",
        "owner": "team-shop",
        "reason": "until the volume is moved",
        "expiresAt": "2026-12-24T00:00:00Z",
    });
    assert_eq!(report["findings"][0]["exception"], exception);
    let void = on("2027-01-01");
    assert_eq!(void["summary"]["exceptions"], 0);
    assert_eq!(
        void["findings"][0]["ignoredException"],
        "exception default/legacy expired on 2026-12-24"
    );
    let sarif = repository.check(&[&["--format", "sarif", "--at", "2026-12-01"], &CHECK[..]].concat());
    assert!(
        sarif
            .stdout
            .contains("exception default/legacy until 2026-12-24T00:00:00Z"),
        "{}",
        sarif.stdout
    );
    let known = [&["--at", "2026-12-01", "--write-known", "known.json"], &CHECK[..]].concat();
    assert_eq!(repository.check(&known).code, 0);
    assert!(!repository.read("known.json").contains("rwo-replicas"));
}

#[test]
fn an_exception_with_a_mistake_cannot_be_read() {
    let wrong = EXCEPTION
        .replace("rwo-replicas", "rwo-replica")
        .replace("team-shop", "''");
    let repository = repository(&wrong);
    let answer = repository.check(&CHECK);
    assert_eq!(answer.code, 2, "{}", answer.stdout);
    assert!(
        answer.stdout.contains("did you mean \"rwo-replicas\"?"),
        "{}",
        answer.stdout
    );
    assert!(
        answer.stdout.contains("deploy/exception.yaml:5:11"),
        "{}",
        answer.stdout
    );
    assert!(
        answer.stdout.contains("expected words, found an empty text"),
        "{}",
        answer.stdout
    );
}

#[test]
fn one_beside_the_policies_counts_too() {
    let repository = repository("");
    let named = EXCEPTION.replace("legacy}", "legacy, namespace: default}");
    repository.write("policy/exception.yaml", named.as_bytes());
    let answer = repository.check(&[&["--at", "2026-12-01"], &CHECK[..]].concat());
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    repository.write("policy/exception.yaml", EXCEPTION.as_bytes());
    let nowhere = repository.check(&CHECK);
    assert!(
        nowhere
            .stderr
            .contains("exception.yaml:3:11: metadata.namespace is missing"),
        "{}",
        nowhere.stderr
    );
}
