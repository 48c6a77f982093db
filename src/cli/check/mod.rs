//! `stateward check`: the webhook's judge over files.

pub mod config;
pub mod fix;
pub mod globs;
pub mod judge;
pub mod known;
pub mod places;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

use self::config::Config;
use self::fix::Fixes;
use self::judge::Judge;
use super::reporting;
use crate::audit::Report;
use crate::graph::{Knowledge, Name};
use crate::manifests::corpus::{Corpus, Inputs};
use crate::parallel;

const EXAMPLES: &str = "\
Examples:
  stateward check deploy/
  helm template mychart | stateward check -n shop -
  kustomize build overlays/prod | stateward check --assume-complete -
  stateward check --output sarif=stateward.sarif --format human deploy/
  stateward check --write-known known.json deploy/   (then: --known known.json)

Exit codes:
  0  nothing at or above --fail-on
  1  findings at or above --fail-on
  2  bad usage, or something could not be read (what was found is still reported)

Accept one finding on one object with the annotation stateward.dev/allow: \"RULE: why\".
`stateward rules RULE` explains a rule. The file .stateward.yaml, in the working directory or above it, may hold
policy, exclude (patterns of paths) and known.";

/// Check manifests before they reach a cluster.
///
/// Judges every workload in the files together with the claims, Services and autoscalers beside it, by the rules of
/// the webhook. What is not in the files is unknown, not absent: what rests on it is reported as a note.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Files, directories (read recursively: .yaml, .yml, .json), or - for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Namespace of objects that name none
    #[arg(short, long, default_value = "default", value_name = "NAME", value_parser = super::manifests::namespace)]
    namespace: String,
    /// Take the files for the whole world: what is not in them does not exist
    #[arg(long)]
    assume_complete: bool,
    /// Write what has one right remedy into the files, then report what is left
    #[arg(long)]
    fix: bool,
    /// Print what --fix would write as a unified diff instead of the report; 1 where there is something to write
    #[arg(long, conflicts_with_all = ["fix", "format", "output", "fail_on", "known", "write_known"])]
    diff: bool,
    #[command(flatten)]
    reporting: reporting::Args,
}

impl Args {
    /// Checks, and writes the reports.
    ///
    /// # Errors
    /// Bad policies or configuration, or a file that cannot be written.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let directory = std::env::current_dir().context("the working directory is gone")?;
        let config = Config::find(&directory)?;
        let policies = self.reporting.policies(&config.defaults)?;
        let namespace: Name = self.namespace.as_str().into();
        let threads = parallel::all_cores();
        let read = || {
            Corpus::read(Inputs {
                paths: &self.paths,
                namespace: &namespace,
                excluded: &|path| config.excluded.matches(path),
                threads,
            })
        };
        let judge = Judge {
            policies: &policies,
            knowledge: if self.assume_complete {
                Knowledge::Complete
            } else {
                Knowledge::Partial
            },
            namespace: &namespace,
            threads,
        };
        let mut corpus = read();
        if self.diff || self.fix {
            let mut fixes = Fixes::of(&corpus, &policies, judge.knowledge);
            if self.diff {
                return show(&fixes, &judge.report(&corpus));
            }
            fixes.write()?;
            tell(&fixes);
            corpus = read();
        }
        self.reporting.report(judge.report(&corpus), &config.defaults)
    }
}

/// Prints what would be written.
fn show(fixes: &Fixes, report: &Report) -> anyhow::Result<ExitCode> {
    super::print(fixes.diff().as_bytes())?;
    tell(fixes);
    reporting::tell_failures(report);
    Ok(ExitCode::from(if !report.failures.is_empty() {
        2
    } else {
        u8::from(!fixes.files.is_empty())
    }))
}

/// Names what is left alone.
fn tell(fixes: &Fixes) {
    for left in &fixes.left {
        // A closed standard error leaves nobody to tell.
        let _ = writeln!(io::stderr(), "left alone: {left}");
    }
}
