//! Another release of Kubernetes than the one that `tests/controlplane/go.mod` pins.
//!
//! Its module is not committed: all that it requires follows from the release's own `go.mod`, and is checked against the
//! public checksums of Go modules.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::Value;

use super::binaries::{Version, link_flags};
use super::build::Module;

/// Which release, as `1.37.2`.
const VARIABLE: &str = "KUBERNETES_VERSION";

/// The programs of the pinned release; those of etcd stay that of the pinned one.
const TOOLS: &str = include_str!("../../controlplane/tools.go");

/// The release that somebody asks for, if it is not the one that is pinned.
pub fn wanted() -> anyhow::Result<Option<Version>> {
    let Some(text) = env::var_os(VARIABLE).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let text = text.to_string_lossy();
    let version = Version::find(&text).with_context(|| format!("{VARIABLE}={text}: write it like 1.37.2"))?;
    Ok((version != Version::pinned()).then_some(version))
}

/// The release that the tests run on, unless `PATH` or `KUBEBUILDER_ASSETS` has another.
pub fn tested() -> Version {
    let wanted = wanted().expect("a version");
    wanted.unwrap_or_else(Version::pinned)
}

/// What the programs of a release are built from.
pub fn module(version: Version) -> Module {
    Module {
        name: "controlplane",
        version: version.to_string(),
        recipe: &[TOOLS],
        link_flags: link_flags(version),
        why: format!(" of the release that {VARIABLE} names; 5 to 8 minutes on 2 cores"),
        instead: String::new(),
        write: Some(Box::new(move |directory| write(version, directory))),
    }
}

fn write(version: Version, directory: &Path) -> anyhow::Result<()> {
    let programs: Vec<&str> = TOOLS.lines().filter(|line| !line.contains("etcd")).collect();
    fs::write(directory.join("tools.go"), programs.join("\n"))?;
    fs::write(directory.join("go.mod"), "module stateward.dev/tests/controlplane\n")?;
    let release = format!("k8s.io/kubernetes@{version}");
    let told = go(directory, &["mod", "download", "-json", &release])?;
    let told: Value = serde_json::from_str(&told).context("`go mod download -json` prints JSON")?;
    let theirs = fs::read_to_string(told["GoMod"].as_str().context("a release has a go.mod")?)?;
    fs::write(directory.join("go.mod"), go_mod(version, &theirs))?;
    go(directory, &["mod", "tidy"])?;
    Ok(())
}

/// A module that requires the release, with what the release takes from its own repository.
fn go_mod(version: Version, theirs: &str) -> String {
    let go = theirs.lines().find(|line| line.starts_with("go ")).unwrap_or_default();
    let mut text =
        format!("module stateward.dev/tests/controlplane\n\n{go}\n\nrequire k8s.io/kubernetes {version}\n\n");
    let staged = theirs.lines().filter_map(|line| line.trim().strip_suffix(" v0.0.0"));
    for module in staged.filter(|module| module.starts_with("k8s.io/")) {
        let _ = writeln!(
            text,
            "replace {module} => {module} v0.{}.{}",
            version.minor, version.patch
        );
    }
    text
}

fn go(directory: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let mut command = Command::new("go");
    command.args(arguments).current_dir(directory).env("GOWORK", "off");
    let output = command.output().context("running go")?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`go {}` failed: {stderr}", arguments.join(" "));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_brings_its_own_modules() {
        let theirs =
            "module k8s.io/kubernetes\n\ngo 1.26.0\n\nrequire (\n\tk8s.io/api v0.0.0\n\tk8s.io/klog/v2 v2.130.1\n)\n";
        let version = Version::find("1.37.2").expect("a version");
        assert_eq!(
            go_mod(version, theirs),
            "module stateward.dev/tests/controlplane\n\ngo 1.26.0\n\nrequire k8s.io/kubernetes v1.37.2\n\n\
             replace k8s.io/api => k8s.io/api v0.37.2\n"
        );
    }
}
