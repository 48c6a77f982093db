//! How `check` and `audit` are told what counts as a finding, and where their reports go.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

use super::check::known::{self, Known};
use super::live;
use crate::audit::report::Failure;
use crate::audit::{Entry, InForce, Level, Report, gather};
use crate::clock;
use crate::output::html::{self, Surroundings};
use crate::output::{Format, Notes, Paint, Style, render};
use crate::policy::Policies;
use crate::rules::kit::text;
use crate::runtime::policies::{self, OwnObjects, PolicySource};
use crate::time::Time;

/// What is judged by.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Judging {
    /// Policies: a file, a directory, or one of baseline, strict, warn, audit; repeatable [default: baseline]
    #[arg(long, value_name = "PATH", value_parser = PolicySource::parse)]
    policy: Vec<PolicySource>,
    /// Judge as on this day, or at this moment (2026-12-24T18:00:00Z), to see what will be denied then [default: now]
    #[arg(long, value_name = "DAY", value_parser = time)]
    at: Option<Time>,
}

/// Policies, formats, and the findings that are known already.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    #[command(flatten)]
    judging: Judging,
    /// How to write the report to standard output [default: human]
    #[arg(short = 'o', long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Write the report to a file; repeatable. Standard output gets one only if --format is given too
    #[arg(long, value_name = "FORMAT=FILE", value_parser = output)]
    output: Vec<(Format, PathBuf)>,
    /// The lowest level that is a failure
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

/// Policies, and what a report says of them.
#[derive(Debug)]
pub struct Chosen {
    pub policies: Policies,
    pub in_force: InForce,
}

impl Chosen {
    /// The policies that a cluster holds.
    ///
    /// # Errors
    /// One of them is not valid.
    pub fn of_cluster(objects: &OwnObjects) -> anyhow::Result<Self> {
        let policies = policies::of_cluster(objects)?;
        Ok(Self::new(policies, vec!["cluster".to_owned()]))
    }

    fn new(policies: Policies, from: Vec<String>) -> Self {
        let names = policies.names().map(str::to_owned).collect();
        Self {
            in_force: InForce { names, from },
            policies,
        }
    }
}

/// What counts where the arguments say nothing.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    pub policies: Vec<PolicySource>,
    pub known: Option<PathBuf>,
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

impl Judging {
    /// By these policies, as of now.
    #[must_use]
    pub const fn by(policy: Vec<PolicySource>) -> Self {
        Self { policy, at: None }
    }

    /// The policies that are named; the built-in baseline where none is.
    ///
    /// # Errors
    /// Policies that cannot be read or are not valid.
    pub fn policies(&self, defaults: &Defaults) -> anyhow::Result<Chosen> {
        let sources = self.sources(defaults);
        Ok(Chosen::new(policies::load(sources)?, policies::places(sources)))
    }

    /// Whose policies count where there is a cluster.
    #[must_use]
    pub fn whose(&self, defaults: &Defaults) -> live::Policies {
        if self.sources(defaults).is_empty() {
            live::Policies::OfCluster
        } else {
            live::Policies::Named
        }
    }

    fn sources<'a>(&'a self, defaults: &'a Defaults) -> &'a [PolicySource] {
        if self.policy.is_empty() {
            &defaults.policies
        } else {
            &self.policy
        }
    }

    /// What the date is.
    #[must_use]
    pub fn time(&self) -> Time {
        self.at.unwrap_or_else(clock::now)
    }
}

impl Args {
    /// As [`Judging::policies`].
    ///
    /// # Errors
    /// Policies that cannot be read or are not valid.
    pub fn policies(&self, defaults: &Defaults) -> anyhow::Result<Chosen> {
        self.judging.policies(defaults)
    }

    /// As [`Judging::whose`].
    #[must_use]
    pub fn whose(&self, defaults: &Defaults) -> live::Policies {
        self.judging.whose(defaults)
    }

    /// As [`Judging::time`].
    #[must_use]
    pub fn time(&self) -> Time {
        self.judging.time()
    }

    /// Leaves out what is known, writes the reports and answers with the exit code.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub fn report(
        &self,
        mut report: Report,
        surroundings: &Surroundings,
        defaults: &Defaults,
    ) -> anyhow::Result<ExitCode> {
        let now = self.time();
        let granted = report.entries.iter().filter_map(Entry::granted);
        let soon: BTreeSet<String> = granted.filter_map(|granted| granted.ends_soon(now)).collect();
        report.notes.extend(soon);
        if let Some(file) = &self.write_known {
            let count = known::write(&report, file)?;
            let (name, count) = (file.display(), text::counted(count as u64, "finding"));
            super::tell(&format!(
                "{count} written to {name}: --known {name} leaves them out from now on"
            ));
            Known::read(file)?.take_out(&mut report, file);
        } else if let Some(file) = self.known.as_ref().or(defaults.known.as_ref()) {
            Known::read(file)?.take_out(&mut report, file);
        }
        gather(&mut report);
        self.write(&report, |format, style| {
            Ok(match format {
                Format::Html => html::render(&report, surroundings),
                _ => render(&report, format, style),
            })
        })?;
        Ok(self.code(&report, |level| report.reaches(level)))
    }

    /// Whether a page is written, which shows what is around the objects.
    #[must_use]
    pub fn shows_surroundings(&self) -> bool {
        let formats = self.output.iter().map(|(format, _)| *format).chain(self.format);
        formats.into_iter().any(|format| format == Format::Html)
    }

    /// The lowest level that is a failure.
    #[must_use]
    pub fn least(&self) -> Level {
        self.fail_on.level()
    }

    /// Writes a text to wherever it is wanted, in the formats that are asked for.
    ///
    /// # Errors
    /// A file that cannot be written, or what the text itself fails of.
    pub fn write(&self, report: &Report, text: impl Fn(Format, Style) -> anyhow::Result<String>) -> anyhow::Result<()> {
        let style = |paint| Style {
            notes: if self.verbose { Notes::Shown } else { Notes::Counted },
            paint,
            fail_on: self.least(),
        };
        for (format, file) in &self.output {
            let text = text(*format, style(Paint::Plain))?;
            std::fs::write(file, text)
                .with_context(|| format!("--output {}: cannot write the file", file.display()))?;
        }
        let format = match self.format {
            None if self.output.is_empty() => Some(Format::Human),
            format => format,
        };
        if format != Some(Format::Human) {
            tell_failures(&report.failures);
        }
        let Some(format) = format else { return Ok(()) };
        super::print(text(format, style(paint()))?.as_bytes())
    }

    /// The exit code, where `reaches` says whether something is as bad as that.
    pub fn code(&self, report: &Report, reaches: impl Fn(Level) -> bool) -> ExitCode {
        if !report.failures.is_empty() {
            ExitCode::from(2)
        } else if reaches(self.least()) {
            ExitCode::from(1)
        } else {
            ExitCode::SUCCESS
        }
    }
}

/// Names what could not be read, where no report does.
pub fn tell_failures(failures: &[Failure]) {
    for failure in failures {
        let at = failure
            .location
            .as_ref()
            .map_or(String::new(), |at| format!(":{}:{}", at.line, at.column));
        super::tell(&format!("error: {}{at}: {}", failure.file, failure.message));
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
pub fn paint() -> Paint {
    let stdout = std::io::stdout();
    let choice = anstream::AutoStream::choice(&stdout);
    if choice == anstream::ColorChoice::Never || !stdout.is_terminal() {
        Paint::Plain
    } else {
        Paint::Coloured
    }
}

/// A day begins at midnight in UTC.
fn time(text: &str) -> Result<Time, String> {
    let day = format!("{text}T00:00:00Z");
    Time::parse(text)
        .or_else(|| Time::parse(&day))
        .ok_or_else(|| "write a day such as 2026-12-24, or a moment such as 2026-12-24T18:00:00Z".to_owned())
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
            let near = stateward_nearest::nearest(format, names.iter().map(String::as_str));
            let near = near.map_or(String::new(), |near| format!(": did you mean {near}?"));
            format!("there is no format {format:?}{near} [{}]", names.join(", "))
        })
}
