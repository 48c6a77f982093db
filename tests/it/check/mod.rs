//! `stateward check` through the real binary, in directories of its own.

mod compare;
mod config;
mod declared;
mod definitions;
mod exceptions;
mod formats;
mod gathered;
mod kinds;
mod kustomize;
mod oddities;
mod of_cluster;
mod order;
mod policies;
mod right;
mod schema;
mod several;
mod told;
mod with_cluster;
mod worlds;

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::generated;

/// A database as it should be: one replica, `Recreate`, a claim of its own.
pub const CORRECT: &str = "\
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: db
spec:
  accessModes: [ReadWriteOnce]
  resources:
    requests:
      storage: 1Gi
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: db
spec:
  replicas: 1
  strategy:
    type: Recreate
  selector:
    matchLabels: {app: db}
  template:
    metadata:
      labels: {app: db}
    spec:
      containers:
      - name: main
        image: example.com/db
        volumeMounts:
        - {name: data, mountPath: /data}
      volumes:
      - name: data
        persistentVolumeClaim: {claimName: db}
";

/// A directory with files, and the checks in it.
pub struct Repository(TempDir);

/// What a check answered.
pub struct Answer {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Repository {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let repository = Self(tempfile::tempdir().expect("a directory"));
        for (name, text) in files {
            repository.write(name, text.as_bytes());
        }
        repository
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, name: &str, text: &[u8]) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("below the directory")).expect("a directory");
        std::fs::write(path, text).expect("written");
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).expect(name)
    }

    pub fn check(&self, args: &[&str]) -> Answer {
        self.check_in(".", args, "")
    }

    /// Runs the check in a directory below, with a text on standard input.
    pub fn check_in(&self, directory: &str, args: &[&str], input: &str) -> Answer {
        let mut child = Command::new(env!("CARGO_BIN_EXE_stateward"))
            .arg("check")
            .args(args)
            .current_dir(self.path().join(directory))
            .env("COLUMNS", "100")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        // A check that does not read it may be gone already.
        let _ = std::io::Write::write_all(&mut child.stdin.take().expect("piped"), input.as_bytes());
        let output = child.wait_with_output().expect("the binary ends");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Answer {
            code: output.status.code().expect("no signal"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// The JSON report of a check, whatever its exit code.
    pub fn report(&self, args: &[&str]) -> Value {
        let answer = self.check(&[&["--format", "json"], args].concat());
        let report: Result<Value, _> = serde_json::from_str(&answer.stdout);
        assert!(report.is_ok(), "{}{}", answer.stdout, answer.stderr);
        report.expect("asserted")
    }
}

/// `rule file:line:column` of every finding.
pub fn places(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().expect("findings");
    let place = |finding: &Value| {
        let (rule, at) = (finding["rule"].as_str().expect("rule"), &finding["location"]);
        let file = at["file"].as_str().unwrap_or("?");
        format!("{rule} {file}:{}:{}", at["line"], at["column"])
    };
    findings.iter().map(place).collect()
}

/// The correct database with another number of replicas.
pub fn replicas(count: u32) -> String {
    CORRECT.replace("replicas: 1", &format!("replicas: {count}"))
}

#[test]
fn what_is_right_is_silent() {
    let repository = Repository::new(&[("db.yaml", CORRECT)]);
    let answer = repository.check(&["db.yaml"]);
    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""));
    assert_eq!(
        answer.stdout,
        "policies: baseline (built in)\n2 objects, 1 workload: nothing found\n"
    );
}

#[test]
fn exit_codes_say_what_happened() {
    let broken = "a: [\n";
    let no_object = "just: values\n";
    // It has no strategy: only a warning.
    let warned = CORRECT.replace("    type: Recreate\n", "    type: RollingUpdate\n");
    let wrong = replicas(3);
    let repository = Repository::new(&[
        ("right/db.yaml", CORRECT),
        ("wrong/db.yaml", &wrong),
        ("warned/db.yaml", &warned),
        ("broken/a.yaml", broken),
        ("broken/db.yaml", &wrong),
        ("values/values.yaml", no_object),
        ("template/a.yaml", "kind: {{ .Values.kind }}\n"),
        ("chart/Chart.yaml", "apiVersion: v2\nname: chart\n"),
        ("chart/templates/a.yaml", "kind: {{ .Values.kind }}\n"),
        ("bad.yaml", "apiVersion: stateward.dev/v1alpha1\nkind: Policy\n"),
    ]);
    std::fs::create_dir(repository.path().join("empty")).expect("created");
    for (args, code) in [
        (&["right"][..], 0),
        (&["wrong"], 1),
        (&["warned"], 0),
        (&["warned", "--fail-on", "warning"], 1),
        (&["warned", "--policy", "audit", "--fail-on", "warning"], 0),
        (&["warned", "--policy", "audit", "--fail-on", "note"], 1),
        (&["warned", "--policy", "strict"], 1),
        (&["broken"], 2),
        (&["empty"], 0),
        (&["values"], 0),
        (&["template"], 2),
        (&["chart"], 0),
        (&["nowhere"], 2),
        (&[], 2),
        (&["right", "--policy", "bad.yaml"], 2),
        (&["right", "--output", "yaml=x"], 2),
        (&["right", "--output", "json=no/such/directory"], 2),
    ] {
        let answer = repository.check(args);
        assert_eq!(answer.code, code, "{args:?}\n{}{}", answer.stdout, answer.stderr);
    }
    let both = repository.check(&["broken"]);
    assert!(both.stdout.contains("error[rwo-replicas]"), "{}", both.stdout);
    assert!(both.stdout.contains("broken/a.yaml:1:4"), "{}", both.stdout);
}

#[test]
fn help_teaches() {
    let answer = Repository::new(&[]).check(&["--help"]);
    assert_eq!(answer.code, 0);
    generated::check("tests/it/check/snapshots/help.txt", &answer.stdout);
}

#[test]
fn names_that_are_not_known_get_the_nearest() {
    let repository = Repository::new(&[("db.yaml", CORRECT)]);
    let answer = repository.check(&["db.yaml", "--output", "sariff=x"]);
    assert!(
        answer
            .stderr
            .contains("there is no format \"sariff\": did you mean sarif?"),
        "{}",
        answer.stderr
    );
}
