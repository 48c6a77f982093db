//! `stateward dashboard`: what is found, as pages in the browser.

use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::thread;

use anyhow::{Context as _, bail};

use super::check::inputs::Inputs;
use super::logging::{self, LogLevel};
use super::reporting::Judging;
use super::seen::{Reading, Seen};
use crate::kinds;
use crate::runtime::policies::PolicySource;
use crate::runtime::{Local, Looked, RunError};

const EXAMPLES: &str = "\
Examples:
  stateward dashboard                     the cluster of the kubeconfig, as it changes
  stateward dashboard --policy strict     as it would be judged by other policies
  stateward dashboard deploy/             files, as they are now

It reads and writes nothing, and is reached from this machine alone. Ctrl-C ends it.

Without --policy the policies of the cluster count, where it has their kind, else baseline. It needs the permissions of
`stateward audit`, and to watch what that lists; a kind that it may not list is unknown, which the first page says.";

/// Show the findings, the pictures and the rules in the browser, live.
///
/// Without a PATH it follows the cluster of the kubeconfig; with PATHs it shows files.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Files, directories (read recursively: .yaml, .yml, .json), or - for standard input [default: the cluster]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Port of 127.0.0.1 [default: a free one]
    #[arg(long, value_name = "PORT", default_value = "0", hide_default_value = true)]
    port: u16,
    /// Print the address only, and open no browser
    #[arg(long)]
    no_open: bool,
    /// Namespace of objects in files that name none [default: default]
    #[arg(short, long, value_name = "NAME", value_parser = super::manifests::namespace, requires = "paths")]
    namespace: Option<String>,
    /// Policies: a file, a directory, or one of baseline, strict, warn, audit; repeatable [default: the cluster's, else baseline]
    #[arg(long, value_name = "PATH", value_parser = PolicySource::parse)]
    policy: Vec<PolicySource>,
    #[command(flatten)]
    inputs: Inputs,
}

impl Args {
    /// Serves the pages until a signal.
    ///
    /// # Errors
    /// A port in use, bad policies or files, or a cluster that cannot be used.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let level = std::env::var_os("RUST_LOG").is_none().then_some(LogLevel::Warn);
        logging::init(None, level)?;
        let (port, opens) = (self.port, !self.no_open);
        let looked = self.looked()?;
        let threads = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("cannot start threads")?;
        let code = threads.block_on(serve(looked, port, opens));
        // Nobody waits for an answer of the cluster any more.
        threads.shutdown_background();
        code
    }

    fn looked(self) -> anyhow::Result<Looked> {
        if self.paths.is_empty() {
            return Ok(Looked::Cluster {
                kinds: kinds::with(Vec::new(), &self.inputs.workload_kinds)?,
                kubeconfig: self.inputs.cluster.kubeconfig,
                context: self.inputs.cluster.context,
                policies: self.policy,
            });
        }
        let judging = Judging::by(self.policy);
        let reading = Reading {
            inputs: &self.inputs,
            judging: &judging,
            namespace: self.namespace.as_deref(),
        };
        let seen = reading.files(&self.paths)?;
        seen.tell();
        let Seen {
            mut graphs,
            policies,
            in_force,
            notes,
            failures,
            ..
        } = seen;
        let graph = match (graphs.pop(), &*graphs) {
            (None, _) => bail!("there is no object in what was read"),
            (Some(last), []) => last.graph,
            (Some(last), others) => {
                let directories = others
                    .iter()
                    .chain([&last])
                    .filter_map(|placed| placed.directory.as_deref());
                let directories: Vec<String> = directories.map(|one| one.display().to_string()).collect();
                bail!(
                    "the objects of {} are not there at the same time: name one of them",
                    directories.join(", ")
                );
            }
        };
        let mut notes = notes;
        if !failures.is_empty() {
            notes.push("some files could not be read: what is in them is not shown".to_owned());
        }
        notes.push(
            "these are files, as they were when the dashboard began; what is not in them is not known".to_owned(),
        );
        Ok(Looked::Files {
            graph,
            policies,
            from: in_force.from,
            notes,
        })
    }
}

async fn serve(looked: Looked, port: u16, opens: bool) -> anyhow::Result<ExitCode> {
    let local = Local::start(looked, port).await?;
    let url = format!("http://{}/", local.address());
    super::print(format!("{url}\n").as_bytes())?;
    if opens && let Err(error) = open(&url) {
        super::tell(&format!(
            "note: no browser was opened ({error}): open the address above yourself"
        ));
    }
    match local.run().await {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(RunError::Interrupted(_)) => Ok(ExitCode::FAILURE),
        Err(error) => Err(error.into()),
    }
}

/// Hands an address to the browser of this desktop.
fn open(url: &str) -> io::Result<()> {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let has_desktop = cfg!(target_os = "macos")
        || ["DISPLAY", "WAYLAND_DISPLAY"]
            .iter()
            .any(|name| std::env::var_os(name).is_some());
    if !has_desktop {
        return Err(io::Error::other("there is no desktop"));
    }
    let mut child = Command::new(opener)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    // Its end is of no interest, but somebody has to hear of it.
    thread::spawn(move || child.wait());
    Ok(())
}
