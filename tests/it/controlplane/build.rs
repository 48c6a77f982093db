//! Builds the programs of the control plane with Go, once, into the user's cache.

use std::env;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Write, stderr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::binaries::{Program, Version};
use super::process::{Process, Scratch};

/// The Go module that pins the versions.
const MODULE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/controlplane");
pub const GO_MOD: &str = include_str!("../../controlplane/go.mod");
const GO_SUM: &str = include_str!("../../controlplane/go.sum");

/// How often a running build says that it goes on.
const PROGRESS: Duration = Duration::from_secs(15);

/// The directory that holds the programs built from [`MODULE`]; builds those that are not there yet.
///
/// Test processes that come at the same time wait for the one that builds.
pub fn built(programs: &[Program], refused: &str) -> anyhow::Result<PathBuf> {
    let flags = link_flags();
    let mut recipe = DefaultHasher::new();
    (GO_MOD, GO_SUM, &flags).hash(&mut recipe);
    let directory = cache()?.join(format!("{}-{:016x}", Version::pinned(), recipe.finish()));
    let missing = || {
        programs
            .iter()
            .copied()
            .filter(|program| !directory.join(program.name()).exists())
    };
    if missing().next().is_none() {
        return Ok(directory);
    }
    fs::create_dir_all(&directory).with_context(|| format!("creating {}", directory.display()))?;
    let lock = File::create(directory.join("lock"))?;
    if lock.try_lock().is_err() {
        say("waiting for another test process that builds the control plane");
        lock.lock().context("locking the build directory")?;
    }
    // Asked again: the process that held the lock may have built them.
    let missing: Vec<_> = missing().collect();
    if !missing.is_empty() {
        build(&missing, &flags, &directory, refused)?;
    }
    Ok(directory)
}

fn build(programs: &[Program], flags: &str, directory: &Path, refused: &str) -> anyhow::Result<()> {
    let names = programs
        .iter()
        .map(|program| program.name())
        .collect::<Vec<_>>()
        .join(", ");
    let go = Command::new("go").arg("version").output();
    if !go.is_ok_and(|output| output.status.success()) {
        bail!(
            "the tests need {names} and build them with Go, but `go` does not run: install Go 1.21 or newer \
             (https://go.dev/dl; it fetches the toolchain that tests/controlplane/go.mod asks for), or put the \
             programs into a directory and name it in KUBEBUILDER_ASSETS{refused}"
        );
    }
    say(&format!(
        "the API-server tests need {names}, found neither in KUBEBUILDER_ASSETS nor on PATH{refused}; building {} \
         with Go into {}, once; all four take 5 to 8 minutes on 2 cores",
        Version::pinned(),
        directory.display()
    ));
    let scratch = Scratch::new()?;
    let log = scratch.path().join("log");
    // Beside the final place, so that the rename below stays within one file system and is atomic.
    let output = directory.join("building");
    let _ = fs::remove_dir_all(&output);
    let mut command = Command::new("go");
    command.args([
        "build",
        "-v",
        "-mod=readonly",
        "-buildvcs=false",
        "-trimpath",
        "-ldflags",
        flags,
        "-o",
    ]);
    command
        .arg(output.join(""))
        .args(programs.iter().map(|program| program.package().0));
    command.current_dir(MODULE).env("CGO_ENABLED", "0").env("GOWORK", "off");
    let started = Instant::now();
    let mut process = Process::start(&command, &log)?;
    let mut said = started;
    let status = loop {
        if let Some(status) = process.ended()? {
            break status;
        }
        if said.elapsed() >= PROGRESS {
            said = Instant::now();
            let packages = fs::read_to_string(&log).unwrap_or_default().lines().count();
            say(&format!(
                "still building after {} s: {packages} packages downloaded or compiled",
                seconds(started)
            ));
        }
        thread::sleep(Duration::from_millis(100));
    };
    if !status.success() {
        let text = fs::read_to_string(&log).unwrap_or_default();
        let tail = text
            .lines()
            .rev()
            .take(20)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect::<Vec<_>>()
            .join("\n");
        bail!("`go build` of {names} failed in {MODULE}:\n{tail}");
    }
    for program in programs {
        fs::rename(output.join(program.package().1), directory.join(program.name()))?;
    }
    fs::remove_dir_all(&output)?;
    say(&format!("built {names} in {} s", seconds(started)));
    Ok(())
}

/// Makes the programs small, and lets them know their version: clients and the API server act on it.
fn link_flags() -> String {
    let version = Version::pinned();
    let package = "k8s.io/component-base/version";
    format!(
        "-s -w -X {package}.gitVersion={version} -X {package}.gitMajor={} -X {package}.gitMinor={}",
        version.major, version.minor
    )
}

/// The directory of the user's cache that belongs to these tests.
fn cache() -> anyhow::Result<PathBuf> {
    let home = || env::home_dir().map(|home| home.join(".cache"));
    let cache = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(home);
    Ok(cache
        .context("neither XDG_CACHE_HOME nor HOME is set")?
        .join("stateward")
        .join("controlplane"))
}

/// Tells whoever waits for `cargo test` why: written to the stream itself, which the test runner does not capture.
fn say(message: &str) {
    let _ = writeln!(stderr(), "\nstateward tests: {message}");
}

fn seconds(since: Instant) -> u64 {
    since.elapsed().as_secs()
}
