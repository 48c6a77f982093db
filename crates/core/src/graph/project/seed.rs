//! A node from JSON, by kind: the one door for watches, files and admission reviews.

use std::sync::Arc;

use serde::de::{Deserialize, DeserializeSeed, Deserializer};

use super::super::claim::{Claim, Volume};
use super::super::facts::{Class, ClusterNode, Driver};
use super::super::kind::{Kind, Role};
use super::super::kinds::Kinds;
use super::super::names::Name;
use super::super::node::Node;
use super::super::service::Service;
use super::super::workload::Shape;
use super::workload::{ProjectedWorkload, WorkloadSeed};
use super::{storage, traffic};
use crate::json;

/// Deserialises an object of a kind that is known from outside it.
#[derive(Clone, Copy, Debug)]
pub struct NodeSeed<'n> {
    pub kind: Kind,
    /// The kinds that an object may refer to.
    pub kinds: &'static Kinds,
    /// The namespace of a workload that names none.
    pub sent_to: &'n Name,
}

impl NodeSeed<'_> {
    /// Reads an object from JSON text.
    ///
    /// # Errors
    /// The text is no JSON, or a field that is read has the wrong type.
    pub fn read(self, json: &str) -> Result<Node, json::Error> {
        json::from_str_seed(json, self)
    }

    /// Reads an object from JSON text, and what a patch of it may rely on.
    ///
    /// # Errors
    /// As [`NodeSeed::read`].
    pub fn read_to_patch(self, json: &str) -> Result<(Node, Shape), json::Error> {
        match WorkloadSeed::new(self.kind, self.sent_to) {
            Some(seed) => {
                let ProjectedWorkload { workload, shape } = seed.read(json)?;
                Ok((Node::Workload(Arc::new(workload)), shape))
            }
            None => Ok((self.read(json)?, Shape::default())),
        }
    }
}

impl<'de> DeserializeSeed<'de> for NodeSeed<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        let (kind, namespace) = (self.kind, self.sent_to);
        Ok(match kind.role() {
            Role::Autoscaler => Node::Autoscaler(Arc::new(traffic::autoscaler(deserializer, self.kinds)?)),
            Role::Claim => Node::Claim(Arc::new(Claim::deserialize(deserializer)?)),
            Role::Class => Node::Class(Class::deserialize(deserializer)?),
            Role::Driver => Node::Driver(Driver::deserialize(deserializer)?),
            Role::Namespace => {
                let (name, facts) = storage::namespace(deserializer)?;
                Node::Namespace(name, facts)
            }
            Role::Node => Node::ClusterNode(ClusterNode::deserialize(deserializer)?),
            Role::Service => Node::Service(Arc::new(Service::deserialize(deserializer)?)),
            Role::Volume => Node::Volume(Volume::deserialize(deserializer)?),
            Role::Workload(form) => {
                let seed = WorkloadSeed { kind, form, namespace };
                Node::Workload(Arc::new(seed.deserialize(deserializer)?.workload))
            }
        })
    }
}
