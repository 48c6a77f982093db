//! The table of kinds: what permissions, webhook rules, watches, projections, ownership and adoption follow from.

use std::sync::LazyLock;

use super::kind::{Defaults, Entry, Field, Form, Kind, Reach, Role, Row, Runs, Scaler, group};

/// The kinds of one process: the built-in ones, and those that are registered beside them.
#[derive(Debug)]
pub struct Kinds {
    rows: Vec<Kind>,
    /// Every kind that ever had a position, by its position.
    seats: Vec<Kind>,
}

/// A kind that cannot be registered, because there is one of its name in its group already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken(pub Kind);

impl Kinds {
    /// The built-in kinds.
    #[must_use]
    pub fn builtin() -> &'static Self {
        static KINDS: LazyLock<Kinds> = LazyLock::new(|| Kinds {
            rows: ROWS.to_vec(),
            seats: ROWS.to_vec(),
        });
        &KINDS
    }

    /// The built-in kinds and further ones, for as long as the process lives.
    ///
    /// # Errors
    /// Two kinds of one name in one group.
    pub fn with(further: impl IntoIterator<Item = Row>) -> Result<&'static Self, Taken> {
        Self::builtin().changed(|_| true, further)
    }

    /// Those of these kinds that are kept, and further ones, for as long as the process lives.
    ///
    /// A kind keeps its position while it is gone, and has it again when it comes back or is declared otherwise: what a
    /// graph has of a kind is found by it.
    ///
    /// # Errors
    /// Two kinds of one name in one group.
    pub fn changed(
        &self,
        is_kept: impl Fn(Kind) -> bool,
        further: impl IntoIterator<Item = Row>,
    ) -> Result<&'static Self, Taken> {
        let mut rows: Vec<Kind> = self.iter().filter(|kind| is_kept(*kind)).collect();
        let mut seats = self.seats.clone();
        for row in further {
            let is_it = |other: &Kind| other.as_str() == row.kind && other.group() == group(row.api_version);
            if let Some(taken) = rows.iter().find(|other| is_it(other)) {
                return Err(Taken(*taken));
            }
            let label = if rows.iter().any(|other| other.as_str() == row.kind) {
                String::leak(format!("{}.{}", row.resource, group(row.api_version)))
            } else {
                row.kind
            };
            let position = seats.iter().position(is_it).unwrap_or(seats.len());
            // A kind is named in every object, edge and finding, so it is a reference that is never given back.
            let kind = Kind(Box::leak(Box::new(Row { position, label, ..row })));
            match seats.get_mut(position) {
                Some(seat) => *seat = kind,
                None => seats.push(kind),
            }
            rows.push(kind);
        }
        rows.sort_unstable_by_key(|kind| kind.position());
        Ok(Box::leak(Box::new(Self { rows, seats })))
    }

    /// How many positions there are: more than kinds, where some are gone.
    #[must_use]
    pub fn positions(&self) -> usize {
        self.seats.len()
    }

    /// Every kind, in the order of the table.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Kind> + '_ {
        self.rows.iter().copied()
    }

    /// The kind of an object, in any version of its group: removed versions are still found in files, and what is
    /// read of them has not changed since.
    #[must_use]
    pub fn of(&self, api_version: &str, kind: &str) -> Option<Kind> {
        self.in_group(group(api_version), kind)
    }

    /// The kind of this name in a group. `extensions` is where Deployments came from.
    #[must_use]
    pub fn in_group(&self, group: &str, kind: &str) -> Option<Kind> {
        let group = if group == "extensions" { "apps" } else { group };
        self.iter().find(|one| one.as_str() == kind && one.group() == group)
    }

    /// The kind whose objects a resource of a group holds.
    #[must_use]
    pub fn of_resource(&self, group: &str, resource: &str) -> Option<Kind> {
        self.iter()
            .find(|one| one.resource() == resource && one.group() == group)
    }
}

impl Kind {
    pub const AUTOSCALER: Self = Self(&AUTOSCALER);
    pub const CLAIM: Self = Self(&CLAIM);
    pub const CLASS: Self = Self(&CLASS);
    pub const CRON_JOB: Self = Self(&CRON_JOB);
    pub const DAEMON_SET: Self = Self(&DAEMON_SET);
    pub const DEPLOYMENT: Self = Self(&DEPLOYMENT);
    pub const DRIVER: Self = Self(&DRIVER);
    pub const JOB: Self = Self(&JOB);
    pub const NAMESPACE: Self = Self(&NAMESPACE);
    pub const NODE: Self = Self(&NODE);
    pub const POD: Self = Self(&POD);
    pub const REPLICATION_CONTROLLER: Self = Self(&REPLICATION_CONTROLLER);
    pub const REPLICA_SET: Self = Self(&REPLICA_SET);
    pub const SERVICE: Self = Self(&SERVICE);
    pub const STATEFUL_SET: Self = Self(&STATEFUL_SET);
    pub const VOLUME: Self = Self(&VOLUME);
}

/// How many kinds are built in.
pub(super) const BUILTIN: usize = 16;

/// The built-in kinds, sorted by group and resource.
const ROWS: [Kind; BUILTIN] = [
    Kind::NAMESPACE,
    Kind::NODE,
    Kind::CLAIM,
    Kind::VOLUME,
    Kind::POD,
    Kind::REPLICATION_CONTROLLER,
    Kind::SERVICE,
    Kind::DAEMON_SET,
    Kind::DEPLOYMENT,
    Kind::REPLICA_SET,
    Kind::STATEFUL_SET,
    Kind::AUTOSCALER,
    Kind::CRON_JOB,
    Kind::JOB,
    Kind::DRIVER,
    Kind::CLASS,
];

/// Where the spec of a pod stands in what has a template.
const TEMPLATE_SPEC: &str = "/spec/template/spec";

static NAMESPACE: Row = Row::new(0, "v1", "namespaces", "Namespace", Role::Namespace, Reach::Watch);

static NODE: Row = Row::new(1, "v1", "nodes", "Node", Role::Node, Reach::Watch);

static CLAIM: Row = Row::new(
    2,
    "v1",
    "persistentvolumeclaims",
    "PersistentVolumeClaim",
    Role::Claim,
    depended_on(Defaults::Never),
);

static VOLUME: Row = Row::new(
    3,
    "v1",
    "persistentvolumes",
    "PersistentVolume",
    Role::Volume,
    Reach::Watch,
);

static POD: Row = Row::new(
    4,
    "v1",
    "pods",
    "Pod",
    Role::Workload(Form {
        runs: Runs::Itself,
        pod_spec: "/spec",
        fields: &[("/spec", Field::PodSpec), ("/status/phase", Field::Phase)],
        makers: &[
            Kind::DAEMON_SET,
            Kind::JOB,
            Kind::REPLICATION_CONTROLLER,
            Kind::REPLICA_SET,
            Kind::STATEFUL_SET,
        ],
        declared: None,
    }),
    review(Entry::Pods),
);

static REPLICATION_CONTROLLER: Row = Row::new(
    5,
    "v1",
    "replicationcontrollers",
    "ReplicationController",
    Role::Workload(Form {
        runs: Runs::Replicas,
        pod_spec: TEMPLATE_SPEC,
        fields: &[
            ("/spec/replicas", Field::Replicas),
            ("/spec/selector", Field::MatchLabels),
            ("/spec/template", Field::Template),
        ],
        makers: &[],
        declared: None,
    }),
    scaled(Defaults::Never),
);

static SERVICE: Row = Row::new(
    6,
    "v1",
    "services",
    "Service",
    Role::Service,
    depended_on(Defaults::Headless),
);

static DAEMON_SET: Row = Row::new(
    7,
    "apps/v1",
    "daemonsets",
    "DaemonSet",
    Role::Workload(Form {
        runs: Runs::PerNode,
        pod_spec: TEMPLATE_SPEC,
        fields: &[("/spec/selector", Field::Selector), ("/spec/template", Field::Template)],
        makers: &[],
        declared: None,
    }),
    written(Defaults::WithClaim),
);

static DEPLOYMENT: Row = Row::new(
    8,
    "apps/v1",
    "deployments",
    "Deployment",
    Role::Workload(Form {
        runs: Runs::Replicas,
        pod_spec: TEMPLATE_SPEC,
        fields: &[
            ("/spec/paused", Field::Paused),
            ("/spec/replicas", Field::Replicas),
            ("/spec/selector", Field::Selector),
            ("/spec/strategy", Field::Strategy),
            ("/spec/template", Field::Template),
        ],
        makers: &[],
        declared: None,
    }),
    scaled(Defaults::WithClaim),
);

static REPLICA_SET: Row = Row::new(
    9,
    "apps/v1",
    "replicasets",
    "ReplicaSet",
    Role::Workload(Form {
        runs: Runs::Replicas,
        pod_spec: TEMPLATE_SPEC,
        fields: &[
            ("/spec/replicas", Field::Replicas),
            ("/spec/selector", Field::Selector),
            ("/spec/template", Field::Template),
        ],
        makers: &[Kind::DEPLOYMENT],
        declared: None,
    }),
    scaled(Defaults::Never),
);

static STATEFUL_SET: Row = Row::new(
    10,
    "apps/v1",
    "statefulsets",
    "StatefulSet",
    Role::Workload(Form {
        runs: Runs::Replicas,
        pod_spec: TEMPLATE_SPEC,
        fields: &[
            ("/spec/ordinals/start", Field::FirstOrdinal),
            ("/spec/persistentVolumeClaimRetentionPolicy", Field::Retention),
            ("/spec/podManagementPolicy", Field::PodManagement),
            ("/spec/replicas", Field::Replicas),
            ("/spec/selector", Field::Selector),
            ("/spec/serviceName", Field::ServiceName),
            ("/spec/template", Field::Template),
            ("/spec/updateStrategy", Field::UpdateStrategy),
            ("/spec/volumeClaimTemplates", Field::ClaimTemplates),
        ],
        makers: &[],
        declared: None,
    }),
    scaled(Defaults::Always),
);

static AUTOSCALER: Row = Row::new(
    11,
    "autoscaling/v2",
    "horizontalpodautoscalers",
    "HorizontalPodAutoscaler",
    Role::Autoscaler(Scaler::Horizontal),
    review(Entry::Advice),
);

static CRON_JOB: Row = Row::new(
    12,
    "batch/v1",
    "cronjobs",
    "CronJob",
    Role::Workload(Form {
        runs: Runs::OnSchedule,
        pod_spec: "/spec/jobTemplate/spec/template/spec",
        fields: &[
            ("/spec/concurrencyPolicy", Field::ConcurrencyPolicy),
            ("/spec/jobTemplate/spec/completions", Field::Completions),
            ("/spec/jobTemplate/spec/parallelism", Field::Replicas),
            ("/spec/jobTemplate/spec/template", Field::Template),
            ("/spec/suspend", Field::Suspend),
        ],
        makers: &[],
        declared: None,
    }),
    written(Defaults::WithClaim),
);

static JOB: Row = Row::new(
    13,
    "batch/v1",
    "jobs",
    "Job",
    Role::Workload(Form {
        runs: Runs::ToCompletion,
        pod_spec: TEMPLATE_SPEC,
        fields: &[
            ("/spec/completions", Field::Completions),
            ("/spec/parallelism", Field::Replicas),
            ("/spec/suspend", Field::Suspend),
            ("/spec/template", Field::Template),
            ("/status/conditions", Field::Conditions),
        ],
        makers: &[Kind::CRON_JOB],
        declared: None,
    }),
    review(Entry::Workloads),
);

static DRIVER: Row = Row::new(
    14,
    "storage.k8s.io/v1",
    "csidrivers",
    "CSIDriver",
    Role::Driver,
    Reach::Watch,
);

static CLASS: Row = Row::new(
    15,
    "storage.k8s.io/v1",
    "storageclasses",
    "StorageClass",
    Role::Class,
    Reach::Watch,
);

const fn review(entry: Entry) -> Reach {
    Reach::Review {
        entry,
        scale: false,
        defaults: Defaults::Never,
    }
}

const fn depended_on(defaults: Defaults) -> Reach {
    Reach::Review {
        entry: Entry::Dependencies,
        scale: false,
        defaults,
    }
}

const fn written(defaults: Defaults) -> Reach {
    Reach::Review {
        entry: Entry::Workloads,
        scale: false,
        defaults,
    }
}

const fn scaled(defaults: Defaults) -> Reach {
    Reach::Review {
        entry: Entry::Workloads,
        scale: true,
        defaults,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDGET: Form = Form {
        runs: Runs::Replicas,
        pod_spec: "/spec/podTemplate/spec",
        fields: &[
            ("/spec/podTemplate", Field::Template),
            ("/spec/scale/count", Field::Replicas),
        ],
        makers: &[],
        declared: None,
    };

    fn widget(api_version: &'static str) -> Row {
        let role = Role::Workload(WIDGET);
        Row::new(0, api_version, "widgets", "Widget", role, scaled(Defaults::Never))
    }

    #[test]
    fn the_table_is_sorted_and_the_constants_name_their_rows() {
        let kinds = Kinds::builtin();
        let keys: Vec<_> = kinds.iter().map(|kind| (kind.group(), kind.resource())).collect();
        assert!(
            keys.is_sorted_by(|a, b| a < b),
            "sort ROWS by group and resource: {keys:?}"
        );
        assert!(
            kinds
                .iter()
                .enumerate()
                .all(|(position, kind)| kind.position() == position)
        );
        for (kind, name) in [
            (Kind::AUTOSCALER, "HorizontalPodAutoscaler"),
            (Kind::CLAIM, "PersistentVolumeClaim"),
            (Kind::CLASS, "StorageClass"),
            (Kind::CRON_JOB, "CronJob"),
            (Kind::DAEMON_SET, "DaemonSet"),
            (Kind::DEPLOYMENT, "Deployment"),
            (Kind::DRIVER, "CSIDriver"),
            (Kind::JOB, "Job"),
            (Kind::NAMESPACE, "Namespace"),
            (Kind::NODE, "Node"),
            (Kind::POD, "Pod"),
            (Kind::REPLICATION_CONTROLLER, "ReplicationController"),
            (Kind::REPLICA_SET, "ReplicaSet"),
            (Kind::SERVICE, "Service"),
            (Kind::STATEFUL_SET, "StatefulSet"),
            (Kind::VOLUME, "PersistentVolume"),
        ] {
            assert_eq!(kind.as_str(), name);
        }
    }

    #[test]
    fn fields_are_sorted_so_that_those_of_one_parent_stand_together() {
        for form in Kinds::builtin().iter().filter_map(Kind::form) {
            assert!(form.fields.is_sorted_by(|a, b| a.0 < b.0), "sort {:?}", form.fields);
            let spec = form.fields.iter().find_map(|(path, field)| match field {
                Field::PodSpec => Some((*path).to_owned()),
                Field::Template => Some(format!("{path}/spec")),
                _ => None,
            });
            assert_eq!(spec.as_deref(), Some(form.pod_spec));
        }
    }

    #[test]
    fn kinds_are_known_in_every_version_of_their_group() {
        let kinds = Kinds::builtin();
        let apps = |version| kinds.of(version, "Deployment").is_some();
        assert!(apps("apps/v1") && apps("apps/v1beta2") && apps("extensions/v1beta1"));
        assert!(!apps("v1") && !apps("example.com/v1"));
        assert!(kinds.of("serving.knative.dev/v1", "Service").is_none());
        assert!(kinds.of("v1", "Service").is_some());
    }

    #[test]
    fn a_kind_is_registered_once_and_then_known() {
        let kinds = Kinds::with([widget("example.com/v1")]).unwrap();
        let kind = kinds.of("example.com/v2", "Widget").unwrap();
        assert_eq!(kinds.of_resource("example.com", "widgets"), Some(kind));
        assert_eq!(
            (kind.group(), kind.version(), kind.pod_spec()),
            ("example.com", "v1", "/spec/podTemplate/spec")
        );
        assert!(kind.runs(Runs::Replicas) && kind.has(Field::Template) && !kind.has(Field::ClaimTemplates));
        assert!(Kinds::builtin().of("example.com/v1", "Widget").is_none());
        let twice = Kinds::with([widget("example.com/v1"), widget("example.com/v2")]).unwrap_err();
        assert_eq!(twice.0.as_str(), "Widget");
    }
}
