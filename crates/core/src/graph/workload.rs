//! Workloads: all kinds that run pods, seen as one.

use std::num::NonZeroU32;
use std::sync::Arc;

use thin_vec::ThinVec;

use super::claim::ClaimTemplate;
use super::kind::{Kind, Runs};
use super::kinds::Kinds;
use super::labels::Labels;
use super::names::{Name, ObjectRef};
use super::ordinals::Ordinals;
use super::pods::{PodVolume, Pods, RestartPolicy, VolumeSource};
use super::selector::Selector;
use super::set_options::SetOptions;
use super::templates::Templates;
use super::uid::Uid;

/// A workload, projected to what rules ask of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    pub id: ObjectRef,
    pub namespace: Name,
    /// The name is still to be generated: the object has only a `generateName`.
    pub unnamed: bool,
    pub generation: i64,
    pub uid: Option<Uid>,
    pub created: Option<Created>,
    pub deleting: bool,
    pub labels: Labels,
    /// Only the annotations that mean something to us; few workloads have any.
    pub annotations: Option<Box<Labels>>,
    pub owner: Option<Box<Owner>>,
    /// `spec.replicas`, `spec.parallelism` of Jobs and CronJobs, 1 for a Pod. Meaningless for a DaemonSet.
    pub replicas: u32,
    /// Suspended, finished (a Job, a Pod): no pods, whatever `replicas` says.
    pub idle: bool,
    pub selector: Selector,
    pub rollout: Rollout,
    pub pods: Arc<Pods>,
    /// `spec.serviceName` of a StatefulSet; `None` where empty.
    pub service_name: Option<Name>,
    /// `spec.ordinals.start` of a StatefulSet.
    pub first_ordinal: u32,
    pub claim_templates: ThinVec<ClaimTemplate>,
    /// What a StatefulSet does otherwise than by default, if anything; [`Workload::options`] fills in the rest.
    pub options: Option<Box<SetOptions>>,
    /// Where its pods come from, if not from one template of its own, as those of every built-in kind do.
    pub templates: Option<Box<Templates>>,
}

/// `metadata.creationTimestamp` in seconds of years whose months all have 31 days, from 1970 on: its order is time's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Created(NonZeroU32);

/// How a new revision replaces the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rollout {
    /// A CronJob, and what happens when a run is due while the last one still runs.
    Cron(Concurrency),
    /// No overlap of ours to judge: delete first (StatefulSet, `Recreate`), or never replaced (Pod, Job, ReplicaSet).
    DeleteFirst,
    /// All new pods run beside all old ones for a while.
    Overlapping,
    /// A paused Deployment rolls nothing out.
    Paused,
    /// A Deployment's `RollingUpdate`.
    Rolling { max_surge: Amount, max_unavailable: Amount },
}

/// A number of pods, or a share of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    Count(u32),
    Percent(u32),
}

/// How far a rolling update may leave the desired number of pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fenceposts {
    pub surge: u32,
    pub unavailable: u32,
}

/// `spec.concurrencyPolicy` of a CronJob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concurrency {
    Allow,
    Forbid,
    Replace,
}

/// The controller that owns an object (`controller: true`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    pub api_version: Name,
    pub kind: Name,
    pub name: Name,
    /// Its kind, where that is a declared one whose controller makes such objects.
    pub declared: Option<Kind>,
}

/// Which parents a JSON patch may rely on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    pub annotations: bool,
    /// `spec.volumeClaimTemplates` is a list, maybe an empty one.
    pub claim_templates: bool,
    pub spec: bool,
    /// The pod spec: `spec.template.spec`, or deeper for a CronJob.
    pub pod_spec: bool,
}

impl Workload {
    /// The value of an annotation that means something to us.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(key)
    }

    /// The workload of a known kind that it says has made it.
    #[must_use]
    pub fn known_owner(&self) -> Option<ObjectRef> {
        let owner = self.owner.as_ref()?;
        let maker = owner.maker_of(self.id.kind)?;
        Some(ObjectRef::new(maker, owner.name.clone()))
    }

    /// Returns true where the pods of both are made of one template, which the one borrows from the other.
    #[must_use]
    pub fn shares_template_with(&self, other: &Self) -> bool {
        let borrows = |one: &Self, other: &Self| one.template_of() == Some(&other.id);
        borrows(self, other) || borrows(other, self)
    }

    /// With the pods of another workload for its own, and its selector where it has none.
    #[must_use]
    pub(super) fn borrowing(mut self, lender: Option<&Self>) -> Self {
        self.pods = lender.map(|lender| lender.pods.clone()).unwrap_or_default();
        if let Some(lender) = lender.filter(|_| self.selector.is_empty()) {
            self.selector = lender.selector.clone();
        }
        self
    }

    /// Returns true where all but the generation is equal.
    #[must_use]
    pub fn is_same_but_for_generation(&self, other: &Self) -> bool {
        self.but_for_generation() == other.but_for_generation()
    }

    fn but_for_generation(&self) -> impl PartialEq + '_ {
        // In full, so that a new field cannot be forgotten.
        let Self {
            id,
            namespace,
            unnamed,
            generation: _,
            uid,
            created,
            deleting,
            labels,
            annotations,
            owner,
            replicas,
            idle,
            selector,
            rollout,
            pods,
            service_name,
            first_ordinal,
            claim_templates,
            options,
            templates,
        } = self;
        // What lies side by side comes before what has to be fetched.
        (
            (unnamed, uid, created, deleting, replicas, idle, rollout, first_ordinal),
            (pods, selector, claim_templates, service_name, options, templates),
            (id, namespace, labels, annotations, owner),
        )
    }

    /// It says that a workload of a known kind owns it; whether that is so is for [`View::ownership`] to tell.
    ///
    /// [`View::ownership`]: super::view::View::ownership
    #[must_use]
    pub fn is_owned(&self) -> bool {
        self.owner
            .as_ref()
            .is_some_and(|owner| owner.maker_of(self.id.kind).is_some())
    }

    /// Owned by a custom resource: an operator writes it, its user cannot.
    #[must_use]
    pub fn is_operated(&self) -> bool {
        self.owner.is_some() && !self.is_owned()
    }

    /// Whether its controller will adopt this one, which has no owner: it makes such, and selects it.
    #[must_use]
    pub fn adopts(&self, orphan: &Self) -> bool {
        orphan.owner.is_none()
            && orphan.id.kind.is_made_by(self.id.kind)
            && !self.selector.is_empty()
            && self.selector.matches(&orphan.labels)
    }

    /// Returns true where its selector selects the pods of another one. One that asks for no labels selects none.
    #[must_use]
    pub fn selects_pods_of(&self, other: &Self) -> bool {
        !self.selector.match_labels.is_empty() && self.selector.matches(&other.pods.labels)
    }

    /// Whether the live graph keeps it: not what a built-in workload owns, and of Pods only those with a claim.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        if self.id.kind.runs(Runs::Itself) {
            self.owner.is_none() && !self.idle && self.claims().next().is_some()
        } else {
            !self.is_owned()
        }
    }

    /// The claims that its pods name by hand, with the volume's own `readOnly`.
    ///
    /// Volumes count whether mounted or not (`docs/kubernetes-facts.md` §2.1); one that a claim template of the same
    /// name replaces does not (§1.4).
    pub fn claims(&self) -> impl Iterator<Item = (&Name, bool)> {
        self.pods.volumes.iter().filter_map(|volume| match &volume.source {
            VolumeSource::Claim { claim, read_only } if !claim.is_empty() && !self.is_shadowed(volume) => {
                Some((claim, *read_only))
            }
            _ => None,
        })
    }

    /// Returns true where a claim template has this volume's name and so replaces it.
    #[must_use]
    pub fn is_shadowed(&self, volume: &PodVolume) -> bool {
        self.claim_templates.iter().any(|template| template.name == volume.name)
    }

    /// Its pods run once and end: a Job, a CronJob, a Pod that is not restarted for ever.
    #[must_use]
    pub fn is_one_shot(&self) -> bool {
        let kind = self.id.kind;
        kind.runs(Runs::ToCompletion)
            || kind.runs(Runs::OnSchedule)
            || (kind.runs(Runs::Itself) && self.pods.restart != RestartPolicy::Always)
    }

    /// How a StatefulSet replaces its pods, starts them, numbers them and keeps their claims.
    #[must_use]
    pub fn options(&self) -> &SetOptions {
        static DEFAULT: SetOptions = SetOptions::DEFAULT;
        self.options.as_deref().unwrap_or(&DEFAULT)
    }

    /// The ordinals of a StatefulSet's pods.
    #[must_use]
    pub fn ordinals(&self) -> Ordinals<'_> {
        self.ordinals_of(self.replicas.into())
    }

    /// The ordinals of so many pods of a StatefulSet.
    #[must_use]
    pub fn ordinals_of(&self, pods: u64) -> Ordinals<'_> {
        Ordinals::new(self.first_ordinal.into(), pods, &self.options().reserved)
    }

    /// The same workload with other replicas: what a `scale` request makes of it.
    #[must_use]
    pub fn scaled(&self, replicas: u32) -> Self {
        Self {
            replicas,
            ..self.clone()
        }
    }
}

impl Created {
    /// Reads `2026-05-04T09:12:33Z`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        // The first of each, and how many there are in the one before.
        const PARTS: [(u32, u32); 6] = [(1970, 1), (1, 12), (1, 31), (0, 24), (0, 60), (0, 60)];
        let written = text.split(|letter: char| !letter.is_ascii_digit());
        let number = written.zip(PARTS).fold(0_u32, |whole, (part, (first, size))| {
            let part = part.parse::<u32>().unwrap_or_default().saturating_sub(first);
            whole.saturating_mul(size).saturating_add(part)
        });
        Self(NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN))
    }
}

impl Rollout {
    /// The surge and the unavailable pods of a rolling update of `replicas` pods, where it is one: surge rounds up,
    /// unavailable rounds down, and both zero makes one unavailable (`docs/kubernetes-facts.md` §2.3).
    #[must_use]
    pub fn fenceposts(self, replicas: u32) -> Option<Fenceposts> {
        let (max_surge, max_unavailable) = match self {
            Self::Rolling {
                max_surge,
                max_unavailable,
            } => (max_surge, max_unavailable),
            Self::Overlapping => (Amount::Percent(100), Amount::Count(0)),
            Self::Cron(_) | Self::DeleteFirst | Self::Paused => return None,
        };
        let surge = match max_surge {
            Amount::Count(count) => count,
            Amount::Percent(percent) => share(replicas, percent, 99),
        };
        let unavailable = match max_unavailable {
            Amount::Count(count) => count,
            Amount::Percent(percent) => share(replicas, percent, 0),
        };
        Some(Fenceposts {
            surge,
            unavailable: if surge == 0 && unavailable == 0 { 1 } else { unavailable },
        })
    }
}

fn share(replicas: u32, percent: u32, rounding: u64) -> u32 {
    u32::try_from((u64::from(replicas) * u64::from(percent) + rounding) / 100).unwrap_or(u32::MAX)
}

impl Amount {
    /// Reads `3` or `25%`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_suffix('%') {
            Some(percent) => percent.parse().ok().map(Self::Percent),
            None => text.parse().ok().map(Self::Count),
        }
    }
}

impl Owner {
    /// The kind of the controller whose pods, sets or jobs objects of `kind` are, where this is one that is known.
    #[must_use]
    pub fn maker_of(&self, kind: Kind) -> Option<Kind> {
        self.builtin_maker_of(kind).or(self.declared)
    }

    /// The owner of an object of `kind` with these labels, which may be of one of these kinds, or made for one.
    pub(super) fn known(self, kind: Kind, labels: &Labels, kinds: &Kinds) -> Self {
        if self.builtin_maker_of(kind).is_some() {
            return self;
        }
        let declared = kinds.of(&self.api_version, &self.kind);
        if let Some(maker) = declared.filter(|maker| maker.makes(kind)) {
            return Self {
                declared: Some(maker),
                ..self
            };
        }
        let mut labelled = kinds.iter().filter_map(|maker| {
            let name = labels.get(maker.declared()?.child_label?)?;
            maker.makes(kind).then_some((maker, name))
        });
        match labelled.next() {
            Some((maker, name)) => Self {
                api_version: maker.api_version().into(),
                kind: maker.as_str().into(),
                name: name.into(),
                declared: Some(maker),
            },
            None => self,
        }
    }

    fn builtin_maker_of(&self, kind: Kind) -> Option<Kind> {
        let makers = kind.form().map_or(&[][..], |form| form.makers);
        let is_it = |maker: &Kind| *self.kind == *maker.as_str() && *self.api_version == *maker.api_version();
        makers.iter().copied().find(is_it)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fenceposts_round_as_the_controller_does() {
        let default = Rollout::Rolling {
            max_surge: Amount::Percent(25),
            max_unavailable: Amount::Percent(25),
        };
        assert_eq!(
            default.fenceposts(1),
            Some(Fenceposts {
                surge: 1,
                unavailable: 0
            })
        );
        assert_eq!(
            default.fenceposts(4),
            Some(Fenceposts {
                surge: 1,
                unavailable: 1
            })
        );
        let none = Rollout::Rolling {
            max_surge: Amount::Count(0),
            max_unavailable: Amount::Count(0),
        };
        assert_eq!(
            none.fenceposts(3),
            Some(Fenceposts {
                surge: 0,
                unavailable: 1
            })
        );
        assert_eq!(Rollout::DeleteFirst.fenceposts(1), None);
    }
}
