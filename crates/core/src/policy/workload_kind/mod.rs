//! A `WorkloadKind`: what somebody says of a kind of workload that is not built in.

pub mod description;
mod fields;
mod parse;

#[cfg(test)]
mod several;
#[cfg(test)]
mod tests;

pub use parse::parse;

use crate::graph::declared::Replaces;
use crate::graph::{Amount, Declared, Defaults, Entry, Form, Kind, Reach, Role, Row, Runs, Trust, Way};

/// A kind of workload, as it is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadKind {
    /// Of the declaration.
    pub name: String,
    pub group: String,
    pub version: String,
    pub kind: String,
    pub plural: String,
    /// JSON pointers to the fields, each once, sorted so that those of one parent stand together.
    fields: Vec<(String, crate::graph::Field)>,
    runs: Runs,
    default_replicas: u32,
    scale: bool,
    /// The first of several.
    pod_template: String,
    /// Empty where there is one.
    pod_templates: Vec<PodTemplate>,
    child_label: Option<String>,
    /// What must be said for pods of several templates to run in turn.
    in_turn: Option<String>,
    ways: Vec<DeclaredWay>,
    ends_first: Option<String>,
    children: Vec<Kind>,
}

/// One of several templates of pods.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PodTemplate {
    path: String,
    replicas: Vec<String>,
    at_most: Option<String>,
    less: u32,
    or_else: Option<String>,
}

/// One way in which pods are replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
struct DeclaredWay {
    when: Option<(String, Option<String>)>,
    does: Does,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Does {
    EndsFirst,
    Overlaps,
    Rolls { surge: Bound, unavailable: Bound },
}

/// How far a rolling update goes in one direction: where it is written, and what counts where it is not.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Bound {
    path: Option<String>,
    default: Amount,
}

impl WorkloadKind {
    /// The row of the table of kinds. It is kept for as long as the process lives, as the table is.
    #[must_use]
    pub fn into_row(self, trust: Trust) -> Row {
        let fields = self.fields.into_iter().map(|(path, field)| (kept(path), field));
        let ways = self.ways.into_iter().map(|way| Way {
            when: way.when.map(|(path, word)| (kept(path), word.map(kept))),
            replaces: match way.does {
                Does::EndsFirst => Replaces::EndsFirst,
                Does::Overlaps => Replaces::Overlaps,
                Does::Rolls { surge, unavailable } => Replaces::Rolls {
                    surge: surge.kept(),
                    unavailable: unavailable.kept(),
                },
            },
        });
        let declared = Declared {
            trust,
            replicas: self.default_replicas,
            ways: Vec::leak(ways.collect()),
            ends_first: self.ends_first.map(kept),
            children: Vec::leak(self.children),
            child_label: self.child_label.map(kept),
            in_turn: self.in_turn.map(kept),
            templates: Vec::leak(self.pod_templates.into_iter().map(PodTemplate::kept).collect()),
        };
        let form = Form {
            runs: self.runs,
            pod_spec: kept(format!("{}/spec", self.pod_template)),
            fields: Vec::leak(fields.collect()),
            makers: &[],
            declared: Some(Box::leak(Box::new(declared))),
        };
        let api_version = kept(format!("{}/{}", self.group, self.version));
        let reach = Reach::Review {
            entry: match trust {
                Trust::Declared => Entry::Declared,
                Trust::Sure => Entry::Workloads,
            },
            scale: self.scale,
            defaults: Defaults::Never,
        };
        Row::new(
            0,
            api_version,
            kept(self.plural),
            kept(self.kind),
            Role::Workload(form),
            reach,
        )
    }
}

impl PodTemplate {
    fn kept(self) -> crate::graph::PodTemplate {
        crate::graph::PodTemplate {
            path: kept(self.path),
            replicas: Vec::leak(self.replicas.into_iter().map(kept).collect()),
            at_most: self.at_most.map(kept),
            less: self.less,
            or_else: self.or_else.map(kept),
        }
    }
}

impl Bound {
    fn kept(self) -> crate::graph::Bound {
        crate::graph::Bound {
            path: self.path.map(kept),
            default: self.default,
        }
    }
}

fn kept(text: String) -> &'static str {
    String::leak(text)
}
