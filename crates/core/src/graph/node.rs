//! A node of the graph: the projection of an object of whichever kind.

use std::sync::Arc;

use super::autoscaler::Autoscaler;
use super::claim::{Claim, Volume};
use super::facts::{Class, ClusterNode, Driver};
use super::kind::Kind;
use super::names::{Name, ObjectRef};
use super::service::Service;
use super::shard::NamespaceFacts;
use super::workload::Workload;

/// What the graph keeps of an object. Cheap to copy: those of a namespace are shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    Autoscaler(Arc<Autoscaler>),
    /// Its volume is resolved when it is inserted.
    Claim(Arc<Claim>),
    Class(Class),
    ClusterNode(ClusterNode),
    Driver(Driver),
    Namespace(Name, NamespaceFacts),
    Service(Arc<Service>),
    Volume(Volume),
    Workload(Arc<Workload>),
}

impl Node {
    /// The name of the object.
    #[must_use]
    pub fn name(&self) -> &Name {
        match self {
            Self::Autoscaler(autoscaler) => &autoscaler.id.name,
            Self::Claim(claim) => &claim.name,
            Self::Class(class) => &class.name,
            Self::ClusterNode(node) => &node.name,
            Self::Driver(driver) => &driver.name,
            Self::Namespace(name, _) => name,
            Self::Service(service) => &service.name,
            Self::Volume(volume) => &volume.name,
            Self::Workload(workload) => &workload.id.name,
        }
    }

    /// The kind of the object.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Autoscaler(autoscaler) => autoscaler.id.kind,
            Self::Claim(_) => Kind::CLAIM,
            Self::Class(_) => Kind::CLASS,
            Self::ClusterNode(_) => Kind::NODE,
            Self::Driver(_) => Kind::DRIVER,
            Self::Namespace(..) => Kind::NAMESPACE,
            Self::Service(_) => Kind::SERVICE,
            Self::Volume(_) => Kind::VOLUME,
            Self::Workload(workload) => workload.id.kind,
        }
    }

    /// The object within its namespace.
    #[must_use]
    pub fn object(&self) -> ObjectRef {
        ObjectRef::new(self.kind(), self.name().clone())
    }

    #[must_use]
    pub fn autoscaler(&self) -> Option<&Arc<Autoscaler>> {
        match self {
            Self::Autoscaler(autoscaler) => Some(autoscaler),
            _ => None,
        }
    }

    #[must_use]
    pub fn claim(&self) -> Option<&Arc<Claim>> {
        match self {
            Self::Claim(claim) => Some(claim),
            _ => None,
        }
    }

    #[must_use]
    pub fn service(&self) -> Option<&Arc<Service>> {
        match self {
            Self::Service(service) => Some(service),
            _ => None,
        }
    }

    #[must_use]
    pub fn workload(&self) -> Option<&Arc<Workload>> {
        match self {
            Self::Workload(workload) => Some(workload),
            _ => None,
        }
    }
}
