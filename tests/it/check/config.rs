//! `.stateward.yaml`, policies, known findings and overrides.

use super::{CORRECT, Repository, places, replicas};

const STRICT_OFF: &str = "\
apiVersion: stateward.dev/v1alpha1
kind: WorkloadPolicy
metadata: {name: house}
spec:
  profile: Baseline
  rules:
  - {id: rwo-replicas, actions: [Warn]}
";

#[test]
fn the_nearest_file_above_counts() {
    let wrong = replicas(3);
    let repository = Repository::new(&[
        (
            ".stateward.yaml",
            "policy: [policies/house.yaml]\nexclude: [vendor, '*.skip.yaml']\n",
        ),
        ("policies/house.yaml", STRICT_OFF),
        ("a/b/db.yaml", &wrong),
        ("a/b/vendor/broken.yaml", "a: [\n"),
        ("a/b/broken.skip.yaml", "a: [\n"),
    ]);
    let answer = repository.check_in("a", &["b"], "");
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    assert!(answer.stdout.contains("warning[rwo-replicas]"), "{}", answer.stdout);
    // A flag counts instead, and what is named itself is read all the same.
    assert_eq!(repository.check_in("a", &["b", "--policy", "baseline"], "").code, 1);
    assert_eq!(repository.check_in("a", &["b/vendor/broken.yaml"], "").code, 2);
}

#[test]
fn mistakes_have_places_and_the_nearest_name() {
    for (text, expected) in [
        (
            "exclude: []\npolcy: [x]\n",
            ".stateward.yaml:2:1: unknown field `polcy`: did you mean `policy`?",
        ),
        ("exclude:\n- {a: b}\n", ".stateward.yaml:2:3: "),
        (
            "exclude: 'a['\n",
            ".stateward.yaml:1:10: \"a[\" is no pattern: unclosed character class",
        ),
        ("known: [\n", ".stateward.yaml:1:8: "),
        ("policy: strikt\n", "--policy strikt (did you mean strict?)"),
        (
            "known: gone.json\n",
            "--known gone.json: cannot read gone.json: No such file",
        ),
    ] {
        let repository = Repository::new(&[(".stateward.yaml", text), ("db.yaml", CORRECT)]);
        let answer = repository.check(&["db.yaml"]);
        assert_eq!(answer.code, 2, "{text}");
        assert!(answer.stderr.contains(expected), "{text}: {}", answer.stderr);
        assert_eq!(answer.stdout, "");
    }
}

#[test]
fn known_findings_are_left_out_and_new_ones_are_not() {
    let wrong = replicas(3);
    let repository = Repository::new(&[("db.yaml", &wrong)]);
    let written = repository.check(&["--write-known", "known.json", "db.yaml"]);
    assert_eq!(written.code, 0, "{}", written.stdout);
    assert_eq!(
        repository.read("known.json"),
        "{\"version\":\"v1\",\"findings\":[\n  {\"rule\":\"rwo-replicas\",\"kind\":\"Deployment\",\"namespace\":\"default\",\
         \"name\":\"db\",\"subject\":\"db\",\"extent\":3}\n]}\n"
    );
    repository.write(".stateward.yaml", b"known: known.json\n");
    let silent = repository.check(&["db.yaml"]);
    assert_eq!(silent.code, 0);
    assert_eq!(
        silent.stdout,
        "policies: baseline (built in)\n2 objects, 1 workload: 1 known finding left out\n"
    );
    // What gets worse is found again; what gets better is still the same.
    repository.write("db.yaml", replicas(4).as_bytes());
    let worse = repository.check(&["db.yaml", "-v"]);
    assert_eq!(worse.code, 1);
    let expected = "known.json:2:3: rwo-replicas on Deployment default/db is worse than when it was accepted";
    assert!(worse.stdout.contains(expected), "{}", worse.stdout);
    repository.write("db.yaml", replicas(2).as_bytes());
    assert_eq!(
        repository.check(&["db.yaml"]).stdout,
        "policies: baseline (built in)\n2 objects, 1 workload: 1 known finding left out\n"
    );
    // Lines above it change nothing; another object is new.
    let more = format!(
        "# moved\n{wrong}---\n{}",
        wrong
            .replace("name: db", "name: web")
            .replace("claimName: db", "claimName: web")
            .replace("app: db", "app: web")
    );
    repository.write("db.yaml", more.as_bytes());
    let answer = repository.check(&["db.yaml"]);
    assert_eq!(answer.code, 1);
    assert!(
        answer.stdout.contains("default/web") && !answer.stdout.contains("default/db:"),
        "{}",
        answer.stdout
    );
    // What is mended is told.
    repository.write("db.yaml", CORRECT.as_bytes());
    let stale = repository.check(&["db.yaml"]);
    assert_eq!(stale.code, 0);
    let expected =
        "known.json:2:3: rwo-replicas on Deployment default/db is known and no longer found: delete the line";
    assert!(stale.stdout.contains(expected), "{}", stale.stdout);
}

#[test]
fn a_broken_file_of_known_findings_is_told_with_its_place() {
    let repository = Repository::new(&[("db.yaml", CORRECT)]);
    for (text, expected) in [
        (
            "{\"version\":\"v2\",\"findings\":[]}",
            "known.json:1:12: version \"v2\" is not known here",
        ),
        (
            "{\"version\":\"v1\",\"findings\":[\n {\"rule\":\"a\",\"kind\":\"b\"}]}",
            "known.json:2:2: missing field `name`",
        ),
        ("", "known.json: holds no known findings"),
    ] {
        repository.write("known.json", text.as_bytes());
        let answer = repository.check(&["--known", "known.json", "db.yaml"]);
        assert_eq!(answer.code, 2);
        assert!(answer.stderr.contains(expected), "{}", answer.stderr);
    }
}

#[test]
fn overrides_are_counted_and_listed() {
    let allowed = replicas(3).replace(
        "kind: Deployment\nmetadata:\n  name: db\n",
        "kind: Deployment\nmetadata:\n  name: db\n  annotations:\n    stateward.dev/allow: |\n      rwo-replicas: moving \
         to RWX, OPS-1\n      no-such-rule: x\n",
    );
    let repository = Repository::new(&[("db.yaml", &allowed)]);
    let report = repository.report(&["db.yaml"]);
    assert_eq!(report["summary"]["overrides"], 1);
    assert_eq!(
        places(&report),
        ["ignored-override db.yaml:17:7", "rwo-replicas db.yaml:20:13"]
    );
    assert_eq!(report["findings"][1]["allowedBecause"], "moving to RWX, OPS-1");
    let answer = repository.check(&["-v", "--fail-on", "note", "db.yaml"]);
    assert!(
        answer.stdout.contains("= allowed: moving to RWX, OPS-1"),
        "{}",
        answer.stdout
    );
    assert_eq!(answer.code, 1, "the ignored line is a warning");
    assert_eq!(repository.check(&["--fail-on", "error", "db.yaml"]).code, 0);
}
