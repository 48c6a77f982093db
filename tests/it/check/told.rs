//! What a check says of what it did not judge, could not do, or did beside its report.

use super::{CORRECT, Repository, replicas};

/// One Deployment for each of two places.
const UNITED: &str = "apiVersion: apps.kruise.io/v1alpha1\nkind: UnitedDeployment\nmetadata: {name: db}\nspec: {replicas: 2, selector: {matchLabels: \
                      {app: db}}, topology: {subsets: [{name: a}, {name: b}]}, template: {deploymentTemplate: {spec: {template: {spec: {containers: \
                      [{name: db, image: db}]}}}}}}\n";

#[test]
fn what_is_not_judged_is_told() {
    let rollout = |kind: &str| {
        CORRECT
            .replace("kind: Deployment", &format!("kind: {kind}"))
            .replace("apiVersion: apps/v1", "apiVersion: example.com/v1alpha1")
    };
    let slip = CORRECT.replace("kind: Deployment", "kind: Deploymentt");
    let repository = Repository::new(&[
        ("one/a.yaml", &rollout("Rollout")),
        ("more/a.yaml", &rollout("Rollout")),
        (
            "more/b.yaml",
            &rollout("Rollover").replace("name: db\n", "name: other\n"),
        ),
        ("united/a.yaml", UNITED),
        ("slip/a.yaml", &slip),
        ("group/a.yaml", &CORRECT.replace("apps/v1", "app/v1")),
        ("none/a.txt", "a: b\n"),
        (
            "config/a.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
        ),
        (
            "policy.yaml",
            "apiVersion: stateward.dev/v1alpha1\nkind: WorkloadPolicy\nmetadata: {name: a}\nspec: {profile: Baseline, match: {namespaces: [elsewhere]}}\n",
        ),
        ("right/a.yaml", CORRECT),
    ]);
    for (args, note) in [
        (
            &["one"][..],
            "1 object with a pod template is not judged, for nothing is known of its kind: Rollout (example.com/v1alpha1)",
        ),
        (
            &["more"],
            "2 objects with a pod template are not judged, for nothing is known of their kinds: Rollout (example.com/v1alpha1), Rollover (example.com/v1alpha1)",
        ),
        (
            &["united"],
            "1 object with a pod template is not judged, but what is made of it in a cluster is: UnitedDeployment (apps.kruise.io/v1alpha1)",
        ),
        (
            &["slip"],
            "slip/a.yaml:12:7: this object is not judged: did you mean Deployment instead of Deploymentt?",
        ),
        (
            &["group"],
            "group/a.yaml:12:7: this object is not judged: did you mean apps/v1 instead of app/v1?",
        ),
        (
            &["none"],
            "none: there is no .yaml, .yml or .json file in this directory: there was nothing to judge",
        ),
        (&["-"], "standard input was empty: there was nothing to judge"),
        (
            &["right", "--policy", "policy.yaml"],
            "no policy applies to one workload: it is not judged",
        ),
    ] {
        let answer = repository.check(args);
        let notes: Vec<&str> = answer
            .stdout
            .lines()
            .filter_map(|line| line.strip_prefix("note: "))
            .collect();
        assert_eq!((answer.code, &*notes), (0, &[note][..]), "{args:?}");
    }
    for args in ["config", "right"] {
        let answer = repository.check(&[args]);
        assert!(!answer.stdout.contains("note: "), "{}", answer.stdout);
    }
}

#[test]
fn what_was_written_is_told() {
    let unfixed = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db}\nspec:\n  serviceName: db\n  selector: {matchLabels: {app: db}}\n  \
                   template:\n    metadata: {labels: {app: db}}\n    spec:\n      containers: [{name: db, image: db, volumeMounts: [{name: data, mountPath: /data}]}]\n  \
                   volumeClaimTemplates:\n  - metadata: {name: data}\n    spec: {resources: {requests: {storage: 1Gi}}}\n";
    let repository = Repository::new(&[("a.yaml", unfixed), ("b.yaml", &replicas(3))]);
    assert_eq!(
        repository.check(&["--fix", "a.yaml"]).stderr,
        "fixed: 1 object in a.yaml\n"
    );
    assert_eq!(
        repository.check(&["--fix", "a.yaml"]).stderr,
        "nothing was fixed: nothing has one right remedy that a file lacks\n"
    );
    let known = repository.check(&["--write-known", "known.json", "b.yaml"]);
    assert_eq!(
        (known.code, known.stderr.as_str()),
        (
            0,
            "1 finding written to known.json: --known known.json leaves them out from now on\n"
        )
    );
    let refused = repository.check_in(".", &["--fix", "-"], unfixed);
    assert_eq!(
        (refused.code, refused.stdout.as_str(), refused.stderr.as_str()),
        (
            2,
            "",
            "error: --fix writes into files, and standard input is none: --diff prints what it would write\n"
        )
    );
    let shown = repository.check_in(".", &["--diff", "-"], unfixed);
    let wanted = "+    spec: {accessModes: [ReadWriteOnce], resources: ";
    assert!(shown.stdout.contains(wanted), "{}", shown.stdout);
}

#[test]
fn flags_are_taken_as_kubectl_has_them() {
    let wrong = replicas(3);
    let repository = Repository::new(&[("a.yaml", &wrong), ("b/b.yaml", CORRECT)]);
    let plain = repository.report(&["a.yaml", "b"]);
    let alike = repository.check(&["-R", "-A", "-f", "a.yaml", "-f", "b", "-o", "json"]);
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&alike.stdout).expect("a report"),
        plain
    );
    let help = repository.check(&["-o", "jsn", "b"]);
    assert!(
        help.code == 2 && help.stderr.contains("a similar value exists: 'json'"),
        "{}",
        help.stderr
    );
}

#[test]
fn a_place_of_standard_input_is_no_file_for_github() {
    let repository = Repository::new(&[]);
    let said = |text: &str| repository.check_in(".", &["-o", "github", "-"], text).stdout;
    let wrong = replicas(3);
    assert!(
        said(&wrong).starts_with("::error title=rwo-replicas::"),
        "{}",
        said(&wrong)
    );
    let rendered = format!(
        "# Source: db/templates/db.yaml\n{}",
        wrong.replace("---\n", "---\n# Source: db/templates/db.yaml\n")
    );
    assert!(
        said(&rendered).starts_with("::error file=db/templates/db.yaml,title=rwo-replicas::"),
        "{}",
        said(&rendered)
    );
}
