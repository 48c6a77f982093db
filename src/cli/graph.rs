//! `stateward graph`: who shares which disk, as a picture.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;

use super::check::inputs::Inputs;
use super::named::Named;
use super::reporting::Judging;
use super::seen::{self, Reading, Seen};
use crate::picture::{Form, Picture, around, changes, dot, json, limited, mermaid, page, svg, tree};

const EXAMPLES: &str = "\
Examples:
  stateward graph -n shop                                the cluster, as a tree
  stateward graph -n shop --format svg > shop.svg        and as a picture
  stateward graph -n shop --workload Deployment/web      one workload, and what has to do with it
  stateward graph deploy/                                files
  helm template mychart | stateward graph -n shop --format html - > shop.html
  stateward graph --before main/ --after branch/         what a change adds, removes and breaks
  stateward graph --after new.yaml                       what it does to the cluster, once it is applied

How to read it: from left to right autoscalers and Services, workloads, claims and claim templates, volumes.
A line says what two objects have to do with each other, and the sign on it what is wrong with that: a cross is what a
policy denies, a triangle what it warns about, a dot what is only recorded, a question mark what nobody can tell. Its
number stands below, with the words.
A dashed object does not exist; a dotted one is not among what was read.

Exit codes:
  0  drawn, whatever was found: `stateward check` and `stateward audit` fail
  2  bad usage, or something could not be read";

/// Draw who mounts, governs and scales whom, and what is wrong with it.
///
/// Without a PATH it draws the live cluster, through the kubeconfig; with PATHs, files. Above 150 objects in a namespace
/// it draws 150 of those with findings and their neighbours, the worst first.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Files, directories (read recursively: .yaml, .yml, .json), or - for standard input [default: the cluster]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Draw the change from these files, or else from the cluster, to those of --after; repeatable
    #[arg(long, value_name = "PATH", requires = "after", conflicts_with = "with_cluster")]
    before: Vec<PathBuf>,
    /// Draw the change to these files; repeatable. Without --before: what becomes of the cluster if they are applied
    #[arg(long, value_name = "PATH", conflicts_with = "paths")]
    after: Vec<PathBuf>,
    /// Draw one namespace only; in files also that of objects that name none [default there: default]
    #[arg(short, long, value_name = "NAME", value_parser = super::manifests::namespace)]
    namespace: Option<String>,
    /// Draw one workload, its neighbours, and who else uses its claims
    #[arg(short, long, value_name = "KIND/NAME", value_parser = Named::parse)]
    workload: Option<Named>,
    /// How to write it [default: tree]
    #[arg(short = 'o', long, value_name = "FORMAT")]
    format: Option<Format>,
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    judging: Judging,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For a terminal
    Tree,
    /// A picture, for a browser or a page
    Svg,
    /// A page with the picture
    Html,
    /// For Graphviz
    Dot,
    /// For pages that draw Mermaid, as those of GitHub
    Mermaid,
    /// Version v1, for programs
    Json,
}

impl Args {
    /// Draws.
    ///
    /// # Errors
    /// Bad policies, or a cluster that cannot be read.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        seen::one_stdin(&[&self.paths, &self.before, &self.after])?;
        let reading = Reading {
            inputs: &self.inputs,
            judging: &self.judging,
            namespace: self.namespace.as_deref(),
        };
        let (pictures, code) = if !self.after.is_empty() {
            let (before, after) = if self.before.is_empty() {
                reading.applied(&self.after)?
            } else {
                let (before, mut after) = (reading.files(&self.before)?, reading.files(&self.after)?);
                after.replace(&before);
                (before, after)
            };
            before.tell();
            after.tell();
            (compared(&before, &after)?, code(&before).max(code(&after)))
        } else {
            let seen = if self.paths.is_empty() {
                reading.cluster()?
            } else {
                reading.files(&self.paths)?
            };
            seen.tell();
            (seen.pictures(), code(&seen))
        };
        let pictures = self.wanted(pictures)?;
        super::print(self.written(&pictures).as_bytes())?;
        Ok(ExitCode::from(code))
    }

    /// What is to be seen of the pictures.
    fn wanted(&self, pictures: Vec<Picture>) -> anyhow::Result<Vec<Picture>> {
        let Some(named) = &self.workload else {
            return Ok(pictures.into_iter().map(limited).collect());
        };
        let found: Vec<Picture> = pictures
            .iter()
            .flat_map(|picture| named.find(picture).map(|id| limited(around(picture, id))))
            .collect();
        if found.is_empty() {
            bail!("{}", named.missing(&pictures));
        }
        Ok(found)
    }

    fn written(&self, pictures: &[Picture]) -> String {
        match self.format.unwrap_or(Format::Tree) {
            Format::Dot => dot(pictures),
            Format::Html => page(pictures),
            Format::Json => json(pictures),
            Format::Mermaid => mermaid(pictures),
            Format::Svg => svg(pictures, Form::File),
            Format::Tree => tree(pictures),
        }
    }
}

/// What a change does to each namespace.
fn compared(before: &Seen, after: &Seen) -> anyhow::Result<Vec<Picture>> {
    if before.graphs.len() > 1 || after.graphs.len() > 1 {
        bail!("an object stands there twice, and only one can be there at a time: name what is there together");
    }
    let (former, latter) = (before.pictures(), after.pictures());
    let titles: std::collections::BTreeSet<&str> = former.iter().chain(&latter).map(|one| &*one.title).collect();
    let each = titles.into_iter().map(|title| {
        let nothing = Picture {
            title: title.to_owned(),
            ..Picture::default()
        };
        let of = |pictures: &[Picture]| pictures.iter().find(|one| one.title == title).cloned();
        changes(
            &of(&former).unwrap_or_else(|| nothing.clone()),
            &of(&latter).unwrap_or(nothing),
        )
    });
    Ok(each.collect())
}

fn code(seen: &Seen) -> u8 {
    if seen.failures.is_empty() { 0 } else { 2 }
}
