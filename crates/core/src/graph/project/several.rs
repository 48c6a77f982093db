//! The pods of kinds with several templates, also within lists: what was read where, and how many that makes.

use std::sync::Arc;

use super::super::claim::ClaimTemplate;
use super::super::declared::{Declared, PodTemplate};
use super::super::kind::Field;
use super::super::pods::{PodVolume, Pods, VolumeSource};
use super::super::templates::{Part, Several};
use super::super::workload::Workload;
use super::fields::{said, says};
use crate::cursor::{Cursor, Form, Scalar, list};

/// What an object says in the fields of such a kind, each with where it stands.
#[derive(Debug, Default)]
pub(super) struct Seen<'a> {
    /// The elements of lists, one within the other, that are being read.
    at: Vec<usize>,
    templates: Vec<(Place, Pods)>,
    counts: Vec<(Place, i64)>,
    /// What is said where pods of one template may wait for those of another.
    in_turn: Vec<Option<Scalar<'a>>>,
    shared: Vec<ClaimTemplate>,
}

/// A path of a declaration, and the elements of the lists that it leads through.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    path: &'static str,
    at: Vec<usize>,
}

impl<'a> Seen<'a> {
    /// An element of a list begins.
    pub(super) fn enter(&mut self, index: usize) {
        self.at.push(index);
    }

    /// It ends.
    pub(super) fn leave(&mut self) {
        self.at.pop();
    }

    /// Reads the value of a field; true where it is a template with a `spec`.
    pub(super) fn take<C: Cursor<'a>>(&mut self, cursor: &mut C, path: &'static str, field: Field) -> bool {
        let place = || Place {
            path,
            at: self.at.clone(),
        };
        match field {
            Field::OneTemplate if cursor.form() != Form::Null => {
                let (pods, has_spec) = Pods::read_template(cursor);
                self.templates.push((place(), pods));
                return has_spec;
            }
            Field::PodCount => {
                let count = cursor.integer().map(|count| (place(), count));
                self.counts.extend(count);
            }
            Field::SharedClaims => self
                .shared
                .extend(list(cursor, ClaimTemplate::read).unwrap_or_default()),
            Field::InTurn => self.in_turn.extend(said(cursor)),
            _ => {
                cursor.pass();
            }
        }
        false
    }

    /// The templates of a workload, with as many pods as it says; `asked` takes away what no rule asks of such pods.
    pub(super) fn several(self, declared: &Declared, workload: &Workload, asked: impl Fn(Pods) -> Pods) -> Several {
        let mut parts: Vec<(Place, Part)> = Vec::new();
        for template in declared.templates {
            let own = self.templates.iter().filter(|(place, _)| place.path == template.path);
            let before = parts.len();
            for (place, pods) in own {
                let part = Part {
                    path: place.pointer(template.path).into(),
                    count_path: place.pointer(count_path(template, workload)).into(),
                    pods: Arc::new(asked(pods.clone())),
                    times: self.times(template, &place.at),
                };
                parts.push((place.clone(), part));
            }
            if parts.len() > before {
                continue;
            }
            let instead = parts.iter_mut().find(|(place, _)| Some(place.path) == template.or_else);
            if let Some((_, part)) = instead {
                part.times = part.times.saturating_add(self.times(template, &[]));
            }
        }
        for (_, part) in &mut parts {
            let pods = Arc::make_mut(&mut part.pods);
            add_shared(pods, &self.shared, &workload.id.name);
        }
        Several {
            parts: parts.into_iter().map(|(_, part)| part).collect(),
            in_turn: self.in_turn.iter().any(|said| says(said.as_ref(), declared.in_turn)),
            shared: self.shared.into(),
        }
    }

    /// How many pods are made of a template, which stands in these elements of lists, for each replica.
    fn times(&self, template: &PodTemplate, at: &[usize]) -> u32 {
        let last = template.replicas.len().saturating_sub(1);
        let factors = template.replicas.iter().enumerate().map(|(index, path)| {
            let count = self.count(path, at).unwrap_or(1);
            let most = template.at_most.filter(|_| index == last);
            count.min(most.and_then(|path| self.count(path, at)).unwrap_or(i64::MAX))
        });
        let product = factors.fold(1, |product: i64, factor| product.saturating_mul(factor.max(0)));
        u32::try_from(product.saturating_sub(template.less.into()).max(0)).unwrap_or(u32::MAX)
    }

    /// The number at a path, in the same elements of the lists that lead to both.
    fn count(&self, path: &str, at: &[usize]) -> Option<i64> {
        let is_it = |place: &Place| place.path == path && at.starts_with(&place.at);
        self.counts
            .iter()
            .find(|(place, _)| is_it(place))
            .map(|(_, count)| *count)
    }
}

impl Place {
    /// A path through the same elements as a JSON pointer.
    fn pointer(&self, path: &str) -> String {
        let mut parts = path.split("[]");
        let mut pointer = parts.next().unwrap_or_default().to_owned();
        for (part, index) in parts.zip(&self.at) {
            pointer.push_str(&format!("/{index}{part}"));
        }
        pointer
    }
}

/// What says how many pods are made of a template, nearest to it first.
fn count_path(template: &PodTemplate, workload: &Workload) -> &'static str {
    let of_all = workload.id.kind.path_of(Field::Replicas);
    template.replicas.last().copied().or(of_all).unwrap_or(template.path)
}

/// Adds the claims that all pods share to those that mount them: their controller adds the volumes.
fn add_shared(pods: &mut Pods, shared: &[ClaimTemplate], name: &str) {
    let mounts = |volume: &str| pods.mounts.iter().any(|mount| *mount.volume == *volume);
    let added = shared
        .iter()
        .filter(|template| mounts(&template.name))
        .map(|template| PodVolume {
            name: template.name.clone(),
            source: VolumeSource::Claim {
                claim: template.shared_claim(name).into(),
                read_only: false,
            },
        });
    let added: Vec<PodVolume> = added.collect();
    if !added.is_empty() {
        let mut volumes = std::mem::take(&mut pods.volumes).into_vec();
        volumes.extend(added);
        pods.volumes = volumes.into();
    }
}
