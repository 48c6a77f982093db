//! Texts as they are found in the wild, end to end: what is judged, and where exactly.

use std::num::NonZeroUsize;

use stateward::graph::Name;
use stateward::graph::project::NodeSeed;
use stateward::manifests::corpus::{Corpus, Inputs};

use super::{CORRECT, Repository, places, replicas};

/// Where the replicas of `replicas(3)` stand.
const PLACE: &str = "rwo-replicas a.yaml:16:13";

fn places_of(text: &[u8]) -> Vec<String> {
    let repository = Repository::new(&[]);
    repository.write("a.yaml", text);
    places(&repository.report(&["a.yaml"]))
}

#[test]
fn line_ends_and_marks_move_nothing() {
    let wrong = replicas(3);
    assert_eq!(places_of(wrong.as_bytes()), [PLACE]);
    assert_eq!(places_of(wrong.replace('\n', "\r\n").as_bytes()), [PLACE]);
    assert_eq!(places_of(format!("\u{feff}{wrong}").as_bytes()), [PLACE]);
    assert_eq!(
        places_of(format!("{wrong}---\n\n# nothing\n---   \n").as_bytes()),
        [PLACE]
    );
    assert_eq!(
        places_of(wrong.replace("---\n", "--- # the workload\n").as_bytes()),
        [PLACE]
    );
}

#[test]
fn flow_style_and_json_have_places_in_characters() {
    let kyaml = "---\n{\n  apiVersion: \"apps/v1\",\n  kind: \"Deployment\",\n  metadata: {name: \"dé\", },\n  spec: {\n    replicas: 3,\n    \
                 selector: {matchLabels: {app: \"é\"}}, template: {metadata: {labels: {app: \"é\"}}, spec: {\n      containers: [{name: \
                 \"a\", image: \"b\"}],\n      volumes: [{name: \"data\", persistentVolumeClaim: {claimName: \"db\"}}],\n    }},\n  },\n}\n";
    let claim = super::CORRECT.split("---\n").next().expect("the claim");
    assert_eq!(
        places_of(format!("{kyaml}---\n{claim}").as_bytes()),
        ["rwo-replicas a.yaml:7:15"]
    );
    let json = "{\"é\": 1, \"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"x\"},\"spec\":{\"replicas\":3,\
                \"template\":{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"b\"}],\"volumes\":[{\"name\":\"d\",\
                \"persistentVolumeClaim\":{\"claimName\":\"db\"}}]}}}}";
    let column = json.split("3,").next().expect("replicas").chars().count() + 1;
    assert_eq!(
        places_of(format!("{json}\n---\n{claim}").as_bytes()),
        [format!("rwo-replicas a.yaml:1:{column}")]
    );
}

#[test]
fn a_dash_between_commas_is_a_string() {
    let command = "        image: example.com/db\n        command: [tar, -x, -f, -]\n        args: [-, --, -]\n";
    let wrong = replicas(3).replace("        image: example.com/db\n", command);
    assert_eq!(places_of(wrong.as_bytes()), [PLACE]);
    let reading = stateward_yaml::read("list: [-, \"a -, b\", -]\n");
    let list = reading.document(0).expect("read").root().to_json();
    assert_eq!(list, serde_json::json!({"list": ["-", "a -, b", "-"]}));
}

#[test]
fn items_of_lists_are_objects() {
    let indented: String = replicas(3)
        .split("---\n")
        .map(|document| {
            let lines: Vec<String> = document.lines().map(|line| format!("  {line}\n")).collect();
            lines.concat().replacen("  apiVersion", "- apiVersion", 1)
        })
        .collect();
    let list = format!("apiVersion: v1\nkind: List\nitems:\n{indented}");
    assert_eq!(places_of(list.as_bytes()), ["rwo-replicas a.yaml:18:15"]);
}

#[test]
fn duplicate_keys_are_told_with_both_places_and_the_last_one_counts() {
    let text = replicas(1).replace("  replicas: 1\n", "  replicas: 1\n  paused: false\n  replicas: 3\n");
    let repository = Repository::new(&[("a.yaml", &text)]);
    let report = repository.report(&["a.yaml"]);
    assert_eq!(
        places(&report),
        ["duplicate-key a.yaml:18:3", "rwo-replicas a.yaml:18:13"]
    );
    let finding = &report["findings"][0];
    assert_eq!(finding["level"], "warning");
    assert_eq!(finding["path"], "/spec/replicas");
    assert_eq!(finding["object"]["name"], "db");
    assert_eq!(finding["related"][0]["location"]["line"], 16);
    assert_eq!(finding["related"][0]["location"]["column"], 3);
    // Also in kinds that play no part, but not in what is no object.
    let others = Repository::new(&[
        (
            "a.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  a: b\n  a: c\n",
        ),
        ("values.yaml", "a: b\na: c\n"),
    ]);
    assert_eq!(places(&others.report(&["."])), ["duplicate-key a.yaml:6:3"]);
}

#[test]
fn helm_sources_and_standard_input_are_named() {
    let text = format!(
        "---\n# Source: chart/templates/db.yaml\n{}",
        replicas(3).replace("---\n", "---\n# Source: chart/templates/web.yaml\n")
    );
    let repository = Repository::new(&[]);
    let answer = repository.check_in(".", &["--format", "json", "-n", "shop", "-"], &text);
    let report = serde_json::from_str(&answer.stdout).expect("JSON");
    assert_eq!(places(&report), ["rwo-replicas -:19:13"]);
    assert_eq!(report["findings"][0]["location"]["source"], "chart/templates/web.yaml");
    assert_eq!(report["findings"][0]["object"]["namespace"], "shop");
}

#[test]
fn an_empty_standard_input_is_told() {
    let repository = Repository::new(&[]);
    let answer = repository.check_in(".", &["-"], "");
    let expected = "policies: baseline (built in)\nnote: standard input was empty: there was nothing to judge\n0 objects, 0 workloads: nothing found\n";
    assert_eq!((answer.code, answer.stdout.as_str()), (0, expected));
}

#[test]
fn anchors_merges_and_removed_versions_are_understood() {
    let merged = replicas(1)
        .replace("  replicas: 1\n", "  <<: &many {replicas: 3}\n")
        .replace("apps/v1", "extensions/v1beta1");
    let repository = Repository::new(&[("a.yaml", &merged)]);
    let report = repository.report(&["a.yaml"]);
    assert_eq!(report["findings"][0]["rule"], "rwo-replicas", "{report:#}");
    assert_eq!(report["findings"][0]["object"]["apiVersion"], "extensions/v1beta1");
}

#[test]
fn shell_variables_are_texts() {
    let text = replicas(3)
        .replace("name: db\nspec:\n  access", "name: ${CLAIM}\nspec:\n  access")
        .replace("{claimName: db}", "\n          claimName: ${CLAIM}");
    assert_eq!(places_of(text.as_bytes()), [PLACE]);
}

#[test]
fn a_broken_document_hides_no_other_one() {
    for broken in [
        "a: [1\n",
        "a: {{ .Values.a }}\n",
        "kind: \"x\n",
        "\u{1}\n",
        "a: &x [*x]\n",
    ] {
        let text = format!("{broken}---\n{}", replicas(3));
        let repository = Repository::new(&[("a.yaml", &text)]);
        let answer = repository.check(&["--format", "json", "a.yaml"]);
        assert_eq!(answer.code, 2, "{broken:?}");
        assert!(
            answer.stdout.contains("\"rwo-replicas\""),
            "{broken:?} {}",
            answer.stdout
        );
        assert!(
            answer.stderr.starts_with("error: a.yaml:"),
            "{broken:?} {}",
            answer.stderr
        );
    }
    // A wrong type breaks only its object.
    let text = replicas(3)
        + "---\n"
        + &replicas(3)
            .replace("replicas: 3", "replicas: many")
            .replace("name: db", "name: x");
    let repository = Repository::new(&[("a.yaml", &text)]);
    let answer = repository.check(&["a.yaml"]);
    assert_eq!(answer.code, 2);
    assert!(
        answer.stdout.contains("error[rwo-replicas]: Deployment default/db"),
        "{}",
        answer.stdout
    );
    assert!(
        answer
            .stdout
            .contains("error: this Deployment cannot be read: invalid type: string \"many\""),
        "{}",
        answer.stdout
    );
}

#[test]
fn hostile_texts_end_soon() {
    let laughs: String = (0..40)
        .map(|level| {
            format!(
                "a{}: &a{} [{}]\n",
                level + 1,
                level + 1,
                vec![format!("*a{level}"); 9].join(",")
            )
        })
        .collect();
    let laughs = format!("a0: &a0 x\n{laughs}");
    let brackets = "[".repeat(100_000);
    let scalar = format!("a: {}\n", "x".repeat(5 << 20));
    let repository = Repository::new(&[
        ("laughs.yaml", &laughs),
        ("brackets.yaml", &brackets),
        ("scalar.yaml", &scalar),
        ("db.yaml", CORRECT),
    ]);
    repository.write("latin.yaml", b"a: \xe9\n");
    repository.write("wide.yaml", b"\xff\xfea\0:\0");
    let report = repository.report(&["."]);
    assert_eq!(report["failures"].as_array().map(Vec::len), Some(5), "{report:#}");
    assert_eq!(report["summary"]["objects"], 2);
}

#[test]
fn nothing_from_a_file_reaches_the_terminal_as_a_command() {
    let text = replicas(3).replace(
        "name: db\nspec:\n  replicas",
        "name: \"d\\e[31mb\\a\" # \tx\nspec:\n  replicas",
    );
    let repository = Repository::new(&[("a.yaml", &text)]);
    let answer = repository.check(&["-v", "a.yaml"]);
    assert!(answer.stdout.contains("rwo-replicas"), "{}", answer.stdout);
    assert!(
        answer.stdout.chars().all(|c| c == '\n' || !c.is_control()),
        "{:?}",
        answer.stdout
    );
}

/// What the graph keeps of a workload does not depend on whether it comes from a file or from the API server.
#[test]
fn a_file_is_read_as_a_request_is() {
    let pages = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/crates/core/src/rules")).expect("pages");
    let mut compared = 0;
    for page in pages.map(|entry| entry.expect("an entry").path()) {
        if page.extension().is_none_or(|ending| ending != "md") {
            continue;
        }
        let text = std::fs::read_to_string(&page).expect("readable");
        let blocks = text
            .split("```yaml")
            .skip(1)
            .filter_map(|rest| rest.split_once('\n')?.1.split("\n```").next());
        for block in blocks {
            let repository = Repository::new(&[("a.yaml", block)]);
            let namespace: Name = "shop".into();
            let corpus = Corpus::read(Inputs {
                kinds: stateward::kinds::shipped(),
                paths: &[repository.path().join("a.yaml")],
                namespace: &namespace,
                excluded: &|_| false,
                threads: NonZeroUsize::MIN,
            });
            for placed in corpus.objects() {
                let object = placed.object;
                let manifest = placed.manifest().expect("it is written");
                let json = manifest.to_json().to_string();
                let seed = NodeSeed {
                    kind: object.kind,
                    kinds: stateward::kinds::shipped(),
                    sent_to: &object.namespace,
                };
                let sent = seed.read(&json).expect("readable");
                assert_eq!(object.object, sent, "{}: {block}", page.display());
                compared += 1;
            }
        }
    }
    assert!(compared > 200, "{compared}");
}
