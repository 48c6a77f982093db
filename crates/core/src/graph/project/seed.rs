//! A node from JSON, by kind: the one door for watches, files and admission reviews.

use std::sync::Arc;

use super::super::autoscaler::Autoscaler;
use super::super::claim::{Claim, Volume};
use super::super::facts::{Class, ClusterNode, Driver};
use super::super::kind::{Kind, Role};
use super::super::kinds::Kinds;
use super::super::names::Name;
use super::super::node::Node;
use super::super::service::Service;
use super::super::shard::NamespaceFacts;
use super::super::workload::Shape;
use super::workload::{ProjectedWorkload, WorkloadSeed};
use crate::cursor::Cursor;
use crate::json;

/// Reads an object of a kind that is known from outside it.
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
        json::whole(json, |reader| self.read_from(reader))
    }

    /// Reads an object from JSON text, and what a patch of it may rely on.
    ///
    /// # Errors
    /// As [`NodeSeed::read`].
    pub fn read_to_patch(self, json: &str) -> Result<(Node, Shape), json::Error> {
        match WorkloadSeed::new(self.kind, self.sent_to) {
            Some(seed) => {
                let ProjectedWorkload { workload, shape } = seed.among(self.kinds).read(json)?;
                Ok((Node::Workload(Arc::new(workload)), shape))
            }
            None => Ok((self.read(json)?, Shape::default())),
        }
    }

    /// Reads an object.
    pub fn read_from<'a, C: Cursor<'a>>(self, cursor: &mut C) -> Node {
        let (kind, namespace) = (self.kind, self.sent_to);
        match kind.role() {
            Role::Autoscaler(scaler) => Node::Autoscaler(Arc::new(Autoscaler::read(cursor, kind, *scaler, self.kinds))),
            Role::Claim => Node::Claim(Arc::new(Claim::read(cursor))),
            Role::Class => Node::Class(Class::read(cursor)),
            Role::Driver => Node::Driver(Driver::read(cursor)),
            Role::Namespace => {
                let (name, facts) = NamespaceFacts::read(cursor);
                Node::Namespace(name, facts)
            }
            Role::Node => Node::ClusterNode(ClusterNode::read(cursor)),
            Role::Service => Node::Service(Arc::new(Service::read(cursor))),
            Role::Volume => Node::Volume(Volume::read(cursor)),
            Role::Workload(form) => {
                let seed = WorkloadSeed {
                    kind,
                    form,
                    kinds: self.kinds,
                    namespace,
                };
                Node::Workload(Arc::new(seed.read_from(cursor).workload))
            }
        }
    }
}
