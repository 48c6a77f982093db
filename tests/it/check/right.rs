//! Set-ups as well-known projects have them, in our own words: what is right is silent.

use super::Repository;

macro_rules! fixture {
    ($name:literal) => {
        ($name, include_str!(concat!("right/", $name)))
    };
}

const SILENT: [(&str, &str); 9] = [
    fixture!("cache-ephemeral.yaml"),
    fixture!("csi-controller.yaml"),
    fixture!("kafka-kraft.yaml"),
    fixture!("log-agent.yaml"),
    fixture!("monitoring.yaml"),
    fixture!("nfs-web-farm.yaml"),
    fixture!("object-store.yaml"),
    fixture!("postgres-statefulset.yaml"),
    fixture!("search-cluster.yaml"),
];

/// A database as one pod of a Deployment: right, and recorded.
const RECORDED: [(&str, &str); 2] = [
    fixture!("backup-beside-database.yaml"),
    fixture!("postgres-deployment.yaml"),
];

/// Idioms that work: the catalogue wants one warning in Baseline, and nothing else of them.
const WARNED: [(&str, &str); 2] = [fixture!("shadowed-claim.yaml"), fixture!("shadowed-directory.yaml")];

#[test]
fn what_others_do_right_is_silent() {
    for fixture in SILENT {
        let name = fixture.0;
        let repository = Repository::new(&[fixture]);
        for more in [&[][..], &["--assume-complete"], &["--policy", "strict"], &["-v"]] {
            let answer = repository.check(&[&[name], more].concat());
            assert_eq!(
                (answer.code, answer.stderr.as_str()),
                (0, ""),
                "{name} {more:?}\n{}",
                answer.stdout
            );
            let silent = answer.stdout.lines().count() == 2
                && answer.stdout.starts_with("policies: ")
                && answer.stdout.ends_with(": nothing found\n");
            assert!(silent, "{name} {more:?}\n{}", answer.stdout);
        }
    }
}

#[test]
fn a_database_in_one_pod_is_one_note() {
    for fixture in RECORDED {
        let repository = Repository::new(&[fixture]);
        for more in [&[][..], &["--assume-complete"], &["--policy", "strict"]] {
            let answer = repository.check(&[&[fixture.0, "-v"], more].concat());
            assert_eq!(answer.code, 0, "{}", answer.stdout);
            assert!(
                answer.stdout.contains("note[database-in-deployment]"),
                "{}",
                answer.stdout
            );
            assert!(answer.stdout.ends_with(": 1 note\n"), "{}", answer.stdout);
        }
    }
}

#[test]
fn an_idiom_that_works_is_one_warning() {
    for fixture in WARNED {
        let repository = Repository::new(&[fixture]);
        let answer = repository.check(&["-v", fixture.0]);
        assert_eq!(answer.code, 0, "{}", answer.stdout);
        assert!(answer.stdout.ends_with("1 workload: 1 warning\n"), "{}", answer.stdout);
        assert!(
            answer.stdout.contains("warning[claim-template-shadows-volume]"),
            "{}",
            answer.stdout
        );
    }
}

/// A broker whose Service selects by a label that only the kustomization writes.
#[test]
fn labels_of_a_kustomization_are_on_its_resources() {
    let service =
        "{apiVersion: v1, kind: Service, metadata: {name: broker}, spec: {clusterIP: None, selector: {app: broker}}}\n";
    let broker = "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: broker}, spec: {serviceName: broker, template: {spec: \
                  {containers: [{name: broker, image: example.com/broker}]}}}}\n";
    let found = |kustomization: &str| {
        let files = [
            ("broker.yaml", broker),
            ("kustomization.yaml", kustomization),
            ("service.yaml", service),
        ];
        super::places(&Repository::new(&files).report(&["."]))
    };
    let resources = "resources: [./broker.yaml, service.yaml]\n";
    let missing = ["service-selector-mismatch broker.yaml:1:88"];
    assert_eq!(found(resources), missing);
    let labels = |more: &str| found(&format!("labels:\n- pairs: {{app: broker}}\n{more}{resources}"));
    assert_eq!(labels(""), missing);
    for more in ["  includeSelectors: true\n", "  includeTemplates: true\n"] {
        assert_eq!(labels(more), [""; 0], "{more}");
    }
    assert_eq!(found(&format!("commonLabels: {{app: broker}}\n{resources}")), [""; 0]);
}
