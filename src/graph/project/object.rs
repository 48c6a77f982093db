//! Any object of the graph, by kind: the one door for watches and files.

use std::sync::Arc;

use super::super::autoscaler::Autoscaler;
use super::super::claim::{Claim, Volume};
use super::super::facts::{Class, Driver, Node};
use super::super::names::{Name, ObjectKind};
use super::super::service::Service;
use super::super::shard::NamespaceFacts;
use super::super::workload::Workload;
use super::{autoscaler, claim, class, driver, namespace, node, service, volume, workload};
use crate::json;

/// The projection of an object, of whichever kind; `Graph::insert_all` takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    Autoscaler(Autoscaler),
    /// Its volume is resolved when it is inserted.
    Claim(Claim),
    Class(Class),
    Driver(Driver),
    Namespace(Name, NamespaceFacts),
    Node(Node),
    Service(Service),
    Volume(Volume),
    Workload(Arc<Workload>),
}

impl Object {
    /// Reads an object of a known kind from JSON text; `sent_to` is the namespace of a workload that names none.
    ///
    /// # Errors
    /// The text is no JSON, or a field that is read has the wrong type.
    pub fn read(kind: ObjectKind, sent_to: &Name, json: &str) -> Result<Self, json::Error> {
        Ok(match kind {
            ObjectKind::Autoscaler => Self::Autoscaler(autoscaler(json)?),
            ObjectKind::Claim => Self::Claim(claim(json)?),
            ObjectKind::Class => Self::Class(class(json)?),
            ObjectKind::Driver => Self::Driver(driver(json)?),
            ObjectKind::Namespace => {
                let (name, facts) = namespace(json)?;
                Self::Namespace(name, facts)
            }
            ObjectKind::Node => Self::Node(node(json)?),
            ObjectKind::Service => Self::Service(service(json)?),
            ObjectKind::Volume => Self::Volume(volume(json)?),
            ObjectKind::Workload(kind) => Self::Workload(Arc::new(workload(kind, sent_to, json)?.workload)),
        })
    }
}
