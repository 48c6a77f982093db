//! `stateward check`: the webhook's judge over files.

pub mod config;
pub mod globs;
pub mod judge;
pub mod known;
pub mod places;

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

use self::config::Config;
use self::judge::Judge;
use self::known::Known;
use super::policies::{self, PolicySource};
use crate::audit::{Level, Report};
use crate::graph::{Knowledge, Name};
use crate::manifests::corpus::{Corpus, Inputs};
use crate::output::{Format, Notes, Paint, Style, render};
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
    /// Policies: a file, a directory, or one of baseline, strict, audit; repeatable [default: baseline]
    #[arg(long, value_name = "PATH", value_parser = PolicySource::parse)]
    policy: Vec<PolicySource>,
    /// Take the files for the whole world: what is not in them does not exist
    #[arg(long)]
    assume_complete: bool,
    /// How to write the report to standard output [default: human]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Write the report to a file; repeatable. Standard output gets one only if --format is given too
    #[arg(long, value_name = "FORMAT=FILE", value_parser = output)]
    output: Vec<(Format, PathBuf)>,
    /// The lowest level that fails the check
    #[arg(long, default_value = "error", value_name = "LEVEL")]
    fail_on: FailOn,
    /// Leave out the findings in this file; new ones are still found
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
    /// Write all findings to this file, to be left out with --known
    #[arg(long, value_name = "FILE", conflicts_with = "known")]
    write_known: Option<PathBuf>,
    /// Show notes and what was skipped, not only how many
    #[arg(short, long)]
    verbose: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum FailOn {
    /// What a policy denies
    Error,
    /// Also what it warns about
    Warning,
    /// Also what it only records, and what cannot be told
    Note,
}

impl Args {
    /// Checks, and writes the reports.
    ///
    /// # Errors
    /// Bad policies or configuration, or a file that cannot be written.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let directory = std::env::current_dir().context("the working directory is gone")?;
        let config = Config::find(&directory)?;
        let sources = if self.policy.is_empty() {
            &config.policies
        } else {
            &self.policy
        };
        let policies = policies::load(sources)?;
        let known_file = self.known.as_ref().or(config.known.as_ref());
        let known = match known_file {
            Some(file) if self.write_known.is_none() => Some((Known::read(file)?, file)),
            _ => None,
        };
        let namespace: Name = self.namespace.as_str().into();
        let threads = parallel::all_cores();
        let corpus = Corpus::read(Inputs {
            paths: &self.paths,
            namespace: &namespace,
            excluded: &|path| config.excluded.matches(path),
            threads,
        });
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
        let mut report = judge.report(&corpus);
        if let Some(file) = &self.write_known {
            known::write(&report, file)?;
            Known::read(file)?.take_out(&mut report, file);
        }
        if let Some((known, file)) = known {
            known.take_out(&mut report, file);
        }
        self.write(&report)?;
        Ok(self.code(&report))
    }

    fn write(&self, report: &Report) -> anyhow::Result<()> {
        let style = |paint| Style {
            notes: if self.verbose { Notes::Shown } else { Notes::Counted },
            paint,
            fail_on: self.fail_on.level(),
        };
        for (format, file) in &self.output {
            let text = render(report, *format, style(Paint::Plain));
            std::fs::write(file, text)
                .with_context(|| format!("--output {}: cannot write the file", file.display()))?;
        }
        let format = match self.format {
            None if self.output.is_empty() => Some(Format::Human),
            format => format,
        };
        if format != Some(Format::Human) {
            for failure in &report.failures {
                let at = failure
                    .location
                    .as_ref()
                    .map_or(String::new(), |at| format!("{}:{}: ", at.line, at.column));
                // A closed standard error leaves nobody to tell; the exit code still says it.
                let _ = writeln!(std::io::stderr(), "error: {}:{at}{}", failure.file, failure.message);
            }
        }
        let Some(format) = format else { return Ok(()) };
        let text = render(report, format, style(paint()));
        super::print(text.as_bytes())
    }

    fn code(&self, report: &Report) -> ExitCode {
        if !report.failures.is_empty() {
            ExitCode::from(2)
        } else if report.reaches(self.fail_on.level()) {
            ExitCode::from(1)
        } else {
            ExitCode::SUCCESS
        }
    }
}

impl FailOn {
    const fn level(self) -> Level {
        match self {
            Self::Error => Level::Error,
            Self::Note => Level::Note,
            Self::Warning => Level::Warning,
        }
    }
}

/// Colours for terminals only, and never against NO_COLOR.
fn paint() -> Paint {
    let stdout = std::io::stdout();
    let choice = anstream::AutoStream::choice(&stdout);
    if choice == anstream::ColorChoice::Never || !stdout.is_terminal() {
        Paint::Plain
    } else {
        Paint::Coloured
    }
}

fn output(text: &str) -> Result<(Format, PathBuf), String> {
    let names = || {
        <Format as clap::ValueEnum>::value_variants()
            .iter()
            .filter_map(|format| Some(clap::ValueEnum::to_possible_value(format)?.get_name().to_owned()))
            .collect::<Vec<_>>()
    };
    let (format, file) = text
        .split_once('=')
        .filter(|(_, file)| !file.is_empty())
        .ok_or("write FORMAT=FILE, for example sarif=stateward.sarif")?;
    <Format as clap::ValueEnum>::from_str(format, false)
        .map(|format| (format, file.into()))
        .map_err(|_| {
            let names = names();
            let near = crate::nearest::nearest(format, names.iter().map(String::as_str));
            let near = near.map_or(String::new(), |near| format!(": did you mean {near}?"));
            format!("there is no format {format:?}{near} [{}]", names.join(", "))
        })
}
