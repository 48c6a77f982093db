//! Chromium, and the stories that are played in it; at a desk without it they are skipped.

use std::env;
use std::fs::{self, File};
use std::io::{Write as _, stderr};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use serde_json::Value;

use super::modules;
use crate::controlplane::eventually;
use crate::controlplane::process::{Process, Scratch};

/// Where Debian and Google have the programs themselves: what is on `PATH` is a script, which would end without them.
const PROGRAMS: [&str; 3] = [
    "/usr/lib/chromium/chromium-headless-shell",
    "/usr/lib/chromium/chromium",
    "/opt/google/chrome/chrome",
];

/// It reaches this machine alone, and does nothing of its own accord. The pages are ours, so that it needs no sandbox, which
/// it would not get as root; containers have little shared memory.
const ARGUMENTS: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-port=0",
];

/// A running Chromium; dropping it kills the process.
pub struct Chromium {
    address: String,
    modules: PathBuf,
    _process: Process,
    scratch: Scratch,
}

impl Chromium {
    /// Starts it, unless there is none, or no Node to play stories with.
    pub async fn start() -> Option<Self> {
        let Some(program) = PROGRAMS.into_iter().find(|program| Path::new(program).exists()) else {
            return without("Chromium: install Debian's chromium-headless-shell");
        };
        for name in ["node", "npm"] {
            if Command::new(name).arg("--version").output().is_err() {
                return without(&format!("`{name}` on PATH: Node 20 or newer has it"));
            }
        }
        let modules = modules::installed().expect("the packages of tests/browser are installed");
        let scratch = Scratch::new().expect("a directory can be made");
        let log = scratch.path().join("chromium.log");
        let mut command = Command::new(program);
        command
            .args(ARGUMENTS)
            .arg(format!("--user-data-dir={}", scratch.path().join("profile").display()))
            .env("HOME", scratch.path());
        let mut process = Process::start(&command, &log).expect("Chromium starts");
        let address = eventually("Chromium", async || {
            let text = fs::read_to_string(&log).unwrap_or_default();
            let end = process.ended().expect("a process can be waited for");
            assert!(end.is_none(), "it ended:\n{text}");
            let (_, rest) = text.split_once("DevTools listening on ")?;
            Some(rest.split_once('\n')?.0.trim().to_owned())
        })
        .await;
        Some(Self {
            address,
            modules,
            _process: process,
            scratch,
        })
    }

    /// Plays a story to its end.
    pub async fn play(&self, story: &str, cast: &Value) {
        self.begin(story, cast).end().await;
    }

    /// Begins a story that others play in too.
    pub fn begin(&self, story: &str, cast: &Value) -> Story {
        let log = self.scratch.path().join(format!("{story}.log"));
        // Of this story alone, though it may have been played before.
        File::create(&log).expect("a log");
        let mut command = Command::new("node");
        command
            .arg(format!("{}/tests/browser/{story}.mjs", env!("CARGO_MANIFEST_DIR")))
            .arg(cast.to_string())
            .env("STATEWARD_BROWSER", &self.address)
            .env("STATEWARD_NODE_MODULES", &self.modules);
        let process = Process::start(&command, &log).expect("node starts");
        Story { process, log }
    }
}

/// A story that is being played.
pub struct Story {
    process: Process,
    log: PathBuf,
}

impl Story {
    fn told(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn ended(&mut self) -> Option<ExitStatus> {
        self.process.ended().expect("a process can be waited for")
    }

    /// Waits until it says that it is there.
    pub async fn comes_to(&mut self, point: &str) {
        eventually(point, async || {
            let (ended, told) = (self.ended(), self.told());
            let is_there = told.lines().any(|line| line == point);
            assert!(is_there || ended.is_none(), "it ended before {point}:\n{told}");
            is_there.then_some(())
        })
        .await;
    }

    /// Waits for the end, and fails with all that was wrong.
    pub async fn end(mut self) {
        let status = eventually("the end of a story", async || self.ended()).await;
        assert!(status.success(), "{}", self.told());
    }
}

fn without(what: &str) -> Option<Chromium> {
    assert!(env::var_os("CI").is_none(), "no {what}; .ci/run should have seen to it");
    let _ = writeln!(stderr(), "\nstateward tests: skipped, no {what}");
    None
}
