//! The workflows of GitHub: what they may, and that what they run is there. Nobody but GitHub can run them as a whole.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use stateward_yaml::read;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A workflow of this repository.
struct Workflow {
    name: String,
    content: Value,
}

impl Workflow {
    fn all() -> Vec<Self> {
        let entries = fs::read_dir(root().join(".github/workflows")).expect("a directory");
        let mut all: Vec<_> = entries
            .map(|entry| entry.expect("an entry"))
            .map(|entry| Self {
                name: entry.file_name().into_string().expect("UTF-8"),
                content: read(fs::read(entry.path()).expect("a file"))
                    .document(0)
                    .expect("a document")
                    .root()
                    .to_json(),
            })
            .collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        assert!(all.iter().map(|it| &*it.name).eq(["ci.yml", "release.yml"]));
        all
    }

    /// Its jobs, each with its name.
    fn jobs(&self) -> impl Iterator<Item = (String, &Value)> {
        let jobs = self.content["jobs"].as_object().expect("jobs");
        jobs.iter().map(|(name, job)| (format!("{}: {name}", self.name), job))
    }

    /// What its steps run, each with its name.
    fn scripts(&self) -> Vec<(String, &str)> {
        let mut scripts = Vec::new();
        for (job, content) in self.jobs() {
            for step in content["steps"].as_array().expect("steps") {
                let name = format!("{job}: {}", step["name"]);
                scripts.push((name, step["run"].as_str().expect("no action of others")));
            }
        }
        scripts
    }
}

fn bash(script: &str, tag: &str) -> Output {
    let mut command = Command::new("bash");
    command
        .args(["-e", "-c", script])
        .current_dir(root())
        .env("GITHUB_REF_NAME", tag);
    command.output().expect("bash runs")
}

#[test]
fn workflows_run_shell_and_scripts_that_exist() {
    let mut named = Vec::new();
    for workflow in Workflow::all() {
        for (step, script) in workflow.scripts() {
            let read = Command::new("bash")
                .args(["-n", "-c", script])
                .output()
                .expect("bash runs");
            assert!(
                read.status.success(),
                "{step}: {}",
                String::from_utf8_lossy(&read.stderr)
            );
            // An expression in a script is text that others may write.
            assert!(!script.contains("${{"), "{step}: give it to the script as a variable");
            for word in script.split_whitespace() {
                let path = word.trim_matches(['"', ';', '(', ')']);
                let ours = [".ci/", "certs/", "deploy/", "src/", "tests/"]
                    .iter()
                    .any(|it| path.starts_with(it));
                if ours || Path::new(path).extension().is_some_and(|it| it == "toml" || it == "md") {
                    assert!(root().join(path).exists(), "{step}: there is no {path}");
                    named.push(path.to_owned());
                }
            }
        }
    }
    for path in [".ci/run", "deploy/image.sh", "deploy/release.sh"] {
        assert!(named.iter().any(|it| it == path), "nobody runs {path}");
    }
}

#[test]
fn no_job_may_more_than_it_needs() {
    let mut granted = Vec::new();
    for workflow in Workflow::all() {
        assert_eq!(
            workflow.content["permissions"],
            serde_json::json!({}),
            "{}",
            workflow.name
        );
        for (job, content) in workflow.jobs() {
            assert!(content["timeout-minutes"].is_number(), "{job} ends");
            for (what, level) in content["permissions"].as_object().expect("permissions") {
                granted.push(format!("{job}: {what} {}", level.as_str().expect("a level")));
            }
        }
    }
    assert_eq!(
        granted,
        [
            "ci.yml: ci: contents read",
            "release.yml: image: packages write",
            "release.yml: release: contents write",
            "release.yml: release: packages write",
        ]
    );
}

#[test]
fn a_release_is_of_the_version_that_its_tag_says() {
    let all = Workflow::all();
    let scripts: Vec<_> = all.iter().flat_map(Workflow::scripts).collect();
    let (_, script) = scripts
        .iter()
        .find(|(step, _)| step.contains("Compare tag and version"))
        .expect("a step");
    let right = format!("v{}", env!("CARGO_PKG_VERSION"));
    assert!(bash(script, &right).status.success());
    for wrong in ["v9.9.9", env!("CARGO_PKG_VERSION"), ""] {
        let output = bash(script, wrong);
        assert!(!output.status.success(), "{wrong}");
        assert!(
            String::from_utf8_lossy(&output.stdout).starts_with("::error::the tag is "),
            "{wrong}"
        );
    }
}
