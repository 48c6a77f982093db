//! What the page about CI tells people to run, the GitHub Action and the pre-commit hooks, run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use stateward_yaml::read;

const CLEAN: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {app: \
                     web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec: {containers: [{name: web, image: \
                     web}]}\n";
const BROKEN: &str = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: {accessModes: \
                      [ReadWriteOnce]}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  \
                      replicas: 3\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: \
                      web}}\n    spec:\n      containers: [{name: web, image: web, volumeMounts: [{name: data, mountPath: \
                      /data}]}]\n      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]\n";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A directory with manifests, in which shell commands find stateward, and stand-ins for what renders manifests.
struct Workplace {
    directory: tempfile::TempDir,
}

impl Workplace {
    fn with(manifest: &str) -> Self {
        let directory = tempfile::tempdir().expect("a file can be made");
        let bin = directory.path().join("bin");
        fs::create_dir_all(directory.path().join("manifests")).expect("a file can be made");
        fs::create_dir_all(&bin).expect("a file can be made");
        fs::write(directory.path().join("manifests/web.yaml"), manifest).expect("a file can be made");
        for program in ["helm", "kustomize", "kubectl"] {
            let script = "#!/bin/sh\necho '# Source: chart/templates/web.yaml'\ncat manifests/web.yaml\n";
            let file = bin.join(program);
            fs::write(&file, script).expect("a file can be made");
            let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            fs::set_permissions(&file, executable).expect("a file can be made");
        }
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_stateward"), bin.join("stateward")).expect("a file can be made");
        Self { directory }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn bash(&self, script: &str, variables: &[(&str, &str)]) -> Output {
        let path = format!(
            "{}:{}",
            self.file("bin").display(),
            std::env::var("PATH").expect("a path")
        );
        let mut command = Command::new("bash");
        command
            .args(["-e", "-o", "pipefail", "-c", script])
            .current_dir(self.directory.path());
        command
            .env("PATH", path)
            .env_remove("KUBECONFIG")
            .envs(variables.iter().copied());
        command.output().expect("bash runs")
    }
}

fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

#[test]
fn the_commands_of_the_page_work() {
    let page = fs::read_to_string(root().join("docs/ci.md")).unwrap();
    let workplace = Workplace::with(CLEAN);
    std::os::unix::fs::symlink(root().join("policies"), workplace.file("my-policies")).expect("a link can be made");
    let mut ran = 0;
    for block in page.split("```sh\n").skip(1) {
        for line in block.split("```").next().unwrap().lines() {
            // They need a cluster; tests/it/audit.rs and tests/it/check/with_cluster.rs have one.
            if line.starts_with("stateward audit") || line.contains("--with-cluster") {
                continue;
            }
            let output = workplace.bash(line, &[]);
            assert!(
                output.status.success(),
                "{line}\n{}{}",
                text(&output.stdout),
                text(&output.stderr)
            );
            ran += 1;
        }
    }
    assert!(ran >= 10, "{ran} commands");
}

#[test]
fn the_action_annotates_and_fails() {
    let action = read(fs::read(root().join("action.yml")).unwrap());
    let action = action.document(0).unwrap().root().to_json();
    let steps = action["runs"]["steps"].as_array().unwrap();
    let install = steps[0]["run"].as_str().unwrap();
    let check = steps[1]["run"].as_str().unwrap();
    let inputs: Vec<&str> = steps[1]["env"]
        .as_object()
        .unwrap()
        .values()
        .map(|value| value.as_str().unwrap())
        .collect();
    for input in action["inputs"].as_object().unwrap().keys() {
        assert!(
            inputs.contains(&&*format!("${{{{ inputs.{input} }}}}")),
            "{input} is passed on"
        );
    }
    for (manifest, code) in [(CLEAN, 0), (BROKEN, 1)] {
        let workplace = Workplace::with(manifest);
        let (output, temporary) = (workplace.file("output"), workplace.file(""));
        let variables = [
            ("GITHUB_OUTPUT", output.to_str().unwrap()),
            ("RUNNER_TEMP", temporary.to_str().unwrap()),
            ("PATHS", "manifests\n"),
            ("POLICY", "baseline\n"),
            ("FAIL_ON", "error"),
            ("ARGS", "-n\nshop"),
        ];
        assert!(
            workplace.bash(install, &variables).status.success(),
            "installed already"
        );
        let run = workplace.bash(check, &variables);
        let shown = text(&run.stdout);
        assert_eq!(run.status.code(), Some(code), "{shown}{}", text(&run.stderr));
        assert_eq!(
            shown.contains("::error file=manifests/web.yaml,line=10,"),
            code == 1,
            "{shown}"
        );
        let sarif = fs::read_to_string(&output).unwrap();
        let sarif = sarif.trim().strip_prefix("sarif=").unwrap();
        let sarif: Value = serde_json::from_slice(&fs::read(sarif).unwrap()).unwrap();
        assert_eq!(sarif["version"], "2.1.0");
    }
}

#[test]
fn the_hooks_run() {
    let hooks = read(fs::read(root().join(".pre-commit-hooks.yaml")).unwrap());
    let hooks = hooks.document(0).unwrap().root().to_json();
    for hook in hooks.as_array().unwrap() {
        let args: Vec<&str> = hook["args"]
            .as_array()
            .unwrap()
            .iter()
            .map(|arg| arg.as_str().unwrap())
            .collect();
        let line = format!("{} {}", hook["entry"].as_str().unwrap(), args.join(" "));
        for (manifest, code) in [(CLEAN, 0), (BROKEN, 1)] {
            let run = Workplace::with(manifest).bash(&line, &[]);
            assert_eq!(run.status.code(), Some(code), "{line}: {}", text(&run.stdout));
        }
    }
}
