//! Facts of the whole cluster: classes, drivers, nodes, and what we are able to know.

use std::collections::BTreeMap;

use super::kind::Kind;
use super::kinds::Kinds;
use super::labels::Labels;
use super::lookup::Lookup;
use super::names::Name;
use super::version::Version;

/// One immutable picture of the cluster, swapped whole.
#[derive(Clone, Debug)]
pub struct Facts {
    pub classes: BTreeMap<Name, Class>,
    pub drivers: BTreeMap<Name, Driver>,
    /// Sorted by name.
    pub nodes: Vec<ClusterNode>,
    /// That of the API server; `None` where nobody says.
    pub version: Option<Version>,
    /// The kinds that there are.
    pub kinds: &'static Kinds,
    /// By the position of the kind in its table.
    knowledge: Box<[Knowledge]>,
    /// Another one after each change.
    edition: u64,
}

/// How far the objects of one kind are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knowledge {
    /// Every object is here: what is missing is absent.
    Complete,
    /// Some are here (files, a built-in example): what is missing is unknown.
    Partial,
    /// Not synced, stale or forbidden: nothing may be concluded, even from what is here.
    Unavailable,
}

/// A StorageClass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    pub name: Name,
    pub provisioner: Name,
    /// It makes a volume before the pod has a node, wherever it likes: `volumeBindingMode: Immediate`, and no
    /// `allowedTopologies`.
    pub immediate: bool,
    pub is_default: bool,
}

/// A CSIDriver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Driver {
    pub name: Name,
    /// `attachRequired`, true where unset.
    pub attach_required: bool,
    /// `seLinuxMount`: it mounts volumes by their SELinux label.
    pub selinux_mount: bool,
}

/// A Node of the cluster, which runs pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterNode {
    pub name: Name,
    pub labels: Labels,
}

impl Facts {
    /// Nothing is here, and every built-in kind is known so far.
    #[must_use]
    pub fn new(knowledge: Knowledge) -> Self {
        Self::of(Kinds::builtin(), knowledge)
    }

    /// Nothing is here, and each of these kinds is known so far.
    #[must_use]
    pub fn of(kinds: &'static Kinds, knowledge: Knowledge) -> Self {
        Self {
            kinds,
            classes: BTreeMap::new(),
            drivers: BTreeMap::new(),
            nodes: Vec::new(),
            version: None,
            knowledge: vec![knowledge; kinds.positions()].into(),
            edition: 0,
        }
    }

    /// The same only where these are the same facts of one graph.
    #[must_use]
    pub const fn edition(&self) -> u64 {
        self.edition
    }

    pub(super) fn next_edition(&mut self) {
        self.edition += 1;
    }

    /// How far objects of `kind` are known.
    #[must_use]
    pub fn knowledge(&self, kind: Kind) -> Knowledge {
        // A kind of another table is none that anything was said of.
        self.knowledge
            .get(kind.position())
            .copied()
            .unwrap_or(Knowledge::Unavailable)
    }

    /// Says how far objects of `kind` are known.
    pub fn set_knowledge(&mut self, kind: Kind, knowledge: Knowledge) {
        if let Some(known) = self.knowledge.get_mut(kind.position()) {
            *known = knowledge;
        }
    }

    /// Says which kinds there are. What is said anew of a kind is not known yet.
    pub(super) fn set_kinds(&mut self, kinds: &'static Kinds) {
        let mut knowledge = vec![Knowledge::Unavailable; kinds.positions()];
        for kind in self
            .kinds
            .iter()
            .filter(|kind| kinds.iter().any(|one| one.is_row_of(*kind)))
        {
            knowledge[kind.position()] = self.knowledge(kind);
        }
        self.kinds = kinds;
        self.knowledge = knowledge.into();
    }

    /// Turns what was found, or not, of `kind` into a three-valued answer.
    #[must_use]
    pub fn answer<T>(&self, kind: Kind, found: Option<T>) -> Lookup<T> {
        match (self.knowledge(kind), found) {
            (Knowledge::Unavailable, _) | (Knowledge::Partial, None) => Lookup::Unknown,
            (_, Some(found)) => Lookup::Known(found),
            (Knowledge::Complete, None) => Lookup::Absent,
        }
    }

    /// The node of this name.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&ClusterNode> {
        let position = self.nodes.binary_search_by(|node| (*node.name).cmp(name)).ok()?;
        self.nodes.get(position)
    }

    /// Puts a node in, or in the place of its former self.
    pub fn insert_node(&mut self, node: ClusterNode) {
        match self.nodes.binary_search_by(|other| other.name.cmp(&node.name)) {
            Ok(position) => self.nodes[position] = node,
            Err(position) => self.nodes.insert(position, node),
        }
    }

    /// The default class: of several the newest counts in Kubernetes; here any, for they rarely differ in kind.
    #[must_use]
    pub fn default_class(&self) -> Option<&Class> {
        self.classes.values().find(|class| class.is_default)
    }
}
