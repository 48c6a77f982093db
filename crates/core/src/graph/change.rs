//! A change to the graph: what every admission request is.

use std::cell::OnceCell;
use std::fmt;
use std::sync::Arc;

use super::lookup::Lookup;
use super::names::{Name, ObjectRef};
use super::node::Node;
use super::overlay::Overlay;
use super::view::View;
use super::workload::{Shape, Workload};

/// One object of a namespace, before and after.
#[derive(Debug)]
pub struct Change<'a> {
    pub namespace: Name,
    pub operation: Operation,
    pub actor: Actor,
    /// A deletion that waits for nothing: `gracePeriodSeconds: 0`.
    pub forced: bool,
    /// The object that changes; for a `scale` request the parent.
    pub target: ObjectRef,
    pub states: States<'a>,
}

/// What is done to the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Create,
    Delete,
    Update,
}

/// Who does it, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// An autoscaler: nobody reads what it is told.
    Autoscaler,
    /// A garbage collector, the namespace controller, a kubelet, or the whole controller manager: its deletes follow
    /// from a decision made before, and refusing them wedges the cluster.
    Cleanup,
    User,
}

/// The object before and after.
#[derive(Debug)]
pub enum States<'a> {
    Object {
        before: Old<'a>,
        after: Option<Node>,
        /// What a patch of `after` may rely on.
        shape: Shape,
    },
    /// A `scale` request says nothing of its parent but the replicas.
    Scale { before: Option<u32>, after: u32 },
}

/// The old object: parsed only when something was found in the new one, so that the common request never pays.
pub struct Old<'a> {
    parse: Option<Box<dyn Fn() -> Option<Node> + Send + 'a>>,
    parsed: OnceCell<Option<Node>>,
}

impl<'a> Old<'a> {
    /// There was no object.
    #[must_use]
    pub fn none() -> Self {
        Self {
            parse: None,
            parsed: OnceCell::new(),
        }
    }

    /// There was one; `parse` makes its node, or nothing where it cannot be read.
    pub fn lazy(parse: impl Fn() -> Option<Node> + Send + 'a) -> Self {
        Self {
            parse: Some(Box::new(parse)),
            parsed: OnceCell::new(),
        }
    }

    /// The old node; `None` where there was none, or where it cannot be read ([`Old::is_unreadable`]).
    pub fn node(&self) -> Option<&Node> {
        self.parsed
            .get_or_init(|| self.parse.as_ref().and_then(|parse| parse()))
            .as_ref()
    }

    /// There was an object and it cannot be read: the state before is unknown.
    pub fn is_unreadable(&self) -> bool {
        self.parse.is_some() && self.node().is_none()
    }
}

/// The node of a workload with the pods that it borrows; any other as it is.
fn borrowing(node: Node, known: &View<'_>) -> Node {
    match &node {
        Node::Workload(workload) => match workload.template_of() {
            Some(lender) => {
                let borrower = Workload::clone(workload);
                Node::Workload(Arc::new(borrower.borrowing(known.workload(lender).known())))
            }
            None => node,
        },
        _ => node,
    }
}

impl fmt::Debug for Old<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.parse.is_some() { "Old(..)" } else { "Old(none)" })
    }
}

impl Change<'_> {
    /// The workload that is written, before and after, and what a patch of it may rely on; `None` where the object is
    /// no workload, or goes away.
    #[must_use]
    pub fn workload(&self) -> Option<(&Old<'_>, &Arc<Workload>, Shape)> {
        match &self.states {
            States::Object { before, after, shape } => Some((before, after.as_ref()?.workload()?, *shape)),
            States::Scale { .. } => None,
        }
    }

    /// Returns true where the target is a workload and the request holds it.
    #[must_use]
    pub fn is_of_workload(&self) -> bool {
        self.target.kind.is_workload() && matches!(self.states, States::Object { .. })
    }

    /// The target before the change; of a `scale` request the parent, which must be `known`. `None` where there was
    /// none, or where it cannot be read.
    #[must_use]
    pub fn before(&self, known: &View<'_>) -> Option<Node> {
        match &self.states {
            States::Object { before, .. } => before.node().cloned().map(|node| borrowing(node, known)),
            States::Scale { before, .. } => self.scaled(known, (*before)?),
        }
    }

    /// The target after the change; of a `scale` request the parent, which must be `known`. `None` where it goes away.
    #[must_use]
    pub fn after(&self, known: &View<'_>) -> Option<Node> {
        match &self.states {
            States::Object { after, .. } => after.clone().map(|node| borrowing(node, known)),
            States::Scale { after, .. } => self.scaled(known, *after),
        }
    }

    /// Lays the state after the change over `overlay`.
    pub fn lay_after(&self, known: &View<'_>, overlay: &mut Overlay) {
        self.lay(self.after(known), known, overlay);
    }

    /// Lays the state before the change over `overlay`: the request's own old object, never the cached one, which
    /// may lag or lead. Returns false where that state is not known.
    pub fn lay_before(&self, known: &View<'_>, overlay: &mut Overlay) -> bool {
        self.lay(self.before(known), known, overlay);
        match &self.states {
            States::Object { before, .. } => !before.is_unreadable(),
            States::Scale { before, .. } => before.is_some(),
        }
    }

    /// The workloads whose judgement may differ, by kind and name. `after` is the graph with the change.
    #[must_use]
    pub fn affected(&self, after: &View<'_>) -> Vec<ObjectRef> {
        match &self.states {
            States::Object { after: node, .. } => after.affected_by(&self.target, node.as_ref()),
            States::Scale { .. } => vec![self.target.clone()],
        }
    }

    fn lay(&self, node: Option<Node>, known: &View<'_>, overlay: &mut Overlay) {
        let lender = node.as_ref().and_then(Node::workload).map(AsRef::as_ref);
        for borrower in known.borrowers(&self.target) {
            if let Lookup::Known(workload) = known.workload(borrower) {
                let workload = workload.clone().borrowing(lender);
                overlay.lay(borrower.clone(), Some(Node::Workload(Arc::new(workload))));
            }
        }
        // Of a parent that is not known a `scale` request says nothing, least of all that it goes away.
        if node.is_some() || matches!(self.states, States::Object { .. }) {
            overlay.lay(self.target.clone(), node);
        }
    }

    fn scaled(&self, known: &View<'_>, replicas: u32) -> Option<Node> {
        let parent = known.workload(&self.target).known()?;
        Some(Node::Workload(Arc::new(parent.scaled(replicas))))
    }
}
