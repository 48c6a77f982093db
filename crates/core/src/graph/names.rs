//! Names of things: identities, references, and the time that is handed in.

use arcstr::ArcStr;

use super::kind::Kind;

/// A shared string behind one thin pointer: a node has some twenty. Nodes, indices and findings share one allocation a
/// name.
pub type Name = ArcStr;

/// Any object of the graph within the namespace that is judged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectRef {
    pub kind: Kind,
    pub name: Name,
}

impl ObjectRef {
    /// Names an object.
    #[must_use]
    pub fn new(kind: Kind, name: impl Into<Name>) -> Self {
        Self {
            kind,
            name: name.into(),
        }
    }
}

/// Milliseconds since some moment, the same for as long as the process lives, by a clock that is never set: reservations
/// grow old by it. Time is an argument: nothing in the core asks a clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The moment `millis` later.
    #[must_use]
    pub const fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}
