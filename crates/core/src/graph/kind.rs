//! What a kind of object is to us: a row of the table in `kinds.rs`.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use super::declared::{Declared, Trust};
use super::kinds::BUILTIN;

/// A kind of object that plays a part, by its row in the table.
#[derive(Clone, Copy)]
pub struct Kind(pub(super) &'static Row);

/// A row of the table: all that is said of one kind.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub(super) api_version: &'static str,
    pub(super) resource: &'static str,
    pub(super) kind: &'static str,
    pub(super) role: Role,
    pub(super) reach: Reach,
    pub(super) features: Features,
    pub(super) position: usize,
    pub(super) label: &'static str,
}

/// What an object of a kind is in the graph.
#[derive(Clone, Copy, Debug)]
pub enum Role {
    /// It changes how many pods workloads run.
    Autoscaler(Scaler),
    Claim,
    Class,
    Driver,
    Namespace,
    Node,
    Service,
    Volume,
    /// It runs pods.
    Workload(Form),
}

/// How a kind of autoscaler is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scaler {
    /// Kubernetes' own: `HorizontalPodAutoscaler`.
    Horizontal,
    /// KEDA's `ScaledObject`, which makes one of Kubernetes' own.
    Keda,
}

/// How a kind of workload is written, and how many pods it runs.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    pub runs: Runs,
    /// JSON pointer to the pod spec.
    pub pod_spec: &'static str,
    /// Where the fields stand that rules ask for: JSON pointers, sorted.
    pub fields: &'static [(&'static str, Field)],
    /// The kinds whose built-in controllers write such objects themselves. They were judged in its place, and they adopt
    /// one without an owner that their selector matches.
    pub makers: &'static [Kind],
    /// `None` for a built-in kind.
    pub declared: Option<&'static Declared>,
}

/// How many pods a workload runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runs {
    /// It is a pod.
    Itself,
    /// Jobs, each to completion, again and again.
    OnSchedule,
    /// One on every node that its placement admits.
    PerNode,
    /// As many as its replicas.
    Replicas,
    /// As many at once as its parallelism, until they have completed.
    ToCompletion,
}

/// A field of a workload that rules ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// A list of claim templates, each with a claim `<template>-<workload>-<ordinal>` for every pod.
    ClaimTemplates,
    /// No more pods run at once than these.
    Completions,
    /// What a CronJob does when a run is due while the last one still runs.
    ConcurrencyPolicy,
    /// The conditions of a Job: `Complete` and `Failed` end it.
    Conditions,
    /// The ordinal of the first pod, else 0.
    FirstOrdinal,
    /// What is there where pods of one of several templates wait for those of another to end ([`Declared::in_turn`]).
    InTurn,
    /// Labels that select the pods.
    MatchLabels,
    /// One of several templates of pods.
    OneTemplate,
    Paused,
    /// The phase of a Pod: `Succeeded` and `Failed` end it.
    Phase,
    /// A list of claim templates, each with a claim of a random name for every pod.
    PodClaims,
    /// A number of pods of one of several templates.
    PodCount,
    /// Whether a StatefulSet starts its pods one after the other.
    PodManagement,
    /// The spec of the one pod, which has the object's own labels.
    PodSpec,
    /// How many pods run at once, else one.
    Replicas,
    /// A list of ordinals that no pod has.
    ReservedOrdinals,
    /// What becomes of the claims that claim templates made.
    Retention,
    /// What decides how a declared kind replaces its pods ([`Declared::ways`]).
    Rollout,
    /// A `metav1.LabelSelector` of the pods.
    Selector,
    /// The Service that gives every pod a name.
    ServiceName,
    /// A list of claim templates, each with one claim `<template>-<workload>` for all pods that mount it.
    SharedClaims,
    /// The strategy of a Deployment: how far a rollout goes above and below the replicas.
    Strategy,
    Suspend,
    /// The template of the pods.
    Template,
    /// Another workload, by `apiVersion`, `kind` and `name`, whose template the pods are made of.
    TemplateOf,
    /// How a StatefulSet replaces pods of an older template.
    UpdateStrategy,
}

/// A set of roles, ways to run and fields: what a kind has, or what a rule asks of the kinds that it judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features(u64);

/// How a change of an object reaches us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// As an admission request. `scale` also for the subresource of that name.
    Review {
        entry: Entry,
        scale: bool,
        defaults: Defaults,
    },
    /// By the watch alone: changes of such objects are a subject of the audit.
    Watch,
}

/// The entry of the validating webhook configuration through which a kind is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// What changes how many pods workloads run: creates and updates.
    Advice,
    /// What runs pods and is warned about at most: creates and updates, which never wait for us.
    Declared,
    /// What workloads depend on: creates, updates and deletes.
    Dependencies,
    /// Pods that nobody controls, with a claim: creates. Pods of a set with disks of their own: deletes by force.
    Pods,
    /// What runs pods: creates and updates, which wait for us where they may share a claim.
    Workloads,
}

/// Whether defaults may be injected into objects of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defaults {
    Always,
    /// Only where it is headless.
    Headless,
    Never,
    /// Only where its pods mount a claim.
    WithClaim,
}

impl Row {
    /// A kind at a position of the table.
    #[must_use]
    pub const fn new(
        position: usize,
        api_version: &'static str,
        resource: &'static str,
        kind: &'static str,
        role: Role,
        reach: Reach,
    ) -> Self {
        let features = Features::of(&role);
        Self {
            api_version,
            resource,
            kind,
            role,
            reach,
            features,
            position,
            label: kind,
        }
    }
}

impl Features {
    /// Every kind of workload.
    pub const ANY: Self = Self((1 << FIRST_ROLE) - 1);

    /// Workloads of replicas that run on when their template changes: ReplicaSets, and whatever else leaves it to another
    /// to replace them.
    pub const UNROLLED: Self = Self(1 << 63);

    /// Workloads that run in one of these ways.
    #[must_use]
    pub const fn running(ways: &[Runs]) -> Self {
        let (mut set, mut next) = (0, 0);
        while next < ways.len() {
            set |= 1 << ways[next] as u64;
            next += 1;
        }
        Self(set)
    }

    /// Workloads that have this field.
    #[must_use]
    pub const fn having(field: Field) -> Self {
        Self(1 << (FIRST_FIELD + field as u64))
    }

    /// What either has.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What a kind of this role has: of a workload, the way it runs and its fields.
    #[must_use]
    pub const fn of(role: &Role) -> Self {
        let role = match role {
            Role::Workload(form) => return Self::of_form(form),
            Role::Autoscaler(_) => 0,
            Role::Claim => 1,
            Role::Class => 2,
            Role::Driver => 3,
            Role::Namespace => 4,
            Role::Node => 5,
            Role::Service => 6,
            Role::Volume => 7,
        };
        Self(1 << (FIRST_ROLE + role))
    }

    /// Returns true where the two have something in common.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    const fn of_form(form: &Form) -> Self {
        let Self(mut set) = Self::running(&[form.runs]);
        let mut next = 0;
        while next < form.fields.len() {
            set |= Self::having(form.fields[next].1).0;
            next += 1;
        }
        if let Some(declared) = form.declared
            && !declared.ways.is_empty()
        {
            set |= Self::having(Field::Rollout).0;
        }
        let rolled = Self::having(Field::Strategy).or(Self::having(Field::ClaimTemplates));
        if matches!(form.runs, Runs::Replicas) && form.declared.is_none() && !Self(set).meets(rolled) {
            set |= Self::UNROLLED.0;
        }
        Self(set)
    }
}

/// Where the bits of roles and of fields begin; the first are those of the ways to run.
const FIRST_ROLE: u64 = 8;
const FIRST_FIELD: u64 = 16;

impl Kind {
    /// The kind as Kubernetes writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0.kind
    }

    /// A name that no other kind of its table has: the kind, or `statefulsets.apps.kruise.io` where another has that.
    #[must_use]
    pub const fn label(self) -> &'static str {
        self.0.label
    }

    /// The API group and version in which the kind is read and judged: `apps/v1`, `v1`.
    #[must_use]
    pub const fn api_version(self) -> &'static str {
        self.0.api_version
    }

    /// The API group, empty for the core group.
    #[must_use]
    pub fn group(self) -> &'static str {
        group(self.0.api_version)
    }

    /// The version without its group.
    #[must_use]
    pub fn version(self) -> &'static str {
        let version = self.0.api_version;
        version.rsplit_once('/').map_or(version, |(_, version)| version)
    }

    /// The plural resource name, as in a URL or an admission request.
    #[must_use]
    pub const fn resource(self) -> &'static str {
        self.0.resource
    }

    #[must_use]
    pub const fn role(self) -> &'static Role {
        &self.0.role
    }

    #[must_use]
    pub const fn reach(self) -> Reach {
        self.0.reach
    }

    /// How a workload of this kind is written; `None` for what runs no pods.
    #[must_use]
    pub const fn form(self) -> Option<&'static Form> {
        match &self.0.role {
            Role::Workload(form) => Some(form),
            _ => None,
        }
    }

    /// Returns true where objects of this kind run pods.
    #[must_use]
    pub const fn is_workload(self) -> bool {
        self.form().is_some()
    }

    /// Returns true where workloads of this kind run so.
    #[must_use]
    pub const fn runs(self, way: Runs) -> bool {
        self.0.features.meets(Features::running(&[way]))
    }

    /// Returns true where workloads of this kind have this field.
    #[must_use]
    pub const fn has(self, field: Field) -> bool {
        self.0.features.meets(Features::having(field))
    }

    /// What objects of this kind have.
    #[must_use]
    pub const fn features(self) -> Features {
        self.0.features
    }

    /// JSON pointer to the pod spec; empty for what runs no pods.
    #[must_use]
    pub const fn pod_spec(self) -> &'static str {
        match self.form() {
            Some(form) => form.pod_spec,
            None => "",
        }
    }

    /// Returns true where `other`'s controller writes objects of this kind, or what writes them.
    #[must_use]
    pub fn is_made_by(self, other: Self) -> bool {
        let makers = self.form().map_or(&[][..], |form| form.makers);
        makers.iter().any(|maker| *maker == other || maker.is_made_by(other)) || other.makes(self)
    }

    /// Returns true where the declaration of this kind says that its controller makes objects of `child`.
    #[must_use]
    pub fn makes(self, child: Self) -> bool {
        self.declared()
            .is_some_and(|declared| declared.children.contains(&child))
    }

    /// What was declared of a kind of workload that is not built in.
    #[must_use]
    pub const fn declared(self) -> Option<&'static Declared> {
        match self.form() {
            Some(form) => form.declared,
            None => None,
        }
    }

    /// Returns true where every cluster has the kind.
    #[must_use]
    pub const fn is_builtin(self) -> bool {
        self.0.position < BUILTIN
    }

    /// Returns true where so much is known of the kind that what is found may be denied.
    #[must_use]
    pub fn is_sure(self) -> bool {
        self.declared().is_none_or(|declared| declared.trust == Trust::Sure)
    }

    /// JSON pointer to what decides how workloads of this kind replace their pods.
    #[must_use]
    pub fn rollout_path(self) -> &'static str {
        let decides = self.path_of(Field::Rollout).and_then(|path| path.rsplit_once('/'));
        let path = self.path_of(Field::Strategy).or(decides.map(|(parent, _)| parent));
        path.or(self.path_of(Field::Template)).unwrap_or_default()
    }

    /// JSON pointer to a field of workloads of this kind; `None` where they do not have it.
    #[must_use]
    pub fn path_of(self, field: Field) -> Option<&'static str> {
        let fields = self.form().map_or(&[][..], |form| form.fields);
        fields.iter().find(|(_, one)| *one == field).map(|(path, _)| *path)
    }

    /// Returns true where objects of this kind are in a namespace.
    #[must_use]
    pub const fn is_namespaced(self) -> bool {
        matches!(
            self.0.role,
            Role::Autoscaler(_) | Role::Claim | Role::Service | Role::Workload(_)
        )
    }

    /// All that is said of the kind.
    #[must_use]
    pub const fn row(self) -> Row {
        *self.0
    }

    /// Returns true where both are the same kind, of which the same was said at the same time.
    #[must_use]
    pub fn is_row_of(self, other: Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }

    /// Where the kind stands in its table.
    #[must_use]
    pub const fn position(self) -> usize {
        self.0.position
    }
}

/// The group of an API version.
pub(super) fn group(api_version: &str) -> &str {
    api_version.rsplit_once('/').map_or("", |(group, _)| group)
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        // Of two tables the same row may stand at two addresses.
        std::ptr::eq(self.0, other.0) || (self.0.position == other.0.position && self.cmp(other).is_eq())
    }
}

impl Eq for Kind {}

impl PartialOrd for Kind {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Kind {
    /// By name, then by group: the order of reports.
    fn cmp(&self, other: &Self) -> Ordering {
        if std::ptr::eq(self.0, other.0) {
            return Ordering::Equal;
        }
        let names = self.0.kind.cmp(other.0.kind);
        names.then_with(|| self.group().cmp(other.group()))
    }
}

impl Hash for Kind {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.position.hash(state);
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
