//! The typed graph of a namespace: workloads, claims, services, autoscalers and the edges between them.
//!
//! Pure: no IO, no clock, no async, no environment. Watches, files and admission reviews fill it from outside;
//! rules read it through a [`View`], which is the graph with a [`Change`] laid over it, never a copy.
//!
//! Architecture Invariant: nodes are projections. A whole Kubernetes object is never kept.

pub mod autoscaler;
pub mod change;
pub mod claim;
mod clean;
pub mod declared;
mod edges;
pub mod facts;
pub mod fill;
pub mod hashed;
pub mod insert;
pub mod kind;
pub mod kinds;
mod labelled;
pub mod labels;
pub mod lookup;
pub mod names;
pub mod node;
pub mod ordinals;
pub mod overlay;
pub mod ownership;
pub mod placement;
pub mod pods;
pub mod project;
pub mod reservation;
pub mod selector;
pub mod service;
pub mod set_options;
pub mod shard;
pub mod shared;
pub mod sorted;
pub mod store;
pub mod templates;
pub mod touched;
pub mod uid;
pub mod version;
pub mod view;
pub mod workload;

pub use autoscaler::Autoscaler;
pub use change::{Actor, Change, Old, Operation, States};
pub use claim::{
    AccessMode, Claim, ClaimTemplate, ClassName, Modes, Unread, Volatile, Volume, VolumeKind, VolumeTraits, Written,
};
pub use declared::{Bound, Declared, PodTemplate, Replaces, Trust, Way};
pub use facts::{Class, ClusterNode, Driver, Facts, Knowledge};
pub use kind::{Defaults, Entry, Features, Field, Form, Kind, Reach, Role, Row, Runs, Scaler};
pub use kinds::Kinds;
pub use labels::Labels;
pub use lookup::Lookup;
pub use names::{Name, ObjectRef, Timestamp};
pub use node::Node;
pub use ordinals::{Ordinals, Reserved};
pub use overlay::Overlay;
pub use ownership::Ownership;
pub use pods::{
    ContainerLevel, Disk, Image, Mount, MountForm, MountPosition, PodVolume, Pods, RestartPolicy, SeLinux, VolumeSource,
};
pub use reservation::{Reservation, Room};
pub use selector::{Operator, Requirement, Selector};
pub use service::{Exposure, Service};
pub use set_options::{ClaimFate, PodManagement, Retention, SetOptions, UpdateStrategy};
pub use shard::{NamespaceFacts, Shard};
pub use store::Graph;
pub use templates::{OfPart, Part, Several, Templates};
pub use touched::{Touched, Workloads};
pub use uid::Uid;
pub use version::Version;
pub use view::View;
pub use workload::{Amount, Concurrency, Created, Fenceposts, Owner, Rollout, Shape, Workload};
