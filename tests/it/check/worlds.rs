//! Which files are one world, what is a patch, what is a chart; and that threads change nothing.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use serde_json::Value;
use stateward::cli::check::judge::Judge;
use stateward::graph::{Knowledge, Name};
use stateward::manifests::corpus::{Corpus, Inputs};
use stateward::manifests::worlds::Base;
use stateward::output::{Format, Notes, Paint, Style, render};
use stateward::runtime::policies;
use stateward::time::Time;

use super::{CORRECT, Repository, places, replicas};

fn split(text: &str) -> (&str, &str) {
    text.split_once("---\n").expect("two documents")
}

#[test]
fn edges_cross_files_and_directories() {
    let wrong = replicas(3);
    let (claim, deployment) = split(&wrong);
    let repository = Repository::new(&[("a/claim.yaml", claim), ("b/c/web.yaml", deployment)]);
    let report = repository.report(&["."]);
    assert_eq!(places(&report), ["rwo-replicas b/c/web.yaml:6:13"]);
    let related = &report["findings"][0]["related"][0];
    assert_eq!(related["location"]["file"], "a/claim.yaml");
    assert_eq!(
        (&related["location"]["line"], &related["location"]["column"]),
        (&6.into(), &16.into())
    );
    assert_eq!(report["summary"]["objects"], 2);
    // What is not given is not known.
    let alone = repository.report(&["b"]);
    assert_eq!(alone["findings"][0]["verdict"], "unknown");
    assert_eq!(alone["findings"][0]["level"], "note");
    let complete = repository.report(&["b", "--assume-complete"]);
    assert!(
        places(&complete)
            .iter()
            .any(|place| place.starts_with("claim-missing ")),
        "{complete:#}"
    );
}

#[test]
fn the_same_object_twice_makes_every_directory_a_world() {
    let wrong = replicas(3);
    let (claim, deployment) = split(&wrong);
    let shared = claim.replace("ReadWriteOnce", "ReadWriteMany");
    let repository = Repository::new(&[
        ("one/claim.yaml", claim),
        ("one/web.yaml", deployment),
        ("two/claim.yaml", &shared),
        ("two/web.yaml", deployment),
    ]);
    let report = repository.report(&["."]);
    assert_eq!(places(&report), ["rwo-replicas one/web.yaml:6:13"]);
    assert_eq!(
        report["notes"][0],
        "PersistentVolumeClaim default/db is in one/claim.yaml and in two/claim.yaml: every directory is judged as a \
         world of its own"
    );
}

#[test]
fn twins_in_one_directory_are_both_judged() {
    let wrong = replicas(3);
    let (_, deployment) = split(&wrong);
    let repository = Repository::new(&[("a.yaml", &wrong), ("b.yaml", CORRECT), ("c.yaml", deployment)]);
    let report = repository.report(&["."]);
    assert_eq!(
        places(&report),
        ["rwo-replicas a.yaml:16:13", "rwo-replicas c.yaml:6:13"]
    );
    assert_eq!(
        report["notes"][0],
        "PersistentVolumeClaim default/db is in a.yaml and in b.yaml: each is judged in the other's place"
    );
    // Names that are still to be generated are no twins.
    let jobs = "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: migrate-}\nspec:\n  parallelism: 3\n  template:\n    \
                spec:\n      restartPolicy: Never\n      containers: [{name: a, image: b}]\n      volumes:\n      - \
                {name: data, persistentVolumeClaim: {claimName: db}}\n---\n";
    let repository = Repository::new(&[("jobs.yaml", &format!("{jobs}{jobs}{CORRECT}"))]);
    let report = repository.report(&["--policy", "strict", "."]);
    let both = places(&report);
    assert_eq!(
        both.iter().filter(|place| place.starts_with("rwo-job ")).count(),
        2,
        "{both:?}"
    );
    assert!(report["notes"].is_null(), "{report:#}");
}

#[test]
fn a_twin_is_judged_with_its_own_file_whatever_the_order() {
    let set = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db}\nspec:\n  serviceName: db\n  replicas: 3\n  \
               selector: {matchLabels: {app: db, part: db}}\n  template:\n    metadata: {labels: {app: db, part: \
               db}}\n    spec: {containers: \
               [{name: db, image: example.com/db}]}\n";
    let service = |spec: &str| {
        format!("---\napiVersion: v1\nkind: Service\nmetadata: {{name: db}}\nspec: {{selector: {{app: db}}{spec}}}\n")
    };
    let (headless, address) = (service(", clusterIP: None"), service(""));
    let repository = Repository::new(&[
        ("a.yaml", &format!("{set}{headless}")),
        ("b.yaml", &address),
        ("c.yaml", &format!("{set}{headless}")),
        ("d.yaml", &format!("{set}{address}")),
    ]);
    let files = ["a.yaml", "b.yaml", "c.yaml", "d.yaml"];
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]] {
        let report = repository.report(&order.map(|file| files[file]));
        assert_eq!(places(&report), ["service-not-headless d.yaml:5:16"], "{order:?}");
    }
    // What has no twin is judged with each of theirs.
    let outer = set
        .replace("name: db}\nspec", "name: other}\nspec")
        .replace("part: db", "part: other");
    repository.write("e.yaml", outer.as_bytes());
    let report = repository.report(&["."]);
    let services = |finding: &Value| finding["related"][0]["location"]["file"].clone();
    let findings = report["findings"].as_array().expect("findings");
    assert_eq!(
        findings.iter().map(services).collect::<Vec<_>>(),
        ["d.yaml", "b.yaml", "d.yaml"]
    );
}

#[test]
fn files_without_twins_between_them_are_one_world() {
    let wrong = replicas(3);
    let (claim, deployment) = split(&wrong);
    let shared = claim.replace("ReadWriteOnce", "ReadWriteMany");
    let repository = Repository::new(&[
        ("claim-dev.yaml", claim),
        ("claim-prod.yaml", &shared),
        ("web-dev.yaml", deployment),
        ("web-prod.yaml", deployment),
    ]);
    assert_eq!(places(&repository.report(&["."])), ["rwo-replicas web-dev.yaml:6:13"]);
}

#[test]
fn patches_and_templates_are_skipped() {
    let wrong = replicas(3);
    let patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: db}\nspec:\n  template:\n    spec:\n      containers:\n      \
                 - name: main\n        image: example.com/other\n";
    let repository = Repository::new(&[
        ("base/db.yaml", CORRECT),
        ("base/kustomization.yaml", "resources: [db.yaml]\n"),
        (
            "overlay/kustomization.yaml",
            "resources: [../base]\npatches:\n- path: ./db.yaml\n",
        ),
        ("overlay/db.yaml", patch),
        (
            "overlay/replicas.yaml",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: db}\nspec: {replicas: 3}\n",
        ),
        ("chart/Chart.yaml", "apiVersion: v2\nname: chart\n"),
        ("chart/values.yaml", "a: b\n"),
        (
            "chart/templates/a.yaml",
            "{{- if .Values.a }}\nkind: Deployment\n{{- end }}\n",
        ),
        (
            "chart/templates/web.yaml",
            &wrong
                .replace("name: db", "name: web")
                .replace("claimName: db", "claimName: web")
                .replace("app: db", "app: web"),
        ),
    ]);
    let report = repository.report(&["."]);
    assert_eq!(places(&report), ["rwo-replicas chart/templates/web.yaml:16:13"]);
    let note =
        "overlay/kustomization.yaml: not applied: patches (--kustomize judges what kustomize makes of a directory)";
    assert_eq!(report["notes"], serde_json::json!([note]), "{report:#}");
    assert_eq!(report["summary"]["skipped"], 7, "{report:#}");
    let answer = repository.check(&["-v", "."]);
    for expected in [
        "a patch of overlay/kustomization.yaml",
        "a part of an object, such as a patch: no container has an image",
        "helm template CHART | stateward check -",
        "no Kubernetes object",
    ] {
        assert!(answer.stdout.contains(expected), "{expected}\n{}", answer.stdout);
    }
    assert_eq!(answer.code, 1);
}

#[test]
fn threads_change_nothing() {
    let repository = Repository::new(&[]);
    for number in 0..60 {
        let text = match number % 4 {
            0 => CORRECT.to_owned(),
            1 => replicas(number),
            2 => format!("{}a: 1\na: [\n", replicas(2)),
            _ => "kind: List\nitems: [{}, {a: b}]\n".to_owned(),
        };
        let text = text.replace("claimName: db", &format!("claimName: db-{number}"));
        let text = text.replace("name: db", &format!("name: db-{number}\n  namespace: n{}", number % 7));
        repository.write(&format!("{}/{number}.yaml", number % 5), text.as_bytes());
    }
    let paths: Vec<PathBuf> = vec![repository.path().to_owned()];
    let namespace: Name = "default".into();
    let policies = policies::load(&[]).expect("the baseline");
    let report = |threads| {
        let threads = NonZeroUsize::new(threads).expect("not zero");
        let corpus = Corpus::read(Inputs {
            kinds: stateward::kinds::shipped(),
            paths: &paths,
            namespace: &namespace,
            excluded: &|_| false,
            threads,
        });
        let judge = Judge {
            policies: &policies,
            version: None,
            base: Base::Nothing(Knowledge::Partial),
            namespace: &namespace,
            time: Time::from_seconds(1_800_000_000),
            namespace_labels: &[],
            threads,
        };
        let style = Style {
            notes: Notes::Shown,
            paint: Paint::Plain,
            fail_on: stateward::audit::Level::Error,
        };
        render(&judge.report(&corpus), Format::Human, style)
    };
    let alone = report(1);
    assert!(alone.contains("rwo-replicas") && alone.contains("error:"), "{alone}");
    for threads in [2, 3, 16] {
        assert_eq!(report(threads), alone);
    }
}
