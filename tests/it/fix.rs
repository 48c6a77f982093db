//! `stateward check --fix` and `--diff`.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const POLICY: &str = "apiVersion: stateward.dev/v1alpha1\nkind: WorkloadPolicy\nmetadata: {name: fix}\nspec:\n  \
                      profile: Strict\n  rules:\n  - id: rwo-surge\n    mutation: Enabled\n  \
                      - id: service-discovery\n    mutation: Enabled\n    parameters: {peers: [queue]}\n";

/// A StatefulSet without a serviceName and access modes, and a Deployment that surges.
const WORLD: &str = "\
# The queue.
apiVersion: v1
kind: Service
metadata: {name: queue}
spec: {clusterIP: None, selector: {app: queue}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: queue   # not db
spec:
    replicas: 3
    selector: {matchLabels: {app: \"queue\"}}
    # Its pods.
    template:
        metadata: {labels: {app: queue}}
        spec:
            containers:
            - {name: queue, image: queue, volumeMounts: [{name: data, mountPath: /data}]}
    volumeClaimTemplates:
    - metadata: {name: data}
      spec:
          # As much as there is.
          resources: {requests: {storage: 1Gi}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: disk}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: db}
spec:
  replicas: 1
  strategy:
    type: RollingUpdate # as always
    rollingUpdate:
      maxSurge: 1
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers: [{name: db, image: db, volumeMounts: [{name: disk, mountPath: /data}]}]
      volumes: [{name: disk, persistentVolumeClaim: {claimName: disk}}]
";

fn fixed() -> String {
    WORLD
        .replace(
            "    selector: {matchLabels: {app: \"queue\"}}\n",
            "    selector: {matchLabels: {app: \"queue\"}}\n    serviceName: queue\n",
        )
        .replace(
            "          # As much as there is.\n",
            "          accessModes: [ReadWriteOnce]\n          # As much as there is.\n",
        )
        .replace(
            "spec: {clusterIP: None, selector: {app: queue}}\n",
            "spec: {clusterIP: None, publishNotReadyAddresses: true, selector: {app: queue}}\n",
        )
        .replace(
            "RollingUpdate # as always\n    rollingUpdate:\n      maxSurge: 1\n",
            "Recreate # as always\n",
        )
}

fn check(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stateward"));
    let command = command.arg("check").args(arguments).current_dir(directory);
    command.output().expect("stateward runs")
}

fn rules(directory: &Path) -> Vec<String> {
    let output = check(directory, &["--policy", "policy.yaml", "--format", "json", "world"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    let findings = report["findings"].as_array().expect("findings").iter();
    findings
        .map(|finding| finding["rule"].as_str().expect("a rule").to_owned())
        .collect()
}

fn directory(world: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a file can be made");
    fs::create_dir(directory.path().join("world")).expect("a file can be made");
    fs::write(directory.path().join("policy.yaml"), POLICY).expect("a file can be made");
    fs::write(directory.path().join("world/all.yaml"), world).expect("a file can be made");
    directory
}

fn text(output: &[u8]) -> String {
    String::from_utf8(output.to_vec()).expect("text")
}

#[test]
fn fixes_what_the_webhook_would_inject_and_nothing_else() {
    for line_end in ["\n", "\r\n"] {
        let world = WORLD.replace('\n', line_end);
        let directory = directory(&world);
        let file = directory.path().join("world/all.yaml");
        let fixable = ["claim-template-access-mode", "rwo-surge", "service-name-missing"];
        let before = rules(directory.path());
        assert!(
            fixable.iter().all(|rule| before.iter().any(|one| one == rule)),
            "{before:?}"
        );

        let diff = check(directory.path(), &["--policy", "policy.yaml", "--diff", "world"]);
        assert_eq!(diff.status.code(), Some(1), "{}", text(&diff.stderr));
        assert_eq!(fs::read_to_string(&file).unwrap(), world, "--diff writes nothing");

        let fix = check(directory.path(), &["--policy", "policy.yaml", "--fix", "world"]);
        assert_eq!(text(&fix.stderr), "fixed: 3 objects in world/all.yaml\n");
        let after = fs::read_to_string(&file).unwrap();
        assert_eq!(after, fixed().replace('\n', line_end));
        let left = rules(directory.path());
        assert!(
            !fixable.iter().any(|rule| left.iter().any(|one| one == rule)),
            "{left:?}"
        );

        let again = check(directory.path(), &["--policy", "policy.yaml", "--diff", "world"]);
        assert_eq!((again.status.code(), text(&again.stdout)), (Some(0), String::new()));
        check(directory.path(), &["--policy", "policy.yaml", "--fix", "world"]);
        assert_eq!(fs::read_to_string(&file).unwrap(), after, "twice is once");

        // The diff says the same as the fix: its lines, put to the old file, give the new one.
        assert_eq!(applied(&world, &text(&diff.stdout)), after);
    }
}

/// Applies a unified diff of one file.
fn applied(before: &str, diff: &str) -> String {
    let mut before = before.split_inclusive('\n');
    let (mut result, mut line) = (String::new(), 1);
    let mut diff = diff.split_inclusive('\n');
    assert_eq!(diff.next(), Some("--- world/all.yaml\n"));
    assert_eq!(diff.next(), Some("+++ world/all.yaml\n"));
    for change in diff {
        let (sign, rest) = change.split_at(1);
        match sign {
            "@" => {
                let start: usize = rest
                    .split(['-', ','])
                    .nth(1)
                    .expect("a hunk")
                    .parse()
                    .expect("a number");
                while line < start {
                    result.push_str(before.next().expect("a line"));
                    line += 1;
                }
            }
            "+" => result.push_str(rest),
            _ => {
                assert_eq!(before.next(), Some(rest));
                line += 1;
                if sign == " " {
                    result.push_str(rest);
                }
            }
        }
    }
    result.extend(before);
    result
}

#[test]
fn what_cannot_be_edited_safely_is_left_alone_and_named() {
    let anchored = WORLD
        .replace("      spec:\n          #", "      spec: &spec\n          #")
        .replace(
            "1Gi}}\n---\napiVersion: v1",
            "1Gi}}\n    - metadata: {name: b}\n      spec: *spec\n---\napiVersion: v1",
        );
    let templated = format!("{WORLD}---\na: {{{{ .Values.a }}}}\n");
    for (world, message) in [(anchored, "behind an alias"), (templated, "template")] {
        let directory = directory(&world);
        let fix = check(directory.path(), &["--fix", "world"]);
        let error = text(&fix.stderr);
        assert!(
            error.starts_with("left alone: world/all.yaml:") && error.contains(message),
            "{error}"
        );
        assert_eq!(
            fs::read_to_string(directory.path().join("world/all.yaml")).unwrap(),
            world
        );
    }
}

#[test]
fn nothing_is_guessed_or_overruled() {
    let without_service = WORLD.split_once("---\n").unwrap().1;
    let allowed = without_service.replace(
        "name: queue   # not db\n",
        "name: queue\n  annotations: {stateward.dev/allow: \"claim-template-access-mode: the class sets it\"}\n",
    );
    let directory = directory(&allowed);
    fs::remove_file(directory.path().join("policy.yaml")).unwrap();
    let diff = check(directory.path(), &["--diff", "world"]);
    assert_eq!(
        (diff.status.code(), text(&diff.stdout)),
        (Some(0), String::new()),
        "{}",
        text(&diff.stderr)
    );
    let whole = directory.path().join("world/all.yaml");
    fs::write(&whole, without_service).unwrap();
    let diff = check(directory.path(), &["--diff", "--assume-complete", "world"]);
    assert!(
        text(&diff.stdout).contains("+    serviceName: queue\n"),
        "{}",
        text(&diff.stdout)
    );
}
