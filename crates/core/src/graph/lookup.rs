//! The three answers a look-up may give.

/// What the graph knows of an object: it is there, it is not there, or nobody can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup<T> {
    Known(T),
    Absent,
    /// Not synced, stale, no permission, or outside the given files. Never a reason to deny.
    Unknown,
}

impl<T> Lookup<T> {
    /// Returns the object where it is known.
    #[must_use]
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent | Self::Unknown => None,
        }
    }

    /// Returns true where nobody can tell.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    /// Applies `f` to a known object.
    #[must_use]
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Lookup<U> {
        match self {
            Self::Known(value) => Lookup::Known(f(value)),
            Self::Absent => Lookup::Absent,
            Self::Unknown => Lookup::Unknown,
        }
    }
}
