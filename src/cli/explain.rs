//! `stateward explain`: the page of a rule, or what is known of one workload in some ten lines.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use stateward_nearest::nearest;

use super::check::inputs::Inputs;
use super::named::Named;
use super::reporting::{self, Judging};
use super::rules::painted;
use super::seen::{Reading, Seen};
use crate::audit::{Page, pages};
use crate::explain::{self, Explained, picture};

const EXAMPLES: &str = "\
Examples:
  stateward explain rwo-surge                   the page of a rule
  stateward explain Deployment/web -n shop      a workload of the cluster
  stateward explain sts/db deploy/              a workload of files
  stateward explain deploy/web --with-cluster new.yaml

Of a workload it says what it mounts and who else does, its Services and autoscalers, what is found of it, what would
be denied next, and which policies and exceptions decide. `stateward graph --workload KIND/NAME` draws it.";

/// Tell what stateward knows of a workload, or print the page of a rule.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A rule, or KIND/NAME of a workload
    #[arg(value_name = "RULE|KIND/NAME", value_parser = what)]
    what: What,
    /// Files or directories with the workload, or - for standard input [default: the cluster]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Namespace of the workload; in files also that of objects that name none [default there: default]
    #[arg(short, long, value_name = "NAME", value_parser = super::manifests::namespace)]
    namespace: Option<String>,
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    judging: Judging,
}

/// What is to be explained.
#[derive(Clone, Debug)]
enum What {
    Page(Page),
    Workload(Named),
}

impl Args {
    /// Explains.
    ///
    /// # Errors
    /// A workload that is not there, bad policies, or a cluster that cannot be read.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let workload = match &self.what {
            What::Page(page) => {
                super::print(painted(page.text, reporting::paint()).as_bytes())?;
                return Ok(ExitCode::SUCCESS);
            }
            What::Workload(named) => named,
        };
        let reading = Reading {
            inputs: &self.inputs,
            judging: &self.judging,
            namespace: self.namespace.as_deref(),
        };
        let seen = if self.paths.is_empty() {
            reading.cluster()?
        } else {
            reading.files(&self.paths)?
        };
        seen.tell();
        let found = seen.each(|namespace, basis, _| {
            let whole = picture(namespace, basis);
            explain::workload(workload.find(&whole)?, &whole, basis, &seen.in_force)
        });
        if found.is_empty() {
            bail!("{}", workload.missing(&seen.pictures()));
        }
        let texts: Vec<String> = found.iter().map(written).collect();
        super::print(texts.join("\n").as_bytes())?;
        Ok(ExitCode::from(code(&seen)))
    }
}

fn code(seen: &Seen) -> u8 {
    if seen.failures.is_empty() { 0 } else { 2 }
}

fn what(text: &str) -> Result<What, String> {
    if text.contains('/') {
        return Named::parse(text).map(What::Workload);
    }
    pages().find(|page| page.id == text).map(What::Page).ok_or_else(|| {
        let near = nearest(text, pages().map(|page| page.id));
        let near = near.map_or(String::new(), |near| format!(": did you mean {near}?"));
        format!("there is no such rule{near} A workload is KIND/NAME, such as Deployment/web")
    })
}

/// What is known, in lines of a label and a fact.
fn written(explained: &Explained) -> String {
    let mut lines = Lines::default();
    lines.text(&explained.title);
    for (label, facts) in &explained.facts {
        lines.fact(label, facts);
    }
    lines.0
}

/// Lines of a label and what there is to say of it.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn fact(&mut self, label: &str, words: &[String]) {
        if words.is_empty() {
            self.text(&format!("  {label:<12} none"));
        }
        for (number, words) in words.iter().enumerate() {
            let label = if number == 0 { label } else { "" };
            self.text(&format!("  {label:<12} {words}"));
        }
    }

    /// Writes a line; what comes out of objects cannot command a terminal.
    fn text(&mut self, line: &str) {
        self.0
            .extend(line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }));
        self.0.push('\n');
    }
}
