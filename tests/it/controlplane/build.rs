//! Builds programs of Go modules, once, into the user's cache.

use std::env;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Write as _, stderr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::process::{Process, Scratch};

/// How often a running build says that it goes on.
const PROGRESS: Duration = Duration::from_secs(15);

/// A Go module of ours, which pins the versions of programs.
pub struct Module {
    /// The directory of the programs in the cache, and of the module below `tests` where `write` is nothing.
    pub name: &'static str,
    pub version: String,
    /// The files that the programs follow from.
    pub recipe: &'static [&'static str],
    pub link_flags: String,
    /// Where else the programs could have come from, and how long this takes.
    pub why: String,
    /// What helps where there is no Go.
    pub instead: String,
    /// Writes the module into an empty directory, where it is none of those below `tests`.
    pub write: Option<Write>,
}

/// Writes a module into a directory.
pub type Write = Box<dyn Fn(&Path) -> anyhow::Result<()>>;

/// A program of a module.
#[derive(Clone, Copy)]
pub struct Target {
    pub name: &'static str,
    pub package: &'static str,
    /// What `go build` calls it.
    pub built_as: &'static str,
}

/// The version that a `go.mod` requires of a module.
pub fn required(go_mod: &str, module: &str) -> String {
    let mut words = go_mod.split_whitespace().skip_while(|word| *word != module).skip(1);
    words.next().expect("invariant: go.mod requires it").to_owned()
}

/// The directory that holds these programs of a module; builds those that are not there yet.
pub fn built(module: &Module, targets: &[Target]) -> anyhow::Result<PathBuf> {
    let mut recipe = DefaultHasher::new();
    module.recipe.iter().for_each(|file| file.hash(&mut recipe));
    module.link_flags.hash(&mut recipe);
    let directory = cache()?
        .join(module.name)
        .join(format!("{}-{:016x}", module.version, recipe.finish()));
    let missing = || {
        targets
            .iter()
            .copied()
            .filter(|target| !directory.join(target.name).exists())
    };
    once(
        &directory,
        || missing().next().is_none(),
        || build(module, &missing().collect::<Vec<_>>(), &directory),
    )?;
    Ok(directory)
}

/// Makes what belongs into a directory of the cache, unless it is there.
///
/// Test processes that come at the same time wait for the one that makes it.
pub fn once(
    directory: &Path,
    is_there: impl Fn() -> bool,
    make: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    if is_there() {
        return Ok(());
    }
    fs::create_dir_all(directory).with_context(|| format!("creating {}", directory.display()))?;
    let lock = File::create(directory.join("lock"))?;
    if lock.try_lock().is_err() {
        say(&format!(
            "waiting for another test process that fills {}",
            directory.display()
        ));
        lock.lock().context("locking the directory")?;
    }
    // Asked again: the process that held the lock may have made it.
    if is_there() { Ok(()) } else { make() }
}

fn build(module: &Module, targets: &[Target], directory: &Path) -> anyhow::Result<()> {
    let names: Vec<_> = targets.iter().map(|target| target.name).collect();
    let names = names.join(", ");
    let go = Command::new("go").arg("version").output();
    if !go.is_ok_and(|output| output.status.success()) {
        bail!(
            "the tests need {names} and build them with Go, but `go` does not run: install Go 1.21 or newer \
             (https://go.dev/dl; it fetches the toolchain that tests/{}/go.mod asks for){}",
            module.name,
            module.instead
        );
    }
    say(&format!(
        "the tests need {names}{}; building {} with Go into {}, once",
        module.why,
        module.version,
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
        &module.link_flags,
        "-o",
    ]);
    command
        .arg(output.join(""))
        .args(targets.iter().map(|target| target.package));
    let sources = match &module.write {
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(module.name),
        Some(write) => {
            write(scratch.path())?;
            scratch.path().to_owned()
        }
    };
    command
        .current_dir(&sources)
        .env("CGO_ENABLED", "0")
        .env("GOWORK", "off");
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
        bail!("`go build` of {names} failed in {}:\n{tail}", sources.display());
    }
    for target in targets {
        fs::rename(output.join(target.built_as), directory.join(target.name))?;
    }
    fs::remove_dir_all(&output)?;
    say(&format!("built {names} in {} s", seconds(started)));
    Ok(())
}

/// The directory of the user's cache that belongs to these tests.
pub fn cache() -> anyhow::Result<PathBuf> {
    let home = || env::home_dir().map(|home| home.join(".cache"));
    let cache = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(home);
    Ok(cache
        .context("neither XDG_CACHE_HOME nor HOME is set")?
        .join("stateward"))
}

/// Tells whoever waits for `cargo test` why: written to the stream itself, which the test runner does not capture.
pub fn say(message: &str) {
    let _ = writeln!(stderr(), "\nstateward tests: {message}");
}

fn seconds(since: Instant) -> u64 {
    since.elapsed().as_secs()
}
