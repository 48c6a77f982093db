//! Any object of the graph, by kind: the one door for watches and files.

use std::sync::Arc;

use serde::de::{Deserialize, DeserializeSeed, Deserializer};

use super::super::autoscaler::Autoscaler;
use super::super::claim::{Claim, Volume};
use super::super::facts::{Class, Driver, Node};
use super::super::names::{Name, ObjectKind};
use super::super::service::Service;
use super::super::shard::NamespaceFacts;
use super::super::workload::Workload;
use super::storage;
use super::workload::WorkloadSeed;
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

/// Deserialises an object of a kind that is known from outside it.
#[derive(Clone, Copy, Debug)]
pub struct ObjectSeed<'n> {
    pub kind: ObjectKind,
    /// The namespace of a workload that names none.
    pub sent_to: &'n Name,
}

impl Object {
    /// Reads an object from JSON text, as [`ObjectSeed`] does.
    ///
    /// # Errors
    /// The text is no JSON, or a field that is read has the wrong type.
    pub fn read(kind: ObjectKind, sent_to: &Name, json: &str) -> Result<Self, json::Error> {
        json::from_str_seed(json, ObjectSeed { kind, sent_to })
    }
}

impl<'de> DeserializeSeed<'de> for ObjectSeed<'_> {
    type Value = Object;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Object, D::Error> {
        let namespace = self.sent_to;
        Ok(match self.kind {
            ObjectKind::Autoscaler => Object::Autoscaler(Autoscaler::deserialize(deserializer)?),
            ObjectKind::Claim => Object::Claim(Claim::deserialize(deserializer)?),
            ObjectKind::Class => Object::Class(Class::deserialize(deserializer)?),
            ObjectKind::Driver => Object::Driver(Driver::deserialize(deserializer)?),
            ObjectKind::Namespace => {
                let (name, facts) = storage::namespace(deserializer)?;
                Object::Namespace(name, facts)
            }
            ObjectKind::Node => Object::Node(Node::deserialize(deserializer)?),
            ObjectKind::Service => Object::Service(Service::deserialize(deserializer)?),
            ObjectKind::Volume => Object::Volume(Volume::deserialize(deserializer)?),
            ObjectKind::Workload(kind) => {
                let projected = WorkloadSeed { kind, namespace }.deserialize(deserializer)?;
                Object::Workload(Arc::new(projected.workload))
            }
        })
    }
}
