//! `stateward convert`: manifests and a plan, from the kind that a workload is of to the one that it should be.

mod inputs;
mod written;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;

use self::inputs::Inputs;
use super::live::Cluster;
use super::tell;
use crate::convert::{self, Object, Request};

const EXAMPLES: &str = "\
Examples:
  stateward convert shop/                                          what would be done, in short
  stateward convert --from-cluster shop/web                        the same, of what runs there
  stateward convert --from-cluster shop/web --format script > web.sh
  sh web.sh                                                        asks before each step, and checks
  sh web.sh back                                                   undoes what was done
  stateward convert shop/ --format manifests > shop.yaml           what to keep in git afterwards
  stateward convert shop/ --format markdown > plan.md              every command, to read or to paste
  stateward convert --from-cluster shop/db --wanted new.yaml       larger volumes, or another Service

Ways:
  A Deployment with ReadWriteOnce claims becomes a StatefulSet with claim templates and a headless Service.
  No data is copied: the volume of each claim is handed over to the claim of the first pod. With --data copy,
  or --data snapshot, the first pod gets a volume of its own, and the old one stays as it was.

  A StatefulSet of which something else is --wanted that cannot be changed (serviceName, selector,
  podManagementPolicy, claim templates) is made anew around its pods. Claims that shall be larger grow first.

  A StatefulSet whose pods keep nothing becomes a Deployment.

Autoscalers and CronJobs that refer to it are changed, and whatever else does is listed.

Exit codes:
  0  converted
  1  it cannot be converted; why is said
  2  bad usage, or something could not be read

It changes nothing, neither files nor cluster. docs/convert.md tells a whole story.";

/// Give a workload the kind that it should be of, without losing its data.
///
/// Prints what becomes of the manifests, and a plan: which steps in which order, what is down for how long, how one
/// sees that a step is done, and how to go back from it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[command(mut_arg("kubeconfig", |it| it.requires("from_cluster")), mut_arg("context", |it| it.requires("from_cluster")))]
pub struct Args {
    /// Files, directories (read recursively: .yaml, .yml, .json), or - for standard input
    #[arg(
        required_unless_present = "from_cluster",
        conflicts_with = "from_cluster",
        value_name = "PATH"
    )]
    paths: Vec<PathBuf>,
    /// Read the workload, and all that may refer to it, from the live cluster
    #[arg(long, value_name = "NAMESPACE/[KIND/]NAME", value_parser = place)]
    from_cluster: Option<Place>,
    #[command(flatten)]
    cluster: Cluster,
    /// Namespace of objects in files that name none
    #[arg(short, long, default_value = "default", value_name = "NAME", value_parser = super::manifests::namespace)]
    namespace: String,
    /// Which one, where the files have several
    #[arg(long, value_name = "[KIND/]NAME", value_parser = workload, conflicts_with = "from_cluster")]
    workload: Option<Workload>,
    /// A StatefulSet as it shall be, of which fields differ that cannot be changed
    #[arg(long, value_name = "FILE")]
    wanted: Option<PathBuf>,
    /// How the data of a Deployment gets onto the volumes of the StatefulSet
    #[arg(long, value_enum, default_value_t = Data::Keep)]
    data: Data,
    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Where a workload of a cluster is.
#[derive(Clone, Debug)]
struct Place {
    namespace: String,
    workload: Workload,
}

/// A workload by its name.
#[derive(Clone, Debug)]
struct Workload {
    kind: Option<&'static str>,
    name: String,
}

/// How data gets to where it will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Data {
    /// Not at all: the same volume is handed over
    Keep,
    /// Files are copied by a Job, and the old volume stays as it was
    Copy,
    /// The driver makes a volume out of a snapshot, and the old one stays as it was
    Snapshot,
}

/// What is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// The plan in short
    Text,
    /// The plan with every command
    Markdown,
    /// The plan as a script for sh
    Script,
    /// What the manifests become
    Manifests,
}

impl Args {
    /// Converts, and prints.
    ///
    /// # Errors
    /// Something that cannot be read, or no workload, or several.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let inputs = match &self.from_cluster {
            None => Inputs::of_files(&self.paths, &self.namespace)?,
            Some(place) => Inputs::of_cluster(&self.cluster, &place.namespace)?,
        };
        let place = self.from_cluster.as_ref().map(|place| &place.workload);
        let wanted = self.wanted.as_deref().map(inputs::wanted).transpose()?;
        let meant = place.or(self.workload.as_ref());
        let request = Request {
            objects: &inputs.objects,
            subject: subject(&inputs.objects, meant, wanted.is_some())?,
            wanted: wanted.as_ref(),
            data: match self.data {
                Data::Keep => convert::Data::Keep,
                Data::Copy => convert::Data::Copy,
                Data::Snapshot => convert::Data::Snapshot,
            },
            scope: inputs.scope,
        };
        let conversion = match convert::convert(request) {
            Ok(conversion) => conversion,
            Err(refusal) => {
                tell(&format!("{} cannot be converted:", refusal.subject));
                refusal.reasons.iter().for_each(|reason| tell(&format!("  - {reason}")));
                return Ok(ExitCode::from(1));
            }
        };
        let plan = &conversion.plan;
        let text = match self.format {
            Format::Text => convert::text(plan),
            Format::Markdown => convert::markdown(plan)?,
            Format::Script => convert::script(plan)?,
            Format::Manifests => written::manifests(&inputs, &conversion)?,
        };
        super::print(text.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The workload that is meant.
fn subject(objects: &[Object], meant: Option<&Workload>, is_statefulset: bool) -> anyhow::Result<usize> {
    let fits = |object: &Object| {
        let kind = meant
            .and_then(|meant| meant.kind)
            .or(is_statefulset.then_some("StatefulSet"));
        convert::is_subject(object)
            && meant.is_none_or(|meant| object.name() == meant.name)
            && kind.is_none_or(|kind| object.kind() == kind)
    };
    let found: Vec<_> = objects.iter().enumerate().filter(|(_, object)| fits(object)).collect();
    match (&found[..], meant) {
        ([(number, _)], _) => Ok(*number),
        ([], Some(Workload { name, .. })) => bail!("there is no Deployment or StatefulSet {name:?}"),
        ([], None) => bail!("there is no Deployment or StatefulSet to convert"),
        (several, _) => {
            let names = several
                .iter()
                .map(|(_, object)| format!("{}/{}", object.kind().to_lowercase(), object.name()));
            let names: Vec<String> = names.collect();
            bail!("there are several workloads: name one of {}", names.join(", "))
        }
    }
}

fn place(text: &str) -> Result<Place, String> {
    let (namespace, name) = text.split_once('/').ok_or("write NAMESPACE/NAME")?;
    Ok(Place {
        namespace: super::manifests::namespace(namespace)?,
        workload: workload(name)?,
    })
}

fn workload(text: &str) -> Result<Workload, String> {
    let (kind, name) = match text.split_once('/') {
        None => (None, text),
        Some((kind, name)) => match kind.to_lowercase().as_str() {
            "deployment" | "deployments" | "deploy" => (Some("Deployment"), name),
            "statefulset" | "statefulsets" | "sts" => (Some("StatefulSet"), name),
            _ => return Err(format!("{kind:?} is neither deployment nor statefulset")),
        },
    };
    Ok(Workload {
        kind,
        name: name.to_owned(),
    })
}
