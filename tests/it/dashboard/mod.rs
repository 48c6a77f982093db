//! `stateward dashboard` and `serve --dashboard-bind`, as a browser sees them.

mod browser;
pub mod cluster;
mod files;
pub mod objects;
pub mod tokens;

use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::sync::{Mutex, PoisonError};

use crate::controlplane::eventually;
use crate::controlplane::process::{Process, Scratch};
use browser::Browser;

/// A running `stateward dashboard`; dropping it kills the process.
pub struct Dashboard {
    process: Mutex<Process>,
    log: PathBuf,
    _scratch: Scratch,
    browser: Browser,
}

impl Dashboard {
    /// Starts it with these arguments, and waits until everything was judged once.
    pub async fn start(arguments: &[&str]) -> Self {
        let dashboard = Self::launch(arguments).await;
        // What was found first stands on the first page then.
        eventually("the first judgement", async || {
            let answer = dashboard.browser.get("/").await;
            (!answer.page().text().contains("being judged for the first time")).then_some(())
        })
        .await;
        dashboard
    }

    /// Starts it with these arguments, and waits until it says where it is.
    async fn launch(arguments: &[&str]) -> Self {
        let scratch = Scratch::new().expect("a directory can be made");
        let log = scratch.path().join("dashboard.log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_stateward"));
        command.args(["dashboard", "--no-open"]).args(arguments);
        // Nothing of the user's.
        command
            .env("HOME", scratch.path())
            .env_remove("KUBECONFIG")
            .env_remove("RUST_LOG");
        let process = Process::start(&command, &log).expect("stateward starts");
        let mut dashboard = Self {
            process: Mutex::new(process),
            log,
            _scratch: scratch,
            browser: Browser::default(),
        };
        let address = eventually("the address of the dashboard", async || {
            let text = std::fs::read_to_string(&dashboard.log).unwrap_or_default();
            assert_eq!(dashboard.end(), None, "it ended:\n{text}");
            let (_, rest) = text.split_once("http://")?;
            Some(rest.split_once("/\n")?.0.to_owned())
        })
        .await;
        dashboard.browser = Browser::at(&address);
        dashboard
    }

    /// Starts it with the objects of a text.
    pub async fn of(objects: &str) -> Self {
        // They are read before it serves.
        let scratch = Scratch::new().expect("a directory can be made");
        let file = scratch.write("objects.yaml", objects).expect("written");
        Self::start(&[&file.display().to_string()]).await
    }

    /// Where its first page is, without the slash at the end.
    pub fn address(&self) -> String {
        format!("http://{}", self.browser.address)
    }

    fn end(&self) -> Option<ExitStatus> {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        process.ended().expect("a process can be waited for")
    }

    fn signal(&self) {
        let process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        process.signal("INT").expect("the process is there");
    }

    /// Asks it to stop as Ctrl-C does, and waits for its end.
    async fn interrupted(&self) -> ExitStatus {
        self.signal();
        eventually("the end of the dashboard", async || self.end()).await
    }
}
