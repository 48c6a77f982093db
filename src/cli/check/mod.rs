//! `stateward check`: the webhook's judge over files.

pub mod config;
pub mod exceptions;
pub mod fix;
pub mod globs;
pub mod judge;
pub mod known;
pub mod kustomize;
pub mod places;
pub mod unjudged;

use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};

use self::config::Config;
use self::fix::Fixes;
use self::judge::Judge;
use super::compare;
use super::live::{self, Cluster, Live};
use super::reporting::{self, Chosen, Defaults};
use crate::audit::Report;
use crate::cluster::snapshot::Scope;
use crate::graph::{Facts, Graph, Kind, Knowledge, Name, Version};
use crate::kinds;
use crate::manifests::corpus::{Corpus, Inputs};
use crate::manifests::files::STDIN;
use crate::manifests::worlds::{Base, namespaces};
use crate::parallel;

const EXAMPLES: &str = "\
Examples:
  stateward check deploy/
  helm template mychart | stateward check -n shop -
  stateward check --kustomize --assume-complete overlays/prod
  stateward check --with-cluster --context staging deploy/
  stateward check --output sarif=stateward.sarif --format human deploy/
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
    /// Namespace of objects that name none
    #[arg(short, long, default_value = "default", value_name = "NAME", value_parser = super::manifests::namespace)]
    namespace: String,
    /// Labels of the namespaces of which the files hold no Namespace; policies may select by them
    #[arg(long, value_name = "KEY=VALUE", value_delimiter = ',', value_parser = label)]
    namespace_labels: Vec<(String, String)>,
    /// Declarations of further kinds of workloads (WorkloadKind): files or directories; docs/workload-kinds.md tells of them
    #[arg(long, value_name = "PATH")]
    workload_kinds: Vec<PathBuf>,
    /// Take the files for the whole world: what is not in them does not exist
    #[arg(long)]
    assume_complete: bool,
    /// Judge as for this version of Kubernetes, such as 1.37; else that of the cluster, if one is looked up
    #[arg(long, value_name = "VERSION")]
    kubernetes_version: Option<Version>,
    /// Look up what is not in the files in the live cluster, as if the files were applied to it
    #[arg(long, conflicts_with = "assume_complete")]
    with_cluster: bool,
    #[command(flatten)]
    cluster: Cluster,
    /// Judge what kustomize makes of each PATH, a directory; runs kustomize, or kubectl kustomize
    #[arg(long, conflicts_with_all = ["fix", "diff"])]
    kustomize: bool,
    /// Write what has one right remedy into the files, then report what is left
    #[arg(long)]
    fix: bool,
    /// Print what --fix would write as a unified diff instead of the report; 1 where there is something to write
    #[arg(long, conflicts_with_all = ["fix", "format", "output", "fail_on", "known", "write_known", "compare"])]
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
        if self.fix && self.paths.iter().any(|path| path == Path::new(STDIN)) {
            bail!("--fix writes into files, and standard input is none: --diff prints what it would write");
        }
        let directory = std::env::current_dir().context("the working directory is gone")?;
        let config = Config::find(&directory)?;
        let mut chosen = self.reporting.policies(&config.defaults)?;
        let others = self.compare.policies()?;
        let namespace: Name = self.namespace.as_str().into();
        let kinds = kinds::with(&self.workload_kinds)?;
        let threads = parallel::all_cores();
        let read = || {
            Corpus::read(Inputs {
                paths: &self.paths,
                namespace: &namespace,
                kinds,
                excluded: &|path| config.excluded.matches(path),
                threads,
            })
        };
        // Its memory goes back with the process: freeing it piece by piece would take a twentieth of the run.
        let mut corpus = ManuallyDrop::new(if self.kustomize {
            Corpus::of_texts(kustomize::build(&self.paths)?, &namespace, kinds)
        } else {
            read()
        });
        let live = self
            .with_cluster
            .then(|| self.live(&corpus, &config.defaults))
            .transpose()?;
        if let Some(objects) = live.as_ref().and_then(|(_, live)| live.policies.as_ref()) {
            chosen = Chosen::of_cluster(objects)?;
        }
        let excepted = exceptions::take(&mut corpus, &namespace);
        // What is unknowable here must not pass for less than it may turn out to be.
        let policies = chosen.policies.with_exceptions(excepted.clone()).denying_in_doubt();
        let judge = Judge {
            policies: &policies,
            base: match &live {
                Some((graph, _)) => Base::Live(graph),
                None if self.assume_complete => Base::Nothing(Knowledge::Complete),
                None => Base::Nothing(Knowledge::Partial),
            },
            namespace: &namespace,
            time: self.reporting.time(),
            namespace_labels: &self.namespace_labels,
            version: self.kubernetes_version,
            threads,
        };
        if self.diff || self.fix {
            let mut fixes = Fixes::of(&corpus, &judge);
            if self.diff {
                return show(&fixes, &judge.report(&corpus));
            }
            fixes.write()?;
            fixes.tell();
            corpus = ManuallyDrop::new(read());
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
        report.notes.extend(gaps.map(live::note));
        self.reporting.report(report, &config.defaults)
    }

    /// Reads what the cluster has in the namespaces of the files.
    fn live(&self, corpus: &Corpus, defaults: &Defaults) -> anyhow::Result<(Arc<Graph>, Live)> {
        let graph = Arc::new(Graph::new(Facts::of(corpus.kinds, Knowledge::Unavailable)));
        let scope = Scope::Namespaces(namespaces(corpus.objects()));
        let live = live::read(&self.cluster, &graph, &scope, self.reporting.whose(defaults))?;
        for gap in &live.gaps {
            // What the files hold is known all the same; but a part of the nodes tells nothing.
            if gap.kind != Kind::NODE {
                graph.set_knowledge(gap.kind, Knowledge::Partial);
            }
        }
        Ok((graph, live))
    }
}

/// What the files hold, whatever is there at the same time.
fn graph_of(corpus: &Corpus) -> Graph {
    let graph = Graph::new(Facts::of(corpus.kinds, Knowledge::Partial));
    let objects = corpus.objects().map(|placed| placed.object);
    graph.insert_all(objects.map(|object| (object.namespace.clone(), object.object.clone())));
    graph
}

fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE, several with commas")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Prints what would be written.
fn show(fixes: &Fixes, report: &Report) -> anyhow::Result<ExitCode> {
    super::print(fixes.diff().as_bytes())?;
    fixes.tell_left();
    reporting::tell_failures(report);
    Ok(ExitCode::from(if !report.failures.is_empty() {
        2
    } else {
        u8::from(!fixes.files.is_empty())
    }))
}
