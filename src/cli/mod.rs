//! The command line: one file a subcommand, each with its own arguments.
//!
//! Exit codes: 0 all is well, 1 findings, 2 bad usage or unreadable input.

pub mod audit;
pub mod check;
pub mod compare;
pub mod completions;
pub mod convert;
pub mod crds;
pub mod dashboard;
pub mod exceptions;
pub mod explain;
pub mod graph;
pub mod installed;
pub mod live;
pub mod logging;
pub mod man;
pub mod manifests;
pub mod named;
pub mod reporting;
pub mod rules;
pub mod seen;
pub mod serve;
pub mod version;

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

/// Guards, audits and checks the state of Kubernetes workloads.
#[derive(Debug, Parser)]
#[command(name = "stateward", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Audit(audit::Args),
    Check(check::Args),
    Completions(completions::Args),
    Convert(convert::Args),
    Crds(crds::Args),
    Dashboard(Box<dashboard::Args>),
    Explain(Box<explain::Args>),
    Graph(Box<graph::Args>),
    Man(man::Args),
    Manifests(manifests::Args),
    Rules(rules::Args),
    Serve(Box<serve::Args>),
    Unregister(installed::Unregister),
    Verify(installed::Verify),
    Version(version::Args),
}

impl Cli {
    /// Reads the arguments of this process, and ends it where they ask for help or make no sense.
    ///
    /// Called by the name of a plugin of kubectl, usage shows what one types there.
    pub fn read() -> Self {
        let name = std::env::args_os().next().unwrap_or_default();
        let mut command = Self::command();
        if Path::new(&name).file_stem() == Some("kubectl-stateward".as_ref()) {
            command = command.bin_name("kubectl stateward");
        }
        let matches = command.get_matches_mut();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.format(&mut command).exit())
    }

    /// Runs the chosen subcommand.
    ///
    /// # Errors
    /// What made the subcommand give up, with its whole chain of causes.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Audit(args) => args.run(),
            Command::Check(args) => args.run(),
            Command::Completions(args) => args.run(),
            Command::Convert(args) => args.run(),
            Command::Crds(args) => args.run(),
            Command::Dashboard(args) => args.run(),
            Command::Explain(args) => args.run(),
            Command::Graph(args) => args.run(),
            Command::Man(args) => args.run(),
            Command::Manifests(args) => args.run(),
            Command::Rules(args) => args.run(),
            Command::Serve(args) => args.run(),
            Command::Unregister(args) => args.run(),
            Command::Verify(args) => args.run(),
            Command::Version(args) => args.run(),
        }
    }
}

/// Writes a line to standard error.
fn tell(line: &str) {
    // A closed one leaves nobody to tell; where it matters, the exit code says it too.
    let _ = writeln!(io::stderr(), "{line}");
}

/// Writes to standard output; a reader that has seen enough, as in `stateward rules | head`, is no failure.
fn print(text: &[u8]) -> anyhow::Result<()> {
    match io::stdout().write_all(text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(()),
    }
}
