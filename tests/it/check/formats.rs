//! Every format, word for word; and what the schema of SARIF asks for.

use super::{Repository, replicas};
use crate::generated;

fn repository() -> Repository {
    let wrong = replicas(3);
    let (claim, deployment) = wrong.split_once("---\n").expect("two documents");
    Repository::new(&[
        ("shop/claim.yaml", claim),
        ("shop/web.yaml", deployment),
        (
            "shop/surge.yaml",
            &deployment
                .replace("name: db", "name: other")
                .replace("claimName: db", "claimName: gone")
                .replace("app: db", "app: web"),
        ),
        (
            "shop/twice.yaml",
            "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n  name: web\n",
        ),
        ("broken <&>.yaml", "kind: [\n"),
    ])
}

#[test]
fn every_format_is_stable() {
    let repository = repository();
    for (format, snapshot) in [
        ("human", "human.txt"),
        ("json", "report.json"),
        ("junit", "junit.xml"),
        ("github", "github.txt"),
    ] {
        let answer = repository.check(&["--format", format, "."]);
        assert_eq!(answer.code, 2);
        generated::check(&format!("tests/it/check/snapshots/{snapshot}"), &answer.stdout);
        assert_eq!(answer.stderr.is_empty(), format == "human", "{}", answer.stderr);
    }
    let notes = repository.check(&["-v", "."]);
    generated::check("tests/it/check/snapshots/verbose.txt", &notes.stdout);
}

#[test]
fn files_replace_standard_output_unless_a_format_is_asked_for() {
    let repository = repository();
    let only = repository.check(&["--output", "json=a.json", "--output", "junit=b.xml", "shop"]);
    assert_eq!((only.code, only.stdout.as_str()), (1, ""));
    let also = repository.check(&["--output", "human=c.txt", "--format", "json", "shop"]);
    assert_eq!(also.stdout, repository.read("a.json"));
    assert!(repository.read("b.xml").starts_with("<?xml"));
    assert_eq!(repository.read("c.txt"), repository.check(&["shop"]).stdout);
}

#[test]
fn sarif_is_complete() {
    let answer = repository().check(&["--format", "sarif", "."]);
    let log: serde_json::Value = serde_json::from_str(&answer.stdout).expect("JSON");
    let schema = serde_json::from_str(include_str!("data/sarif-2.1.0.json")).expect("JSON");
    let breaches = super::schema::breaches(&schema, &log);
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
    let run = &log["runs"][0];
    assert_eq!(log["version"], "2.1.0");
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let results = run["results"].as_array().expect("results");
    assert_eq!(results.len(), 3, "{results:#?}");
    for result in results {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("small")];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(rule["help"]["text"].as_str().is_some_and(|help| !help.is_empty()));
        let place = &result["locations"][0]["physicalLocation"];
        let region = &place["region"];
        assert!(region["endColumn"].as_u64() > region["startColumn"].as_u64());
        assert!(
            place["artifactLocation"]["uri"]
                .as_str()
                .is_some_and(|uri| uri.starts_with("shop/"))
        );
        assert!(result["partialFingerprints"]["findingIdentity/v1"].is_string());
    }
    let related = &results[2]["relatedLocations"][0];
    assert_eq!(
        related["physicalLocation"]["artifactLocation"]["uri"],
        "shop/claim.yaml"
    );
    let broken = &run["invocations"][0]["toolExecutionNotifications"][0]["locations"][0];
    assert_eq!(
        broken["physicalLocation"]["artifactLocation"]["uri"],
        "broken%20%3C%26%3E.yaml"
    );
}
