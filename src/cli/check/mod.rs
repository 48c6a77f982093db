//! `stateward check`: the webhook's judge over files.

pub mod config;
pub mod exceptions;
pub mod fix;
pub mod globs;
pub mod inputs;
pub mod judge;
pub mod known;
pub mod kustomize;
pub mod places;
pub mod unjudged;

use std::mem::ManuallyDrop;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use self::config::Config;
use self::fix::Fixes;
use self::inputs::Inputs;
use self::judge::Judge;
use super::compare;
use super::live;
use super::reporting::{self, Chosen};
use super::seen::add_surroundings;
use crate::audit::Report;
use crate::graph::{Facts, Graph, Knowledge, Name};
use crate::manifests::corpus::Corpus;
use crate::manifests::worlds::worlds;
use crate::output::html::Surroundings;
use crate::parallel;

const EXAMPLES: &str = "\
Examples:
  stateward check deploy/
  helm template mychart | stateward check -n shop -
  stateward check --kustomize --assume-complete overlays/prod
  stateward check --with-cluster --context staging deploy/
  stateward check --output sarif=stateward.sarif --format human deploy/
  stateward check --output html=stateward.html --output markdown=comment.md deploy/
  stateward check --write-known known.json deploy/   (then: --known known.json)
  stateward check --policy strict --compare baseline deploy/

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
#[command(mut_arg("kubeconfig", |it| it.requires("with_cluster")), mut_arg("context", |it| it.requires("with_cluster")))]
pub struct Args {
    /// Files, directories (read recursively: .yaml, .yml, .json), or - for standard input
    #[arg(required_unless_present = "filename", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Another PATH, as kubectl is told it
    #[arg(short, long, value_name = "PATH")]
    filename: Vec<PathBuf>,
    /// As for kubectl; directories are always read recursively
    #[arg(short = 'R', long, hide = true)]
    recursive: bool,
    /// As for kubectl; all namespaces of the files are always judged
    #[arg(short = 'A', long, hide = true)]
    all_namespaces: bool,
    /// Namespace of objects that name none
    #[arg(short, long, default_value = "default", value_name = "NAME", value_parser = super::manifests::namespace)]
    namespace: String,
    #[command(flatten)]
    inputs: Inputs,
    /// Write what has one right remedy into the files, then report what is left
    #[arg(long, conflicts_with = "kustomize")]
    fix: bool,
    /// Print what --fix would write as a unified diff instead of the report; 1 where there is something to write
    #[arg(long, conflicts_with_all = ["kustomize", "fix", "format", "output", "fail_on", "known", "write_known", "compare"])]
    diff: bool,
    #[command(flatten)]
    reporting: reporting::Args,
    #[command(flatten)]
    compare: compare::Args,
}

impl Args {
    /// Checks, and writes the reports.
    ///
    /// # Errors
    /// Bad policies or configuration, a cluster that cannot be read, or a file that cannot be written.
    pub fn run(mut self) -> anyhow::Result<ExitCode> {
        self.paths.append(&mut self.filename);
        if self.fix && inputs::has_stdin(&self.paths) {
            bail!("--fix writes into files, and standard input is none: --diff prints what it would write");
        }
        let directory = std::env::current_dir().context("the working directory is gone")?;
        let config = Config::find(&directory)?;
        let mut chosen = self.reporting.policies(&config.defaults)?;
        let others = self.compare.policies()?;
        let namespace: Name = self.namespace.as_str().into();
        let (kinds, note) = self.inputs.kinds(self.inputs.with_cluster)?;
        let read = || self.inputs.corpus(&self.paths, &namespace, kinds, &config);
        // Its memory goes back with the process: freeing it piece by piece would take a twentieth of the run.
        let mut corpus = ManuallyDrop::new(read()?);
        let whose = self.reporting.whose(&config.defaults);
        let live = self
            .inputs
            .with_cluster
            .then(|| self.inputs.live(&corpus, whose))
            .transpose()?;
        if let Some(objects) = live.as_ref().and_then(|(_, live)| live.policies.as_ref()) {
            chosen = Chosen::of_cluster(objects)?;
        }
        let excepted = exceptions::take(&mut corpus, &namespace);
        // What is unknowable here must not pass for less than it may turn out to be.
        let policies = chosen.policies.with_exceptions(excepted.clone()).denying_in_doubt();
        let judge = Judge {
            policies: &policies,
            base: self.inputs.base(live.as_ref().map(|(graph, _)| &**graph)),
            namespace: &namespace,
            time: self.reporting.time(),
            namespace_labels: &self.inputs.namespace_labels,
            version: self.inputs.kubernetes_version,
            threads: parallel::all_cores(),
        };
        if self.diff || self.fix {
            let mut fixes = Fixes::of(&corpus, &judge);
            if self.diff {
                return show(&fixes, &judge.report(&corpus));
            }
            fixes.write()?;
            fixes.tell();
            corpus = ManuallyDrop::new(read()?);
            // They are in force already.
            let _ = exceptions::take(&mut corpus, &namespace);
        }
        let mut report = judge.report(&corpus);
        report.policies = chosen.in_force;
        if let Some(others) = others {
            let policies = &others.with_exceptions(excepted).denying_in_doubt();
            let without = Judge { policies, ..judge }.report(&corpus);
            let (files, live) = (graph_of(&corpus), live.as_ref().map(|(graph, _)| &**graph));
            let graphs: Vec<&Graph> = [&files].into_iter().chain(live).collect();
            return self.compare.write(&report, &without, &graphs, &self.reporting);
        }
        let gaps = live.iter().flat_map(|(_, live)| &live.gaps);
        report.notes.extend(gaps.map(live::note).chain(note));
        let mut surroundings = Surroundings::default();
        if self.reporting.shows_surroundings() {
            for world in worlds(&corpus).0 {
                let graph = judge.graph(&world, judge.threads);
                add_surroundings(&mut surroundings, &graph, &policies, judge.time);
            }
        }
        self.reporting.report(report, &surroundings, &config.defaults)
    }
}

/// What the files hold, whatever is there at the same time.
fn graph_of(corpus: &Corpus) -> Graph {
    let graph = Graph::new(Facts::of(corpus.kinds, Knowledge::Partial));
    let objects = corpus.objects().map(|placed| placed.object);
    graph.insert_all(objects.map(|object| (object.namespace.clone(), object.object.clone())));
    graph
}

/// Prints what would be written.
fn show(fixes: &Fixes, report: &Report) -> anyhow::Result<ExitCode> {
    super::print(fixes.diff().as_bytes())?;
    fixes.tell_left();
    reporting::tell_failures(&report.failures);
    Ok(ExitCode::from(if !report.failures.is_empty() {
        2
    } else {
        u8::from(!fixes.files.is_empty())
    }))
}
